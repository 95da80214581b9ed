export interface EchoOptions {
  prefix: string;
  commands: boolean;
  delayMs: number;
  pieces: number;
  pieceMs: number;
  startMs: number;
  crashAtStart: boolean;
}

export const echoDefaults: EchoOptions = {
  prefix: "",
  commands: true,
  delayMs: 0,
  pieces: 0,
  pieceMs: 0,
  startMs: 0,
  crashAtStart: false,
};
