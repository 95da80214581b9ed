/**
 * Server-sent events out of text, however it is chunked: also between a carriage return and its line feed. Characters that were cut
 * in two are put together before, where bytes become text. Gives the data of each event; names, ids and comments are left out.
 */
export interface SseParser {
  push(chunk: string, onData: (data: string) => void): void;
  /** What there is of an event that has not ended yet. */
  readonly pending: string;
}

export function sseParser(): SseParser {
  let rest = "";
  let data: string | null = null;
  let afterReturn = false;
  let first = true;

  const line = (text: string, onData: (data: string) => void): void => {
    if (text === "") {
      if (data !== null) onData(data);
      data = null;
      return;
    }
    const colon = text.indexOf(":");
    const field = colon === -1 ? text : text.slice(0, colon);
    if (field !== "data") return;
    const value = colon === -1 ? "" : text.slice(text.charCodeAt(colon + 1) === 32 ? colon + 2 : colon + 1);
    data = data === null ? value : `${data}\n${value}`;
  };

  return {
    get pending() {
      return data === null ? rest : data + rest;
    },
    push(chunk, onData) {
      if (chunk === "") return;
      let start = 0;
      if (first) {
        first = false;
        if (chunk.charCodeAt(0) === 0xfeff) start = 1;
      }
      if (afterReturn && chunk.charCodeAt(start) === 10) start++;
      afterReturn = false;
      for (let at = start; at < chunk.length; at++) {
        const code = chunk.charCodeAt(at);
        if (code !== 10 && code !== 13) continue;
        const text = rest + chunk.slice(start, at);
        rest = "";
        if (code === 13) {
          if (at + 1 === chunk.length) afterReturn = true;
          else if (chunk.charCodeAt(at + 1) === 10) at++;
        }
        start = at + 1;
        line(text, onData);
      }
      rest += chunk.slice(start);
    },
  };
}
