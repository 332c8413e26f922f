// The chart: lanes over one time axis, the recommendations in place on it, and moving about in it by mouse, touch and keyboard.

import { Axis, LEAST_SPAN, MOST_SPAN } from './axis.js';
import { el, put, say, svg } from './dom.js';
import { DRAW } from './draw.js';
import { brief, lanes, nearest, spoken } from './lanes.js';
import { drawStrip, stripAt, stripRows } from './strip.js';
import { end, until, when } from './store.js';
import { clock, moment, serverNow } from './time.js';

const HEAD = 22;
const AXIS = 24;
const STRIP = 24;

export class Chart {
  /** `on`: `moved()`, `reading(lane, point)`, `recommendation(r)`. */
  constructor(host, store, on) {
    Object.assign(this, { host, store, on, from: 0, to: 1, cursor: null, chosen: null, picked: null, laneAt: 0, drawn: [] });
    this.picture = svg('svg', { class: 'chart', 'aria-hidden': 'true' });
    this.heads = el('div', { class: 'heads', 'aria-hidden': 'true' });
    put(host, this.picture, this.heads);
    this.pointers = new Map();
    new ResizeObserver(() => this.draw()).observe(host);
    host.addEventListener('pointerdown', (e) => this.down(e));
    host.addEventListener('pointermove', (e) => this.move(e));
    for (const name of ['pointerup', 'pointercancel']) host.addEventListener(name, (e) => this.up(e));
    host.addEventListener('pointerleave', () => this.point(null));
    host.addEventListener('wheel', (e) => this.wheel(e), { passive: false });
    host.addEventListener('keydown', (e) => this.key(e));
  }

  /** Shows a stretch of time, as far as it may be shown. */
  show(from, to) {
    const span = Math.min(Math.max(to - from, LEAST_SPAN), MOST_SPAN);
    const last = serverNow() + span * 0.12;
    this.to = Math.min((from + to) / 2 + span / 2, last);
    this.from = this.to - span;
    this.draw();
    this.on.moved();
  }

  /** Shows the last `span` up to now, with a little room ahead. */
  showNow(span) {
    const now = serverNow();
    this.show(now - span * 0.96, now + span * 0.04);
  }

  get follows() {
    return this.to >= serverNow();
  }

  /** What a reader looks at: the reading or the recommendation that was chosen, else the middle, or now where that can be seen. */
  get middle() {
    const now = serverNow();
    const chosen = this.store.find(this.chosen)?.point;
    const picked = this.picked && (this.picked.from + until(this.picked, now)) / 2;
    const all = [chosen && when(chosen), picked, this.follows ? now : null];
    return all.find((t) => t >= this.from && t <= this.to && t !== null) ?? (this.from + this.to) / 2;
  }

  move_by(share) {
    const by = (this.to - this.from) * share;
    this.show(this.from + by, this.to + by);
  }

  zoom(factor, around = (this.from + this.to) / 2) {
    const span = Math.min(Math.max((this.to - this.from) * factor, LEAST_SPAN), MOST_SPAN);
    const share = (around - this.from) / (this.to - this.from);
    this.show(around - span * share, around - span * share + span);
  }

  draw() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.paint());
  }

  paint() {
    const width = this.host.clientWidth;
    if (width < 100) return;
    const narrow = width < 560;
    const now = serverNow();
    this.axis = new Axis(this.from, this.to, narrow ? 34 : 44, width - (narrow ? 10 : 14));
    const back = [];
    const front = [];
    const recommendations = this.store.between(this.from, this.to, now);
    const rows = stripRows(recommendations, this.axis, now);
    let y = AXIS;
    const strip = { top: y + HEAD, bottom: y + HEAD + Math.max(1, rows.count) * STRIP };
    y = strip.bottom + 6;
    this.strip = { ...strip, rows };
    this.drawn = lanes(this.store, narrow).map((lane) => {
      const top = y + HEAD;
      const bottom = top + lane.height;
      y = bottom + 12;
      const within = lane.stream.points.filter((p) => when(p) <= this.to && end(p, now) >= this.from);
      const around = lane.draw === 'glucose' || lane.draw === 'line' || lane.draw === 'area' ? withNeighbours(lane.stream.points, within) : within;
      const c = { lane, axis: this.axis, top, bottom, band: this.store.band, now, within: around };
      front.push(svg('g', { class: `lane of-${lane.draw}` }, DRAW[lane.draw](c)));
      return c;
    });
    const height = y;
    back.push(...this.grid(height, now));
    const evidence = new Set(this.picked?.evidence ?? []);
    if (this.picked) back.push(this.shade(height, now));
    const over = drawStrip(rows, this.strip, this.axis, now, this.picked?.id);
    for (const c of this.drawn) {
      const visible = c.within.filter((p) => evidence.has(p.id) && p.id !== this.chosen);
      over.push(...visible.map((p) => ring(c.place(p), 'evidence', 5.5)));
      const chosen = c.within.find((p) => p.id === this.chosen);
      if (chosen) over.push(ring(c.place(chosen), 'chosen', 7.5));
    }
    if (now < this.to) over.push(svg('path', { class: 'now', d: `M${this.axis.x(now)} ${AXIS}V${height}` }));
    if (this.cursor !== null && this.cursor >= this.from && this.cursor <= this.to) over.push(...this.crosshair(height));
    this.picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.picture.setAttribute('width', width);
    this.picture.setAttribute('height', height);
    this.host.style.height = `${height}px`;
    const clip = svg('clipPath', { id: 'plot' }, svg('rect', { x: this.axis.left - 1, y: 0, width: this.axis.right - this.axis.left + 2, height }));
    put(this.picture, svg('defs', {}, clip), ...back, svg('g', { 'clip-path': 'url(#plot)' }, ...over.filter((n) => n.classList.contains('under'))), ...front, ...over.filter((n) => !n.classList.contains('under')));
    this.headings(now);
  }

  grid(height, now) {
    const parts = this.axis.ticks().flatMap((t) => [
      svg('path', { class: t.strong ? 'tick day' : 'tick', d: `M${this.axis.x(t.ms)} ${AXIS}V${height}` }),
      svg('text', { class: t.strong ? 'time day' : 'time', x: this.axis.x(t.ms), y: 15, 'text-anchor': 'middle' }, t.text),
    ]);
    if (now < this.to) {
      parts.push(
        svg('rect', { class: 'ahead', x: this.axis.x(now), y: AXIS, width: Math.max(0, this.axis.right - this.axis.x(now)), height: height - AXIS }),
      );
    }
    return parts;
  }

  shade(height, now) {
    const r = this.picked;
    const x1 = Math.max(this.axis.x(r.from), this.axis.left);
    const x2 = Math.min(this.axis.x(until(r, now)), this.axis.right);
    return svg('rect', { class: `shade sev-${r.severity}`, x: x1, y: AXIS, width: Math.max(2, x2 - x1), height: height - AXIS });
  }

  crosshair(height) {
    const x = this.axis.x(this.cursor);
    const text = moment(this.cursor);
    const half = text.length * 3.6 + 8;
    const middle = Math.min(Math.max(x, half), this.axis.right - half + 10);
    return [
      svg('path', { class: 'cross', d: `M${x} ${AXIS}V${height}` }),
      svg('rect', { class: 'flag', x: middle - half, y: 1, width: half * 2, height: 21, rx: 6 }),
      svg('text', { class: 'flag-text', x: middle, y: 16, 'text-anchor': 'middle' }, text),
    ];
  }

  /** The head of each lane: its name, and what it says at the crosshair, or last. */
  headings(now) {
    const cursor = this.cursor !== null && this.cursor >= this.from && this.cursor <= this.to ? this.cursor : null;
    const at = cursor ?? Math.min(now, this.to);
    const head = (top, title, unit, value, active) => {
      const node = el('p', { class: active ? 'head active' : 'head' }, el('b', {}, title), unit ? el('span', { class: 'unit' }, unit) : null, value ? el('span', { class: 'reads' }, value) : null);
      node.style.top = `${top - HEAD}px`;
      return node;
    };
    const keyboard = this.host.matches(':focus-visible');
    const nodes = this.drawn.map((c, i) => {
      const { point, distance } = nearest(c.lane, at, now);
      const steady = ['line', 'glucose', 'area'].includes(c.lane.draw);
      const near = point && distance <= Math.max(this.axis.perPixel * 14, steady ? 9e5 : 0);
      const last = cursor === null ? c.lane.stream.points.findLast((p) => when(p) <= at && end(p, now) >= this.from) : null;
      const shown = cursor === null ? last : near ? point : null;
      // Of some lanes only the instant is known.
      const value = shown ? [brief(c.lane, shown), c.lane.draw === 'spans' ? '' : clock(when(shown))].filter(Boolean).join(' · ') : '';
      return head(c.top, c.lane.title, c.lane.unit, value, keyboard && i === this.laneAt);
    });
    put(this.heads, head(this.strip.top, 'Recommendations', this.strip.rows.count ? '' : 'none here', ''), nodes);
  }

  place(e) {
    const box = this.host.getBoundingClientRect();
    return [e.clientX - box.left, e.clientY - box.top];
  }

  down(e) {
    if (e.button > 0) return;
    this.host.focus({ preventScroll: true, focusVisible: false });
    this.pointers.set(e.pointerId, this.place(e));
    this.dragged = false;
    this.grip = { from: this.from, to: this.to, at: this.place(e) };
  }

  move(e) {
    const here = this.place(e);
    if (!this.pointers.has(e.pointerId)) {
      if (e.pointerType === 'mouse') this.point(this.axis?.ms(here[0]));
      return;
    }
    const before = [...this.pointers.values()];
    this.pointers.set(e.pointerId, here);
    if (this.pointers.size === 2) {
      this.pinch(before, [...this.pointers.values()]);
    } else if (this.dragged || Math.abs(here[0] - this.grip.at[0]) > 5) {
      if (!this.dragged) this.host.setPointerCapture(e.pointerId);
      this.dragged = true;
      this.cursor = null;
      const by = (this.grip.at[0] - here[0]) * this.axis.perPixel;
      this.show(this.grip.from + by, this.grip.to + by);
    }
  }

  pinch(before, after) {
    this.dragged = true;
    const span = (p) => Math.max(20, Math.abs(p[0][0] - p[1][0]));
    const middle = (p) => (p[0][0] + p[1][0]) / 2;
    const around = this.axis.ms(middle(before));
    const width = (this.to - this.from) * (span(before) / span(after));
    const share = (middle(after) - this.axis.left) / (this.axis.right - this.axis.left);
    this.show(around - width * share, around - width * share + width);
    this.axis = new Axis(this.from, this.to, this.axis.left, this.axis.right);
  }

  up(e) {
    const had = this.pointers.delete(e.pointerId);
    if (this.pointers.size === 1) {
      this.grip = { from: this.from, to: this.to, at: [...this.pointers.values()][0] };
    } else if (had && !this.dragged && e.type === 'pointerup') {
      this.click(this.place(e));
    }
  }

  click([x, y]) {
    const r = stripAt(this.strip, this.axis, x, y, serverNow());
    if (r) return this.on.recommendation(r);
    const c = this.drawn.find((d) => y >= d.top - HEAD && y <= d.bottom + 6);
    if (!c) return;
    const { point, distance } = nearest(c.lane, this.axis.ms(x), serverNow());
    if (!point || distance > this.axis.perPixel * 24) return;
    this.laneAt = this.drawn.indexOf(c);
    this.choose(c.lane, point);
  }

  choose(lane, point) {
    this.chosen = point.id;
    this.cursor = Math.max(when(point), this.from);
    this.draw();
    this.on.reading(lane, point);
  }

  point(ms) {
    const within = ms !== null && ms !== undefined && ms >= this.from && ms <= this.to;
    this.cursor = within ? ms : null;
    this.draw();
  }

  wheel(e) {
    const sideways = Math.abs(e.deltaX) > Math.abs(e.deltaY);
    if (!sideways && !e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    if (sideways) this.move_by(e.deltaX / this.host.clientWidth);
    else this.zoom(Math.exp(Math.max(-60, Math.min(60, e.deltaY)) / 150), this.axis.ms(this.place(e)[0]));
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const act = {
      ArrowLeft: () => (e.shiftKey ? this.move_by(-0.25) : this.step(-1)),
      ArrowRight: () => (e.shiftKey ? this.move_by(0.25) : this.step(1)),
      ArrowUp: () => this.lane(-1),
      ArrowDown: () => this.lane(1),
      Home: () => this.step(-Infinity),
      End: () => this.step(Infinity),
      '+': () => this.zoom(0.6, this.cursor ?? this.middle),
      '=': () => this.zoom(0.6, this.cursor ?? this.middle),
      '-': () => this.zoom(1 / 0.6, this.cursor ?? this.middle),
      n: () => this.showNow(this.to - this.from),
      Enter: () => this.open(),
      ' ': () => this.open(),
    }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  }

  /** The crosshair to the next reading of the lane. */
  step(by) {
    const c = this.drawn[this.laneAt];
    const points = c?.lane.stream.points ?? [];
    if (!points.length) return say(`${c?.lane.title ?? 'Chart'}: no readings here`);
    const at = points.findIndex((p) => p.id === this.under?.id && when(p) === this.cursor);
    const start = at >= 0 ? at + by : Math.max(0, points.findLastIndex((p) => when(p) <= (this.cursor ?? this.to)));
    const point = points[Math.min(points.length - 1, Math.max(0, start))];
    this.under = point;
    this.cursor = when(point);
    if (this.cursor < this.from || this.cursor > this.to) this.show(this.cursor - (this.to - this.from) / 2, this.cursor + (this.to - this.from) / 2);
    this.draw();
    say(spoken(c.lane, point, moment));
  }

  lane(by) {
    this.laneAt = Math.min(this.drawn.length - 1, Math.max(0, this.laneAt + by));
    this.under = null;
    this.draw();
    this.step(0);
  }

  open() {
    const c = this.drawn[this.laneAt];
    const point = this.under ?? (c && nearest(c.lane, this.cursor ?? this.to, serverNow()).point);
    if (point) this.choose(c.lane, point);
  }
}

/** With the reading before and after those that can be seen, so that a line runs to the edge. */
function withNeighbours(points, within) {
  if (!within.length) return within;
  const first = points.indexOf(within[0]);
  const last = points.indexOf(within.at(-1));
  return points.slice(Math.max(0, first - 1), last + 2);
}

const ring = ([cx, cy], name, r) => svg('circle', { class: name, cx, cy, r });
