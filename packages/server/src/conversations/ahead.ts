/**
 * Turns given ahead: where a bot takes several turns of a conversation, they are handed to the worker that has the ones before them. It works on
 * them one after the other (B2), and a way there and back is saved for each. Only for first attempts that may be repeated.
 */
import type { ActiveConversation } from "./active.ts";
import type { Place, Turn, Workers } from "./turn.ts";

/** Hands on what may be given behind the conversation's first turn, in the order of the turns. */
export function giveAhead(active: ActiveConversation, workers: Pick<Workers, "settings">, start: (turn: Turn, place: Place) => void): void {
  const { turns } = active;
  for (let i = 1; i < turns.length; i++) {
    const [before, turn] = [turns[i - 1], turns[i]];
    if (!before || !turn || turn.phase === "running") continue;
    if (before.phase !== "running" || turn.phase !== "queued" || turn.text === null || turn.tries > 0) return;
    const settings = workers.settings(turn.bot);
    if (active.lettingGo > 0 || settings?.delivery !== "at-least-once") return;
    // A turn that kills its worker may take the answers of those before it along: those need an attempt left.
    if (settings.attempts === 1 || turn.alone) return;
    const place = before.bot === turn.bot && before.lane?.takesAhead ? before.place?.next() : null;
    if (!place) return;
    turn.lane = before.lane;
    start(turn, place);
  }
}

/** What was given ahead behind a turn that is to be tried again is taken back: the order of the answers stays that of the messages (B2). */
export function takeBackBehind(turn: Turn, takeAway: (turn: Turn) => void): void {
  for (const other of turn.active.turns) {
    if (other === turn || other.phase !== "running") continue;
    takeAway(other);
    if (other.stream) turn.active.streamEnded(other.stream, "interrupted");
    other.stream = null;
    other.phase = "queued";
    other.baseAttempt = other.attempt;
    // Perhaps it was the one that killed the worker: not again beside others.
    other.alone = true;
  }
}
