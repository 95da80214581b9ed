/** What goes wrong with a model server, as a sentence for people and whether another attempt can help. */
export class ModelFailure extends Error {
  readonly retry: boolean;

  constructor(reason: string, retry: boolean) {
    super(reason);
    this.name = "ModelFailure";
    this.retry = retry;
  }
}

/** Somebody else's text inside one of our sentences: one line, not too long. */
export function quote(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
  const line = text.replaceAll(/[\u0000-\u0020\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  return line.length > 300 ? `${line.slice(0, 300).toWellFormed()}…` : line;
}

export const cutShort = (): ModelFailure => new ModelFailure("The model server stopped in the middle of its answer", true);

export const garbage = (text: string): ModelFailure =>
  new ModelFailure(`The model server's answer is not what its protocol says: "${quote(text.slice(0, 80))}"`, true);

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : "");

/** @param answering had the server begun to answer? */
export function explainError(error: Error, origin: string, answering: boolean): ModelFailure {
  if (error instanceof ModelFailure) return error;
  const code = codeOf(error);
  if (code.startsWith("HPE_")) return new ModelFailure(`What answers at ${origin} does not speak HTTP (${error.message})`, true);
  if (answering) return cutShort();
  switch (code) {
    case "ECONNREFUSED":
      return new ModelFailure(`Nothing answers at ${origin} (connection refused); is the model server running?`, true);
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ModelFailure(`The host of ${origin} is not known; is the address right?`, true);
    case "ECONNRESET":
    case "EPIPE":
      return new ModelFailure(`The model server at ${origin} closed the connection without an answer`, true);
    default: {
      const certificate = /^(?:CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|ERR_SSL_)/.test(code);
      if (certificate) return new ModelFailure(`The certificate of ${origin} is not accepted (${error.message})`, false);
      return new ModelFailure(`The model server at ${origin} cannot be reached (${error.message || code})`, true);
    }
  }
}

/** @param variable the name of the one that should hold the key */
export const keyMissing = (variable: string): string =>
  `The environment variable ${variable}, which should hold this bot's key, is not set where the server was started`;

/** 401 and 403. @param variable the name of the one that holds the key; empty when no key was sent */
export function explainKey(status: number, said: string, variable: string, origin: string): ModelFailure {
  const where = variable === "" ? 'no key was sent; the option "apiKeyEnv" names one' : `the key is the one in ${variable}`;
  const tail = said.trim() === "" ? "" : `: ${quote(said)}`;
  return new ModelFailure(`The model server at ${origin} does not accept this bot's key (${status}; ${where})${tail}`, false);
}

/**
 * A status other than 200, where it means the same with every API. @param said the message out of the body, or the body
 */
export function explainStatus(status: number, said: string, origin: string): ModelFailure {
  const tail = said.trim() === "" ? "" : `: ${quote(said)}`;
  if (status >= 300 && status < 400) {
    return new ModelFailure(
      `The model server at ${origin} redirects elsewhere (${status}), which is not followed; give the bot the final address`,
      false,
    );
  }
  if (status === 429) return new ModelFailure(`The model server has too much to do or a quota is used up (429)${tail}`, true);
  if (status === 503 || status === 529) return new ModelFailure(`The model server is overloaded or not ready (${status})${tail}`, true);
  if (status >= 500) return new ModelFailure(`The model server failed (${status})${tail}`, true);
  if (status === 408 || status === 425) return new ModelFailure(`The model server asks to try again (${status})${tail}`, true);
  return new ModelFailure(`The model server refuses the request (${status})${tail}`, false);
}
