/**
 * Files that are to go with the message that is being written.
 *
 *   uploading --answer--> ready (kept in the browser's storage: it survives a reload) --sent or removed--> gone
 *   uploading --failure--> failed, with the reason --again--> uploading; failed --removed--> gone
 */
import type { MessageFile } from "@skep/protocol";
import { limits } from "@skep/protocol/limits";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useStored, writeStored, readStored } from "../state/stored.ts";
import { sizeText } from "./file-size.ts";
import { nameOf, uploadFile } from "./upload-file.ts";

export interface Uploading {
  key: string;
  source: File;
  name: string;
  /** From 0 to 1. */
  sent: number;
  /** Null while it goes on. */
  failure: string | null;
  /** Can it be tried again? */
  again: boolean;
}

export interface Attachments {
  ready: readonly MessageFile[];
  uploading: readonly Uploading[];
  add: (files: Iterable<File>) => void;
  again: (key: string) => void;
  remove: (keyOrId: string) => void;
  /** Those that are ready, which are none of ours any more. */
  take: () => readonly MessageFile[];
  putBack: (files: readonly MessageFile[]) => void;
}

const most = limits.messageFiles;
let made = 0;

function stored(name: string): readonly MessageFile[] {
  try {
    return JSON.parse(readStored(name) ?? "[]") as MessageFile[];
  } catch {
    return [];
  }
}

export function useAttachments(place: string): Attachments {
  const name = `skep.files.${place}`;
  const text = useStored(name);
  const ready = useMemo(() => (text === null ? [] : stored(name)), [name, text]);
  const [uploading, setUploading] = useState<readonly Uploading[]>([]);
  const stops = useRef(new Map<string, AbortController>());
  const last = useRef<Promise<unknown>>(Promise.resolve());
  const put = useCallback((files: readonly MessageFile[]) => writeStored(name, files.length === 0 ? null : JSON.stringify(files)), [name]);
  const change = (key: string, to: Partial<Uploading>): void =>
    setUploading((all) => all.map((one) => (one.key === key ? { ...one, ...to } : one)));
  const drop = (key: string): void => setUploading((all) => all.filter((one) => one.key !== key));

  useEffect(() => {
    const all = stops.current;
    return () => {
      for (const stop of all.values()) stop.abort();
      all.clear();
      setUploading([]);
    };
  }, [place]);

  const begin = ({ key, source }: Uploading): void => {
    const stop = new AbortController();
    stops.current.set(key, stop);
    // One after the other, so that they stand in the order in which they were chosen.
    last.current = last.current
      .then(() => uploadFile(source, (sent) => change(key, { sent }), stop.signal))
      .then(
        (file) => {
          if (stop.signal.aborted) return;
          put([...stored(name), file]);
          drop(key);
        },
        (error: unknown) => {
          if (!stop.signal.aborted) change(key, { failure: (error as Error).message, again: true });
        },
      )
      .finally(() => stops.current.delete(key));
  };

  return {
    ready,
    uploading,
    add: (files) => {
      let [count, bytes] = [ready.length, ready.reduce((sum, { size }) => sum + size, 0)];
      // What was refused has to go anyway.
      for (const { source, failure, again } of uploading) if (failure === null || again) [count, bytes] = [count + 1, bytes + source.size];
      const added = [...files].map((source): Uploading => {
        const failure = problemWith(source, count + 1, bytes + source.size);
        if (failure === null) [count, bytes] = [count + 1, bytes + source.size];
        return { key: `u${++made}`, source, name: nameOf(source), sent: 0, failure, again: false };
      });
      setUploading((all) => [...all, ...added]);
      for (const one of added) if (one.failure === null) begin(one);
    },
    again: (key) => {
      const one = uploading.find((each) => each.key === key);
      if (!one) return;
      change(key, { failure: null, sent: 0 });
      begin(one);
    },
    remove: (keyOrId) => {
      stops.current.get(keyOrId)?.abort();
      drop(keyOrId);
      put(stored(name).filter(({ id }) => id !== keyOrId));
    },
    take: () => {
      const taken = stored(name);
      put([]);
      return taken;
    },
    putBack: (files) => put([...files, ...stored(name).filter(({ id }) => !files.some((file) => file.id === id))]),
  };
}

/** What the server would say after all of it had been sent. */
function problemWith(source: File, count: number, bytes: number): string | null {
  if (source.size === 0) return "It is empty.";
  if (count > most) return `A message has ${most} files at most.`;
  if (source.size > limits.fileBytes) return `It is larger than ${sizeText(limits.fileBytes)}.`;
  if (bytes > limits.fileBytes) return `The files of a message may have ${sizeText(limits.fileBytes)} together.`;
  return null;
}
