import type { MessageFile } from "@skep/protocol";
import { Download, FileText, ImageOff } from "lucide-react";
import { type ReactNode, useState } from "react";
import { visible, visibleText } from "../text/visible.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { addressOfFile, isImage, sizeText } from "./file-size.ts";

/** Files of a message. Everything has its height before it is loaded, so that the list stays still. */
export function MessageFiles({ files }: { files: readonly MessageFile[] }): ReactNode {
  const images = files.filter(({ type }) => isImage(type));
  const others = files.filter(({ type }) => !isImage(type));
  return (
    <div className="files mb-1 flex max-w-[85%] flex-col items-end gap-1.5">
      {images.length > 0 ? (
        <div className="flex flex-wrap justify-end gap-1.5">
          {images.map((file) => (
            <Image key={file.id} file={file} alone={images.length === 1} />
          ))}
        </div>
      ) : null}
      {others.map((file) => (
        <Chip key={file.id} file={file} icon={<FileText size={18} className="shrink-0 text-soft" />} />
      ))}
    </div>
  );
}

function Image({ file, alone }: { file: MessageFile; alone: boolean }): ReactNode {
  const [large, setLarge] = useState(false);
  const [gone, setGone] = useState(false);
  const name = visibleText(file.name);
  const box = alone ? "h-56 max-w-full min-w-24" : "size-32 side:size-40";
  if (gone) {
    return (
      <div
        className={`${box} flex flex-col items-center justify-center gap-1 rounded-2xl border border-line bg-sunken px-4 text-center text-xs text-soft`}
      >
        <ImageOff size={20} />
        <span>
          <bdi>{visible(file.name)}</bdi> cannot be shown
        </span>
      </div>
    );
  }
  return (
    <>
      <button
        type="button"
        aria-label={`Show ${name} large`}
        title={name}
        onClick={() => setLarge(true)}
        className={`${box} cursor-zoom-in overflow-hidden rounded-2xl border border-line bg-sunken hover:border-honey`}
      >
        <img
          src={addressOfFile(file.id)}
          alt={name}
          loading="lazy"
          decoding="async"
          onError={() => setGone(true)}
          className={alone ? "h-full max-w-full object-contain" : "size-full object-cover"}
        />
      </button>
      {large ? (
        <Dialog title={name} close={() => setLarge(false)} className="w-fit max-w-[min(96vw,80rem)]">
          <div className="flex max-h-[calc(100dvh-8rem)] flex-col items-center gap-3 overflow-auto p-3">
            <img src={addressOfFile(file.id)} alt={name} className="max-h-[calc(100dvh-14rem)] max-w-full rounded-lg object-contain" />
            <Chip file={file} icon={null} />
          </div>
        </Dialog>
      ) : null}
    </>
  );
}

const Chip = ({ file, icon }: { file: MessageFile; icon: ReactNode }): ReactNode => (
  <a
    href={`${addressOfFile(file.id)}?save=yes`}
    download
    className="file flex max-w-full min-w-0 items-center gap-2 rounded-xl border border-line bg-raised px-3 py-2 text-sm hover:border-honey"
  >
    {icon}
    <bdi className="min-w-0 truncate" title={visibleText(file.name)}>
      {visible(file.name)}
    </bdi>
    <span className="shrink-0 text-xs text-soft">{sizeText(file.size)}</span>
    <Download size={15} className="shrink-0 text-soft" aria-label="Save" />
  </a>
);
