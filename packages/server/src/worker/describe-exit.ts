/** How a process ended, as the end of a sentence. */
export const describeExit = (code: number | null, signal: string | null): string =>
  signal === null ? `exited with code ${code ?? "unknown"}` : `was ended by ${signal}`;
