/** What a benchmark answers: a few figures with their targets, and everything else for those who look closer. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Machine } from "./machine.ts";

export interface Figure {
  name: string;
  value: number;
  unit: string;
  better: "lower" | "higher";
  /** The bound that has to be kept, and the one to reach for. */
  must?: number;
  aim?: number;
}

export interface BenchmarkResult {
  name: string;
  question: string;
  figures: Figure[];
  /** What went wrong while it was measured: figures of a run with faults mean nothing. */
  faults: string[];
  details: unknown;
}

const keeps = (figure: Figure, bound: number): boolean => (figure.better === "lower" ? figure.value <= bound : figure.value >= bound);

export const fails = ({ figures, faults }: BenchmarkResult): boolean =>
  faults.length > 0 || figures.some((figure) => figure.must !== undefined && !keeps(figure, figure.must));

export function printResult({ name, question, figures, faults }: BenchmarkResult): void {
  console.log(`\n${name}: ${question}`);
  const rows = figures.map((figure) => {
    const { must, aim } = figure;
    const verdict = must === undefined ? "" : keeps(figure, must) ? (aim !== undefined && keeps(figure, aim) ? "aim" : "kept") : "MISSED";
    return [figure.name, short(figure.value), figure.unit, bound("must", figure, must), bound("aim", figure, aim), verdict];
  });
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    console.log(
      `  ${row.map((cell, column) => (column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0))).join("  ")}`,
    );
  }
  for (const fault of faults.slice(0, 20)) console.log(`  FAULT ${fault}`);
  if (faults.length > 20) console.log(`  and ${faults.length - 20} more faults`);
}

const bound = (word: string, { better }: Figure, value: number | undefined): string =>
  value === undefined ? "" : `${word} ${better === "lower" ? "<=" : ">="} ${value}`;

const short = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));

const asText = (value: unknown): string => `${JSON.stringify(value, shortened, 2)}\n`;

/** As `<date>-<name>.json`: the last one of a day stays. */
export function keepResult(result: BenchmarkResult, machine: Machine, folder: string): void {
  const at = new Date().toISOString();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${at.slice(0, 10)}-${result.name}.json`), asText({ ...result, at, machine }));
}

/** All results of a run in one file, for other programs. */
export function writeResults(results: readonly BenchmarkResult[], machine: Machine, file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, asText({ at: new Date().toISOString(), machine, results }));
}

/** Three digits after the point are more than any of this is exact to. */
const shortened = (_key: string, value: unknown): unknown => (typeof value === "number" ? Math.round(value * 1000) / 1000 : value);
