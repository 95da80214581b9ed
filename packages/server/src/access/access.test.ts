import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Refusal } from "@skep/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDataFolder } from "../store/sqlite/data-folder.ts";
import { SqliteStore } from "../store/sqlite/sqlite-store.ts";
import { Access } from "./access.ts";
import { newSignInLink, signInLinkAtStart } from "./sign-in-link.ts";

let data: string;
let store: SqliteStore;
let clock = Date.UTC(2026, 0, 1);
let access: Access;
const minutes = 60_000;
const days = 86_400_000;
const url = "http://127.0.0.1:8000";

const openAccess = async (): Promise<Access> =>
  new Access({ credentials: await store.credentials(), save: (operation) => store.commit([operation]), now: () => clock });

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "skep-access-"));
  store = await SqliteStore.open(
    openDataFolder(data),
    () => clock,
    () => {},
  );
});
beforeEach(async () => {
  clock = Date.UTC(2026, 0, 1);
  await store.commit((await store.credentials()).map(({ id }) => ({ op: "delete-credential", id })));
  rmSync(join(data, "signin-link"), { force: true });
  access = await openAccess();
});
afterAll(async () => {
  await store.close();
  rmSync(data, { recursive: true });
});

const cookie = (secret: string): { cookie: string } => ({ cookie: `skep_session=${secret}` });
const refusedAs = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: unknown) => (error instanceof Refusal ? error.code : String(error)),
  );

describe("sign-in links", () => {
  test("a link signs in once, and the session outlives a restart", async () => {
    const { secret } = await access.createLink();
    const session = await access.redeemLink(secret);
    expect(access.authenticate(cookie(session.secret))).toMatchObject({ id: "owner", role: "owner" });
    expect(await refusedAs(access.redeemLink(secret))).toBe("not_signed_in");
    const later = await openAccess();
    expect(later.authenticate(cookie(session.secret))).toMatchObject({ id: "owner" });
    expect(await refusedAs(later.redeemLink(secret))).toBe("not_signed_in");
  });

  test("two requests at the same moment cannot both redeem it", async () => {
    const { secret } = await access.createLink();
    const results = await Promise.all([refusedAs(access.redeemLink(secret)), refusedAs(access.redeemLink(secret))]);
    expect(results.sort()).toEqual(["done", "not_signed_in"]);
  });

  test("it ends after 15 minutes", async () => {
    const { secret } = await access.createLink();
    clock += 15 * minutes - 1;
    expect(access.isLink(secret)).toBe(true);
    clock += 1;
    expect(await refusedAs(access.redeemLink(secret))).toBe("not_signed_in");
  });

  test("it ends after 5 wrong tries in all", async () => {
    const { secret } = await access.createLink();
    for (let i = 0; i < 5; i++) expect(await refusedAs(access.redeemLink(`guess ${i}`))).toBe("not_signed_in");
    expect(await refusedAs(access.redeemLink(secret))).toBe("not_signed_in");
    const next = await access.createLink();
    expect(await refusedAs(access.redeemLink(next.secret))).toBe("done");
  });

  test("a new one replaces the old one", async () => {
    const { secret } = await access.createLink();
    await access.createLink();
    expect(await refusedAs(access.redeemLink(secret))).toBe("not_signed_in");
  });

  test("a link is no session, a session is no token", async () => {
    const { secret } = await access.createLink();
    expect(access.authenticate(cookie(secret))).toBeNull();
    expect(access.authenticate({ authorization: `Bearer ${secret}` })).toBeNull();
    const session = await access.redeemLink(secret);
    expect(access.authenticate({ authorization: `Bearer ${session.secret}` })).toBeNull();
  });

  test("it is kept in a file that only the owner can read, with an address that browsers send to nobody", async () => {
    const { url: link } = await newSignInLink(access, data, url);
    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:8000\/#signin=[\w-]{43}$/);
    const file = join(data, "signin-link");
    expect(readFileSync(file, "utf8")).toBe(`${link}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("the start prints one until someone is signed in, and takes the one that is still good", async () => {
    const first = await signInLinkAtStart(access, data, url);
    const second = await signInLinkAtStart(await openAccess(), data, "http://127.0.0.1:9000");
    expect(second).toBe(first?.replace("8000", "9000"));
    clock += 16 * minutes;
    const third = await signInLinkAtStart(await openAccess(), data, url);
    expect(third).not.toBe(first);
    const later = await openAccess();
    await later.redeemLink(String(third).split("=")[1] as string);
    expect(await signInLinkAtStart(later, data, url)).toBeNull();
    clock += 31 * days;
    expect(await signInLinkAtStart(await openAccess(), data, url)).not.toBeNull();
  });
});

describe("sessions and tokens", () => {
  test("a session ends after 30 days, or when it is signed out, and that is told at once", async () => {
    const one = await access.redeemLink((await access.createLink()).secret);
    const two = await access.redeemLink((await access.createLink()).secret);
    const ended: string[] = [];
    access.onEnded((credential) => ended.push(credential));
    expect(await access.signOut(one.person.credential)).toBe(true);
    expect(ended).toEqual([one.person.credential]);
    expect(access.authenticate(cookie(one.secret))).toBeNull();
    expect(access.isValid(one.person.credential)).toBe(false);
    clock += 30 * days;
    expect(access.authenticate(cookie(two.secret))).toBeNull();
    expect(access.isValid(two.person.credential)).toBe(false);
  });

  test("a cookie that stands there twice counts as none", async () => {
    const { secret } = await access.redeemLink((await access.createLink()).secret);
    expect(access.authenticate({ cookie: `skep_session=${secret}; skep_session=${secret}` })).toBeNull();
    expect(access.authenticate({ cookie: `x=1; skep_session=${secret}; y` })).not.toBeNull();
  });

  test("a token works until it is revoked or expires; only its hash is stored", async () => {
    const token = await access.createToken({ name: "ci", role: "owner", expiresAt: clock + days });
    expect(token.token).toMatch(/^skep_[\w-]{43}$/);
    expect(JSON.stringify(await store.credentials())).not.toContain(token.token.slice(5));
    expect(access.authenticate({ authorization: `Bearer ${token.token}` })).toMatchObject({ id: "owner", credential: token.id });
    expect(access.authenticate({ authorization: `bearer ${token.token}` })).not.toBeNull();
    expect(access.authenticateToken(token.token)).not.toBeNull();
    expect((await openAccess()).tokens()).toEqual([{ id: token.id, name: "ci", role: "owner", createdAt: clock, expiresAt: clock + days }]);
    clock += days;
    expect(access.authenticateToken(token.token)).toBeNull();

    const other = await access.createToken({ name: "other", role: "owner", expiresAt: null });
    await access.revokeToken("other");
    expect(access.authenticateToken(other.token)).toBeNull();
    expect((await openAccess()).authenticateToken(other.token)).toBeNull();
    expect(await refusedAs(access.revokeToken("other"))).toBe("not_found");
  });

  test("of several tokens with one name, the one that is meant must be named by its id", async () => {
    const one = await access.createToken({ name: "ci", role: "owner", expiresAt: null });
    const two = await access.createToken({ name: "ci", role: "owner", expiresAt: null });
    expect(await refusedAs(access.revokeToken("ci"))).toBe("state_conflict");
    await access.revokeToken(two.id);
    await access.revokeToken("ci");
    expect(access.tokens()).toEqual([]);
    expect(access.authenticateToken(one.token)).toBeNull();
  });

  test.each([undefined, "", "Bearer", "Bearer ", "Basic b3duZXI6", "Bearer skep_", "Bearer a b", "skep_x"])(
    "no token: %j",
    (authorization) => {
      expect(access.authenticate({ authorization })).toBeNull();
    },
  );

  test("a bad token is not saved by a good cookie", async () => {
    const { secret } = await access.redeemLink((await access.createLink()).secret);
    expect(access.authenticate({ ...cookie(secret), authorization: "Bearer skep_wrong" })).toBeNull();
  });

  test("a bot's token opens the door for bots and no other; a person's opens no door for bots", async () => {
    const { token } = await access.createBotToken("far");
    expect(token).toMatch(/^skep_bot_[\w-]{43}$/);
    expect(JSON.stringify(await store.credentials())).not.toContain(token.slice(9));
    const authorization = `Bearer ${token}`;
    expect((await openAccess()).authenticateBot(authorization)).toMatchObject({ bot: "far" });
    expect(access.authenticateBotToken(token)).toMatchObject({ bot: "far" });
    expect([access.authenticate({ authorization }), access.authenticateToken(token), access.authenticate(cookie(token))]).toEqual([
      null,
      null,
      null,
    ]);
    expect(access.tokens()).toEqual([]);
    expect(await refusedAs(access.revokeToken("far"))).toBe("not_found");

    const person = await access.createToken({ name: "far", role: "owner", expiresAt: null });
    const session = await access.redeemLink((await access.createLink()).secret);
    for (const secret of [person.token, session.secret, `skep_bot_${session.secret}`])
      expect(access.authenticateBotToken(secret)).toBeNull();
  });

  test("a bot has one token: a new one ends the old one, also of two that are made at once", async () => {
    const ended: string[] = [];
    access.onEnded((credential) => ended.push(credential));
    const first = await access.createBotToken("far");
    const { credential } = access.authenticateBotToken(first.token) ?? {};
    const other = await access.createBotToken("near");
    const [one, two] = await Promise.all([access.createBotToken("far"), access.createBotToken("far")]);
    expect(ended).toContain(credential);
    const good = (token: string): boolean => access.authenticateBotToken(token) !== null;
    expect([good(first.token), good(one.token), good(two.token), good(other.token)]).toEqual([false, false, true, true]);
    expect((await store.credentials()).map(({ name }) => name).toSorted()).toEqual(["far", "near"]);
    expect([await access.revokeBotToken("far"), await access.revokeBotToken("far")]).toEqual([true, false]);
    expect([good(two.token), good(other.token)]).toEqual([false, true]);
  });

  test("what has expired is forgotten on the disk too", async () => {
    await access.createToken({ name: "short", role: "owner", expiresAt: clock + 1 });
    clock += 2;
    await access.createToken({ name: "next", role: "owner", expiresAt: null });
    expect((await store.credentials()).map((one) => one.name)).toEqual(["next"]);
  });
});
