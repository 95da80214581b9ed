import type { Surroundings } from "../config.ts";

/** What a command may use of the process it runs in: main.ts gives the real one, tests their own. */
export interface Terminal {
  arguments: readonly string[];
  surroundings: Surroundings;
  /** The program that runs this one. */
  node: string;
  version: string;
  /** Is a person at both ends? */
  interactive: boolean;
  /** Standard output and standard error; a line end is added. */
  out(line: string): void;
  error(line: string): void;
  /** Asks a question and gives the line that is answered; null when the input has ended. */
  ask(question: string): Promise<string | null>;
  /** Standard input and output as they are, for a conversation. */
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  /** Called with the name of every signal that asks for an end. @returns a function that ends it. */
  onStop(listener: (signal: string) => void): () => void;
  /** Called with what nobody has caught. */
  onBug(listener: (error: unknown) => void): void;
  /** Ends at once. */
  exit(code: number): void;
}
