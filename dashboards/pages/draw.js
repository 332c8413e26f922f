// How each kind of lane is drawn. Each takes `{lane, axis, top, bottom, band, now, within}` and gives the parts of a picture.

import { round, scale } from './axis.js';
import { svg } from './dom.js';
import { zone } from './spark.js';
import { end, when } from './store.js';
import { glucoseUnit, inChosen, toMgdl } from './units.js';

/** Dots are drawn where there is room for them. */
const ROOM = 5;
const MMOL = 18.016;

export const DRAW = { glucose, pressure, bars, doses, spans, line, area, ticks };

function glucose(c) {
  const field = c.lane.stream.fields[c.lane.field];
  const points = c.within.filter((p) => p.values[c.lane.field] !== null).map((p) => ({ p, at: p.at, v: toMgdl(p.values[c.lane.field], field) }));
  const most = Math.max(260, ...points.map((q) => q.v)) + 10;
  const y = scale(36, most, c.top, c.bottom);
  const { low, high, very_low, very_high } = c.band;
  const parts = [];
  if (low && high) parts.push(svg('rect', { class: 'band', x: c.axis.left, y: y(high), width: c.axis.right - c.axis.left, height: y(low) - y(high) }));
  for (const bound of [low, high]) if (bound) parts.push(rule(c, y(bound), 'bound'));
  for (const bound of [very_low, very_high]) if (bound) parts.push(rule(c, y(bound), 'bound far'));
  const mmol = glucoseUnit() === 'mmol/L';
  const labels = mmol ? [4, 10, 14, 7, 18, 22, 3].map((v) => v * MMOL) : [70, 180, 250, 120, 350, 450, 54];
  parts.push(...yLabels(c, spaced(labels.filter((v) => v < most - 4), y, 17), y, (v) => String(Math.round(inChosen(v)))));
  parts.push(...banded(c, path(points.map((q) => [q.at, q.v]), c, y), high ? y(high) : c.top - 4, low ? y(low) : c.bottom + 4));
  if (points.length * ROOM < c.axis.right - c.axis.left) {
    const seen = points.filter((q) => q.at >= c.axis.from && q.at <= c.axis.to);
    parts.push(...seen.map((q) => svg('circle', { class: `dot ${zone(q.v, c.band)[0]}`, cx: c.axis.x(q.at), cy: y(q.v), r: 2.6 })));
  }
  c.place = (p) => [c.axis.x(p.at), y(toMgdl(p.values[c.lane.field], field))];
  return parts;
}

/** The line thrice, each within its part of the height: above the band, in it, and below. */
function banded(c, d, high, low) {
  const part = (name, top, bottom) => [
    svg('clipPath', { id: `part-${name}` }, svg('rect', { x: c.axis.left - 1, width: c.axis.right - c.axis.left + 2, y: top, height: Math.max(0, bottom - top) })),
    svg('path', { class: `glucose ${name}`, d, 'clip-path': `url(#part-${name})` }),
  ];
  return [part('high', c.top - 14, high), part('in_range', high, low), part('low', low, c.bottom + 14)].flat();
}

function pressure(c) {
  const { high, low } = c.lane;
  const points = c.within.filter((p) => p.values[high] !== null && p.values[low] !== null);
  const y = scale(Math.min(50, ...points.map((p) => p.values[low])), Math.max(170, ...points.map((p) => p.values[high])) + 5, c.top, c.bottom);
  const { systolic_high, diastolic_high } = c.band;
  const parts = yLabels(c, [80, 120, 160], y, String);
  for (const bound of [systolic_high, diastolic_high]) if (bound) parts.push(rule(c, y(bound), 'bound far'));
  for (const p of points) {
    const over = (systolic_high && p.values[high] >= systolic_high) || (diastolic_high && p.values[low] >= diastolic_high);
    const x = c.axis.x(p.at);
    parts.push(svg('path', { class: `pressure ${over ? 'over' : ''}`, d: `M${x} ${y(p.values[high])}V${y(p.values[low])}M${x - 4} ${y(p.values[high])}h8M${x - 4} ${y(p.values[low])}h8` }));
  }
  c.place = (p) => [c.axis.x(p.at), (y(p.values[high]) + y(p.values[low])) / 2];
  return parts;
}

function bars(c) {
  const points = c.within.filter((p) => p.values[c.lane.field] > 0);
  const most = Math.max(60, ...points.map((p) => p.values[c.lane.field]));
  const y = scale(0, most, c.top + 13, c.bottom);
  const parts = [base(c)];
  let free = -Infinity;
  for (const p of points) {
    const [x, v] = [c.axis.x(p.at), p.values[c.lane.field]];
    parts.push(svg('path', { class: `bar ${c.lane.tint}`, d: `M${x} ${c.bottom}V${y(v)}` }), svg('circle', { class: `knob ${c.lane.tint}`, cx: x, cy: y(v), r: 3.5 }));
    if (x - free > 26) {
      parts.push(svg('text', { class: 'count', x, y: y(v) - 7, 'text-anchor': 'middle' }, Math.round(v)));
      free = x;
    }
  }
  c.place = (p) => [c.axis.x(p.at), y(p.values[c.lane.field] ?? 0)];
  return parts;
}

/** Doses stand as bars, a pump's rate as steps behind them, what has neither as a lozenge. */
function doses(c) {
  const { field, rate } = c.lane;
  const most = Math.max(8, ...c.within.map((p) => p.values[field] ?? 0));
  const y = scale(0, most, c.top + 13, c.bottom);
  const parts = [];
  const rates = c.lane.stream.points.filter((p) => rate >= 0 && p.values[rate] !== null && p.at <= c.axis.to);
  if (rates.length) parts.push(steps(c, rates, rate));
  parts.push(base(c));
  let free = -Infinity;
  for (const p of c.within) {
    const x = c.axis.x(p.at);
    const v = p.values[field];
    if (v > 0) {
      const long = p.values[c.lane.kind] === 'basal';
      parts.push(
        svg('path', { class: `bar dose ${long ? 'long' : ''}`, d: `M${x} ${c.bottom}V${y(v)}` }),
        long ? svg('rect', { class: 'knob dose', x: x - 3.5, y: y(v) - 3.5, width: 7, height: 7 }) : svg('path', { class: 'knob dose', d: `M${x - 4.5} ${y(v) - 3}h9l-4.5 7Z` }),
      );
      if (x - free > 28) {
        parts.push(svg('text', { class: 'count', x, y: y(v) - 7, 'text-anchor': 'middle' }, Number(v.toFixed(1))));
        free = x;
      }
    } else if (p.values[rate] === null || rate < 0) {
      parts.push(svg('path', { class: 'knob other', d: `M${x} ${c.bottom - 12}l5 5l-5 5l-5-5Z` }));
    }
  }
  c.place = (p) => [c.axis.x(p.at), p.values[field] > 0 ? y(p.values[field]) : c.bottom - 7];
  return parts;
}

function steps(c, rates, rate) {
  const y = scale(0, Math.max(2, ...rates.map((p) => p.values[rate])) * 2.2, c.top, c.bottom);
  const last = Math.min(c.now, c.axis.to);
  let d = '';
  rates.forEach((p, i) => {
    const until = Math.min(rates[i + 1]?.at ?? last, last);
    if (until <= c.axis.from || p.at >= until) return;
    const [x1, x2] = [c.axis.x(Math.max(p.at, c.axis.from)), c.axis.x(until)];
    d += `M${x1} ${c.bottom}V${y(p.values[rate])}H${x2}V${c.bottom}Z`;
  });
  return svg('path', { class: 'basal', d });
}

function spans(c) {
  const levels = c.lane.level >= 0 ? c.lane.stream.fields[c.lane.level].words.length : 0;
  const height = c.bottom - c.top;
  const parts = [base(c)];
  for (const p of c.within) {
    const x1 = Math.max(c.axis.x(p.start ?? p.at), c.axis.left);
    const x2 = Math.min(c.axis.x(end(p, c.now)), c.axis.right);
    const level = levels ? (c.lane.stream.fields[c.lane.level].words.indexOf(p.values[c.lane.level]) + 1) / levels : 1;
    const h = Math.max(4, height * level);
    parts.push(svg('rect', { class: `span ${c.lane.tint} ${p.at === null ? 'ongoing' : ''}`, x: x1, y: c.bottom - h, width: Math.max(2.5, x2 - x1), height: h, rx: Math.min(4, h / 2) }));
    if (c.lane.tint === 'sleep' && p.at !== null && x2 - x1 > 64) {
      const minutes = Math.round((p.at - p.start) / 6e4);
      parts.push(svg('text', { class: 'inside', x: (x1 + x2) / 2, y: c.bottom - height / 2 + 4, 'text-anchor': 'middle' }, `${Math.floor(minutes / 60)} h ${minutes % 60} min`));
    }
  }
  c.place = (p) => [(Math.max(c.axis.x(p.start ?? p.at), c.axis.left) + Math.min(c.axis.x(end(p, c.now)), c.axis.right)) / 2, c.bottom - height / 2];
  return parts;
}

function line(c) {
  return curve(c, 'line');
}

function area(c) {
  return curve(c, 'area');
}

function curve(c, kind) {
  const points = c.within.filter((p) => typeof p.values[c.lane.field] === 'number').map((p) => [p.at, p.values[c.lane.field], p]);
  const values = points.map(([, v]) => v);
  let [least, most] = c.lane.range ?? [Math.min(...values), Math.max(...values)];
  if (!Number.isFinite(least)) {
    c.place = (p) => [c.axis.x(p.at), c.bottom];
    return [base(c)];
  }
  if (most === least) [least, most] = [least - 1, most + 1];
  const room = c.lane.range ? 0 : (most - least) * 0.08;
  const y = scale(least - room, most + room, c.top, c.bottom);
  const parts = yLabels(c, c.lane.range ?? spaced(round(least, most, 2), y, 20), y, (v) => String(Number(v.toFixed(2))));
  if (kind === 'area') parts.push(svg('path', { class: 'area', d: path(points, c, y, c.bottom), 'clip-path': 'url(#plot)' }));
  parts.push(svg('path', { class: 'curve', d: path(points, c, y), 'clip-path': 'url(#plot)' }));
  if (points.length * ROOM * 2 < c.axis.right - c.axis.left) {
    const seen = points.filter(([t]) => t >= c.axis.from && t <= c.axis.to);
    parts.push(...seen.map(([t, v]) => svg('circle', { class: 'dot other', cx: c.axis.x(t), cy: y(v), r: 2.2 })));
  }
  c.place = (p) => [c.axis.x(p.at), y(p.values[c.lane.field] ?? least)];
  return parts;
}

function ticks(c) {
  c.place = (p) => [c.axis.x(when(p)), (c.top + c.bottom) / 2];
  return [base(c), ...c.within.map((p) => svg('path', { class: 'knob other', d: `M${c.axis.x(p.at)} ${c.bottom - 14}l5 5l-5 5l-5-5Z` }))];
}

/** A line through points, broken where readings are missing; with a floor, the area down to it. */
function path(points, c, y, floor) {
  const gap = Math.max((c.lane.stream.every_ms ?? 9e5) * 3.5, c.axis.perPixel * 3);
  let d = '';
  let before = null;
  const close = () => (floor !== undefined && before !== null ? `L${c.axis.x(before).toFixed(1)} ${floor}Z` : '');
  for (const [t, v] of points) {
    const x = c.axis.x(t).toFixed(1);
    const fresh = before === null || t - before > gap;
    if (fresh) d += close();
    d += fresh ? (floor === undefined ? `M${x} ${y(v).toFixed(1)}` : `M${x} ${floor}L${x} ${y(v).toFixed(1)}`) : `L${x} ${y(v).toFixed(1)}`;
    before = t;
  }
  return d + close();
}

function yLabels(c, values, y, text) {
  return values.flatMap((v) => [
    svg('path', { class: 'grid', d: `M${c.axis.left} ${y(v)}H${c.axis.right}` }),
    svg('text', { class: 'scale', x: c.axis.left - 7, y: y(v) + 4, 'text-anchor': 'end' }, text(v)),
  ]);
}

/** Those of the labels that do not run into each other, the first ones first. */
function spaced(values, y, room) {
  const kept = [];
  for (const v of values) if (kept.every((k) => Math.abs(y(k) - y(v)) >= room)) kept.push(v);
  return kept;
}

const rule = (c, y, name) => svg('path', { class: name, d: `M${c.axis.left} ${y}H${c.axis.right}` });
const base = (c) => rule(c, c.bottom, 'grid');
