import { KeyRound } from "lucide-react";
import { type ReactNode, useState } from "react";
import { sentenceOf } from "../state/queries.ts";
import { useSkep } from "../state/skep.ts";
import { Button } from "../ui/button.tsx";
import { CopyButton } from "../ui/copy-button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { showNotice } from "../ui/notices.tsx";

/** For a bot that is a program elsewhere: what it signs in with. Shown once. */
export function BotToken({ bot }: { bot: string }): ReactNode {
  const { client } = useSkep();
  const [token, setToken] = useState<string | null>(null);
  const make = async (): Promise<void> => {
    try {
      const made = (await client.call("POST", `/api/bots/${encodeURIComponent(bot)}/token`, {})) as { token: string };
      setToken(made.token);
    } catch (error) {
      showNotice(`There is no token: ${sentenceOf(error)}`, { bad: true });
    }
  };
  return (
    <>
      <Button onClick={() => void make()}>
        <KeyRound size={14} /> New token
      </Button>
      {token === null ? null : (
        <Dialog title={`The token of ${bot}`} close={() => setToken(null)}>
          <div className="space-y-3 p-5 text-sm">
            <p>The program connects with it. It is shown only now, and the one before does not work any more.</p>
            <div className="flex items-center gap-2 rounded-xl border border-line bg-sunken py-2 ps-4 pe-2 font-mono">
              <code className="min-w-0 flex-1 wrap-anywhere">{token}</code>
              <CopyButton text={token} what="token" />
            </div>
          </div>
        </Dialog>
      )}
    </>
  );
}
