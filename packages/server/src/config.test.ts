import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Surroundings } from "./config.ts";
import { ConfigError, configurationTable, flagOf, optionNames, resolveConfig, variableOf } from "./config.ts";

const bare: Surroundings = { variables: {}, platform: "linux", home: "/home/ada", folder: "/somewhere", terminal: false };
const withVariables = (variables: Record<string, string>): Surroundings => ({ ...bare, variables });

describe("configuration", () => {
  test("without anything given, the defaults", () => {
    expect(resolveConfig({}, bare)).toEqual({
      host: "localhost",
      port: 8000,
      data: "/home/ada/.local/share/skep",
      messageBytes: 10_240,
      messagesPerMinute: 1000,
      filesBytes: 10_737_418_240,
      log: "stderr",
      logLevel: "info",
      allowedHosts: [],
      tlsCertificate: null,
      tlsKey: null,
      trustProxy: [],
      echoBot: true,
      memoryMb: 0,
      alertDelayMs: 500,
      alertAnswerMs: 0,
    });
    expect(resolveConfig({}, { ...bare, terminal: true }).log).toBe("file");
  });

  test("the data folder follows the system's habits", () => {
    expect(resolveConfig({}, withVariables({ XDG_DATA_HOME: "/data" })).data).toBe("/data/skep");
    expect(resolveConfig({}, withVariables({ XDG_DATA_HOME: "relative" })).data).toBe("/home/ada/.local/share/skep");
    expect(resolveConfig({}, { ...bare, platform: "darwin" }).data).toBe("/home/ada/Library/Application Support/skep");
    expect(resolveConfig({ data: "here" }, bare).data).toBe("/somewhere/here");
  });

  test("an argument wins over a variable, a variable over the default; an empty variable counts as not set", () => {
    expect(resolveConfig({ port: "1" }, withVariables({ SKEP_PORT: "2" })).port).toBe(1);
    expect(resolveConfig({}, withVariables({ SKEP_PORT: "2" })).port).toBe(2);
    expect(resolveConfig({}, withVariables({ SKEP_PORT: "" })).port).toBe(8000);
    expect(resolveConfig({}, withVariables({ SKEP_ALLOWED_HOSTS: "A.example, b.example:1", SKEP_ECHO_BOT: "no" }))).toMatchObject({
      allowedHosts: ["a.example", "b.example:1"],
      echoBot: false,
    });
  });

  test.each([
    ["port", "80000", "whole number from 0 to 65535"],
    ["port", "http", "whole number"],
    ["port", "", "whole number"],
    ["messageBytes", "0", "whole number from 1"],
    ["messagesPerMinute", "-1", "whole number from 0"],
    ["log", "syslog", "stderr, file or off"],
    ["logLevel", "loud", "debug, info, warn or error"],
    ["echoBot", "perhaps", "yes or no"],
    ["allowedHosts", "http://x", "host names"],
    ["data", "a\0b", "path of a folder"],
    ["host", "0.0.0.0", "tunnel"],
    ["host", "192.168.1.2", "loopback"],
    ["host", "::", "loopback"],
    ["host", "127.0.0.1.evil.example", "loopback"],
    ["trustProxy", "10.0.0.0/33", "10.0.0.0/8"],
    ["trustProxy", "proxy.example", "10.0.0.0/8"],
    ["trustProxy", "0.0.0.0/0", "everybody"],
    ["tlsCertificate", "", "path of a file"],
  ] as const)("a bad value is refused, with the option and the rule: %s = %j", (option, value, rule) => {
    const refused = (): unknown => resolveConfig({ [option]: value }, bare);
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(rule);
    expect(refused).toThrow(flagOf(option));
  });

  test("a bad variable is named as what it is", () => {
    expect(() => resolveConfig({}, withVariables({ SKEP_LOG_LEVEL: "loud" }))).toThrow("SKEP_LOG_LEVEL");
  });

  test.each(["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "LocalHost"])("loopback: %s", (host) => {
    expect(() => resolveConfig({ host }, bare)).not.toThrow();
  });

  test.each(["0.0.0.0", "::", "192.168.1.2", "fd00::1", "100.64.0.1"])(
    "others can reach %s: only with TLS, or behind a trusted proxy",
    (host) => {
      const names = { allowedHosts: "bots.example.org" };
      expect(() => resolveConfig({ host, ...names }, bare)).toThrow("--tls-certificate");
      expect(() => resolveConfig({ host, ...names, tlsCertificate: "a.crt" }, bare)).toThrow("--tls-key is not");
      expect(() => resolveConfig({ host, ...names, tlsKey: "a.key" }, bare)).toThrow("--tls-certificate is not");
      expect(resolveConfig({ host, ...names, tlsCertificate: "a.crt", tlsKey: "/b/a.key" }, bare)).toMatchObject({
        host,
        tlsCertificate: "/somewhere/a.crt",
        tlsKey: "/b/a.key",
      });
      expect(resolveConfig({ host, ...names, trustProxy: "10.0.0.1, fd00::/8" }, bare).trustProxy).toEqual(["10.0.0.1", "fd00::/8"]);
    },
  );

  test("every address of the machine needs a name by which it is opened", () => {
    const tls = { tlsCertificate: "a.crt", tlsKey: "a.key" };
    expect(() => resolveConfig({ host: "0.0.0.0", ...tls }, bare)).toThrow("--allowed-hosts");
    expect(() => resolveConfig({ host: "192.168.1.2", ...tls }, bare)).not.toThrow();
  });

  test("every option has both forms", () => {
    expect(optionNames.map((name) => [flagOf(name), variableOf(name)])).toContainEqual(["--message-bytes", "SKEP_MESSAGE_BYTES"]);
  });

  test("docs/configuration.md shows the table as it is", () => {
    expect(readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8")).toContain(configurationTable());
  });
});
