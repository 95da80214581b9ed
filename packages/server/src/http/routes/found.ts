import type { FoundModels } from "../../operations/found-models.ts";
import type { Route } from "../route.ts";
import { route } from "../route.ts";
import { foundModelsShape } from "../shapes.ts";

export const foundRoutes = (findModels: () => Promise<FoundModels>): Route[] => [
  route({
    method: "GET",
    path: "/api/found",
    summary: "Looks for model servers on this machine (Ollama, LM Studio, llama.cpp, vLLM), and lists their models; takes a second at most",
    // Whoever may add bots: it tells what runs on this machine.
    permission: "bots.manage",
    status: 200,
    response: foundModelsShape,
    handler: () => findModels(),
  }),
];
