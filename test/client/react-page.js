/** A small page with the hooks, for `react.test.ts`. Without types, so that it is as it would be written by hand. */
import { createElement as h, StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "@skep/client";
import { ClientContext, useConnection, useConversation, useFleet } from "@skep/client/react";

const trouble = [];

function Talk({ id }) {
  const { state, messages, earlier, loadEarlier, drafts, pending, reset } = useConversation(id, { limit: 20 });
  const seqs = messages.map(({ seq }) => seq);
  if (seqs.some((seq, i) => i > 0 && seq !== seqs[i - 1] + 1)) trouble.push(`not in order: ${seqs.join()}`);
  for (const turn of drafts.keys()) {
    if (messages.some((message) => message.turn === turn && message.role === "bot")) trouble.push("a draft beside its message");
  }
  for (const { key } of pending) if (messages.some((message) => message.key === key)) trouble.push("a send beside its message");
  return h(
    "section",
    { "data-state": state, "data-reset": reset ?? "" },
    earlier && h("button", { onClick: () => void loadEarlier() }, "earlier"),
    h(
      "ol",
      null,
      messages.map(({ seq, text }) => h("li", { key: seq }, text)),
    ),
    [...drafts.values()].map(({ turn, text }) => h("output", { key: turn }, text)),
    pending.map(({ key, text, state: how }) => h("i", { key }, `${how}: ${text}`)),
  );
}

function Page({ ids }) {
  const [id, choose] = useState(ids[0]);
  globalThis.choose = choose;
  return h(
    "main",
    null,
    h("b", null, useConnection().name),
    h("u", null, [...useFleet().keys()].join(" ")),
    h(Talk, { id, key: id }),
    h(Talk, { id }),
  );
}

/** Two views of one conversation side by side, as React's strict mode mounts them: twice. */
globalThis.show = (token, ids) => {
  const client = connect({ url: location.origin, token });
  Object.assign(globalThis, { client, trouble });
  document.body.innerHTML = "";
  createRoot(document.body).render(h(StrictMode, null, h(ClientContext, { value: client }, h(Page, { ids }))));
};
