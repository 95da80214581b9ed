/**
 * Who may come in. Credentials are kept in memory and in the store; of each only the hash of its secret.
 *
 * A sign-in link: made -> redeemed | expired (15 minutes) | guessed at (5 tries in all) | replaced by a new one; each of them ends it.
 * A session (a browser's cookie): begins with the redemption of a link, ends after 30 days or by signing out.
 * A token (a program's): made by hand, ends by revocation or at its own expiry.
 * A bot's token: made by hand, ends when a new one is made, by revocation or with the bot. It opens the door for bots and no other.
 */
import { randomUUID } from "node:crypto";
import { Refusal } from "@skep/protocol/errors";
import type { Person } from "../conversations/api.ts";
import type { Credential, DeleteCredential, PutCredential } from "../store/store.ts";
import { readSessionCookie } from "./cookie.ts";
import { owner } from "./permission.ts";
import { hashOf, newSecret } from "./secret.ts";

const linkMs = 15 * 60_000;
const linkTries = 5;
export const sessionSeconds = 30 * 86_400;
const tokenPrefix = "skep_";
const botTokenPrefix = "skep_bot_";
/** Stands in the place of a credential for what comes over the control socket. */
export const controlCredential = "control";

export interface AccessOptions {
  /** What the store holds. */
  credentials: readonly Credential[];
  /** Resolves when it is on the disk. */
  save(operation: PutCredential | DeleteCredential): Promise<unknown>;
  now(): number;
}

/** A person, and by which credential. */
export interface SignedIn extends Person {
  credential: string;
}

/** A program that may connect as this bot. */
export interface BotIdentity {
  bot: string;
  credential: string;
}

/** A credential without its hash, for lists. */
export interface CredentialView {
  id: string;
  name: string;
  role: string;
  createdAt: number;
  expiresAt: number | null;
}

export interface AccessHeaders {
  authorization?: string | undefined;
  cookie?: string | undefined;
}

export class Access {
  readonly #options: AccessOptions;
  readonly #byHash = new Map<string, Credential>();
  readonly #onEnded = new Set<(credential: string) => void>();
  #triesLeft = linkTries;

  constructor(options: AccessOptions) {
    this.#options = options;
    for (const credential of options.credentials) this.#byHash.set(credential.hash, credential);
  }

  /** A bearer token counts before a cookie: a request that brings one means it. */
  authenticate(headers: AccessHeaders): SignedIn | null {
    if (headers.authorization !== undefined) {
      const token = bearerOf(headers.authorization);
      return token === null ? null : this.authenticateToken(token);
    }
    const secret = readSessionCookie(headers.cookie);
    return secret === null ? null : this.#signedIn(secret, "session");
  }

  authenticateToken(token: string): SignedIn | null {
    return token.startsWith(tokenPrefix) ? this.#signedIn(token, "token") : null;
  }

  authenticateBot(authorization: string): BotIdentity | null {
    const token = bearerOf(authorization);
    return token === null ? null : this.authenticateBotToken(token);
  }

  authenticateBotToken(token: string): BotIdentity | null {
    const found = token.startsWith(botTokenPrefix) ? this.#live(hashOf(token), "bot") : null;
    return found && { bot: found.name, credential: found.id };
  }

  /** Is the credential by which someone came in still good? For connections that outlive a request (S5). */
  isValid(credential: string): boolean {
    return credential === controlCredential || this.#all("token", "session").some((one) => one.id === credential);
  }

  /** Called at once when a credential is revoked or signed out (S5); expiry is seen by `isValid` only. @returns a function that ends it. */
  onEnded(listener: (credential: string) => void): () => void {
    this.#onEnded.add(listener);
    return () => this.#onEnded.delete(listener);
  }

  hasSession(): boolean {
    return this.#all("session").length > 0;
  }

  /** The secret of a new link; older links end. */
  async createLink(): Promise<{ secret: string; expiresAt: number }> {
    await this.#endAll("link");
    this.#triesLeft = linkTries;
    const secret = newSecret();
    const link = this.#credential("link", secret, "sign-in link", this.#options.now() + linkMs);
    await this.#put(link);
    return { secret, expiresAt: link.expiresAt as number };
  }

  /** Is this the secret of a link that can still be redeemed? Costs no try: for the program itself, not for doors. */
  isLink(secret: string): boolean {
    return this.#live(hashOf(secret), "link") !== null;
  }

  /** @throws Refusal `not_signed_in` for whatever is no link (any more). */
  async redeemLink(secret: string): Promise<{ secret: string; person: SignedIn }> {
    const link = this.#live(hashOf(secret), "link");
    if (!link) {
      this.#triesLeft -= 1;
      if (this.#triesLeft <= 0) await this.#endAll("link");
      throw new Refusal(
        "not_signed_in",
        "This sign-in link is not valid any more: a link works once, for 15 minutes. `skep signin` prints a new one.",
        { field: "token" },
      );
    }
    const sessionSecret = newSecret();
    const session = this.#credential("session", sessionSecret, "browser", this.#options.now() + sessionSeconds * 1000);
    // Gone from memory before anything is awaited: two requests at once cannot both redeem it.
    await Promise.all([this.#end(link), this.#put(session)]);
    return { secret: sessionSecret, person: { id: session.person, role: session.role, credential: session.id } };
  }

  /** @returns false when it was no session: tokens are revoked, not signed out. */
  async signOut(credential: string): Promise<boolean> {
    const session = this.#all("session").find((one) => one.id === credential);
    if (!session) return false;
    await this.#end(session);
    return true;
  }

  /** The token itself is known only now. */
  async createToken(input: { name: string; role: string; expiresAt: number | null }): Promise<CredentialView & { token: string }> {
    const token = tokenPrefix + newSecret();
    const credential = { ...this.#credential("token", token, input.name, input.expiresAt), role: input.role };
    await this.#put(credential);
    return { ...view(credential), token };
  }

  tokens(): CredentialView[] {
    return this.#all("token")
      .sort((a, b) => a.createdAt - b.createdAt)
      .map(view);
  }

  /** By id or by name. @throws Refusal `not_found`, and `state_conflict` when several have that name. */
  async revokeToken(idOrName: string): Promise<void> {
    const tokens = this.#all("token");
    const byId = tokens.filter((one) => one.id === idOrName);
    const found = byId.length > 0 ? byId : tokens.filter((one) => one.name === idOrName);
    if (found.length > 1) throw new Refusal("state_conflict", `Several tokens are named "${idOrName}": name the one you mean by its id.`);
    if (!found[0]) throw new Refusal("not_found", `There is no token "${idOrName}".`);
    await this.#end(found[0]);
  }

  /** The token itself is known only now; the one before it ends. */
  async createBotToken(bot: string): Promise<{ token: string; createdAt: number }> {
    const token = botTokenPrefix + newSecret();
    const credential: Credential = { ...this.#credential("bot", token, bot, null), person: bot, role: "bot" };
    await this.#put(credential);
    // Those before it in the map: of two that are made at once, the later one stays.
    const all = this.#botTokens(bot);
    await Promise.all(all.slice(0, all.indexOf(credential)).map((one) => this.#end(one)));
    return { token, createdAt: credential.createdAt };
  }

  /** @returns false when the bot had none. */
  async revokeBotToken(bot: string): Promise<boolean> {
    const tokens = this.#botTokens(bot);
    await Promise.all(tokens.map((one) => this.#end(one)));
    return tokens.length > 0;
  }

  #botTokens(bot: string): Credential[] {
    return this.#all("bot").filter((one) => one.name === bot);
  }

  #credential(kind: Credential["kind"], secret: string, name: string, expiresAt: number | null): Credential {
    const { id: person, role } = owner;
    return { id: randomUUID(), kind, hash: hashOf(secret), person, role, name, createdAt: this.#options.now(), expiresAt };
  }

  #signedIn(secret: string, kind: Credential["kind"]): SignedIn | null {
    const found = this.#live(hashOf(secret), kind);
    return found && { id: found.person, role: found.role, credential: found.id };
  }

  #live(hash: string, kind: Credential["kind"]): Credential | null {
    const found = this.#byHash.get(hash);
    if (found?.kind !== kind) return null;
    return found.expiresAt === null || found.expiresAt > this.#options.now() ? found : null;
  }

  #all(...kinds: Credential["kind"][]): Credential[] {
    return [...this.#byHash.values()].filter((one) => kinds.includes(one.kind) && this.#live(one.hash, one.kind) !== null);
  }

  async #put(credential: Credential): Promise<void> {
    // On the disk first: nobody is given what a crash would take back.
    await this.#options.save({ op: "put-credential", credential });
    this.#byHash.set(credential.hash, credential);
    await this.#forgetExpired();
  }

  async #end(credential: Credential): Promise<void> {
    this.#byHash.delete(credential.hash);
    for (const listener of this.#onEnded) listener(credential.id);
    await this.#options.save({ op: "delete-credential", id: credential.id });
  }

  async #endAll(kind: Credential["kind"]): Promise<void> {
    await Promise.all([...this.#byHash.values()].filter((one) => one.kind === kind).map((one) => this.#end(one)));
  }

  async #forgetExpired(): Promise<void> {
    const expired = [...this.#byHash.values()].filter((one) => this.#live(one.hash, one.kind) === null);
    await Promise.all(expired.map((one) => this.#end(one)));
  }
}

const view = ({ id, name, role, createdAt, expiresAt }: Credential): CredentialView => ({ id, name, role, createdAt, expiresAt });

const bearerOf = (authorization: string): string | null => /^Bearer +([^\s]+) *$/i.exec(authorization)?.[1] ?? null;
