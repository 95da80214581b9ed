import { Refusal } from "@skep/protocol/errors";
import type { PermissionOption } from "@skep/protocol";
import type { GroupCommit } from "../store/group-commit.ts";
import type { DecidePermission, StoredPermission } from "../store/permission.ts";
import type { Store } from "../store/store.ts";
import type { Time } from "../time.ts";
import { cut, partId } from "./fit-part.ts";
import type { PendingTurns } from "./pending-turns.ts";
import type { PermissionWait, Place, ReportError, Turn, TurnSettings, Workers } from "./turn.ts";

/** What a bot asks, as it comes from its worker. */
export interface PermissionRequest {
  id: string;
  title: string;
  detail?: string | undefined;
  part?: string | undefined;
  /** Milliseconds after which the bot takes it as refused. */
  limitMs?: number | undefined;
  options: readonly PermissionOption[];
}

/** Questions of one attempt that may wait at a time; one more is rejected at once. */
const mostWaits = 50;
/** Questions of one attempt in all: each is a row. */
const mostAsked = 1000;
const mostOptions = 20;
const longestTitle = 500;
const longestDetail = 32 * 1024;
const longestLabel = 200;
const storeRetryMs = 1000;

export interface PermissionsOptions {
  store: Pick<Store, "generation" | "pendingPermissions">;
  commit: Pick<GroupCommit, "add">;
  time: Pick<Time, "now" | "after">;
  workers: Pick<Workers, "settings">;
  pending: PendingTurns;
  onError: ReportError;
}

/**
 * Requests for permission of turns under way (P1-P4). They are rows first: an attempt waits for a row, and whatever becomes of the attempt, the row
 * stays pending until somebody decides, its time is over, or the turn ends.
 */
export class Permissions {
  readonly #o: PermissionsOptions;
  #stopped = false;

  constructor(options: PermissionsOptions) {
    this.#o = options;
  }

  /** Takes up the rows that an earlier run has left. Their turns have been taken up before. */
  async recover(): Promise<void> {
    for (const stored of await this.#o.store.pendingPermissions(null)) {
      const turn = this.#o.pending.get(stored.turn);
      if (turn && turn.phase !== "closing") this.#hold(turn, stored);
    }
  }

  /** The attempt asks, and waits from now on. */
  ask(turn: Turn, settings: TurnSettings, asked: PermissionRequest): void {
    const { token } = turn;
    const options = cleanOptions(asked.options);
    const request = asked.id;
    if (++turn.questions > mostAsked || turn.waits.length >= mostWaits || options.length === 0) {
      turn.place?.decide(token, request, null);
      return;
    }
    const wait: PermissionWait = {
      request,
      title: cut(asked.title, longestTitle),
      detail: cut(asked.detail ?? "", longestDetail),
      id: null,
    };
    const at = this.#o.time.now();
    if (turn.waits.length === 0) turn.waitingSince = at;
    turn.waits.push(wait);
    this.#o.commit
      .add({
        op: "ask-permission",
        turn: turn.number,
        generation: this.#o.store.generation,
        token,
        request,
        title: wait.title,
        detail: wait.detail,
        part: asked.part === undefined ? null : partId(asked.part),
        options,
        policy: policyOf(settings.permissions, options),
        at,
        // A bot that waits for less long is not asked about later.
        expiresAt: at + Math.min(settings.permissionMs, Math.max(0, asked.limitMs ?? settings.permissionMs)),
      })
      .then(
        (answer) => {
          if (!answer.ok) return this.#answer(turn, token, wait, null);
          const { permission } = answer;
          wait.id = permission.id;
          if (permission.state === "pending") {
            if (this.#o.pending.get(turn.number) !== turn) return this.#answer(turn, token, wait, null);
            this.#hold(turn, permission);
            turn.announced = true;
            turn.active.state(turn.encodedState());
          } else {
            this.#release(turn, permission.id);
            this.#answer(turn, token, wait, permission.option);
          }
          turn.active.permission(permission);
        },
        (error: unknown) => {
          this.#o.onError("permission-not-stored", { turn: turn.name, conversation: turn.active.publicId, reason: String(error) });
          this.#answer(turn, token, wait, null);
        },
      );
  }

  /** Durable first, then told to the bot and to everyone who reads. @throws Refusal `state_conflict` when it was settled before. */
  async decide(stored: StoredPermission, person: string, option: string): Promise<StoredPermission> {
    if (!stored.options.some(({ id }) => id === option)) {
      const names = stored.options.map(({ id }) => `"${id}"`).join(", ");
      throw new Refusal("field_invalid", `"option": there is no option "${option.slice(0, 100)}"; there are ${names}`, { field: "option" });
    }
    const decided = await this.#settle(stored, { state: "decided", option, how: "person", by: person });
    if (decided instanceof Refusal) throw decided;
    return decided;
  }

  async #settle(
    { id, turn: number, title, detail }: StoredPermission,
    decision: Pick<DecidePermission, "state" | "option" | "how" | "by">,
  ): Promise<StoredPermission | Refusal> {
    const turn = this.#o.pending.get(number);
    // Also while the question is on its way to the store, where it takes up this row.
    const told =
      turn?.waits.some((wait) => wait.id === id || (wait.id === null && wait.title === title && wait.detail === detail)) ?? false;
    const answer = await this.#o.commit.add({ op: "decide-permission", id, ...decision, told, at: this.#o.time.now() });
    if (turn) this.#release(turn, id);
    if (!answer.ok) return new Refusal(answer.code, answer.detail);
    if (turn) {
      const wait = turn.waits.find((one) => one.id === id);
      if (wait) this.#answer(turn, turn.token, wait, decision.option);
      turn.active.permission(answer.permission);
    }
    return answer.permission;
  }

  #hold(turn: Turn, stored: StoredPermission): void {
    this.#release(turn, stored.id);
    if (this.#stopped) return;
    turn.permissions ??= new Map();
    const takeBackExpiry = this.#expireAfter(turn, stored, Math.max(0, stored.expiresAt - this.#o.time.now()));
    turn.permissions.set(stored.id, { stored, takeBackExpiry });
  }

  #expireAfter(turn: Turn, stored: StoredPermission, ms: number): () => void {
    return this.#o.time.after(ms, () => {
      this.#settle(stored, { state: "expired", option: null, how: "expiry", by: null }).catch((error: unknown) => {
        this.#o.onError("permission-not-stored", { turn: turn.name, conversation: turn.active.publicId, reason: String(error) });
        const held = turn.permissions?.get(stored.id);
        if (held && !this.#stopped) held.takeBackExpiry = this.#expireAfter(turn, stored, storeRetryMs);
      });
    });
  }

  #release(turn: Turn, id: number): void {
    turn.permissions?.get(id)?.takeBackExpiry();
    turn.permissions?.delete(id);
  }

  /** Tells the attempt that asked, if it is still there. */
  #answer(turn: Turn, token: string, wait: PermissionWait, option: string | null): void {
    const index = turn.waits.indexOf(wait);
    if (index < 0 || turn.token !== token) return;
    turn.waits.splice(index, 1);
    turn.place?.decide(token, wait.request, option);
    if (turn.waits.length > 0) return;
    // Time that people took does not count as the bot's.
    const waited = this.#o.time.now() - turn.waitingSince;
    turn.startedAt += waited;
    turn.begunAt += waited;
    if (turn.announced) turn.active.state(turn.encodedState());
  }

  /** The attempt ends, or is taken away; its worker is told where it still listens. The rows wait for the next attempt, or for the end of the turn. */
  attemptOver(turn: Turn, listening: Place | null): void {
    if (turn.waits.length === 0) return;
    for (const { request } of turn.waits) listening?.decide(turn.token, request, null);
    turn.waits = [];
  }

  /** The turn has ended in the store, and its pending rows with it. */
  turnEnded(turn: Turn, at: number): void {
    if (!turn.permissions) return;
    for (const [id, { stored }] of turn.permissions) {
      this.#release(turn, id);
      turn.active.permission({ ...stored, state: "withdrawn", decidedAt: at });
    }
  }

  /** The turn is out of memory. */
  forget(turn: Turn): void {
    if (!turn.permissions) return;
    for (const id of turn.permissions.keys()) this.#release(turn, id);
  }

  /** Nothing expires any more in this run. */
  stop(): void {
    this.#stopped = true;
    for (const turn of this.#o.pending) this.forget(turn);
  }
}

/** null: people decide. An option that fits the policy for this one time is taken before one that counts for later, too. */
function policyOf(policy: TurnSettings["permissions"], options: readonly PermissionOption[]): { option: string | null } | null {
  if (policy === "ask") return null;
  const fitting = options.filter(({ effect }) => effect === policy);
  const chosen = fitting.find(({ always }) => !always) ?? fitting[0];
  if (chosen) return { option: chosen.id };
  return policy === "reject" ? { option: null } : null;
}

/** Ids are the bot's own and go back to it: an option whose id cannot be kept as it is, or is there twice, is left out. */
function cleanOptions(options: readonly PermissionOption[]): PermissionOption[] {
  const clean: PermissionOption[] = [];
  for (const { id, label, effect, always } of options) {
    if (id === "" || id.length > 200 || !id.isWellFormed() || clean.some((one) => one.id === id)) continue;
    clean.push({ id, label: cut(label, longestLabel), effect, always });
  }
  return clean.slice(0, mostOptions);
}
