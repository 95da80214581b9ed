import { Refusal } from "@skep/protocol/errors";
import type { Person } from "../conversations/api.ts";

/** What a door may be asked to do. */
export type Action = "bots.read" | "bots.manage" | "conversations.use" | "credentials.manage";

export const ownerRole = "owner";
export const owner: Person = { id: "owner", role: ownerRole };

/** The one place that knows what a role may do. There is one role now, and it may do everything. */
export const may = (person: Person, _action: Action): boolean => person.role === ownerRole;

/** @throws Refusal `not_allowed` */
export function mustBeAllowed(person: Person, action: Action): void {
  if (!may(person, action)) throw new Refusal("not_allowed", `The role "${person.role}" does not include ${action}.`);
}
