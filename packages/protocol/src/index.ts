export * from "./errors.ts";
export * from "./limits.ts";
export * from "./parse.ts";
export type * from "./overview.ts";
export type * from "./wire.ts";
