import { type ReactNode, useEffect, useState } from "react";
import { PageHeader } from "./page-header.tsx";

const untilWorthAWord = 300;

/** A view that is on its way. It says so only when that takes a while, so that nothing flickers. */
export function Loading({ title }: { title: string }): ReactNode {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), untilWorthAWord);
    return () => clearTimeout(timer);
  }, []);
  return (
    <>
      <PageHeader title={title} subtitle="" />
      <p role="status" className="pulse p-8 text-center text-soft">
        {slow ? "Loading…" : ""}
      </p>
    </>
  );
}
