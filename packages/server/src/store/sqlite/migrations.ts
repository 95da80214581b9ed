/**
 * The schema, as numbered steps. A step is never changed once it was released; the next change is the next number.
 * `schema.sql` beside this file is the result of all of them, committed and compared by a test.
 *
 * Every page that a batch dirties is written twice and costs about as much as a message, so indexes are few, each for a query that names it
 * (shown in `plans.test.ts`), and ordered so that what comes together lies together (figures: docs/decisions/2026-11-20-sqlite-write-path.md):
 * - `log` says which message has which number in a conversation. New entries go to `log_tail`, which is small however many conversations
 *   are active, and are filed in `log` sixteen at a time: one page then serves sixteen messages instead of one.
 * - messages_by_key begins with the key: keys made in order of time (UUID version 7) then fall on the same few pages.
 */
export interface Migration {
  number: number;
  name: string;
  sql: string;
}

export const migrations: readonly Migration[] = [
  {
    number: 1,
    name: "conversations, messages, turns, bots, credentials",
    sql: `
CREATE TABLE conversations (
  id INTEGER PRIMARY KEY,
  public_id TEXT NOT NULL UNIQUE,
  bot TEXT NOT NULL,
  person TEXT NOT NULL,
  title TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  active_at INTEGER NOT NULL,
  deleted_at INTEGER,
  purged INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX conversations_by_person ON conversations (person, active_at, id) WHERE deleted_at IS NULL;
CREATE INDEX conversations_by_bot ON conversations (bot, person, active_at, id) WHERE deleted_at IS NULL;
CREATE INDEX conversations_deleted ON conversations (id) WHERE deleted_at IS NOT NULL AND purged = 0;

CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  role INTEGER NOT NULL,
  author TEXT NOT NULL,
  key TEXT,
  text TEXT NOT NULL,
  turn INTEGER,
  outcome INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_by_key ON messages (key, conversation, author) WHERE key IS NOT NULL;
CREATE INDEX messages_by_time ON messages (created_at);

CREATE TABLE log (
  conversation INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  message INTEGER NOT NULL,
  PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE log_tail (
  conversation INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  message INTEGER NOT NULL,
  PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE senders (
  conversation INTEGER NOT NULL,
  person TEXT NOT NULL,
  sender TEXT NOT NULL,
  last_n INTEGER NOT NULL,
  PRIMARY KEY (conversation, person, sender)
) STRICT, WITHOUT ROWID;

CREATE TABLE turns (
  id INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  bot TEXT NOT NULL,
  state INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  base_attempt INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL
) STRICT;
CREATE INDEX turns_pending ON turns (id) WHERE state = 0;

CREATE TABLE drafts (
  turn INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  start INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (turn, attempt, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE bots (
  name TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  definition TEXT NOT NULL,
  wanted INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  person TEXT NOT NULL,
  role TEXT NOT NULL,
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE message_search USING fts5 (
  text, content = 'messages', content_rowid = 'id', tokenize = "unicode61 remove_diacritics 2"
);
-- Left to itself the index merges its segments inside any insert, for up to 25 ms. Upkeep does it instead, some pages at a time.
INSERT INTO message_search (message_search, rank) VALUES ('automerge', 0);
INSERT INTO message_search (message_search, rank) VALUES ('crisismerge', 64);
`,
  },
  {
    number: 2,
    name: "parts of answers, requests for permission",
    sql: `
ALTER TABLE messages ADD COLUMN parts TEXT;

CREATE TABLE permissions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  conversation INTEGER NOT NULL,
  turn INTEGER NOT NULL,
  token TEXT NOT NULL,
  request TEXT NOT NULL,
  bot TEXT NOT NULL,
  title TEXT NOT NULL,
  detail TEXT NOT NULL,
  part TEXT,
  options TEXT NOT NULL,
  state INTEGER NOT NULL,
  option TEXT,
  how INTEGER,
  decided_by TEXT,
  decided_at INTEGER,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  told INTEGER NOT NULL
) STRICT;
CREATE INDEX permissions_pending ON permissions (id) WHERE state = 0;
CREATE INDEX permissions_by_turn ON permissions (turn, id);
CREATE INDEX permissions_by_conversation ON permissions (conversation, id);
`,
  },
  {
    number: 3,
    name: "timelines of bots",
    sql: `
CREATE TABLE bot_entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  bot TEXT NOT NULL,
  at INTEGER NOT NULL,
  entry TEXT NOT NULL
) STRICT;
CREATE INDEX bot_entries_by_bot ON bot_entries (bot, id);
`,
  },
  {
    number: 4,
    name: "files",
    sql: `
ALTER TABLE messages ADD COLUMN files TEXT;

CREATE TABLE files (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  public_id TEXT NOT NULL UNIQUE,
  person TEXT NOT NULL,
  hash TEXT NOT NULL,
  size INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  named INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX files_by_hash ON files (hash, size);
CREATE INDEX files_unnamed ON files (created_at) WHERE named = 0;

CREATE TABLE file_uses (
  conversation INTEGER NOT NULL,
  file INTEGER NOT NULL,
  PRIMARY KEY (conversation, file)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_uses_by_file ON file_uses (file);
`,
  },
  {
    number: 5,
    name: "branches",
    // `stem` has the messages before `seq`: `origin`, or what that is a branch of itself where its own messages begin later. A row goes when
    // nothing of the branch is left to show, also not by others.
    sql: `
CREATE TABLE branches (
  conversation INTEGER PRIMARY KEY,
  origin INTEGER NOT NULL,
  stem INTEGER NOT NULL,
  seq INTEGER NOT NULL
) STRICT;
CREATE INDEX branches_by_stem ON branches (stem, seq, conversation);
`,
  },
];
