import { WifiOff } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useConnection, useSkep } from "../state/skep.ts";
import { Button } from "./button.tsx";
import { connectionSentence } from "./sentences.ts";

const untilWorthAWord = 300;
const backShownMs = 2500;

/** Says how the connection is while it is not well, and for a moment that it is back. */
export function ConnectionLine(): ReactNode {
  const { client } = useSkep();
  const state = useConnection();
  const wasOpen = useRef(false);
  if (state.name === "open") wasOpen.current = true;
  const sentence = connectionSentence(state, wasOpen.current);
  const [said, setSaid] = useState<string | null>(null);

  useEffect(() => {
    if (sentence === null && said === null) return;
    if (sentence === null) {
      if (said !== "Connected again") setSaid("Connected again");
      const timer = setTimeout(() => setSaid(null), backShownMs);
      return () => clearTimeout(timer);
    }
    // A connection that is back in a moment is not worth a word.
    const timer = setTimeout(() => setSaid(sentence), said === null ? untilWorthAWord : 0);
    return () => clearTimeout(timer);
  }, [sentence, said]);
  useEffect(() => {
    const comeBack = (): void => {
      if (document.visibilityState === "visible") client.connectNow();
    };
    addEventListener("online", comeBack);
    document.addEventListener("visibilitychange", comeBack);
    return () => {
      removeEventListener("online", comeBack);
      document.removeEventListener("visibilitychange", comeBack);
    };
  }, [client]);

  const isBack = sentence === null;
  return (
    <div role="status" className="empty:hidden">
      {said === null ? null : (
        <div
          id="connection"
          data-back={isBack}
          className={`flex min-h-10 items-center justify-center gap-3 px-4 text-sm ${isBack ? "bg-good/15" : "bg-wait-back"}`}
        >
          {isBack ? null : <WifiOff size={15} />}
          <span>{said}</span>
          {isBack ? null : (
            <Button look="quiet" onClick={() => client.connectNow()}>
              Try now
            </Button>
          )}
        </div>
      )}
    </div>
  );
}
