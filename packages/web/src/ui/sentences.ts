/** What the page says about states, in one place. */
import type { ConnectionState, PendingSend, TurnView } from "@skep/client";
import type { Bot } from "@skep/protocol";

export function turnSentence(turn: TurnView | undefined, bot: string, online: boolean): string {
  if (!online) return "Goes on when the connection is back";
  switch (turn?.state) {
    case undefined:
      return `${bot} is writing…`;
    case "running":
      return turn.attempt > 1 ? `${bot} is writing, try ${turn.attempt} of ${turn.attempts}…` : `${bot} is writing…`;
    case "queued":
      return `Waiting for ${bot}…`;
    case "waiting":
      return `${bot} waits for your decision`;
    case "loading":
      return turn.reason || "The model is loading…";
    case "retrying":
      return `Interrupted, trying again (${turn.attempt} of ${turn.attempts})${turn.reason ? `: ${turn.reason}` : ""}`;
    case "completed":
    case "cancelled":
    case "failed":
      return "";
  }
}

export function pendingSentence({ state, error }: PendingSend, online: boolean): string {
  switch (state) {
    case "sending":
      return "Sending…";
    case "accepted":
      return "";
    case "queued":
      return "Safe on the server, waiting for its database";
    case "failed":
      return `Not sent: ${error?.detail ?? "refused"}`;
    case "waiting":
      if (error) return `Waiting: ${error.detail}`;
      return online ? "Waiting to be sent" : "Waiting for a connection";
  }
}

/** @returns null when there is nothing to say */
export function connectionSentence(state: ConnectionState, wasOpen: boolean): string | null {
  switch (state.name) {
    case "idle":
    case "open":
    case "closed":
      return null;
    // One sentence for both: a try at a server that is away is over in a blink, and the line would flicker.
    case "waiting":
    case "connecting":
      if (state.tries === 0 && !wasOpen) return null;
      return wasOpen ? "Connection lost, retrying…" : "No connection yet, retrying…";
    case "authenticating":
      return wasOpen ? "Reconnecting…" : null;
    case "refused":
      return state.reason || "The server has closed the connection.";
  }
}

export const stateWords: Record<Bot["state"], string> = {
  ready: "ready",
  starting: "starting",
  "login-needed": "sign-in needed",
  hung: "being replaced",
  backoff: "restarting",
  failed: "failed",
  stopping: "stopping",
  stopped: "stopped",
};

export const botStateSentence = (bot: Bot): string =>
  bot.reason && bot.state !== "ready" ? `${stateWords[bot.state]}: ${bot.reason}` : stateWords[bot.state];

export const isBusy = (bot: Bot): boolean => bot.state === "ready" && bot.running > 0;

/** Where the figures of a bot are fresh (`useFreshBots`): also whether it is at work. */
export const botWorkSentence = (bot: Bot): string => (isBusy(bot) ? "busy" : botStateSentence(bot));
