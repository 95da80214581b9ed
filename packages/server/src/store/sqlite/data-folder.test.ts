import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DataFolderError, networkFileSystem, openDataFolder } from "./data-folder.ts";
import { inFolder } from "./test-folder.ts";

const openElsewhere = (path: string): string => {
  const code = `
    const { openDataFolder } = await import(${JSON.stringify(new URL("./data-folder.ts", import.meta.url).href)});
    try { openDataFolder(${JSON.stringify(path)}).release(); console.log("opened"); } catch (error) { console.log(error.name + ": " + error.message); }`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" }).stdout.trim();
};

test("[D2] a folder is made with its parents, for its owner alone", async () => {
  await inFolder((folder) => {
    const path = join(folder, "a", "b");
    const opened = openDataFolder(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(opened.database).toBe(join(path, "skep.db"));
    opened.release();
  });
});

test("[D2] an empty folder, or one of Skep's, is closed to others", async () => {
  await inFolder((folder) => {
    chmodSync(folder, 0o755);
    openDataFolder(folder).release();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    chmodSync(folder, 0o750);
    openDataFolder(folder).release();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });
});

test("[D2] a folder with other files is refused when others can read it, and its permissions stay", async () => {
  await inFolder((folder) => {
    writeFileSync(join(folder, "letter.txt"), "");
    chmodSync(folder, 0o1777);
    expect(() => openDataFolder(folder)).toThrow(/holds other files and is open to other users\. Choose an empty folder/);
    expect(statSync(folder).mode & 0o7777).toBe(0o1777);
    chmodSync(folder, 0o700);
    openDataFolder(folder).release();
  });
});

test("[D2] a folder that is in use cannot be opened again, by this process or another", async () => {
  await inFolder((folder) => {
    const first = openDataFolder(folder);
    expect(() => openDataFolder(folder)).toThrow(/in use by another Skep\. Stop that one first/);
    expect(() => openDataFolder(folder)).toThrow(DataFolderError);
    expect(openElsewhere(folder)).toMatch(/^DataFolderError: .*in use by another Skep/);
    first.release();
    expect(openElsewhere(folder)).toBe("opened");
    openDataFolder(folder).release();
  });
});

test("[D2] a network file system is refused with the reason and what to do", async () => {
  await inFolder((folder) => {
    const path = join(folder, "data");
    expect(() => openDataFolder(path, () => 0x6969)).toThrow(/is on NFS, a network file system.*Put it on a local disk with --data/);
    expect(existsSync(join(path, "skep.lock"))).toBe(false);
  });
});

test("[D2] network file systems are told from local ones by their numbers, signed or not", () => {
  expect([0x6969, 0x517b, 0xff534d42, 0xff534d42 | 0, 0xfe534d42, 0x01021997, 0x65735546].map(networkFileSystem)).toEqual([
    "NFS",
    "SMB",
    "CIFS",
    "CIFS",
    "SMB2",
    "9P",
    "FUSE",
  ]);
  // ext4, XFS, Btrfs, ZFS, tmpfs, overlay, APFS, NTFS (ntfs3), F2FS
  for (const local of [0xef53, 0x58465342, 0x9123683e, 0x2fc12fc1, 0x01021994, 0x794c7630, 0x1a, 0x7366746e, 0xf2f52010]) {
    expect(networkFileSystem(local)).toBeNull();
  }
});

test("[D2] a folder that cannot be made or locked is refused in a sentence", async () => {
  await inFolder((folder) => {
    writeFileSync(join(folder, "file"), "");
    expect(() => openDataFolder(join(folder, "file", "data"))).toThrow(/cannot be made: .*Choose another one with --data/);
    mkdirSync(join(folder, "odd", "skep.lock"), { recursive: true });
    expect(() => openDataFolder(join(folder, "odd"))).toThrow(DataFolderError);
  });
});
