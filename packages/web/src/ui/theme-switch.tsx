import { Monitor, Moon, Sun } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { useStored, writeStored } from "../state/stored.ts";

const name = "skep.theme";
const choices = [
  { value: "", label: "As the system", icon: Monitor },
  { value: "light", label: "Light", icon: Sun },
  { value: "dark", label: "Dark", icon: Moon },
] as const;

export const setTheme = (theme: "" | "light" | "dark"): void => writeStored(name, theme === "" ? null : theme);

/** `public/theme.js` does the same before the page is drawn. */
export function ThemeSwitch(): ReactNode {
  const theme = useStored(name) ?? "";
  useEffect(() => {
    if (theme === "") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  return (
    <div role="group" aria-label="Theme" className="flex rounded-lg border border-line p-0.5">
      {choices.map(({ value, label, icon: Icon }) => (
        <button
          key={value}
          type="button"
          aria-label={label}
          title={label}
          aria-pressed={theme === value}
          onClick={() => setTheme(value)}
          className="flex h-7 w-8 items-center justify-center rounded-md text-soft hover:text-ink aria-pressed:bg-raised aria-pressed:text-ink aria-pressed:shadow-sm"
        >
          <Icon size={15} />
        </button>
      ))}
    </div>
  );
}
