import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import { SchemaError } from "./migrate.ts";
import type { Answer, Operation, Store } from "../store.ts";
import { StoreFailure } from "../store.ts";
import type { DataFolder } from "./data-folder.ts";
import { DataFolderError } from "./data-folder.ts";
import { readLife, writeLife } from "./life.ts";
import type { ReaderData } from "./reader-thread.ts";
import type { Reads } from "./reads.ts";
import type { FromReader, FromWriter, ReadName, ToReader, ToWriter, WriterData } from "./thread-messages.ts";

/** Pages of log after which the writer lets it start again at its beginning: 16 MB. */
const longLogPages = 4000;
const checkpointEveryMs = 200;
/** Operations after which the background thread is there to make checkpoints. It costs 10 MB, which an idle program need not pay. */
const operationsWithoutBackground = 2000;
const lifeEveryMs = 1000;

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

const closed = (): Error => new Error("the store is closed");

/** Runs reads on one reading thread. */
class ReadingThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting<unknown>>();
  readonly #ended: Promise<void>;
  #next = 1;
  /** Why there are no more answers. */
  #dead: Error | null = null;
  onCheckpoint: (pages: number) => void = () => {};

  constructor(data: ReaderData, onCrash: (error: Error) => void) {
    this.#worker = new Worker(new URL("./reader-thread.ts", import.meta.url), { workerData: data });
    this.#worker.on("message", (message: FromReader) => {
      if (message.type === "checkpointed") return this.onCheckpoint(message.pages);
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.type === "answer") waiting?.resolve(message.value);
      else waiting?.reject(new Error(`read failed: ${message.message}`));
    });
    this.#worker.on("error", (error: Error) => {
      this.#end(error);
      onCrash(error);
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#end(closed());
        resolve();
      });
    });
  }

  #end(error: Error): void {
    this.#dead ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#dead);
    this.#waiting.clear();
  }

  read<N extends ReadName>(name: N, ...values: Parameters<Reads[N]>): Promise<ReturnType<Reads[N]>> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ type: "read", id, name, values } satisfies ToReader);
    });
  }

  close(): Promise<void> {
    this.#worker.postMessage({ type: "close" } satisfies ToReader);
    return this.#ended;
  }
}

/** Something went wrong behind the messages; the store goes on. */
export type Report = (event: string, detail: string) => void;

export class SqliteStore implements Store {
  readonly epoch: string;
  readonly generation: number;
  readonly #writer: Worker;
  readonly #reader: ReadingThread;
  #background: ReadingThread | null = null;
  #operations = 0;
  readonly #report: Report;
  readonly #commits = new Map<number, Waiting<Answer[]>>();
  readonly #lifeTimer: NodeJS.Timeout;
  readonly #folder: DataFolder;
  readonly #ended: Promise<void>;
  #next = 1;
  #lastMessage: number;
  #writtenLast = -1;
  #closing: Promise<void> | null = null;
  #dead: StoreFailure | null = null;

  private constructor(folder: DataFolder, writer: Worker, ready: Extract<FromWriter, { type: "ready" }>, report: Report) {
    this.#folder = folder;
    this.#writer = writer;
    this.epoch = ready.epoch;
    this.generation = ready.generation;
    this.#lastMessage = ready.lastMessage;
    this.#report = report;
    this.#reader = new ReadingThread({ file: folder.database, checkpointEveryMs: 0 }, (error) => this.#crashed(error));
    writer.on("message", (message: FromWriter) => {
      if (message.type === "upkeep-failed") report("upkeep-failed", message.message);
      if (message.type !== "committed" && message.type !== "failed") return;
      const waiting = this.#commits.get(message.id);
      this.#commits.delete(message.id);
      if (message.type === "committed") {
        this.#lastMessage = message.lastMessage;
        waiting?.resolve(message.answers);
      } else {
        const { reason, outcome, final, message: text } = message.failure;
        waiting?.reject(new StoreFailure(reason, outcome, final, text));
      }
    });
    writer.on("error", (error: Error) => {
      this.#end(`the writing thread ended: ${error.message}`);
      this.#crashed(error);
    });
    this.#ended = new Promise((resolve) => {
      writer.once("exit", () => {
        this.#end("the store is closed");
        resolve();
      });
    });
    this.#noteLife();
    this.#lifeTimer = setInterval(() => this.#noteLife(), lifeEveryMs).unref();
  }

  /** @throws DataFolderError or SchemaError with a text for people. */
  static async open(folder: DataFolder, now: () => number, report: Report): Promise<SqliteStore> {
    const data: WriterData = { file: folder.database, life: readLife(folder.path), epoch: randomUUID().slice(0, 8), now: now() };
    const writer = new Worker(new URL("./writer-thread.ts", import.meta.url), { workerData: data });
    const ready = await new Promise<FromWriter>((resolve, reject) => {
      writer.once("message", resolve);
      writer.once("error", reject);
    });
    if (ready.type === "ready") return new SqliteStore(folder, writer, ready, report);
    const { name, message } = ready.type === "not-ready" ? ready : { name: "Error", message: `unexpected ${ready.type}` };
    throw name === "SchemaError" ? new SchemaError(message) : new DataFolderError(message);
  }

  #crashed(error: Error): void {
    this.#report("store-thread-crashed", error.message);
  }

  #readInBackground<N extends ReadName>(name: N, ...values: Parameters<Reads[N]>): Promise<ReturnType<Reads[N]>> {
    if (this.#closing) return Promise.reject(closed());
    return this.#inBackground().read(name, ...values);
  }

  /** Started when it is first needed. */
  #inBackground(): ReadingThread {
    if (this.#background) return this.#background;
    this.#background = new ReadingThread({ file: this.#folder.database, checkpointEveryMs }, (error) => this.#crashed(error));
    this.#background.onCheckpoint = (pages) => {
      if (pages > longLogPages) this.#tell({ type: "checkpoint" });
    };
    return this.#background;
  }

  /** No more answers come from the writer: what it was asked and has not answered may be stored or not (K2). */
  #end(reason: string): void {
    this.#dead ??= new StoreFailure("io", "not-stored", true, reason);
    for (const waiting of this.#commits.values()) waiting.reject(new StoreFailure("io", "unknown", true, reason));
    this.#commits.clear();
  }

  #tell(message: ToWriter): void {
    this.#writer.postMessage(message);
  }

  #noteLife(): void {
    if (this.#lastMessage === this.#writtenLast) return;
    this.#writtenLast = this.#lastMessage;
    try {
      writeLife(this.#folder.path, { generation: this.generation, lastMessage: this.#lastMessage });
    } catch {
      // On a full disk the note waits; at worst a restart after it tells clients to reload.
      this.#writtenLast = -1;
    }
  }

  commit(batch: readonly Operation[]): Promise<Answer[]> {
    if (this.#dead) return Promise.reject(this.#dead);
    if (this.#closing) return Promise.reject(new StoreFailure("io", "not-stored", true, "the store is closed"));
    if (this.#operations <= operationsWithoutBackground) {
      this.#operations += batch.length;
      if (this.#operations > operationsWithoutBackground) this.#inBackground();
    }
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#commits.set(id, { resolve, reject });
      this.#tell({ type: "commit", id, batch });
    });
  }

  conversation: Store["conversation"] = (publicId) => this.#reader.read("conversation", publicId);
  conversations: Store["conversations"] = (filter) => this.#reader.read("conversations", filter);
  forks: Store["forks"] = (...values) => this.#reader.read("forks", ...values);
  messages: Store["messages"] = (conversation, page) => this.#reader.read("messages", conversation, page);
  context: Store["context"] = (...values) => this.#reader.read("context", ...values);
  turn: Store["turn"] = (turn) => this.#reader.read("turn", turn);
  pendingTurns: Store["pendingTurns"] = (after, limit) => this.#reader.read("pendingTurns", after, limit);
  draft: Store["draft"] = (turn) => this.#reader.read("draft", turn);
  permission: Store["permission"] = (id) => this.#reader.read("permission", id);
  pendingPermissions: Store["pendingPermissions"] = (person) => this.#reader.read("pendingPermissions", person);
  permissions: Store["permissions"] = (conversation, page) => this.#reader.read("permissions", conversation, page);
  file: Store["file"] = (...values) => this.#reader.read("file", ...values);
  files: Store["files"] = (ids) => this.#reader.read("files", ids);
  heldHashes: Store["heldHashes"] = (hashes) => this.#reader.read("heldHashes", hashes);
  fileBytes: Store["fileBytes"] = () => this.#reader.read("fileBytes");
  oldestUnnamedFile: Store["oldestUnnamedFile"] = () => this.#reader.read("oldestUnnamedFile");
  search: Store["search"] = (filter) => this.#readInBackground("search", filter);
  bots: Store["bots"] = () => this.#reader.read("bots");
  botEntries: Store["botEntries"] = (...values) => this.#reader.read("botEntries", ...values);
  credentials: Store["credentials"] = () => this.#reader.read("credentials");
  counts: Store["counts"] = () => this.#readInBackground("counts");

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#lifeTimer);
    await Promise.all([this.#reader.close(), this.#background?.close()]);
    this.#tell({ type: "close" });
    await this.#ended;
    this.#noteLife();
    this.#folder.release();
  }
}
