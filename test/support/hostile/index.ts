/**
 * Texts that a model could be made to say, to run a script in the page, fetch something from it, leave it, hold it up, or pretend to be something
 * else. Each script, if it ran, would set `owned`; each address, if it were fetched, would be at a host that the test listens for.
 *
 * They are written one by one. Where a list is made into texts (events of elements, addresses of links), each entry is another way in:
 * another event that comes by itself, another disguise of an address. No text is another one with nothing but its words changed.
 */
import { letters } from "./letters.ts";
import { links } from "./links.ts";
import { markup } from "./markup.ts";
import { structures } from "./structures.ts";

export const hostileTexts: readonly string[] = [...markup, ...links, ...structures, ...letters];
