/** Makes and ends credentials while no server runs, on the store itself. */
import { Access } from "../access/access.ts";
import { openDataFolder } from "../store/sqlite/data-folder.ts";
import { SqliteStore } from "../store/sqlite/sqlite-store.ts";
import { NotRunning } from "./control-client.ts";

/** Over the running server if there is one, else on the store. @throws DataFolderError when the folder cannot be opened */
export async function withOrWithoutServer<T>(data: string, running: () => Promise<T>, stopped: (access: Access) => Promise<T>): Promise<T> {
  try {
    return await running();
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
  }
  const folder = openDataFolder(data);
  const store = await SqliteStore.open(folder, Date.now, () => {}).catch((error: unknown) => {
    folder.release();
    throw error;
  });
  try {
    const credentials = await store.credentials();
    return await stopped(new Access({ credentials, save: (operation) => store.commit([operation]), now: Date.now }));
  } finally {
    await store.close();
  }
}
