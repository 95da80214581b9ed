import { useEffect, useEffectEvent, useState } from "react";

const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;

/** Files that are dropped anywhere on the page; the browser would leave the page to show them. @returns whether some hang over it */
export function useDroppedFiles(dropped: (files: FileList) => void): boolean {
  const [over, setOver] = useState(false);
  const take = useEffectEvent(dropped);
  useEffect(() => {
    const dragged = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    // Nothing is told when they are carried out of the window but this.
    const left = (event: DragEvent): void => {
      if (event.relatedTarget === null) setOver(false);
    };
    const fell = (event: DragEvent): void => {
      setOver(false);
      if (!hasFiles(event) || !event.dataTransfer) return;
      event.preventDefault();
      take(event.dataTransfer.files);
    };
    addEventListener("dragover", dragged);
    addEventListener("dragleave", left);
    addEventListener("drop", fell);
    return () => {
      removeEventListener("dragover", dragged);
      removeEventListener("dragleave", left);
      removeEventListener("drop", fell);
    };
  }, []);
  return over;
}
