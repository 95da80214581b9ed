/** On what a figure was measured. Without it no figure means anything. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem, type } from "node:os";
import { join } from "node:path";
import { percentile } from "./percentile.ts";

export interface Machine {
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  /** Append of 4 KiB and fdatasync, in the folder that the benchmarks keep their data in. */
  syncMs: { p50: number; p99: number };
  load: number;
}

export function describeMachine(): Machine {
  const folder = mkdtempSync(join(tmpdir(), "skep-sync-"));
  const file = openSync(join(folder, "file"), "w");
  const block = Buffer.alloc(4096, 7);
  const times: number[] = [];
  for (let index = 0; index < 300; index++) {
    const began = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    times.push(performance.now() - began);
  }
  closeSync(file);
  rmSync(folder, { recursive: true });
  const list = cpus();
  return {
    cpu: list[0]?.model ?? "unknown",
    cores: list.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    syncMs: { p50: round(percentile(times, 50)), p99: round(percentile(times, 99)) },
    load: round(loadavg()[0] ?? 0),
  };
}

const round = (value: number): number => Number(value.toPrecision(3));
