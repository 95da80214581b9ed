import type { ReactNode } from "react";
import { Button } from "./ui/button.tsx";
import { CopyButton } from "./ui/copy-button.tsx";
import { Notices } from "./ui/notices.tsx";

const command = "skep signin";

/** @param reason why the link that was opened does not work; null when there was none */
export const SignInPage = ({ reason }: { reason: string | null }): ReactNode => (
  <main id="sign-in" className="flex h-full items-center justify-center overflow-y-auto p-6">
    <div className="w-full max-w-md">
      <img src="/skep.svg" alt="" className="mb-6 size-16" />
      <h1 className="text-2xl font-semibold tracking-tight">{reason === null ? "Sign in to Skep" : "This link does not work any more"}</h1>
      {reason === null ? null : (
        <p id="sign-in-reason" role="alert" className="mt-3 rounded-xl bg-bad-back px-4 py-2.5 text-sm wrap-anywhere">
          {reason}
        </p>
      )}
      <p className="mt-4 text-soft">
        {reason === null
          ? "Open the link that Skep printed when it started. A link works once, and for 15 minutes; for a new one, run this where Skep runs:"
          : "A link signs in once, and within 15 minutes. Make a new one where Skep runs, and open it here:"}
      </p>
      <div className="mt-3 flex items-center justify-between gap-2 rounded-xl border border-line bg-sunken py-2 ps-4 pe-2 font-mono">
        <code>{command}</code>
        <CopyButton text={command} what="command" />
      </div>
      <p className="mt-2 text-sm text-soft">
        In a checkout: <code className="font-mono">npm run skep -- signin</code>
      </p>
      <Button className="mt-6" onClick={() => location.reload()}>
        I have signed in
      </Button>
    </div>
    <Notices />
  </main>
);
