import { describe, expect, test } from "vitest";
import { explainAnthropic, streamReader, wholeReader } from "./anthropic.ts";
import { ModelFailure } from "./model-failure.ts";

const eventOf = (value: { type: string }): string => `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
const text = (piece: string) => ({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: piece } });
const ended = (reason: string) => ({ type: "message_delta", delta: { stop_reason: reason }, usage: {} });

/** What was read, and how it ended. */
function read(...values: { type: string }[]): { text: string; failure?: ModelFailure; complete: boolean } {
  const reader = streamReader("claude");
  let said = "";
  try {
    for (const value of values) {
      reader.push(
        eventOf(value),
        (piece) => (said += piece),
        () => {},
      );
    }
    if (!reader.complete) reader.end(() => {});
    if (said === "") throw reader.emptiness();
  } catch (error) {
    if (error instanceof ModelFailure) return { text: said, failure: error, complete: reader.complete };
    throw error;
  }
  return { text: said, complete: reader.complete };
}

test("events that a newer server may say are left alone", () => {
  expect(read({ type: "message_start" }, { type: "news" }, text("a"), ended("end_turn"), { type: "message_stop" })).toEqual({
    text: "a",
    complete: true,
  });
});

test.each(["end_turn", "max_tokens", "stop_sequence", "pause_turn"])("%s ends an answer that has a text", (reason) => {
  expect(read(text("a"), ended(reason), { type: "message_stop" })).toEqual({ text: "a", complete: true });
});

test("without message_stop the reason to end is enough; without either the answer was cut short", () => {
  expect(read(text("a"), ended("end_turn")).failure).toBeUndefined();
  expect(read(text("a")).failure).toMatchObject({ retry: true, message: expect.stringContaining("in the middle") });
});

test.each([
  ["overloaded_error", true],
  ["rate_limit_error", true],
  ["api_error", true],
  ["something_new", true],
  ["invalid_request_error", false],
  ["authentication_error", false],
  ["billing_error", false],
])("[R-C7] %s in the stream: said with its text, retry %s", (type, retry) => {
  const { failure } = read(text("a"), { type: "error", error: { type, message: "No luck" } } as { type: string });
  expect(failure).toMatchObject({ retry, message: `The model server reports: ${type}: No luck` });
});

test.each([
  ["refusal", false, /declined/],
  ["max_tokens", true, /used up all its tokens/],
  ["model_context_window_exceeded", false, /contextTokens/],
  ["end_turn", true, /empty answer/],
])("%s without a text: a clear reason, retry %s", (reason, retry, said) => {
  expect(read(ended(reason), { type: "message_stop" }).failure).toMatchObject({ retry, message: expect.stringMatching(said) });
});

test("what a model has said before it refuses is not an answer", () => {
  expect(read(text("Well, "), ended("refusal")).failure).toMatchObject({ retry: false, message: expect.stringContaining("declined") });
});

describe("a body that is not streamed", () => {
  const whole = (value: unknown): string => {
    const reader = wholeReader("claude");
    let said = "";
    reader.push(
      JSON.stringify(value),
      () => {},
      () => {},
    );
    reader.end((piece) => (said += piece));
    return said;
  };

  test("its text blocks are the answer", () => {
    const content = [
      { type: "thinking", thinking: "hm" },
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ];
    expect(whole({ type: "message", content, stop_reason: "end_turn" })).toBe("ab");
  });

  test("errors and nonsense are told apart", () => {
    expect(() => whole({ type: "error", error: { type: "api_error", message: "Oh" } })).toThrow("api_error: Oh");
    expect(() => whole([1])).toThrow("not what its protocol says");
  });
});

test("404: a model that is not there, or an address that is wrong", () => {
  const options = { model: "claude", apiKeyEnv: "", baseUrl: "http://host/v1" };
  const missing = JSON.stringify({ type: "error", error: { type: "not_found_error", message: "model: claude" } });
  expect(explainAnthropic(404, missing, options, "http://host").message).toContain('The model "claude" is not on this server');
  expect(explainAnthropic(404, "<h1>", options, "http://host").message).toBe(
    'There is no /v1/v1/messages at http://host (404); the baseUrl is the part before "/v1"',
  );
});
