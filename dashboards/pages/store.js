// What a subject's page knows: the readings of a stretch of time by stream, and the recommendations. Fed by answers and by events alike.

/** One stream: its declaration, and its points in the order of the time axis. */
function lane(series) {
  return { ...series, points: [], id: undefined, at: undefined, start: undefined, values: undefined };
}

export class Store {
  constructor() {
    this.streams = new Map();
    this.recommendations = new Map();
    this.band = {};
    this.loaded = null;
    this.thinned = false;
    /** id -> name of its stream, of every reading that is shown. */
    this.whose = new Map();
  }

  /** Takes a timeline in place of the readings there were. */
  replace(timeline) {
    this.band = timeline.band;
    this.loaded = { from: timeline.from, to: timeline.to };
    this.thinned = timeline.series.some((s) => s.at.length < s.count);
    this.whose.clear();
    for (const series of timeline.series) {
      const amended = new Set(series.amended);
      const stream = lane(series);
      stream.points = series.at.map((at, i) => ({
        id: series.id[i],
        at,
        start: series.start?.[i],
        values: series.values.map((column) => column[i]),
        amended: amended.has(i),
      }));
      stream.points.sort((a, b) => when(a) - when(b));
      for (const p of stream.points) this.whose.set(p.id, series.name);
      this.streams.set(series.name, stream);
    }
    for (const r of timeline.recommendations) this.take(r);
  }

  /** A reading is current under this id now, or (without a point) removed. */
  reading({ id, rev, stream, point }) {
    const was = this.find(id);
    if (was) {
      was.stream.points.splice(was.stream.points.indexOf(was.point), 1);
      this.whose.delete(id);
    }
    const into = point && this.streams.get(stream);
    if (!into) return;
    const fresh = { id, at: point.at, start: point.start, values: point.values, amended: rev > 1 };
    const place = into.points.findLastIndex((p) => when(p) <= when(fresh)) + 1;
    into.points.splice(place, 0, fresh);
    this.whose.set(id, stream);
  }

  /** A recommendation; an older revision than is known is passed over. */
  take(r) {
    const known = this.recommendations.get(r.id);
    if (known && known.revision > r.revision) return known;
    const fresh = { ...r, from: Date.parse(r.onset), found: Date.parse(r.at), to: r.end ? Date.parse(r.end) : null };
    this.recommendations.set(r.id, fresh);
    return fresh;
  }

  find(id) {
    const stream = this.streams.get(this.whose.get(id));
    const point = stream?.points.find((p) => p.id === id);
    return point ? { stream, point } : null;
  }

  /** The last reading of a stream that is not ahead of `now`. */
  last(name, now) {
    return this.streams.get(name)?.points.findLast((p) => when(p) <= now) ?? null;
  }

  /** Recommendations that touch a stretch. */
  between(from, to, now) {
    return [...this.recommendations.values()].filter((r) => r.from < to && until(r, now) >= from);
  }
}

/** Where a reading stands on the axis: an interval by its start. */
export const when = (p) => p.start ?? p.at;

/** Where a reading ends on the axis; `now` for what goes on. */
export const end = (p, now) => p.at ?? now;

/** Where a recommendation ends on the axis. */
export function until(r, now) {
  if (r.to !== null) return Math.max(r.to, r.found);
  return r.state === 'open' && r.kind !== 'match' ? Math.max(now, r.found) : r.found;
}
