/**
 * Which rows of a long list are drawn, and how it stays still. The rows stand in the flow between two empty boxes as high as what is not
 * drawn. Whoever reads has a row before the eyes, the anchor: after every change the list is moved so that the anchor is where it was.
 * Whoever is at the bottom stays at the bottom, until they scroll up.
 */
import { type RefObject, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { RowHeights } from "./row-heights.ts";

const usualHeight = 96;
const beyond = 900;
const nearBottom = 56;

interface Rows {
  first: number;
  /** One after the last. */
  end: number;
  above: number;
  below: number;
}

export interface RowWindow extends Rows {
  scroller: RefObject<HTMLDivElement | null>;
  list: RefObject<HTMLOListElement | null>;
  atBottom: boolean;
  toBottom: () => void;
  toRow: (row: number) => void;
}

/** @param keyOf names a row for as long as it is on the page @param tailFrom rows from here on move when others come before them */
export function useRowWindow(count: number, keyOf: (row: number) => string, tailFrom: number): RowWindow {
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const [heights] = useState(() => new RowHeights(usualHeight));
  const [measured] = useState(() => new Map<string, number>());
  const [, redraw] = useState(0);
  const [atBottom, setAtBottom] = useState(true);
  const pinned = useRef(true);
  const anchor = useRef<{ key: string; row: number; y: number } | null>(null);
  /** On the way to a row that somebody asked for; `leaps` counts the tries. */
  const leaping = useRef(false);
  const leaps = useRef(0);
  const lastTop = useRef(0);
  const lastTail = useRef(0);
  const viewport = useRef({ top: 0, height: 900 });

  if (heights.count !== count || lastTail.current !== tailFrom) {
    const from = Math.min(lastTail.current, tailFrom, heights.count);
    heights.resize(count);
    for (let row = Math.max(0, from - 1); row < count; row++) {
      const height = measured.get(keyOf(row));
      heights.set(row, height ?? usualHeight);
      // Rows at the end come and go; those far above keep their heights by place.
      if (row - from > 2000) break;
    }
    lastTail.current = tailFrom;
  }

  const rows = rowsNear(heights, viewport.current, pinned.current);
  const drawn = useRef(rows);
  useLayoutEffect(() => void (drawn.current = rows));

  /** Takes the first row that is seen. There is none after a leap to where nothing is drawn yet. */
  const takeAnchor = useCallback(() => {
    const box = scroller.current;
    anchor.current = null;
    if (!box) return;
    const { top: edge, bottom } = box.getBoundingClientRect();
    for (const row of (list.current?.children ?? []) as Iterable<HTMLElement>) {
      const place = row.getBoundingClientRect();
      if (place.bottom <= edge) continue;
      if (place.top < bottom) anchor.current = { key: row.dataset["key"] ?? "", row: Number(row.dataset["row"]), y: place.top - edge };
      return;
    }
  }, []);

  /** Puts the list where it belongs after something has changed. */
  const settle = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    const hold = anchor.current;
    if (pinned.current) box.scrollTop = box.scrollHeight;
    else if (hold) {
      const row = ([...(list.current?.children ?? [])] as HTMLElement[]).find(({ dataset }) => dataset["key"] === hold.key);
      if (row) {
        leaps.current = 0;
        leaping.current = false;
        const moved = row.getBoundingClientRect().top - box.getBoundingClientRect().top - hold.y;
        if (Math.abs(moved) >= 1) box.scrollTop += moved;
      } else if (leaps.current < 3) {
        // It is wanted before the eyes, but not drawn yet: what is around it is drawn next, then it can be put in its place.
        leaps.current++;
        viewport.current = { top: heights.offset(hold.row) - Math.max(0, hold.y), height: box.clientHeight };
        redraw((n) => n + 1);
        return;
      } else {
        leaping.current = false;
        takeAnchor();
      }
    } else takeAnchor();
    lastTop.current = box.scrollTop;
    viewport.current = { top: box.scrollTop, height: box.clientHeight };
  }, [heights, takeAnchor]);

  /** Draws again when other rows are needed now; for a row that only grows at the end none are. */
  const look = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    if (!leaping.current) viewport.current = { top: box.scrollTop, height: box.clientHeight };
    const { first, end, above, below } = rowsNear(heights, viewport.current, pinned.current);
    const now = drawn.current;
    if (first === now.first && end === now.end && above === now.above && below === now.below) settle();
    else redraw((n) => n + 1);
  }, [heights, settle]);

  useLayoutEffect(settle);

  const resizes = useMemo(
    () =>
      new ResizeObserver((entries) => {
        let changed = false;
        for (const { target, borderBoxSize } of entries) {
          const { key, row } = (target as HTMLElement).dataset;
          if (key === undefined || !target.isConnected) {
            changed ||= target === scroller.current;
            continue;
          }
          const size = borderBoxSize[0]?.blockSize ?? 0;
          measured.set(key, size);
          changed = heights.set(Number(row), size) || changed;
        }
        settle();
        if (changed) look();
      }),
    [heights, measured, settle, look],
  );
  useEffect(() => {
    const box = scroller.current;
    if (box) resizes.observe(box);
    return () => resizes.disconnect();
  }, [resizes]);

  const observed = useRef(new Set<Element>());
  useLayoutEffect(() => {
    const rows = new Set<Element>(list.current?.children ?? []);
    for (const row of observed.current) if (!rows.has(row)) resizes.unobserve(row);
    for (const row of rows) if (!observed.current.has(row)) resizes.observe(row);
    observed.current = rows;
  });

  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const scrolled = (): void => {
      // The last word of where the list was before the leap.
      if (leaping.current) return;
      const distance = box.scrollHeight - box.scrollTop - box.clientHeight;
      // What shrinks below moves the list up too, but leaves it at its end: only who goes up and away wants to stay there.
      if (distance <= nearBottom) pinned.current = true;
      else if (box.scrollTop < lastTop.current - 1) pinned.current = false;
      lastTop.current = box.scrollTop;
      setAtBottom(pinned.current);
      if (!pinned.current) takeAnchor();
      look();
    };
    box.addEventListener("scroll", scrolled, { passive: true });
    return () => box.removeEventListener("scroll", scrolled);
  }, [look, takeAnchor]);

  const toBottom = useCallback(() => {
    pinned.current = true;
    leaping.current = false;
    setAtBottom(true);
    settle();
    look();
  }, [settle, look]);

  const toRow = useCallback(
    (row: number) => {
      const box = scroller.current;
      if (!box) return;
      pinned.current = false;
      setAtBottom(false);
      anchor.current = { key: keyOf(row), row, y: 72 };
      leaps.current = 0;
      leaping.current = true;
      viewport.current = { top: heights.offset(row) - 72, height: box.clientHeight };
      redraw((n) => n + 1);
    },
    [heights, keyOf],
  );

  return { scroller, list, ...rows, atBottom, toBottom, toRow };
}

/** The rows to draw, and how high the boxes are that stand for the others. */
function rowsNear(heights: RowHeights, { top, height }: { top: number; height: number }, pinned: boolean): Rows {
  const { count, total } = heights;
  const lookedAt = pinned ? total - height : top;
  const first = count === 0 ? 0 : heights.rowAt(lookedAt - beyond);
  const end = count === 0 ? 0 : heights.rowAt(lookedAt + height + beyond) + 1;
  return { first, end, above: heights.offset(first), below: total - heights.offset(end) };
}
