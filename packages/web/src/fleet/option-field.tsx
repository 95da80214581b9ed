import { type ReactNode, useId } from "react";
import type { Field } from "./option-fields.ts";

interface Props {
  field: Field;
  /** undefined: nothing was given, the default counts. */
  value: string | undefined;
  change: (value: string | undefined) => void;
  /** What is wrong with it; null when nothing is known to be. */
  problem: string | null;
}

const box = "w-full rounded-lg border border-edge bg-paper px-3 py-2 text-sm placeholder:text-soft aria-invalid:border-bad";

export function OptionField({ field, value, change, problem }: Props): ReactNode {
  const id = useId();
  const { name, type, description, required, otherwise, choices, range } = field;
  const described = {
    id,
    "aria-describedby": `${id}-help`,
    "aria-invalid": problem !== null,
    ...(required ? { "aria-required": true } : {}),
  };
  const text = { ...described, className: box, value: value ?? "", placeholder: otherwise };
  const input = ((): ReactNode => {
    switch (type) {
      case "switch":
        return (
          <input
            {...described}
            type="checkbox"
            className="size-4"
            checked={(value ?? otherwise) === "true"}
            onChange={(event) => change(String(event.target.checked))}
          />
        );
      case "choice":
        return (
          <select {...described} className={box} value={value ?? otherwise} onChange={(event) => change(event.target.value)}>
            {choices.map((choice) => (
              <option key={choice} value={choice}>
                {choice === "" ? "none" : choice}
              </option>
            ))}
          </select>
        );
      case "long":
      case "lines":
      case "json":
        return (
          <textarea
            {...text}
            rows={type === "long" ? 3 : 2}
            className={`${box} ${type === "long" ? "" : "font-mono"}`}
            onChange={(event) => change(event.target.value)}
          />
        );
      case "text":
      case "number":
        return (
          <input
            {...text}
            type="text"
            inputMode={type === "number" ? "decimal" : "text"}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => change(event.target.value)}
          />
        );
    }
  })();
  const hint = type === "lines" ? " One on each line." : type === "json" ? " As JSON." : "";
  return (
    <div>
      <div className={type === "switch" ? "flex items-center gap-2.5" : ""}>
        {type === "switch" ? input : null}
        <label htmlFor={id} className="text-sm font-medium">
          {name}
          {required ? <span className="text-soft"> (needed)</span> : null}
        </label>
      </div>
      <p id={`${id}-help`} className="mb-1 text-xs text-soft">
        {problem === null ? null : <span className="block text-sm text-bad">{problem}</span>}
        {description}
        {hint}
        {range === "" ? null : ` ${range}`}
      </p>
      {type === "switch" ? null : input}
    </div>
  );
}
