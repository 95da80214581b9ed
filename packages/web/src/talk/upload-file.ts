import type { MessageFile } from "@skep/protocol";

/** `fetch` does not tell how much of a body has gone, so this is the older way. @throws Error with a sentence for people @param sent from 0 to 1 */
export function uploadFile(file: File, sent: (part: number) => void, signal: AbortSignal): Promise<MessageFile> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/files?name=${encodeURIComponent(nameOf(file))}`);
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.setRequestHeader("skep-request", "1");
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => sent(total > 0 ? loaded / total : 0));
    request.addEventListener("load", () => {
      const answer = request.response as (MessageFile & { detail?: string }) | null;
      if (request.status === 201 && answer) {
        const { id, name, type, size } = answer;
        resolve({ id, name, type, size });
      } else reject(new Error(answer?.detail ?? `The server did not take it (${request.status}).`));
    });
    request.addEventListener("error", () => reject(new Error("The connection was lost.")));
    request.addEventListener("abort", () => reject(new Error("Cancelled")));
    if (signal.aborted) return reject(new Error("Cancelled"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/** What is pasted has no name, or one that says nothing. */
export const nameOf = ({ name, type }: File): string => {
  const given = name.trim().toWellFormed().slice(0, 255);
  return given === "" ? `pasted.${type.split("/")[1]?.replace(/[^a-z0-9]/g, "") || "bin"}` : given;
};
