import { browserStorage, connect, newId, Refusal } from "@skep/client";
import type { Bot, Conversation } from "@skep/protocol";
import { composer } from "./composer.ts";
import { ConversationView } from "./conversation-view.ts";
import { byId } from "./element.ts";
import { followConnection, showNotice } from "./notices.ts";
import { botStateSentence } from "./sentences.ts";
import { isSignedIn, showSignIn, signInFromAddress } from "./session.ts";
import { sidebar, titleOf } from "./sidebar.ts";

interface ConversationPage {
  conversations: Conversation[];
  cursor: string | null;
}

const refused = await signInFromAddress();
// An old link opened again by someone who is signed in is no reason to stop them.
if (await isSignedIn()) run();
else showSignIn(refused);

function run(): void {
  const client = connect({ url: location.origin, storage: browserStorage(newId) });
  let bots: ReadonlyMap<string, Bot> = new Map();
  let conversations: Conversation[] = [];
  let older: string | null = null;
  let bot: string | null = null;
  let open: Conversation | null = null;
  let view: ConversationView | null = null;

  byId("app").hidden = false;
  followConnection(client);
  client.onConnection((state) => {
    if (state.name === "refused" && state.code === 4501) showSignIn("You were signed out.");
  });
  client.onNotice(({ detail }) => showNotice(detail));

  const write = composer(async (text) => {
    if (view) {
      view.send(text);
      return true;
    }
    // The first message of a conversation that does not exist yet.
    const made = await begin(titleFrom(text));
    if (made)
      client
        .conversation(made.id)
        .send(text)
        .catch(() => {});
    return made !== null;
  });
  const side = sidebar(
    (name) => void chooseBot(name, true),
    () => beginEmpty(),
  );

  function showHeading(): void {
    const current = bot === null ? undefined : bots.get(bot);
    byId("title").textContent = open ? titleOf(open) : bot === null ? "Skep" : `New conversation with ${bot}`;
    byId("subtitle").textContent = current ? `${current.name} · ${botStateSentence(current)}` : "";
    document.title = open?.title ? `${open.title} · Skep` : "Skep";
    side.showBots(bots, bot);
    side.showConversations(conversations, open?.id ?? null, older === null ? null : () => void list(true));
  }

  function showNone(): void {
    view?.close();
    view = null;
    open = null;
    const empty = byId("empty");
    empty.textContent = bot === null ? "No bots yet. Add one with `skep bot add`." : `Say something to ${bot}.`;
    empty.hidden = false;
    write.enable(bot !== null);
    write.open(`bot.${bot ?? ""}`);
    write.focus();
    showHeading();
  }

  /** The bot's conversations, the last active first; with `more` those after the ones that are shown. */
  async function list(more = false): Promise<void> {
    if (bot === null) return;
    const asked = bot;
    const cursor = more && older !== null ? `&cursor=${encodeURIComponent(older)}` : "";
    try {
      const answer = (await client.call("GET", `/api/conversations?bot=${encodeURIComponent(asked)}${cursor}`)) as ConversationPage;
      if (bot !== asked) return;
      conversations = more ? [...conversations, ...answer.conversations] : answer.conversations;
      older = answer.cursor;
      showHeading();
    } catch (error) {
      if (error instanceof Refusal) showNotice(error.message, "bad");
    }
  }

  async function chooseBot(name: string, showNewest: boolean): Promise<void> {
    if (bot !== name) {
      bot = name;
      conversations = [];
      older = null;
      await list();
    }
    if (!showNewest) return;
    const newest = conversations[0];
    if (newest) location.hash = `c/${newest.id}`;
    else {
      history.replaceState(null, "", "#");
      showNone();
    }
  }

  async function begin(title: string): Promise<Conversation | null> {
    if (bot === null) return null;
    try {
      const made = (await client.call("POST", "/api/conversations", { bot, title })) as Conversation;
      conversations = [made, ...conversations];
      history.pushState(null, "", `#c/${made.id}`);
      show(made);
      return made;
    } catch (error) {
      showNotice(`No new conversation: ${error instanceof Refusal ? error.message : "no connection"}`, "bad");
      return null;
    }
  }

  function beginEmpty(): void {
    history.pushState(null, "", "#");
    showNone();
  }

  function show(conversation: Conversation): void {
    view?.close();
    open = conversation;
    write.enable(true);
    view = new ConversationView({
      client,
      id: conversation.id,
      bot: conversation.bot,
      edit: (text) => write.putBack(text),
      gone: () => write.enable(false),
    });
    write.open(conversation.id);
    write.focus();
    showHeading();
  }

  async function follow(): Promise<void> {
    const id = /^#c\/(.+)$/.exec(location.hash)?.[1];
    if (id === undefined) {
      if (bot !== null) showNone();
      return;
    }
    if (open?.id === id) return;
    const conversation = await find(decodeURIComponent(id));
    if (!conversation) return;
    await chooseBot(conversation.bot, false);
    show(conversation);
  }

  /** Tries until there is an answer: the page may be opened while the server is away. */
  async function find(id: string): Promise<Conversation | null> {
    for (;;) {
      try {
        return (
          conversations.find((one) => one.id === id) ??
          ((await client.call("GET", `/api/conversations/${encodeURIComponent(id)}`)) as Conversation)
        );
      } catch (error) {
        if (error instanceof Refusal && error.status < 500) {
          showNotice(error.status === 404 ? "This conversation does not exist." : error.message, "bad");
          history.replaceState(null, "", "#");
          return null;
        }
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }

  addEventListener("hashchange", () => void follow());
  addEventListener("keydown", (event) => {
    const turn = view?.activeTurn;
    if (event.key === "Escape" && !event.isComposing && view && turn) void view.cancel(turn);
  });

  let first = true;
  client.fleet.watch((all) => {
    bots = all;
    const any = [...all.keys()][0];
    if (first && any !== undefined) {
      first = false;
      if (!location.hash.startsWith("#c/")) void chooseBot(any, true);
    }
    showHeading();
  });
  void follow();
  showHeading();
}

const titleLength = 60;

/** A name for a conversation, from its first words. */
function titleFrom(text: string): string {
  const line = text.trim().split("\n", 1)[0] ?? "";
  if (line.length <= titleLength) return line.toWellFormed();
  return `${line.slice(0, titleLength).replace(/\s+\S*$/, "")}…`.toWellFormed();
}
