/**
 * Sees that a model server has gone silent, and finds out whether it is down or only slow (R-C7).
 *
 * talking --silenceMs without a byte--> asking --it answers its health check--> loading (people are told; the check goes on)
 *                                       asking | loading --no answer--> gone (people are told, the attempt fails)
 * asking | loading --a byte--> talking (people are told); any --stop--> stopped
 */
import { ModelFailure } from "./model-failure.ts";

export interface SilenceWatch {
  /** A byte has come. Called for every chunk, so it must cost next to nothing. */
  heard: () => void;
  /** Silence is our own doing for now (the controller does not keep up); `heard` ends it. */
  pause: () => void;
  stop: () => void;
}

export interface SilenceSettings {
  silenceMs: number;
  /** @returns does the server answer? Ends by itself within 2 s. */
  probe: () => Promise<boolean>;
  status: (state: "loading" | "waiting" | "running", detail: string) => void;
  gone: (failure: ModelFailure) => void;
  clock?: Clock;
}

interface Timer {
  refresh: () => unknown;
}
export interface Clock {
  setTimeout: (callback: () => void, ms: number) => Timer;
  clearTimeout: (timer: Timer) => void;
}

/** A server that is well answers its check much faster; people hear of the silence by then in any case. */
const patienceMs = 250;

const system: Clock = {
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

export function watchSilence({ silenceMs, probe, status, gone, clock = system }: SilenceSettings): SilenceWatch {
  const silent = `has not answered for ${silenceMs / 1000} s`;
  let state: "talking" | "asking" | "loading" | "stopped" = "talking";
  let told = false;
  let paused = false;
  /** Which silence is asked about, so that a late answer to an earlier check is not taken for this one's. */
  let round = 0;

  const tellWaiting = (): void => {
    told = true;
    status("waiting", `The model ${silent}; asking its server whether it is up`);
  };

  const ask = async (): Promise<void> => {
    if (paused) {
      timer.refresh();
      return;
    }
    const asked = ++round;
    if (state === "talking") state = "asking";
    const patience = state === "asking" ? clock.setTimeout(tellWaiting, patienceMs) : null;
    const up = await probe();
    if (patience) clock.clearTimeout(patience);
    if (asked !== round) return;
    if (up) {
      if (state === "asking") status("loading", `The model ${silent}; the server is up, it may be loading the model`);
      state = "loading";
      told = true;
      timer.refresh();
      return;
    }
    if (!told || state === "loading") tellWaiting();
    gone(new ModelFailure(`The model server ${silent} and does not answer its health check`, true));
  };

  const timer = clock.setTimeout(() => void ask(), silenceMs);

  return {
    heard() {
      if (state === "stopped") return;
      paused = false;
      if (state !== "talking") {
        round++;
        state = "talking";
        if (told) status("running", "The model goes on");
        told = false;
      }
      timer.refresh();
    },
    pause() {
      paused = true;
    },
    stop() {
      round++;
      state = "stopped";
      clock.clearTimeout(timer);
    },
  };
}
