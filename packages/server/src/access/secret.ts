import { createHash, randomBytes } from "node:crypto";

/** 256 random bits, so that a plain hash is enough to keep: nothing can be guessed from it. */
export const newSecret = (): string => randomBytes(32).toString("base64url");

/** What is stored and compared in place of a secret: hex SHA-256. Finding it in a map tells an attacker nothing about the secret. */
export const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");
