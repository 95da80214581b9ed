import { keySchema, Refusal } from "@skep/protocol";

/** The key may stand in the body or in the header; two different ones are a mistake. */
export function keyOf(inBody: string | undefined, header: string | undefined): string | undefined {
  if (header === undefined) return inBody;
  const result = keySchema.safeParse(header);
  if (!result.success) throw new Refusal("field_invalid", "Idempotency-Key must be 1 to 128 characters", { field: "key" });
  if (inBody !== undefined && inBody !== header) {
    throw new Refusal("field_invalid", "Idempotency-Key and key are not the same", { field: "key" });
  }
  return header;
}
