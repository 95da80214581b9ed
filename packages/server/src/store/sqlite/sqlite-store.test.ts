import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storeContract } from "../contract.ts";
import type { StoreUnderTest } from "../contract.ts";
import { branchContract } from "../branch-contract.ts";
import { fileContract } from "../file-contract.ts";
import { openDataFolder } from "./data-folder.ts";
import { SqliteStore } from "./sqlite-store.ts";

const openStore = (path: string): Promise<SqliteStore> => SqliteStore.open(openDataFolder(path), Date.now, () => {});

const open = async (): Promise<StoreUnderTest> => {
  const path = mkdtempSync(join(tmpdir(), "skep-store-"));
  let store = await openStore(path);
  return {
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = await openStore(path);
    },
    async close() {
      await store.close();
      rmSync(path, { recursive: true });
    },
  };
};

storeContract("SQLite", open);
branchContract("SQLite", open);
fileContract("SQLite", open);
