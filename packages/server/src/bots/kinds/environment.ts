/** What a bot may see of the environment is named, never inherited: keys and tokens of the controller stay with it. */
type Environment = Readonly<Record<string, string | undefined>>;

/** Without these hardly a program runs: where programs are, whose they are, which language they speak. SystemRoot is Windows's. */
const common = ["PATH", "HOME", "LANG", "SystemRoot"];

export function environmentFor(
  environment: Environment,
  names: readonly string[],
  set: Record<string, string> = {},
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of [...common, ...names]) {
    const value = environment[name];
    if (typeof value === "string") env[name] = value;
  }
  return { ...env, ...set };
}
