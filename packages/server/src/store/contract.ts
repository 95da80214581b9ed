/**
 * What every store must do, written on the `Store` interface alone (D3): a file for each group of promises, in `contract/`. A store
 * passes when its test file runs this suite on it. Each test makes its own conversations and people, so one open store serves many.
 */
import { describe } from "vitest";
import { acknowledgementContract } from "./contract/acknowledgement.ts";
import { anyTextContract } from "./contract/any-text.ts";
import { botAndCredentialContract } from "./contract/bots-and-credentials.ts";
import { conversationContract } from "./contract/conversations.ts";
import { draftContract } from "./contract/drafts.ts";
import { historyContract } from "./contract/history.ts";
import { lifeContract } from "./contract/life.ts";
import { orderContract } from "./contract/order.ts";
import { partContract } from "./contract/parts.ts";
import { permissionContract } from "./contract/permissions.ts";
import { randomBatchContract } from "./contract/random-batches.ts";
import { searchContract } from "./contract/search.ts";
import { turnContract } from "./contract/turns.ts";
import { workbench } from "./contract/workbench.ts";
import type { StoreUnderTest } from "./contract/workbench.ts";

export type { StoreUnderTest } from "./contract/workbench.ts";

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`store contract: ${name}`, () => {
    const bench = workbench(open);
    orderContract(bench);
    acknowledgementContract(bench);
    turnContract(bench);
    partContract(bench);
    draftContract(bench);
    historyContract(bench);
    anyTextContract(bench);
    conversationContract(bench);
    searchContract(bench);
    botAndCredentialContract(bench);
    permissionContract(bench);
    lifeContract(bench);
    randomBatchContract(bench);
  });
}
