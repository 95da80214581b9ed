/** Checks that options of several kinds share. */
import { z } from "zod";
import { serverProblem } from "../../worker/outbound.ts";

/** The name of an environment variable, as POSIX has it. */
export const variableSchema = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not the name of an environment variable");

export const urlSchema = z
  .url({ protocol: /^https?$/, error: "must be an http or https address" })
  .refine((text) => !/[?#]/.test(text), "must not have a query or a fragment")
  .superRefine((text, context) => {
    const problem = serverProblem(text);
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  });
export const privateNetworkSentence =
  "May that name lead to this machine or into a private network? Addresses, names without a dot and those in .local, .lan, .internal and the like may without it.";

export const textSchema = z.string().max(100_000);
export const nothingInside = (text: string): boolean => !text.includes("\0");
export const millisecondsSchema = z.number().int().min(0).max(86_400_000);
