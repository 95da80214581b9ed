import { type ReactNode, useEffect, useState } from "react";

const lateMs = 300;

/** What is shown while something is awaited: only if it takes long enough to be noticed, so that nothing flickers. */
export function Late({ children }: { children: ReactNode }): ReactNode {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), lateMs);
    return () => clearTimeout(timer);
  }, []);
  return late ? children : null;
}
