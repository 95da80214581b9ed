/** What the generator is told (its only argument, as JSON) and what it says (JSON lines on its standard output). */

export interface LoadPlan {
  target:
    | { kind: "echo"; url: string }
    /** Conversations are spread over the bots evenly, one conversation a connection. */
    | { kind: "skep"; url: string; token: string; bots: readonly string[] };
  connections: number;
  /** What is ready in one turn of the loop: one array frame per connection, or a frame for every message. */
  frames: "joined" | "single";
  load:
    /** The next message when an answer came, `inFlight` at a time on every connection. */
    | { kind: "closed"; inFlight: number }
    /** So many per second over all connections, whatever the answers do. Latency counts from the intended time. */
    | { kind: "paced"; rate: number }
    /** Connected and subscribed, nothing else, until standard input ends. */
    | { kind: "idle" };
  warmUpSeconds: number;
  seconds: number;
  /** "echo": an answer ends with what it answers, and is checked for it; "any": a model's, which may say what it likes. */
  answers?: "echo" | "any";
}

export interface LatencySummary {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

export interface LoadOutcome {
  /** Round trips that ended within the measured time. */
  completed: number;
  perSecond: number;
  /** Milliseconds; from the intended time where the load is paced. */
  latency: LatencySummary;
  /** From the moment at which the message really went out: what a late generator adds is the difference. */
  latencyFromSend: LatencySummary;
  /** CPU time of the generator per round trip, in µs. */
  generatorMicros: number;
  /** Wrong, missing or doubled, by kind, with an example each. Nothing may stand here. */
  faults: { kind: string; count: number; example: string }[];
}

export type LoadEvent =
  | { event: "connected" }
  | { event: "measuring" }
  | { event: "measured" }
  | { event: "outcome"; outcome: LoadOutcome };
