/** A kind of bot: which options a definition of it has, and how its process is started, if it has one. */
import { parseWith } from "@skep/protocol";
import type { BotAbility } from "@skep/protocol";
import { z } from "zod";
import type { KindDescription } from "../api.ts";

export interface LaunchContext {
  /** The program that runs this one: built-in bots run on it too. */
  node: string;
  /** Folder where built-in bots keep compiled code, so that they start quickly and small. */
  compileCache: string;
  /** The controller's environment. Only named variables are ever taken from it. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The bot's own folder; it exists. */
  folder: string;
}

/** For `spawn`, without a shell. */
export interface Launch {
  command: string;
  args: string[];
  /** The whole environment of the process. */
  env: Record<string, string>;
  cwd: string;
}

export interface Kind {
  name: string;
  title: string;
  /** One sentence for somebody who chooses. */
  summary: string;
  /** Doors ask for this, never for the kind. */
  can: readonly BotAbility[];
  /** Strict; what is not given gets its default. The checked options go into the bot's `hello`. */
  options: z.ZodObject;
  /**
   * Touches nothing: the same options and context give the same launch. @throws Refusal `field_invalid`
   * Null: nothing is started; programs connect in with the bot's token.
   */
  launch: ((options: Record<string, unknown>, context: LaunchContext) => Launch) | null;
}

interface KindOf<Options extends z.ZodObject> {
  name: string;
  title: string;
  summary: string;
  can: readonly BotAbility[];
  options: Options;
  launch: ((options: z.infer<Options>, context: LaunchContext) => Launch) | null;
}

/** Lets a kind be written with the types of its own options. */
export function defineKind<Options extends z.ZodObject>(kind: KindOf<Options>): Kind {
  const { launch } = kind;
  return {
    ...kind,
    launch: launch && ((options, context) => launch(parseWith(kind.options as unknown as z.ZodType<z.infer<Options>>, options), context)),
  };
}

export const describeKind = ({ name, title, summary, can, options }: Kind): KindDescription => {
  const { $schema: _, ...schema } = z.toJSONSchema(options, { io: "input" });
  return { name, title, summary, can, options: schema };
};
