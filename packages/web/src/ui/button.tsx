import type { ComponentProps, ReactNode } from "react";

type Look = "plain" | "primary" | "danger" | "quiet";

const looks: Record<Look, string> = {
  plain: "border-line bg-raised hover:border-honey",
  primary: "border-transparent bg-honey text-on-honey hover:brightness-110",
  danger: "border-transparent bg-bad text-paper hover:brightness-110",
  quiet: "border-transparent text-soft hover:bg-hover hover:text-ink",
};

export function Button({ look = "plain", className = "", ...rest }: ComponentProps<"button"> & { look?: Look }): ReactNode {
  return (
    <button
      type="button"
      className={`inline-flex min-h-8 items-center justify-center gap-1.5 rounded-lg border px-3 text-sm font-medium transition-colors disabled:cursor-default disabled:opacity-50 ${looks[look]} ${className}`}
      {...rest}
    />
  );
}

/** A picture that is pressed. The label is what it is called, and shown when the pointer rests on it. */
export function IconButton({ label, className = "", ...rest }: ComponentProps<"button"> & { label: string }): ReactNode {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`inline-flex size-8 shrink-0 items-center justify-center rounded-lg text-soft transition-colors hover:bg-hover hover:text-ink disabled:opacity-40 pointer-coarse:size-10 ${className}`}
      {...rest}
    />
  );
}
