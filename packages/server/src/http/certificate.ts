/** The certificate for TLS, from files that are read again when they have changed: renewing it needs no restart. */
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Server } from "node:tls";
import { Refusal } from "@skep/protocol/errors";
import type { Log } from "../log.ts";

const lookEveryMs = 2000;

export interface CertificateFiles {
  /** PEM, the server's own first, then those up to the authority. */
  certificate: string;
  /** PEM, without a password. */
  key: string;
}

export interface Certificate {
  cert: Buffer;
  key: Buffer;
  minVersion: "TLSv1.2";
}

/** @throws Refusal with a text for people: a file that cannot be read, or two that do not belong together */
export function readCertificate({ certificate, key }: CertificateFiles): Certificate {
  const read: Certificate = { cert: contents(certificate), key: contents(key), minVersion: "TLSv1.2" };
  try {
    createSecureContext(read);
  } catch (error) {
    throw new Refusal(
      "field_invalid",
      `${certificate} and ${key} are not a certificate and its key, both in PEM and without a password (${(error as Error).message}).`,
    );
  }
  return read;
}

function contents(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Refusal("field_invalid", `The file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`);
  }
}

/** What can be seen of a file without reading it; follows links, so that a link to a new file is seen too. */
const looksOf = ({ certificate, key }: CertificateFiles): string =>
  [certificate, key]
    .map((file) => {
      const { mtimeMs, size, ino } = statSync(file);
      return `${mtimeMs} ${size} ${ino}`;
    })
    .join(" ");

/** A pair that is no good is said in the log, and the one before stays. @returns a function that ends the watch. */
export function watchCertificate(
  files: CertificateFiles,
  servers: () => readonly Pick<Server, "setSecureContext">[],
  log: Log,
): () => void {
  let before = looksOf(files);
  const timer = setInterval(() => {
    try {
      const now = looksOf(files);
      if (now === before) return;
      before = now;
      const certificate = readCertificate(files);
      for (const server of servers()) server.setSecureContext(certificate);
      log.info("certificate-renewed");
    } catch (error) {
      log.error("certificate-not-renewed", { reason: (error as Error).message });
    }
  }, lookEveryMs).unref();
  return () => clearInterval(timer);
}
