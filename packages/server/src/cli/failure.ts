/** How a command ends; `skep --help` lists them. */
export const exitCodes = {
  done: 0,
  /** Refused or failed; the reason is on standard error. */
  failed: 1,
  /** The command line or an option is wrong. */
  usage: 2,
  /** There is no running server with this data folder. */
  notRunning: 3,
} as const;

/** A command cannot do what it was asked to; the text is for people, and says what to do. */
export class Failure extends Error {
  override name = "Failure";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = exitCodes.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}
