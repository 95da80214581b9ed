import { styleText } from "node:util";
import { visibleText } from "@skep/client";
import type { Permission } from "@skep/protocol";
import { callControl } from "./control-client.ts";
import { printable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** What waits for a decision, with the command that gives it. */
export async function listPermissions(terminal: Terminal, data: string, asJson: boolean): Promise<void> {
  const { permissions } = await callControl<{ permissions: Permission[] }>(data, "GET", "/api/permissions?state=pending");
  if (asJson) return terminal.out(JSON.stringify({ permissions }, null, 2));
  if (permissions.length === 0) return terminal.out("Nothing waits for a decision.");
  for (const { id, bot, title, detail, options, expiresAt } of permissions) {
    terminal.out(`${styleText("bold", id)}  ${bot} asks: ${printable(title)}  ${styleText("dim", `until ${expiresAt}`)}`);
    for (const line of detail === "" ? [] : detail.split("\n")) terminal.out(`    ${printable(line)}`);
    for (const option of options) {
      terminal.out(`    skep permissions answer ${id} ${quoted(option.id)}  ${styleText("dim", `# ${printable(option.label)}`)}`);
    }
  }
}

export async function answerPermission(terminal: Terminal, data: string, id: string, option: string, asJson: boolean): Promise<void> {
  const permission = await callControl<Permission>(data, "POST", `/api/permissions/${encodeURIComponent(id)}`, { option });
  if (asJson) return terminal.out(JSON.stringify(permission, null, 2));
  terminal.out(outcomeOf(permission));
}

/** "Allowed: Run the tests" */
export function outcomeOf({ title, state, option, options }: Permission): string {
  const chosen = options.find(({ id }) => id === option);
  const outcome = {
    pending: "Waiting",
    decided: chosen?.effect === "allow" ? "Allowed" : "Rejected",
    expired: "Expired",
    withdrawn: "Withdrawn",
  }[state];
  return `${outcome}: ${printable(title)}`;
}

/** Ids are the bot's own: what is not plainly a word is put in quotes, as a shell takes it. */
const quoted = (id: string): string => (/^[\w.-]+$/.test(id) ? id : `'${visibleText(id).replaceAll("'", "'\\''")}'`);
