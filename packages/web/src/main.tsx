import { browserStorage, connect, newId } from "@skep/client";
import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { SignInPage } from "./sign-in-page.tsx";
import { FeedPool } from "./state/feed-pool.ts";
import { keepForOffline } from "./state/installed.ts";
import { newQueryClient } from "./state/queries.ts";
import { isSignedIn, signInFromAddress } from "./state/session.ts";
import { SkepContext } from "./state/skep.ts";
import { Late } from "./ui/late.tsx";
import { showNotice } from "./ui/notices.tsx";

const listMs = 700;

const root = createRoot(document.getElementById("root") as HTMLElement);
root.render(
  <Late>
    <p role="status" className="p-8 text-center text-soft">
      Connecting…
    </p>
  </Late>,
);
const refused = await signInFromAddress();
// An old link opened again by someone who is signed in is no reason to stop them.
if (await isSignedIn()) run();
else root.render(<SignInPage reason={refused} />);

function run(): void {
  const client = connect({ url: location.origin, storage: browserStorage(newId) });
  client.onNotice(({ detail }) => showNotice(detail));
  const queries = newQueryClient();
  let soon: ReturnType<typeof setTimeout> | undefined;
  const feeds = new FeedPool({
    client,
    notice: (text) => showNotice(text, { bad: true }),
    asking: () => void queries.invalidateQueries({ queryKey: ["permissions"] }),
    // The list has another order and other numbers now; many messages cost one question.
    arrived: () => {
      soon ??= setTimeout(() => {
        soon = undefined;
        void queries.invalidateQueries({ queryKey: ["conversations"] });
      }, listMs);
    },
  });
  const lookForUpdate = keepForOffline(() =>
    showNotice("There is a new version of this page.", { stays: true, action: { label: "Reload", run: () => location.reload() } }),
  );
  client.onConnection(({ name }) => {
    if (name === "open") lookForUpdate();
  });
  root.render(
    <QueryClientProvider client={queries}>
      <SkepContext value={{ client, feeds }}>
        <App />
      </SkepContext>
    </QueryClientProvider>,
  );
}
