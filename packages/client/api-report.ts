/**
 * What programs that use the package may rely on: every declaration that can be reached from its doors, without comments and without what is private.
 * Made of the declarations that the compiler writes, whose layout is regular: whatever begins in the first column begins a statement,
 * unless it closes one.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

interface Declarations {
  /** Name -> its statement. */
  own: ReadonlyMap<string, string>;
  /** Name here -> where it comes from. */
  foreign: ReadonlyMap<string, { file: string; name: string }>;
  /** Names that others may import. */
  exported: readonly string[];
}

const begins = /^[a-z]/;
const declares = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface|type|function|const|let|enum) (\w+)/;
const leads = /^(import|export) (?:type )?\{([^}]*)\} from "(\.[^"]+)\.js"/;
const spreads = /^export (?:type )?\* from/;

/** @param file without its ending */
function read(folder: string, file: string): Declarations {
  const text = readFileSync(join(folder, `${file}.d.ts`), "utf8");
  const statements: string[] = [];
  for (const line of text.replaceAll(/^ *\/\*\*[^]*?\*\/\n/gm, "").split("\n")) {
    if (begins.test(line)) statements.push(line);
    else if (line.trim() !== "" && line.trim() !== "#private;") statements[statements.length - 1] += `\n${line}`;
  }
  const own = new Map<string, string>();
  const foreign = new Map<string, { file: string; name: string }>();
  const exported: string[] = [];
  for (const statement of statements) {
    const lead = leads.exec(statement);
    const declared = declares.exec(statement)?.[1];
    if (lead) {
      const [, verb, names = "", from = ""] = lead;
      for (const one of names.split(",")) {
        const [name = "", here = name] = one
          .trim()
          .replace(/^type /, "")
          .split(" as ");
        if (name === "") continue;
        foreign.set(here, { file: join(dirname(file), from), name });
        if (verb === "export") exported.push(here);
      }
    } else if (declared !== undefined) {
      own.set(declared, [own.get(declared), statement].filter(Boolean).join("\n"));
      if (statement.startsWith("export")) exported.push(declared);
    } else if (spreads.test(statement)) throw new Error(`${file}: name what is exported: ${statement}`);
  }
  return { own, foreign, exported };
}

/** @param doors name of the door -> file without its ending, in `folder` */
export function apiReport(folder: string, doors: Readonly<Record<string, string>>): string {
  const files = new Map<string, Declarations>();
  const reached = new Map<string, Set<string>>();
  const at = (file: string): Declarations => {
    const known = files.get(file) ?? read(folder, file);
    files.set(file, known);
    return known;
  };
  const reach = (file: string, name: string): void => {
    const { own, foreign } = at(file);
    const elsewhere = foreign.get(name);
    if (elsewhere) reach(elsewhere.file, elsewhere.name);
    const statement = own.get(name);
    const names = reached.get(file) ?? new Set();
    if (statement === undefined || names.has(name)) return;
    reached.set(file, names.add(name));
    for (const [word] of statement.matchAll(/\b[A-Za-z_]\w*\b/g)) if (own.has(word) || foreign.has(word)) reach(file, word);
  };

  const sections: string[] = [];
  for (const [door, file] of Object.entries(doors)) {
    const names = at(file).exported.toSorted();
    for (const name of names) reach(file, name);
    sections.push(`## \`${join("@skep/client", door)}\`\n\n${names.map((name) => `\`${name}\``).join(", ")}\n`);
  }
  for (const [file, names] of [...reached].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const statements = [...names].sort().map((name) => at(file).own.get(name));
    sections.push(`### ${file}\n\n\`\`\`ts\n${statements.join("\n\n")}\n\`\`\`\n`);
  }
  return [
    "# Public types of @skep/client\n",
    "Written by `npm run api -w @skep/client`. A test fails when the types change and this page does not.\n",
    ...sections,
  ].join("\n");
}
