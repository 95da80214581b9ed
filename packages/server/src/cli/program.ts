/** The command line: what there is to call. What the commands do stands in the files beside this one, which are loaded when they are called. */
import { Command, CommanderError } from "commander";
import { ConfigError, flagOf, optionNames, options, resolveConfig, variableOf } from "../config.ts";
import type { Config } from "../config.ts";
import type { DefinitionInput } from "./bot-definition.ts";
import { withDefinition } from "./bot-definition.ts";
import { exitCodes, Failure } from "./failure.ts";
import type { Terminal } from "./terminal.ts";

type Given = Partial<Record<keyof Config, string>> & { json?: boolean };

/** @returns the exit code. Prints everything there is to say, also about what went wrong. */
export async function runCommandLine(terminal: Terminal): Promise<number> {
  const program = commands(terminal);
  try {
    await program.parseAsync([...terminal.arguments], { from: "user" });
    return exitCodes.done;
  } catch (error) {
    // Commander has printed its own, and --help and --version come this way too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error instanceof Failure) return say(terminal, error.message, error.exitCode);
    if (error instanceof ConfigError) return say(terminal, error.message, exitCodes.usage);
    if (error instanceof Error && forPeople.has(error.name)) return say(terminal, error.message, exitCodes.failed);
    // What the system refused: a port, a file.
    if (error instanceof Error && "syscall" in error) return say(terminal, error.message, exitCodes.failed);
    return say(terminal, `A bug in Skep: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, exitCodes.failed);
  }
}

/** By name, because their classes come with the store, which most commands do not need. */
const forPeople = new Set(["DataFolderError", "SchemaError", "StoreFailure", "Refusal"]);

function say(terminal: Terminal, message: string, code: number): number {
  terminal.error(`skep: ${message}`);
  return code;
}

const exitCodeHelp = `
Exit codes:
  0  done
  1  refused or failed; the reason is on standard error
  2  the command line or an option is wrong
  3  no server is running with this data folder`;

const examples = (...lines: string[]): string => `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;

function commands(terminal: Terminal): Command {
  const config = (given: Given): Config => resolveConfig(given, terminal.surroundings);
  const dataOf = (given: Given): string => config(given).data;

  const program = new Command("skep")
    .description("Launches, supervises and talks to a fleet of chat bots.")
    .version(terminal.version)
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: (text) => terminal.error(text.trimEnd()) })
    .exitOverride()
    .showHelpAfterError("(--help says more)")
    .addHelpText("after", exitCodeHelp)
    .addHelpText(
      "after",
      examples("skep start", "skep bot add ada --kind ollama --option model=llama3", "skep chat ada", "skep token create --name ci"),
    );

  /** A command that talks to a server. Commander hands settings like the output down to it. */
  const command = (parent: Command, usage: string, description: string): Command => {
    const made = parent.command(usage).description(description);
    return made.option("--data <folder>", `${options.data.sentence} (${variableOf("data")})`);
  };
  const withJson = (made: Command): Command => made.option("--json", "print JSON, for programs");

  const start = program.command("start").description("Start the server; it runs until Ctrl-C or SIGTERM.");
  for (const name of optionNames) {
    const { type, sentence, defaultText } = options[name];
    start.option(`${flagOf(name)} <value>`, `${sentence} ${type}; default: ${defaultText} (${variableOf(name)})`);
  }
  start.addHelpText("after", examples("skep start", "skep start --port 9000 --data ./skep-data", "SKEP_PORT=9000 skep start"));
  start.action(async (given: Given) => {
    const { runServer } = await import("./start-command.ts");
    await runServer(terminal, config(given));
  });

  withJson(command(program, "status", "Is the server running, and how are its bots?")).action(async (given: Given) => {
    const { printStatus } = await import("./status-command.ts");
    await printStatus(terminal, dataOf(given), given.json === true);
  });

  command(program, "chat <bot>", "Talk to a bot in this terminal.")
    .option("--conversation <id>", "go on with this conversation instead of a new one")
    .addHelpText("after", examples("skep chat echo", "echo 'What is a skep?' | skep chat ada"))
    .action(async (bot: string, given: Given & { conversation?: string }) => {
      const { chat } = await import("./chat.ts");
      await chat(terminal, dataOf(given), bot, given.conversation ?? null);
    });

  const permissions = program.command("permissions").description("What bots wait to be allowed to do.");
  withJson(command(permissions, "list", "What waits for a decision.").alias("ls")).action(async (given: Given) => {
    const { listPermissions } = await import("./permission-commands.ts");
    await listPermissions(terminal, dataOf(given), given.json === true);
  });
  withJson(command(permissions, "answer <id> <option>", "Decide on a request, by the id of one of its options."))
    .addHelpText("after", examples("skep permissions list", "skep permissions answer p12 once"))
    .action(async (id: string, option: string, given: Given) => {
      const { answerPermission } = await import("./permission-commands.ts");
      await answerPermission(terminal, dataOf(given), id, option, given.json === true);
    });

  withJson(command(program, "signin", "Print a new link that signs a browser in; it works once, for 15 minutes."))
    .option("--port <value>", `the port of a server that is not running yet (${variableOf("port")})`)
    .option("--host <value>", `its address (${variableOf("host")})`)
    .action(async (given: Given) => {
      const { printSignInLink } = await import("./token-commands.ts");
      await printSignInLink(terminal, config(given), given.json === true);
    });

  botCommands(terminal, program.command("bot").description("Add, watch and steer bots."), command, withJson, dataOf);
  tokenCommands(terminal, program.command("token").description("Tokens that programs sign in with."), command, withJson, dataOf);
  return program;
}

type Make = (parent: Command, usage: string, description: string) => Command;
type With = (made: Command) => Command;

function botCommands(terminal: Terminal, bot: Command, command: Make, withJson: With, dataOf: (given: Given) => string): void {
  const load = () => import("./bot-commands.ts");

  withDefinition(
    withJson(command(bot, "add <name>", "Add a bot and launch it.")).requiredOption(
      "--kind <kind>",
      "how it is run: echo, ollama, openai, anthropic, acp, command or remote",
    ),
  )
    .addHelpText(
      "after",
      examples(
        "skep bot add ada --kind ollama --option model=llama3",
        "skep bot add grace --kind openai --option baseUrl=http://127.0.0.1:1234/v1 --option model=local",
        `skep bot add mine --kind command --option command=python3 --option 'args=["bot.py"]'`,
        'skep bot add big --kind ollama --option model=llama3 --worker "name=attic weight=3 url=http://10.0.0.7:11434" --worker name=desk --balance weighted',
      ),
    )
    .action(async (name: string, given: Given & DefinitionInput & { kind: string }) => {
      const { addBot } = await load();
      await addBot(terminal, dataOf(given), name, { ...given, json: given.json === true });
    });
  withDefinition(withJson(command(bot, "change <name>", "Change a bot; what is not given stays as it is.")))
    .addHelpText("after", examples("skep bot change ada --option temperature=0.2", "skep bot change ada --workers 3 --fallback grace"))
    .action(async (name: string, given: Given & DefinitionInput) => {
      const { changeBot } = await load();
      await changeBot(terminal, dataOf(given), name, { ...given, json: given.json === true });
    });
  withJson(command(bot, "workers <name>", "A bot's workers: their share, their health, what they have.")).action(
    async (name: string, given: Given) => {
      const { listWorkers } = await import("./worker-commands.ts");
      await listWorkers(terminal, dataOf(given), name, given.json === true);
    },
  );
  withJson(command(bot, "found", "Look for model servers on this machine, and say how to add a bot for their models."))
    .addHelpText("after", examples("skep bot found", "OLLAMA_HOST=127.0.0.1:11435 skep start"))
    .action(async (given: Given) => {
      const { listFound } = await import("./found-command.ts");
      await listFound(terminal, dataOf(given), given.json === true);
    });
  const drains = {
    drain: "Take a worker of a bot out: it ends what it has and gets nothing new.",
    undrain: "Take a drained worker back in.",
  } as const;
  for (const [verb, sentence] of Object.entries(drains)) {
    withJson(command(bot, `${verb} <name> <worker>`, sentence)).action(async (name: string, worker: string, given: Given) => {
      const { drainWorker } = await import("./worker-commands.ts");
      await drainWorker(terminal, dataOf(given), name, worker, verb as keyof typeof drains, given.json === true);
    });
  }
  withJson(command(bot, "list", "All bots and their state.").alias("ls")).action(async (given: Given) => {
    const { listBots } = await load();
    await listBots(terminal, dataOf(given), given.json === true);
  });
  withJson(command(bot, "status <name>", "One bot and its processes.")).action(async (name: string, given: Given) => {
    const { showBot } = await load();
    await showBot(terminal, dataOf(given), name, given.json === true);
  });
  const verbs = { start: "Start a bot.", stop: "Stop a bot; messages to it wait.", restart: "Stop a bot and start it again." } as const;
  for (const [verb, sentence] of Object.entries(verbs)) {
    withJson(command(bot, `${verb} <name>`, sentence)).action(async (name: string, given: Given) => {
      const { actOnBot } = await load();
      await actOnBot(terminal, dataOf(given), name, verb as keyof typeof verbs, given.json === true);
    });
  }
  command(bot, "remove <name>", "Stop a bot and forget it; its conversations stay.")
    .alias("rm")
    .option("--yes", "do not ask")
    .action(async (name: string, given: Given & { yes?: boolean }) => {
      const { removeBot } = await load();
      await removeBot(terminal, dataOf(given), name, given.yes === true);
    });
  withJson(command(bot, "token <name>", "Make the token with which a program connects as a remote bot, and print it; an older one ends."))
    .option("--revoke", "end the token instead")
    .action(async (name: string, given: Given & { revoke?: boolean }) => {
      const { makeBotToken, revokeBotToken } = await load();
      if (given.revoke) await revokeBotToken(terminal, dataOf(given), name);
      else await makeBotToken(terminal, dataOf(given), name, given.json === true);
    });
  withJson(command(bot, "why <name>", "What happened to a bot and its workers, and what was decided: why did it stop?"))
    .option("--limit <count>", "how many entries", "50")
    .action(async (name: string, given: Given & { limit: string }) => {
      const { printTimeline } = await import("./timeline-command.ts");
      await printTimeline(terminal, dataOf(given), name, given.limit, given.json === true);
    });
  withJson(command(bot, "logs <name>", "The newest lines that a bot has logged."))
    .option("--limit <count>", "how many lines", "200")
    .action(async (name: string, given: Given & { limit: string }) => {
      const { printLogs } = await load();
      await printLogs(terminal, dataOf(given), name, given.limit, given.json === true);
    });
}

function tokenCommands(terminal: Terminal, token: Command, command: Make, withJson: With, dataOf: (given: Given) => string): void {
  const load = () => import("./token-commands.ts");

  withJson(command(token, "create", "Make a token and print it; works with and without a running server."))
    .requiredOption("--name <name>", "what it is for")
    .option("--role <role>", "what it may do; there is one role now: owner", "owner")
    .option("--expires <duration>", "when it ends: 90s, 15m, 12h or 30d; never if not given")
    .addHelpText("after", examples("skep token create --name ci --expires 30d", "TOKEN=$(skep token create --name script)"))
    .action(async (given: Given & { name: string; role: string; expires?: string }) => {
      const { createToken } = await load();
      const { durationOf } = await import("./duration.ts");
      await createToken(terminal, dataOf(given), {
        name: given.name,
        role: given.role,
        ...(given.expires === undefined ? {} : { expiresInSeconds: durationOf(given.expires) }),
        json: given.json === true,
      });
    });
  withJson(command(token, "list", "All tokens, without their secrets.").alias("ls")).action(async (given: Given) => {
    const { listTokens } = await load();
    await listTokens(terminal, dataOf(given), given.json === true);
  });
  command(token, "revoke <name>", "End a token, by its name or its id; connections that use it end.").action(
    async (name: string, given: Given) => {
      const { revokeToken } = await load();
      await revokeToken(terminal, dataOf(given), name);
    },
  );
}
