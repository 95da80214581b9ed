import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { WorkerEvent, WorkerState } from "./worker-state.ts";
import { move, workerEvents, workerStates } from "./worker-state.ts";

/** A worker with what is around it: a process, a pause that runs, and what was asked for last. */
class Model {
  state: WorkerState = "stopped";
  process = false;
  pausing = false;
  wanted: "running" | "stopped" = "stopped";
  /** The policy has ended it by itself since it was last asked to start. */
  givenUp = false;

  /** Events that the world around it can bring now; stop and start always can. */
  possible(event: WorkerEvent): boolean {
    if (event === "start" || event === "stop") return true;
    return event === "pause-over" ? this.pausing : this.process;
  }

  run(event: WorkerEvent): void {
    const ended = event.startsWith("ended-");
    if (ended) this.process = false;
    if (event === "pause-over") this.pausing = false;
    if (event === "start") [this.wanted, this.givenUp] = ["running", false];
    if (event === "stop") this.wanted = "stopped";
    const next = move(this.state, event);
    if (!next) return;
    // Timers belong to a state: leaving it takes them back.
    this.pausing = false;
    if (event === "ended-for-good" || event === "ended-failed") this.givenUp = next.to === "stopped" || next.to === "failed";
    this.state = next.to;
    if (next.action === "launch") {
      expect(this.process, "never two processes").toBe(false);
      this.process = true;
    }
    if (next.action === "pause") this.pausing = true;
    if (next.action === "kill" || next.action === "ask-to-end") expect(this.process, "only what is there is ended").toBe(true);
  }

  check(): void {
    const withProcess: WorkerState[] = ["starting", "ready", "login-needed", "hung", "stopping", "restarting"];
    expect(this.process).toBe(withProcess.includes(this.state));
    expect(this.pausing).toBe(this.state === "backoff");
    if (this.wanted === "stopped") expect(["stopped", "stopping"]).toContain(this.state);
    else if (!this.givenUp) expect(["stopped", "stopping", "failed"]).not.toContain(this.state);
  }
}

const events = fc.array(fc.constantFrom(...workerEvents), { maxLength: 40 });

const after = (list: readonly WorkerEvent[]): Model => {
  const model = new Model();
  for (const event of list) {
    if (!model.possible(event)) continue;
    model.run(event);
    model.check();
  }
  return model;
};

test("[B6] whatever happens, a worker has one process or none as its state says, and the last that was asked for holds", () => {
  fc.assert(
    fc.property(events, (list) => void after(list)),
    { numRuns: 2000 },
  );
});

test("[B6] from everywhere a start leads to ready, once processes end and bots say hello", () => {
  fc.assert(
    fc.property(events, (list) => {
      const model = after(list);
      model.run("start");
      for (let steps = 0; model.state !== "ready" && steps < 5; steps++) {
        const next = (["pause-over", "signed-in", "hello", "ended-again"] as const).find(
          (event) => model.possible(event) && move(model.state, event),
        );
        model.run(next ?? "start");
        model.check();
      }
      expect(model.state).toBe("ready");
    }),
    { numRuns: 2000 },
  );
});

test("[B6] every state can be reached, and no event is without an answer in any", () => {
  const seen = new Set<WorkerState>(["stopped"]);
  for (const state of seen) {
    for (const event of workerEvents) {
      const next = move(state, event);
      expect(next).not.toBeUndefined();
      if (next) seen.add(next.to);
    }
  }
  expect([...seen].toSorted()).toEqual(workerStates.toSorted());
});
