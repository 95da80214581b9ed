import { Activity, Bot as BotIcon, Columns2, Keyboard, MessageSquare, MessageSquarePlus, Moon, Plus, Sun, TextSearch } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useConversations, useSearch } from "../state/queries.ts";
import { go } from "../state/route.ts";
import { useBots } from "../state/skep.ts";
import { titleOf } from "../talk/title.ts";
import { visible, visibleText } from "../text/visible.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { setSidebarOpen } from "../ui/sidebar-open.ts";
import { setTheme } from "../ui/theme-switch.tsx";

interface Entry {
  id: string;
  group: string;
  label: string;
  detail: string;
  icon: ReactNode;
  run: () => void;
}

const most = 7;

/** Everything that can be done or found, by a few letters. */
export function CommandPalette({ close, openShortcuts }: { close: () => void; openShortcuts: () => void }): ReactNode {
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const entries = useEntries(typed, openShortcuts);
  const current = Math.min(chosen, entries.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [current]);
  const run = (entry: Entry | undefined): void => {
    if (!entry) return;
    close();
    setSidebarOpen(false);
    entry.run();
  };
  const pressed = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && entries.length > 0) setChosen((current + step + entries.length) % entries.length);
    else if (event.key === "Enter") run(entries[current]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Commands" close={close} bare className="mt-[12dvh] max-w-xl">
      <input
        id="palette-input"
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={entries[current] ? `palette-${entries[current].id}` : undefined}
        aria-label="Search for commands, conversations and messages"
        placeholder="Search for commands, conversations and messages"
        autoComplete="off"
        // oxlint-disable-next-line jsx-a11y/no-autofocus -- the only field of a dialog that was just asked for
        autoFocus
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={pressed}
        className="w-full border-b border-line bg-transparent px-5 py-4 outline-none placeholder:text-soft"
      />
      <div ref={list} id="palette-list" role="listbox" aria-label="Found" className="max-h-[50dvh] overflow-y-auto p-2">
        {entries.map((entry, place) => (
          <div key={entry.id}>
            {entries[place - 1]?.group === entry.group ? null : (
              <div className="px-3 pt-2 pb-1 text-xs text-soft" role="presentation">
                {entry.group}
              </div>
            )}
            {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- keys are heard by the field above, which has the focus */}
            <div
              id={`palette-${entry.id}`}
              role="option"
              tabIndex={-1}
              aria-selected={place === current}
              onClick={() => run(entry)}
              onPointerMove={() => setChosen(place)}
              className="flex min-h-10 cursor-pointer items-center gap-3 rounded-lg px-3 py-1.5 text-sm aria-selected:bg-hover"
            >
              <span className="text-soft">{entry.icon}</span>
              <span className="min-w-0 flex-1 truncate" dir="auto">
                {visible(entry.label)}
              </span>
              <span className="max-w-40 truncate text-xs text-soft">{visible(entry.detail)}</span>
            </div>
          </div>
        ))}
        {entries.length === 0 ? <p className="px-3 py-4 text-sm text-soft">Nothing found.</p> : null}
      </div>
    </Dialog>
  );
}

function useEntries(typed: string, openShortcuts: () => void): Entry[] {
  const bots = [...useBots().values()];
  const query = typed.trim();
  const listed = useConversations({ bot: "", query });
  const search = useSearch(query);
  const words = query.toLowerCase().split(/\s+/);
  // While the server looks for what was typed last, what it found before counts only as far as it fits.
  const conversations = (listed.data?.pages[0]?.conversations ?? []).filter(
    (one) => !listed.isPlaceholderData || words.every((word) => titleOf(one).toLowerCase().includes(word)),
  );
  const found = search.isPlaceholderData ? [] : (search.data?.found ?? []);
  const fits = ({ label, detail }: Entry): boolean => words.every((word) => `${label} ${detail}`.toLowerCase().includes(word));
  const commands: Entry[] = [
    { id: "bots", group: "Commands", label: "Bots", detail: "", icon: <BotIcon size={17} />, run: () => go({ page: "bots" }) },
    {
      id: "overview",
      group: "Commands",
      label: "Overview",
      detail: "figures, alerts, capacity",
      icon: <Activity size={17} />,
      run: () => go({ page: "overview" }),
    },
    { id: "add", group: "Commands", label: "Add a bot", detail: "", icon: <Plus size={17} />, run: () => go({ page: "add-bot" }) },
    {
      id: "compare",
      group: "Commands",
      label: "Compare bots",
      detail: "one question to several",
      icon: <Columns2 size={17} />,
      run: () => go({ page: "compare", ids: [] }),
    },
    ...bots.map(({ name }) => ({
      id: `new-${name}`,
      group: "Commands",
      label: `New conversation with ${name}`,
      detail: "",
      icon: <MessageSquarePlus size={17} />,
      run: () => go({ page: "new", bot: name }),
    })),
    ...bots.map(({ name, kind }) => ({
      id: `bot-${name}`,
      group: "Commands",
      label: `Bot ${name}: state and log`,
      detail: kind,
      icon: <BotIcon size={17} />,
      run: () => go({ page: "bot", name }),
    })),
    { id: "light", group: "Commands", label: "Light theme", detail: "", icon: <Sun size={17} />, run: () => setTheme("light") },
    { id: "dark", group: "Commands", label: "Dark theme", detail: "", icon: <Moon size={17} />, run: () => setTheme("dark") },
    { id: "system", group: "Commands", label: "Theme of the system", detail: "", icon: <Sun size={17} />, run: () => setTheme("") },
    { id: "keys", group: "Commands", label: "Keyboard shortcuts", detail: "?", icon: <Keyboard size={17} />, run: openShortcuts },
  ];
  const fitting = commands.filter((entry) => query === "" || fits(entry));
  const places: Entry[] = [
    ...conversations.slice(0, most).map((one) => ({
      id: one.id,
      group: "Conversations",
      label: titleOf(one),
      detail: one.bot,
      icon: <MessageSquare size={17} />,
      run: () => go({ page: "conversation", id: one.id, seq: 0 }),
    })),
    ...(query.length > 1 ? found : []).slice(0, most).map(({ conversation, title, message, places: at }) => ({
      id: `${conversation}-${message.seq}`,
      group: "Messages",
      label: around(message.text, at[0]?.offset ?? 0),
      detail: title,
      icon: <TextSearch size={17} />,
      run: () => go({ page: "conversation", id: conversation, seq: message.seq }),
    })),
  ];
  // Whoever types the beginning of a command means it, and nothing that comes in later gets in between.
  const meant = query !== "" && fitting.some(({ label }) => label.toLowerCase().startsWith(query.toLowerCase()));
  return meant ? [...fitting, ...places] : [...places, ...fitting];
}

/** A piece of a message around the place that was found, on one line. */
function around(text: string, offset: number): string {
  const from = Math.max(0, offset - 24);
  return `${from > 0 ? "…" : ""}${visibleText(
    text
      .slice(from, from + 120)
      .toWellFormed()
      .replaceAll(/\s+/g, " "),
  )}`;
}
