import type { ReactNode } from "react";
import { visibleText } from "./visible.tsx";

const allowed = new Set(["http:", "https:", "mailto:"]);

/** @returns null for what is no address of its own (a relative one would lead into this page) or not of a kind that is followed */
function addressOf(href: string): URL | null {
  const url = URL.parse(href);
  return url !== null && allowed.has(url.protocol) ? url : null;
}

/**
 * A link in a message. Beside it stands the host that it leads to, as the browser reads it: in letters that cannot pretend to be others,
 * and without the name before an @. What may not be followed is text.
 */
export function OutsideLink({ href, label, children }: { href: string; label: string; children: ReactNode }): ReactNode {
  const url = addressOf(href);
  if (!url) {
    return (
      <span>
        {children} <span className="host">({visibleText(href).slice(0, 200)})</span>
      </span>
    );
  }
  const isItsOwnAddress = label === href || label === url.href || `https://${label}` === href || `http://${label}` === href;
  const where = url.protocol === "mailto:" ? `to ${visibleText(decodeSafely(url.pathname))}` : url.host;
  return (
    <span>
      <a href={url.href} target="_blank" rel="noopener noreferrer nofollow ugc" title={visibleText(url.href).slice(0, 500)}>
        {children}
      </a>
      {isItsOwnAddress && url.username === "" ? null : <span className="host">({where})</span>}
    </span>
  );
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
