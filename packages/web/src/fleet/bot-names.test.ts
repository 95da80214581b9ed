import { expect, test } from "vitest";
import { freeName, nameOfModel, sizeOf } from "./bot-names.ts";

test.each([
  ["llama3.2:latest", "llama3-2"],
  ["qwen3:0.6b", "qwen3-0-6b"],
  ["hf.co/someone/Llama-3.2-1B-GGUF:Q4_K_M", "Llama-3-2-1B-GGUF-Q4_K_M"],
  ["模型", "model"],
  ["a".repeat(100), "a".repeat(64)],
])("the model %s makes a bot named %s", (model, name) => {
  expect(nameOfModel(model)).toBe(name);
  expect(name).toMatch(/^[\w-]{1,64}$/);
});

test("a name that is taken gets a number, and stays short enough", () => {
  expect(freeName("llama", new Set())).toBe("llama");
  expect(freeName("llama", new Set(["llama", "llama-2"]))).toBe("llama-3");
  expect(freeName("a".repeat(64), new Set(["a".repeat(64)]))).toBe(`${"a".repeat(62)}-2`);
});

test("sizes are said as people say them", () => {
  expect([2_019_393_189, 274_302_450, 1].map(sizeOf)).toEqual(["2.0 GB", "274 MB", "1 MB"]);
});
