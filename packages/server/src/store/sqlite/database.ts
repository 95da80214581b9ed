import { DatabaseSync } from "node:sqlite";

/** What may be bound. Objects and undefined are kept out by type: node:sqlite takes a first object for named parameters and binds NULL. */
export type Value = string | number | null;

export interface Statement<Row> {
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): Row[];
  /** Row by row, as far as it is read. */
  iterate(...values: Value[]): Iterable<Row>;
  /** @returns the number of rows changed and the id of the last inserted one. */
  run(...values: Value[]): { changes: number; lastInsertRowid: number };
}

/** The one place that knows the class of node:sqlite (its name is to change in a later Node). */
export interface Database {
  exec(sql: string): void;
  prepare<Row = Record<string, Value>>(sql: string): Statement<Row>;
  close(): void;
}

export interface OpenOptions {
  readOnly?: boolean;
  /** Milliseconds to wait for a lock of another process; 0 by default. */
  timeout?: number;
}

export function openDatabase(file: string, { readOnly = false, timeout = 0 }: OpenOptions = {}): Database {
  const database = new DatabaseSync(file, { readOnly, timeout, enableForeignKeyConstraints: true });
  return database as unknown as Database;
}

export const sqliteErrors = { busy: 5, full: 13, ioError: 10, notADatabase: 26, constraint: 19 } as const;

/** The primary result code of an error that SQLite threw (its lowest byte), or null for any other error. */
export function sqliteCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" ? code & 0xff : null;
}
