import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TemporaryFolder extends AsyncDisposable {
  path: string;
  remove(): Promise<void>;
}

/** Bots that are just ending may still write into it while it is removed, hence the patience. */
export async function temporaryFolder(prefix: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  return { path, remove, [Symbol.asyncDispose]: remove };
}
