import type { MessageFile } from "@skep/protocol";
import { FileText, RotateCcw, TriangleAlert, X } from "lucide-react";
import type { ReactNode } from "react";
import { visible, visibleText } from "../text/visible.tsx";
import type { Attachments, Uploading } from "./attachments.ts";
import { addressOfFile, isImage, sizeText } from "./file-size.ts";

/** What will go with the message: small, with a way to take each away. */
export function AttachmentTray({ files }: { files: Attachments }): ReactNode {
  const { ready, uploading } = files;
  if (ready.length + uploading.length === 0) return null;
  return (
    <ul id="attachments" aria-label="Attached files" className="flex max-h-56 flex-wrap gap-2 overflow-y-auto px-2 pt-2.5 pb-1">
      {ready.map((file) => (
        <Card
          key={file.id}
          name={file.name}
          detail={sizeText(file.size)}
          picture={<Picture file={file} />}
          remove={() => files.remove(file.id)}
        />
      ))}
      {uploading.map((one) => (
        <Card
          key={one.key}
          name={one.name}
          detail={<Progress one={one} />}
          bad={one.failure !== null}
          picture={one.failure === null ? <FileText size={20} className="text-soft" /> : <TriangleAlert size={20} className="text-bad" />}
          remove={() => files.remove(one.key)}
          again={one.again && one.failure !== null ? () => files.again(one.key) : null}
        />
      ))}
    </ul>
  );
}

const Picture = ({ file }: { file: MessageFile }): ReactNode =>
  isImage(file.type) ? (
    <img src={addressOfFile(file.id)} alt="" className="size-full object-cover" />
  ) : (
    <FileText size={20} className="text-soft" />
  );

function Progress({ one: { failure, sent, source } }: { one: Uploading }): ReactNode {
  if (failure !== null) return <span role="alert">{failure}</span>;
  return (
    <span className="flex items-center gap-2">
      <progress value={sent} max={1} aria-label="Uploading" className="h-1.5 w-20 accent-honey" />
      {Math.floor(sent * 100)} % of {sizeText(source.size)}
    </span>
  );
}

interface CardProps {
  name: string;
  detail: ReactNode;
  picture: ReactNode;
  remove: () => void;
  again?: (() => void) | null;
  bad?: boolean;
}

function Card({ name, detail, picture, remove, again = null, bad = false }: CardProps): ReactNode {
  const small =
    "inline-flex size-8 shrink-0 items-center justify-center rounded-full text-soft hover:bg-hover hover:text-ink pointer-coarse:size-10";
  return (
    <li
      className={`attachment flex max-w-full min-w-0 items-center gap-2 rounded-2xl border bg-paper p-1 pe-1 ${bad ? "border-bad" : "border-line"}`}
    >
      <span className="flex size-11 shrink-0 items-center justify-center overflow-hidden rounded-xl bg-sunken">{picture}</span>
      <span className="min-w-0 text-sm">
        <bdi className="block max-w-44 truncate" title={visibleText(name)}>
          {visible(name)}
        </bdi>
        <span className={`block text-xs ${bad ? "text-bad" : "text-soft"}`}>{detail}</span>
      </span>
      {again ? (
        <button type="button" onClick={again} className={small} aria-label={`Upload ${visibleText(name)} again`} title="Try again">
          <RotateCcw size={15} />
        </button>
      ) : null}
      <button type="button" onClick={remove} className={small} aria-label={`Remove ${visibleText(name)}`} title="Remove">
        <X size={16} />
      </button>
    </li>
  );
}
