import type { Turns } from "../conversations/turns.ts";
import type { Lane, Place, TurnRequest, TurnSettings, Workers } from "../conversations/turn.ts";
import type { Random } from "./random.ts";
import type { SimulatedTime } from "./simulated-time.ts";

export interface BotFaults {
  crash: number;
  failure: number;
  silence: number;
  /** For each turn that is assigned: a worker goes for a while, or all of the bot. */
  absence: number;
}

/** One worker. */
interface Worker extends Lane {
  open: boolean;
  used: number;
}

interface Team {
  list: Worker[];
  next: number;
  down: string | null;
}

/** Requests for permission without an answer -> goes on when there is one. */
type Waits = Map<string, () => void>;

interface Line {
  worker: Worker;
  turns: number;
  working: boolean;
  waiting: (() => void)[];
}

const options = [
  { id: "yes", label: "Yes", effect: "allow", always: false },
  { id: "no", label: "No", effect: "reject", always: false },
] as const;

/**
 * Bots of one life: they stream, think, use tools, ask for permission, answer, fail, die in the middle and go silent. `settings` are shared by all.
 * Records what the rules forbid: two turns of one conversation at a time (B2), an at-most-once turn given twice (B3).
 */
export class SimulatedBots implements Workers {
  readonly broken: string[] = [];
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #faults: BotFaults;
  readonly #settings: TurnSettings;
  readonly #history: boolean;
  readonly #places: number;
  readonly #ahead: number;
  readonly #given: Map<string, number>;
  readonly #dealt: boolean;
  readonly #teams = new Map<string, Team>();
  readonly #working = new Map<string, string>();
  /** What happens to an attempt in work when its worker dies, by its token. */
  readonly #dies = new Map<string, { worker: Worker; die: (company: number) => void }>();
  turns: Turns | null = null;

  constructor(options: {
    time: SimulatedTime;
    random: Random;
    faults: BotFaults;
    settings: TurnSettings;
    history: boolean;
    /** Of each of the three workers of a bot. */
    places: number;
    /** Do turns wait for a certain worker, or for any? */
    dealt: boolean;
    /** Turns of one conversation that a worker takes before it has answered the first. */
    ahead: number;
    /** Turn -> how often it was given, over all lives. */
    given: Map<string, number>;
  }) {
    this.#time = options.time;
    this.#random = options.random;
    this.#faults = options.faults;
    this.#settings = options.settings;
    this.#history = options.history;
    this.#places = options.places;
    this.#dealt = options.dealt;
    this.#ahead = options.ahead;
    this.#given = options.given;
  }

  settings(): TurnSettings {
    return this.#settings;
  }

  down(bot: string): string | null {
    return this.#team(bot).down;
  }

  up(bot: string): boolean {
    return this.#team(bot).down === null;
  }

  assign(bot: string): Lane | null {
    const team = this.#team(bot);
    if (this.#random.chance(this.#faults.absence)) this.#leave(bot, this.#random.chance(0.3) ? team.list : [this.#random.pick(team.list)]);
    for (let i = 0; i < team.list.length; i++) {
      const worker = team.list[team.next++ % team.list.length] as Worker;
      if (worker.open && (this.#dealt || worker.used < this.#places)) return worker;
    }
    return null;
  }

  #team(bot: string): Team {
    let team = this.#teams.get(bot);
    if (!team) {
      const worker = (): Worker => {
        const made: Worker = {
          open: true,
          get takesAhead() {
            return made.open;
          },
          used: 0,
          waiting: 0,
          failed: () => {},
          place: () => {
            if (made.used >= this.#places) return null;
            made.used++;
            return this.#enter(bot, { worker: made, turns: 0, working: false, waiting: [] });
          },
        };
        return made;
      };
      team = { list: [0, 1, 2].map(() => worker()), next: 0, down: null };
      this.#teams.set(bot, team);
    }
    return team;
  }

  /** For a while; what they work on goes on. */
  #leave(bot: string, workers: readonly Worker[]): void {
    const team = this.#team(bot);
    for (const worker of workers) worker.open = false;
    if (workers.length > 1) team.down = "all of them crashed";
    this.turns?.roomFor(bot);
    this.#time.after(this.#random.between(0, 1000), () => {
      for (const worker of workers) worker.open = true;
      team.down = null;
      this.turns?.roomFor(bot);
    });
  }

  /** Turns of one conversation may stand in line at one worker. */
  #enter(bot: string, line: Line): Place {
    line.turns++;
    let taken = true;
    let cancelled = false;
    let given = false;
    const waits: Waits = new Map();
    const free = (): void => {
      if (!taken) return;
      taken = false;
      if (--line.turns === 0) line.worker.used--;
      this.turns?.roomFor(bot);
    };
    return {
      context: this.#history ? "history" : "message",
      give: (request) => {
        if (this.#random.chance(this.#faults.crash / 4)) {
          free();
          return false;
        }
        given = true;
        const work = (): void => {
          if (cancelled) this.#nextInLine(line);
          else this.#work(request, () => cancelled, free, line, waits);
        };
        if (line.working) line.waiting.push(work);
        else {
          line.working = true;
          work();
        }
        return true;
      },
      release: () => {
        if (!given) free();
      },
      decide: (_token, request) => {
        const goOn = waits.get(request);
        if (!goOn) this.broken.push(`[P4] ${request} was answered twice, or never asked`);
        waits.delete(request);
        goOn?.();
      },
      next: () => (this.#history || line.turns >= this.#ahead ? null : this.#enter(bot, line)),
      cancel: (token, graceMs, onLetGo) => {
        cancelled = true;
        this.#time.after(this.#random.between(0, graceMs), () => {
          for (const [conversation, working] of this.#working) {
            if (working !== token) continue;
            this.#working.delete(conversation);
            this.#nextInLine(line);
          }
          free();
          onLetGo();
        });
      },
    };
  }

  #part(token: string): void {
    const id = this.#random.pick(["a", "b", "c"]);
    const text = this.#random.pick(["hm 🐝", "蜂", "x".repeat(300)]);
    const state = this.#random.pick(["running", "completed"] as const);
    if (this.#random.chance(0.5)) this.turns?.attempts.thought(token, `t${id}`, text);
    else this.turns?.attempts.part(token, { type: "tool", id, title: "Count", tool: "execute", state, output: text });
  }

  /** One process works on all of them: it takes the others along. */
  #die(worker: Worker): void {
    const together = [...this.#dies.values()].filter((one) => one.worker === worker);
    for (const { die } of together) die(together.length);
  }

  #nextInLine(line: Line): void {
    const next = line.waiting.shift();
    if (next) next();
    else line.working = false;
  }

  #work(request: TurnRequest, cancelled: () => boolean, free: () => void, line: Line, waits: Waits): void {
    const turn = request.token.split(".")[0] ?? "";
    const times = (this.#given.get(turn) ?? 0) + 1;
    this.#given.set(turn, times);
    if (times > 1 && this.#settings.delivery === "at-most-once") this.broken.push(`[B3] ${turn} was given ${times} times`);
    const other = this.#working.get(request.conversation);
    if (other !== undefined) this.broken.push(`[B2] ${request.token} while ${other} in ${request.conversation}`);
    this.#working.set(request.conversation, request.token);
    const end = (say: () => void): void => {
      if (cancelled()) return;
      this.#working.delete(request.conversation);
      this.#dies.delete(request.token);
      free();
      say();
      this.#nextInLine(line);
    };
    let dead = false;
    const die = (company: number): void => {
      dead = true;
      end(() => this.turns?.attempts.failed(request.token, { reason: "died", retry: true, lost: true, company }));
    };
    this.#dies.set(request.token, { worker: line.worker, die });
    const pieces = this.#random.chance(0.4) ? 0 : this.#random.between(1, 6);
    const fate = this.#random.next();
    const { crash, failure, silence } = this.#faults;
    let text = "";
    let asked = 0;
    const next = (left: number): void => {
      this.#time.after(this.#random.between(0, 120), () => {
        if (dead) return;
        if (cancelled()) {
          // Cancelled: some bots answer all the same, and nobody wants to hear it.
          this.turns?.attempts.answer(request.token, text);
          return;
        }
        if (this.#random.chance(0.2)) this.#part(request.token);
        if (this.#random.chance(0.08)) {
          const id = `q${asked++}`;
          waits.set(id, () => next(left));
          this.turns?.attempts.permission(request.token, { id, title: this.#random.pick(["one?", "two?"]), options });
          return;
        }
        if (left > 0) {
          const piece = `${this.#random.pick(["a", "bee ", "🐝", "蜂"])}${left}`;
          text += piece;
          this.turns?.attempts.delta(request.token, piece);
          next(left - 1);
          return;
        }
        if (fate < crash) this.#die(line.worker);
        else if (fate < crash + failure) {
          end(() => this.turns?.attempts.failed(request.token, { reason: "failed", retry: true, lost: false }));
        } else if (fate < crash + failure + silence) {
          // A hung worker: its supervisor ends it after a while.
          this.#time.after(2500, () => this.#dies.get(request.token)?.die(1));
        } else end(() => this.turns?.attempts.answer(request.token, text === "" ? `answer to ${request.text}` : undefined));
      });
    };
    next(pieces);
  }
}
