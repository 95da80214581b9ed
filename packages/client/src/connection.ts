import type { ClientMessage, ServerMessage } from "@skep/protocol/wire";
import { Alarm, type Clock } from "./clock.ts";
import {
  type ConnectionEvent,
  type ConnectionState,
  type ConnectionTimes,
  connectionDueAt,
  connectionStep,
  initialConnection,
} from "./connection-state.ts";

/** The part of a WebSocket that is used here; the browser's, Node's and the `ws` package's all have it. */
export interface Socket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: ((event: never) => void) | null;
  send(frame: string): void;
  close(): void;
}
export type SocketClass = new (url: string) => Socket;

export interface ConnectionOptions {
  url: string;
  token: string | null;
  Socket: SocketClass;
  clock: Clock;
  random: () => number;
  times: ConnectionTimes;
  /** After every change of the state's name. */
  onState: (state: ConnectionState) => void;
  /** Everything that the server says, in order; never called for a socket that was given up. */
  onMessage: (message: ServerMessage) => void;
}

const protocolFault = 1002;
/** A UTF-16 unit is at most 3 bytes of UTF-8, so a frame stays under the megabyte that a server takes. */
const frameUnits = 256 * 1024;

/** The socket and the timer around the state machine of `connection-state.ts`. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #alarm: Alarm;
  #state: ConnectionState = initialConnection;
  #socket: Socket | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => this.step({ type: "timer" }));
  }

  get state(): ConnectionState {
    return this.#state;
  }

  step(event: ConnectionEvent): void {
    const { clock, random, times, onState } = this.#options;
    const before = this.#state;
    const { state, actions } = connectionStep(before, event, { now: clock.now(), random: random(), times });
    this.#state = state;
    this.#alarm.set(connectionDueAt(state));
    for (const action of actions) {
      if (action === "drop") this.#drop();
      else if (action === "open") this.#open();
      else this.#authenticate();
    }
    if (state.name !== before.name) onState(state);
  }

  /** The other side does not keep the protocol. */
  giveUp(reason: string): void {
    this.step({ type: "lost", code: protocolFault, reason });
  }

  /** In as few frames as the server's limit allows. Ignored unless open: whoever posts says it again after the next `hello`. */
  post(messages: readonly ClientMessage[]): void {
    if (this.#state.name !== "open") return;
    let frame: string[] = [];
    let units = 0;
    const flush = (): void => {
      if (frame.length > 0) this.#socket?.send(frame.length === 1 ? (frame[0] as string) : `[${frame.join(",")}]`);
      frame = [];
      units = 0;
    };
    for (const message of messages) {
      const json = JSON.stringify(message);
      if (units + json.length > frameUnits) flush();
      frame.push(json);
      units += json.length + 1;
    }
    flush();
  }

  #open(): void {
    const socket = new this.#options.Socket(this.#options.url);
    this.#socket = socket;
    const current = (): boolean => this.#socket === socket;
    socket.onopen = () => {
      if (current()) this.step({ type: "opened" });
    };
    socket.onmessage = ({ data }) => {
      if (current()) this.#hear(data, current);
    };
    socket.onclose = ({ code, reason }) => {
      if (current()) this.step({ type: "lost", code, reason });
    };
    // A close event follows every error and says more.
    socket.onerror = () => {};
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #authenticate(): void {
    const { token } = this.#options;
    if (token !== null) this.#socket?.send(JSON.stringify({ type: "authenticate", token }));
  }

  #hear(data: unknown, current: () => boolean): void {
    this.step({ type: "heard" });
    const frame = parse(data);
    if (!frame) {
      this.giveUp("a frame could not be read");
      return;
    }
    for (const message of frame) {
      // The state machine goes to `open` first: whoever hears hello may post.
      if (message.type === "hello") this.step({ type: "hello" });
      this.#options.onMessage(message);
      if (!current()) return;
    }
  }
}

/** @returns null for what is not a frame */
function parse(data: unknown): ServerMessage[] | null {
  try {
    const frame = JSON.parse(String(data)) as unknown;
    const list: unknown[] = Array.isArray(frame) ? frame : [frame];
    return list.every((one) => typeof one === "object" && one !== null) ? (list as ServerMessage[]) : null;
  } catch {
    return null;
  }
}
