import { Refusal } from "@skep/client";
import { ArrowLeft } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { type Kind, sentenceOf, useAddBot, useKinds } from "../state/queries.ts";
import { addressOf, go } from "../state/route.ts";
import { useBots } from "../state/skep.ts";
import { Button } from "../ui/button.tsx";
import { showNotice } from "../ui/notices.tsx";
import { PageHeader } from "../ui/page-header.tsx";
import { freeName } from "./bot-names.ts";
import { FoundModels } from "./found-models.tsx";
import { fieldsOf, inFront, optionsFrom, type Problems, type Typed } from "./option-fields.ts";
import { OptionField } from "./option-field.tsx";

/** Choose a kind, say what it needs, and it runs. */
export function AddBotPage(): ReactNode {
  const { data, error } = useKinds();
  const [chosen, setChosen] = useState("");
  const kinds = data?.kinds ?? [];
  const kind = kinds.find(({ name }) => name === chosen);
  const back = (
    <a
      href={addressOf({ page: "bots" })}
      aria-label="All bots"
      title="All bots"
      className="inline-flex size-8 items-center justify-center rounded-lg text-soft hover:bg-hover hover:text-ink"
    >
      <ArrowLeft size={18} />
    </a>
  );
  return (
    <>
      <PageHeader title="Add a bot" subtitle={kind ? kind.title : "What should it be?"} before={back} />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto max-w-3xl space-y-6 p-4 side:p-8">
          {error ? <p className="text-bad">{sentenceOf(error)}</p> : null}
          {kind ? (
            <>
              <div className="flex items-center gap-4">
                <p className="min-w-0 flex-1 text-sm text-soft">{kind.summary}</p>
                <Button onClick={() => setChosen("")}>Another kind</Button>
              </div>
              <BotForm key={kind.name} kind={kind} />
            </>
          ) : (
            <>
              <FoundModels />
              <h2 className="mb-2 text-sm font-semibold">Or of a kind</h2>
              <ul id="kinds" aria-label="Kinds of bots" className="grid gap-2 sm:grid-cols-2">
                {kinds.map(({ name, title, summary }) => (
                  <li key={name}>
                    <button
                      type="button"
                      onClick={() => setChosen(name)}
                      className="flex h-full w-full flex-col rounded-2xl border border-line bg-raised px-4 py-3 text-start transition-colors hover:border-honey"
                    >
                      <span className="font-medium">{title}</span>
                      <span className="text-sm text-soft">{summary}</span>
                    </button>
                  </li>
                ))}
              </ul>
            </>
          )}
        </div>
      </div>
    </>
  );
}

const none: Problems = new Map();

function BotForm({ kind }: { kind: Kind }): ReactNode {
  const bots = useBots();
  const [name, setName] = useState(() => freeName(kind.name, bots));
  const [typed, setTyped] = useState<Typed>({});
  const [wrong, setWrong] = useState<Problems>(none);
  const form = useRef<HTMLFormElement>(null);
  // What must be given comes first.
  const fields = fieldsOf(kind.options).sort((a, b) => Number(b.required) - Number(a.required));
  const front = inFront(fields);
  const { mutate, isPending } = useAddBot();
  const add = (options: Record<string, unknown>): void =>
    mutate(
      { name, kind: kind.name, options },
      {
        onSuccess: () => {
          showNotice(`${name} is being started.`);
          go({ page: "bot", name });
        },
        onError: (error) => {
          const field = error instanceof Refusal ? (error.extra.field ?? "") : "";
          setWrong(new Map([[field.replace(/^options\./, "").split(".")[0] ?? "", sentenceOf(error)]]));
        },
      },
    );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const read = optionsFrom(fields, typed);
    const unnamed: Problems = name.trim() === "" ? new Map([["name", "This is needed."]]) : none;
    if ("problems" in read || unnamed.size > 0) setWrong(new Map([...unnamed, ...("problems" in read ? read.problems : none)]));
    else {
      setWrong(none);
      add(read.options);
    }
  };
  useEffect(() => {
    if (wrong.size > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [wrong]);
  const field = (one: (typeof fields)[number]): ReactNode => (
    <OptionField
      key={one.name}
      field={one}
      value={typed[one.name]}
      change={(value) => setTyped((before) => ({ ...before, [one.name]: value }))}
      problem={wrong.get(one.name) ?? null}
    />
  );
  const rest = fields.filter((one) => !front.has(one.name));
  const shown = new Set(["name", ...fields.map((one) => one.name)]);
  const elsewhere = [...wrong].filter(([at]) => !shown.has(at));
  return (
    <form
      ref={form}
      onSubmit={submit}
      noValidate
      className="space-y-5 rounded-2xl border border-line bg-raised p-5"
      aria-label={`A bot of the kind ${kind.title}`}
    >
      <OptionField
        field={{
          name: "name",
          type: "text",
          description: "What it is called: letters, digits, dashes and underscores.",
          required: true,
          otherwise: "",
          choices: [],
          check: () => null,
          range: "",
        }}
        value={name}
        change={(value) => setName(value ?? "")}
        problem={wrong.get("name") ?? null}
      />
      {fields.filter((one) => front.has(one.name)).map(field)}
      {rest.length > 0 ? (
        <details open={rest.some((one) => wrong.has(one.name)) || undefined}>
          <summary className="w-fit rounded-lg py-1 text-sm font-medium text-soft hover:text-ink">More options ({rest.length})</summary>
          <div className="mt-4 space-y-5">{rest.map(field)}</div>
        </details>
      ) : null}
      {elsewhere.map(([at, problem]) => (
        <p key={at} role="alert" className="rounded-xl bg-bad-back px-4 py-2.5 text-sm">
          {problem}
        </p>
      ))}
      <div className="flex justify-end gap-2">
        <Button type="submit" look="primary" disabled={isPending}>
          {isPending ? "Adding…" : "Add and start"}
        </Button>
      </div>
    </form>
  );
}
