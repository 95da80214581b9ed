/** How a worker is spoken to, whatever it is: a process of this machine (`worker-process.ts`) or a program that has connected in. */
import type { FromBot, ToBot } from "@skep/protocol/bot";

export interface ChannelExit {
  /** It ended by itself and in good order: exit code 0. */
  clean: boolean;
  /** For people: "exited with code 1". */
  reason: string;
  /** Where it was a process that ended by itself or by a signal. */
  code?: number | null;
  signal?: string | null;
  /** It is not ours to start again, only to be waited for: no restart, and nothing that the policy has a say in. */
  away?: boolean;
}

export interface ChannelEvents {
  line(line: FromBot): void;
  /** A line of output that is not the protocol, or of error output. */
  note(source: "bot" | "stderr", text: string): void;
  /** It breaks the protocol beyond repair: it should be ended. */
  broken(reason: string): void;
  /** Called once, when it has ended or could not be started. */
  exited(exit: ChannelExit): void;
}

export interface Channel {
  /** null where there is no process of ours, or it could not be started. */
  readonly pid: number | null;
  /** Set where nobody is at the other end yet, and no limit of time counts until somebody is: what is waited for, for people. */
  readonly awaits?: string;
  /** False while the worker does not read what it is sent. */
  readonly reads: boolean;
  /** Lines of one tick go out in one write. */
  send(line: ToBot): void;
  /** Ends it at once; `exited` is called with this reason. */
  kill(because: string): void;
  /** Asks it to end, and ends it when it has not after `graceMs`. */
  stop(graceMs: number): void;
}
