import { Menu as MenuIcon } from "lucide-react";
import type { ReactNode } from "react";
import { visible } from "../text/visible.tsx";
import { IconButton } from "./button.tsx";
import { setSidebarOpen, useSidebarOpen } from "./sidebar-open.ts";

/** The line above every view. On a phone it has the button that brings the list in. */
export function PageHeader({
  title,
  subtitle,
  before,
  children,
}: {
  title: string;
  subtitle: ReactNode;
  before?: ReactNode;
  children?: ReactNode;
}): ReactNode {
  const open = useSidebarOpen();
  return (
    <header className="flex min-h-14 items-center gap-2 border-b border-line px-3 side:px-5">
      <IconButton
        id="open-sidebar"
        label="Conversations"
        aria-controls="sidebar"
        aria-expanded={open}
        className="side:hidden"
        onClick={() => setSidebarOpen(!open)}
      >
        <MenuIcon size={20} />
      </IconButton>
      {before}
      <div className="min-w-0 flex-1">
        <h1 id="title" className="truncate leading-tight font-semibold" dir="auto">
          {visible(title)}
        </h1>
        <p id="subtitle" className="flex min-h-4 items-center gap-1.5 truncate text-xs text-soft">
          {subtitle}
        </p>
      </div>
      {children}
    </header>
  );
}
