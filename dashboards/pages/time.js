// Times for people: in the subject's own zone where it is known.

let zone;

/** IANA name; what the browser does not know is left at the reader's own zone. */
export function setZone(name) {
  try {
    zone = name ? new Intl.DateTimeFormat('en-GB', { timeZone: name }).resolvedOptions().timeZone : undefined;
  } catch {
    zone = undefined;
  }
  made.clear();
}

const made = new Map();

function format(options) {
  const key = JSON.stringify(options);
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...options }));
  return made.get(key);
}

export const zoneName = () => zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

export const clock = (ms) => format({ hour: '2-digit', minute: '2-digit' }).format(ms);
export const weekday = (ms) => format({ weekday: 'short', day: 'numeric', month: 'short' }).format(ms);
export const dayKey = (ms) => format({ year: 'numeric', month: '2-digit', day: '2-digit' }).format(ms);

/** `14:05`, `yesterday 14:05`, `Tue 17 Nov, 14:05`. */
export function moment(ms, now = serverNow()) {
  if (dayKey(ms) === dayKey(now)) return clock(ms);
  if (dayKey(ms) === dayKey(now - 864e5)) return `yesterday ${clock(ms)}`;
  const year = new Date(ms).getFullYear() === new Date(now).getFullYear() ? {} : { year: 'numeric' };
  return `${format({ weekday: 'short', day: 'numeric', month: 'short', ...year }).format(ms)}, ${clock(ms)}`;
}

/** With seconds and zone: for what must be told apart. */
export const exact = (ms) =>
  format({ day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' }).format(ms);

/** `3 min`, `2 h 5 min`, `4 d`. */
export function lasting(ms) {
  const minutes = Math.max(0, Math.round(ms / 6e4));
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 && days < 4 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** `now`, `3 min ago`, `in 5 min`. */
export function ago(ms, now = serverNow()) {
  const span = now - ms;
  if (Math.abs(span) < 6e4) return 'now';
  return span < 0 ? `in ${lasting(-span)}` : `${lasting(span)} ago`;
}

let ahead = 0;

/** What the server's clock said just now: the reader's own may be wrong. */
export function setNow(ms) {
  ahead = ms - Date.now();
}

export const serverNow = () => Date.now() + ahead;

/** For an input: local date and time. */
export function forInput(ms) {
  return new Date(ms + offset(ms)).toISOString().slice(0, 19);
}

/** What an input says, as an instant; in the hour that comes twice, the first. */
export function fromInput(text) {
  const local = Date.parse(`${text}Z`);
  return Number.isFinite(local) ? local - offset(local - offset(local)) : NaN;
}

/** Offset of the zone from UTC at an instant, in milliseconds: for ticks at local midnight. */
export function offset(ms) {
  const p = Object.fromEntries(
    format({ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
      .formatToParts(ms)
      .map((x) => [x.type, Number(x.value)]),
  );
  return Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - Math.floor(ms / 1000) * 1000;
}
