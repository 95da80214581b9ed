/**
 * Every option of the program, once: its type, default and one sentence. The command line (`--message-bytes`), the environment
 * (`SKEP_MESSAGE_BYTES`), `--help` and docs/configuration.md are made from this table. An argument wins over the environment.
 */
import { isIP } from "node:net";
import { isAbsolute, join, resolve } from "node:path";
import { isWildcard } from "./own-address.ts";

export interface Config {
  host: string;
  port: number;
  data: string;
  messageBytes: number;
  messagesPerMinute: number;
  filesBytes: number;
  log: "stderr" | "file" | "off";
  logLevel: "debug" | "info" | "warn" | "error";
  allowedHosts: readonly string[];
  tlsCertificate: string | null;
  tlsKey: string | null;
  /** Addresses and networks. */
  trustProxy: readonly string[];
  echoBot: boolean;
  memoryMb: number;
  alertDelayMs: number;
  alertAnswerMs: number;
}

/** What defaults depend on. */
export interface Surroundings {
  variables: Readonly<Record<string, string | undefined>>;
  platform: string;
  home: string;
  /** The working folder: relative folders count from here. */
  folder: string;
  /** Does a person read standard error? */
  terminal: boolean;
}

/** An option has a value that cannot be used; the text names the option and the rule. */
export class ConfigError extends Error {
  override name = "ConfigError";
  readonly option: keyof Config;

  constructor(option: keyof Config, message: string) {
    super(message);
    this.option = option;
  }
}

export interface Option<T> {
  /** As `--help` and the docs show it. */
  type: string;
  sentence: string;
  /** The default, in words. */
  defaultText: string;
  default(surroundings: Surroundings): T;
  /** @returns the value, or throws an Error with the rule that the text breaks. */
  parse(text: string, surroundings: Surroundings): T;
}

class RuleBroken extends Error {}

const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new RuleBroken(`must be a whole number from ${min} to ${max}`);
    return value;
  };

const oneOf =
  <T extends string>(...values: readonly T[]) =>
  (text: string): T => {
    const found = values.find((value) => value === text);
    if (found === undefined) throw new RuleBroken(`must be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}`);
    return found;
  };

const yesOrNo = (text: string): boolean => {
  if (["yes", "true", "1", "on"].includes(text)) return true;
  if (["no", "false", "0", "off"].includes(text)) return false;
  throw new RuleBroken("must be yes or no");
};

export const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);

function parseHost(text: string): string {
  const host = text.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (host === "") throw new RuleBroken("must be an address of this machine, such as 127.0.0.1");
  if (host !== "localhost" && isIP(host) === 0) {
    throw new RuleBroken(
      "must be an address of this machine: a loopback address (127.0.0.1, ::1 or localhost), or one such as 192.168.1.2",
    );
  }
  return host;
}

function parseFile(text: string, { folder }: Surroundings): string {
  if (text === "" || text.includes("\0")) throw new RuleBroken("must be the path of a file");
  return resolve(folder, text);
}

function parseNetworks(text: string): string[] {
  const networks = text
    .split(",")
    .map((network) => network.trim())
    .filter((network) => network !== "");
  for (const network of networks) {
    const [, address = "", bits] = /^([\da-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(network) ?? [];
    const family = isIP(address);
    if (family === 0 || (bits !== undefined && Number(bits) > (family === 6 ? 128 : 32))) {
      throw new RuleBroken(`must be addresses or networks such as 10.0.0.0/8, with commas between them; "${network}" is none`);
    }
    if (bits !== undefined && Number(bits) === 0) throw new RuleBroken(`must not be everybody; "${network}" is`);
  }
  return networks;
}

/** What is about several options: nothing may be read or changed on the way. */
function checkReach({ host, allowedHosts, tlsCertificate, tlsKey, trustProxy }: Config): void {
  if ((tlsCertificate === null) !== (tlsKey === null)) {
    const [given, missing] = tlsKey === null ? (["tlsCertificate", "tlsKey"] as const) : (["tlsKey", "tlsCertificate"] as const);
    throw new ConfigError(missing, `${flagOf(given)} is given but ${flagOf(missing)} is not; TLS needs both.`);
  }
  if (isLoopback(host)) return;
  if (tlsCertificate === null && trustProxy.length === 0) {
    throw new ConfigError(
      "host",
      `${flagOf("host")} is "${host}", which others on the network can reach, so what goes over it must be encrypted. ` +
        `Give a certificate with ${flagOf("tlsCertificate")} and ${flagOf("tlsKey")}; or, behind a proxy that does TLS, the proxy's address with ${flagOf("trustProxy")}; ` +
        "or keep a loopback address (127.0.0.1, ::1 or localhost) and use a tunnel: ssh -L 8000:127.0.0.1:8000 this-machine",
    );
  }
  if (isWildcard(host) && allowedHosts.length === 0) {
    throw new ConfigError(
      "host",
      `${flagOf("host")} is "${host}", every address of this machine; say with ${flagOf("allowedHosts")} by which names people open it.`,
    );
  }
}

function parseHostNames(text: string): string[] {
  const names = text
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  for (const name of names) {
    if (!/^[a-z0-9.-]+(:\d{1,5})?$/.test(name)) throw new RuleBroken(`must be host names with commas between them; "${name}" is none`);
  }
  return names;
}

function parseFolder(text: string, { folder }: Surroundings): string {
  if (text === "" || text.includes("\0")) throw new RuleBroken("must be the path of a folder");
  return resolve(folder, text);
}

function defaultFolder({ platform, home, variables }: Surroundings): string {
  if (platform === "darwin") return join(home, "Library", "Application Support", "skep");
  if (platform === "win32") return join(variables["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "skep");
  const base = variables["XDG_DATA_HOME"];
  // The XDG rule: a relative path counts as not set.
  return base !== undefined && isAbsolute(base) ? join(base, "skep") : join(home, ".local", "share", "skep");
}

export const options: { readonly [K in keyof Config]: Option<Config[K]> } = {
  host: {
    type: "address",
    sentence:
      "The address to listen on; `localhost` is 127.0.0.1 and ::1. Any other than those of the loopback needs a certificate or a trusted proxy.",
    defaultText: "localhost",
    default: () => "localhost",
    parse: parseHost,
  },
  port: {
    type: "0 to 65535",
    sentence: "The port to listen on; 0 takes a free one, which the line `ready` names.",
    defaultText: "8000",
    default: () => 8000,
    parse: wholeNumber(0, 65_535),
  },
  data: {
    type: "folder",
    sentence: "Where everything is kept; made if it is missing.",
    defaultText: "$XDG_DATA_HOME/skep or ~/.local/share/skep; on a Mac ~/Library/Application Support/skep; on Windows %LOCALAPPDATA%\\skep",
    default: defaultFolder,
    parse: parseFolder,
  },
  messageBytes: {
    type: "1 to 131072",
    sentence: "The largest message a person may send, in bytes of UTF-8.",
    defaultText: "10240",
    default: () => 10_240,
    parse: wholeNumber(1, 131_072),
  },
  messagesPerMinute: {
    type: "0 to 1000000000",
    sentence: "Messages that one connection may send in a minute, and requests besides; 0: as many as it likes.",
    defaultText: "1000",
    default: () => 1000,
    parse: wholeNumber(0, 1_000_000_000),
  },
  filesBytes: {
    type: "0 to 1000000000000000",
    sentence: "How many bytes the files of all messages may have together; when they have, uploads are refused. 0: no files.",
    defaultText: "10737418240",
    default: () => 10_737_418_240,
    parse: wholeNumber(0, 1_000_000_000_000_000),
  },
  log: {
    type: "stderr, file or off",
    sentence: "Where the log goes, one JSON object a line; `file` is skep.log in the data folder.",
    defaultText: "file when standard error is a terminal, else stderr",
    default: ({ terminal }) => (terminal ? "file" : "stderr"),
    parse: oneOf("stderr", "file", "off"),
  },
  logLevel: {
    type: "debug, info, warn or error",
    sentence: "The least important events to log.",
    defaultText: "info",
    default: () => "info",
    parse: oneOf("debug", "info", "warn", "error"),
  },
  allowedHosts: {
    type: "names",
    sentence: "More host names that requests may name, with commas between them; for a tunnel or a proxy on this machine.",
    defaultText: "none",
    default: () => [],
    parse: parseHostNames,
  },
  tlsCertificate: {
    type: "file",
    sentence: "The certificate for TLS, with those up to its authority, in PEM; read again when it changes.",
    defaultText: "none",
    default: () => null,
    parse: parseFile,
  },
  tlsKey: {
    type: "file",
    sentence: "The certificate's private key, in PEM, without a password.",
    defaultText: "none",
    default: () => null,
    parse: parseFile,
  },
  trustProxy: {
    type: "networks",
    sentence:
      "Proxies that do TLS, as addresses or networks such as 10.0.0.0/8 with commas between them: what they say in X-Forwarded-For and X-Forwarded-Proto is believed.",
    defaultText: "none",
    default: () => [],
    parse: parseNetworks,
  },
  echoBot: {
    type: "yes or no",
    sentence: "Add a bot named `echo` when there is no bot yet.",
    defaultText: "yes",
    default: () => true,
    parse: yesOrNo,
  },
  memoryMb: {
    type: "0 to 1000000000",
    sentence:
      "Megabytes that Skep and its bots should stay under together: an alert at 80 % of it; 0 takes what the container or the machine has.",
    defaultText: "0",
    default: () => 0,
    parse: wholeNumber(0, 1_000_000_000),
  },
  alertDelayMs: {
    type: "0 to 600000",
    sentence: "An alert when Skep itself (storing, p95, or its event loop, p99) adds more milliseconds than this to a message; 0: none.",
    defaultText: "500",
    default: () => 500,
    parse: wholeNumber(0, 600_000),
  },
  alertAnswerMs: {
    type: "0 to 3600000",
    sentence: "An alert when answers take more milliseconds than this, p95, from message to answer with the model's own time; 0: none.",
    defaultText: "0",
    default: () => 0,
    parse: wholeNumber(0, 3_600_000),
  },
};

export const optionNames = Object.keys(options) as (keyof Config)[];
const words = (name: string): string[] => name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
export const flagOf = (name: keyof Config): string => `--${words(name).join("-")}`;
export const variableOf = (name: keyof Config): string => `SKEP_${words(name).join("_").toUpperCase()}`;

function valueOf<K extends keyof Config>(name: K, given: string | undefined, surroundings: Surroundings): Config[K] {
  const option: Option<Config[K]> = options[name];
  const fromVariable = surroundings.variables[variableOf(name)];
  // An empty variable counts as not set, as compose files and service managers leave it.
  const [text, source] = given !== undefined ? [given, flagOf(name)] : [fromVariable || undefined, variableOf(name)];
  if (text === undefined) return option.default(surroundings);
  try {
    return option.parse(text, surroundings);
  } catch (error) {
    if (error instanceof RuleBroken) throw new ConfigError(name, `${source} is "${text}" but ${error.message}.`);
    throw error;
  }
}

/** @throws ConfigError for the first bad value. */
export function resolveConfig(given: Partial<Record<keyof Config, string>>, surroundings: Surroundings): Config {
  const value = <K extends keyof Config>(name: K): Config[K] => valueOf(name, given[name], surroundings);
  const config: Config = {
    host: value("host"),
    port: value("port"),
    data: value("data"),
    messageBytes: value("messageBytes"),
    messagesPerMinute: value("messagesPerMinute"),
    filesBytes: value("filesBytes"),
    log: value("log"),
    logLevel: value("logLevel"),
    allowedHosts: value("allowedHosts"),
    tlsCertificate: value("tlsCertificate"),
    tlsKey: value("tlsKey"),
    trustProxy: value("trustProxy"),
    echoBot: value("echoBot"),
    memoryMb: value("memoryMb"),
    alertDelayMs: value("alertDelayMs"),
    alertAnswerMs: value("alertAnswerMs"),
  };
  checkReach(config);
  return config;
}

/** The table of docs/configuration.md. */
export function configurationTable(): string {
  const rows = optionNames.map((name) => {
    const { type, defaultText, sentence } = options[name];
    return `| \`${flagOf(name)}\` | \`${variableOf(name)}\` | ${type} | ${defaultText} | ${sentence} |`;
  });
  return ["| option | variable | value | default | what it does |", "|---|---|---|---|---|", ...rows].join("\n");
}
