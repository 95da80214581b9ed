import type { ReactNode } from "react";

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const dayLong = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const dayShort = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

const midnight = (time: Date): number => new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
const daysBefore = (time: Date): number => Math.round((midnight(new Date()) - midnight(time)) / 86_400_000);

/** The time of day in the person's zone; the whole of it when the pointer rests on it. */
export const ClockTime = ({ at }: { at: string }): ReactNode => (
  <time dateTime={at} title={exact.format(new Date(at))}>
    {clock.format(new Date(at))}
  </time>
);

export const isSameDay = (one: string, other: string): boolean => midnight(new Date(one)) === midnight(new Date(other));

export function dayName(at: string): string {
  const time = new Date(at);
  const days = daysBefore(time);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return time.getFullYear() === new Date().getFullYear() ? dayLong.format(time) : dayYear.format(time);
}

/** For lists: the time today, the day otherwise; the whole of it when the pointer rests on it. */
export function ShortTime({ at }: { at: string }): ReactNode {
  const time = new Date(at);
  return (
    <time dateTime={at} title={exact.format(time)}>
      {daysBefore(time) === 0 ? clock.format(time) : dayShort.format(time)}
    </time>
  );
}

/** Groups of a list that is sorted by time. */
export function period(at: string): string {
  const days = daysBefore(new Date(at));
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days < 7) return "The last 7 days";
  if (days < 30) return "The last 30 days";
  return "Older";
}

/** "3 min", "2 h 5 min": since a moment in milliseconds. */
export function since(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor((Date.now() - milliseconds) / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}
