import { Component, type ReactNode } from "react";

interface Props {
  /** Shown instead of what could not be drawn. */
  instead: ReactNode;
  children: ReactNode;
}

/** A part that cannot be drawn takes nothing else down with it. */
export class ErrorBoundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? this.props.instead : this.props.children;
  }
}
