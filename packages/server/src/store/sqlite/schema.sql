CREATE TABLE bot_entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  bot TEXT NOT NULL,
  at INTEGER NOT NULL,
  entry TEXT NOT NULL
) STRICT;

CREATE INDEX bot_entries_by_bot ON bot_entries (bot, id);

CREATE TABLE bots (
  name TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  definition TEXT NOT NULL,
  wanted INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE branches (
  conversation INTEGER PRIMARY KEY,
  origin INTEGER NOT NULL,
  stem INTEGER NOT NULL,
  seq INTEGER NOT NULL
) STRICT;

CREATE INDEX branches_by_stem ON branches (stem, seq, conversation);

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

CREATE INDEX conversations_by_bot ON conversations (bot, person, active_at, id) WHERE deleted_at IS NULL;

CREATE INDEX conversations_by_person ON conversations (person, active_at, id) WHERE deleted_at IS NULL;

CREATE INDEX conversations_deleted ON conversations (id) WHERE deleted_at IS NOT NULL AND purged = 0;

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

CREATE TABLE drafts (
  turn INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  start INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (turn, attempt, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE file_uses (
  conversation INTEGER NOT NULL,
  file INTEGER NOT NULL,
  PRIMARY KEY (conversation, file)
) STRICT, WITHOUT ROWID;

CREATE INDEX file_uses_by_file ON file_uses (file);

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

CREATE VIRTUAL TABLE message_search USING fts5 (
  text, content = 'messages', content_rowid = 'id', tokenize = "unicode61 remove_diacritics 2"
);

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
, parts TEXT, files TEXT) STRICT;

CREATE UNIQUE INDEX messages_by_key ON messages (key, conversation, author) WHERE key IS NOT NULL;

CREATE INDEX messages_by_time ON messages (created_at);

CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, run_at INTEGER NOT NULL) STRICT;

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

CREATE INDEX permissions_by_conversation ON permissions (conversation, id);

CREATE INDEX permissions_by_turn ON permissions (turn, id);

CREATE INDEX permissions_pending ON permissions (id) WHERE state = 0;

CREATE TABLE senders (
  conversation INTEGER NOT NULL,
  person TEXT NOT NULL,
  sender TEXT NOT NULL,
  last_n INTEGER NOT NULL,
  PRIMARY KEY (conversation, person, sender)
) STRICT, WITHOUT ROWID;

CREATE TABLE sqlite_sequence(name,seq);

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
