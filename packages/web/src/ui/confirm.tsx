import { type ReactNode, useState } from "react";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";

interface Props {
  title: string;
  children: ReactNode;
  /** The word on the button that does it. */
  action: string;
  run: () => Promise<unknown>;
  close: () => void;
}

/** Asked before what cannot be taken back. The way out has the focus. */
export function Confirm({ title, children, action, run, close }: Props): ReactNode {
  const [running, setRunning] = useState(false);
  const press = async (): Promise<void> => {
    setRunning(true);
    try {
      await run();
      close();
    } finally {
      setRunning(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <div className="space-y-4 p-5">
        <div className="text-sm wrap-anywhere">{children}</div>
        <div className="flex justify-end gap-2">
          <Button onClick={close} autoFocus>
            Keep
          </Button>
          <Button look="danger" disabled={running} onClick={() => void press().catch(() => {})}>
            {action}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
