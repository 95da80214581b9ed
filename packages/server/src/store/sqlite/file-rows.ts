import type { StoredFile } from "../file.ts";

export interface FileRow {
  id: number;
  public_id: string;
  person: string;
  hash: string;
  size: number;
  name: string;
  type: string;
  created_at: number;
}

const columns = "f.id, f.public_id, f.person, f.hash, f.size, f.name, f.type, f.created_at";

export const fileSql = {
  file: `SELECT ${columns} FROM files f WHERE f.public_id = ?1 AND (f.person = ?2 OR EXISTS (SELECT 1 FROM file_uses u JOIN conversations c ON c.id = u.conversation WHERE u.file = f.id AND c.person = ?2 AND c.deleted_at IS NULL))`,
  fileById: `SELECT ${columns} FROM files f WHERE f.public_id = ?`,
  heldHash: "SELECT 1 AS n FROM files WHERE hash = ? LIMIT 1",
  fileBytes: "SELECT coalesce(sum(size), 0) AS bytes FROM (SELECT DISTINCT hash, size FROM files)",
  oldestUnnamedFile: "SELECT created_at FROM files WHERE named = 0 ORDER BY created_at LIMIT 1",
} as const;

export const fileFrom = (row: FileRow): StoredFile => ({
  publicId: row.public_id,
  person: row.person,
  hash: row.hash,
  size: row.size,
  name: row.name,
  type: row.type,
  createdAt: row.created_at,
});
