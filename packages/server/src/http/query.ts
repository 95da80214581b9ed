/** Query strings are text; these are the checks of what may stand in them. */
import { nameSchema } from "@skep/protocol";
import { z } from "zod";

export const numberQuery = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().int().min(min).max(max));

export const seqQuery = (min: number) => numberQuery(min, Number.MAX_SAFE_INTEGER);

/** A day or a moment, ISO 8601; milliseconds since the Unix epoch afterwards. */
export const timeQuery = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], "must be a date such as 2026-01-31 or 2026-01-31T10:00:00Z")
  .transform((text) => Date.parse(text));

export const textQuery = z
  .string()
  .max(1000)
  .refine((text) => text.isWellFormed(), "has an unpaired surrogate");

export const botQuery = nameSchema;
