// The recommendations on the time axis: a bar from onset to end, its severity by the shape in front, taken back ones hollow and struck through.

import { svg } from './dom.js';
import { SHAPES } from './severity.js';
import { until } from './store.js';

const ROW = 24;
const MOST_ROWS = 4;
const GLYPH = 18;

/** Each recommendation gets the first row that is free there. Those beyond the last row are counted. */
export function stripRows(list, axis, now) {
  const free = [];
  const placed = [];
  let hidden = 0;
  for (const r of [...list].sort((a, b) => a.from - b.from || a.found - b.found)) {
    const x1 = axis.x(Math.max(r.from, axis.from));
    const x2 = Math.max(axis.x(Math.min(until(r, now), axis.to)), x1 + GLYPH);
    let row = free.findIndex((x) => x + 4 <= x1);
    if (row < 0 && free.length < MOST_ROWS) row = free.push(-Infinity) - 1;
    if (row < 0) {
      hidden += 1;
      continue;
    }
    free[row] = x2;
    placed.push({ r, row, x1, x2 });
  }
  return { placed, count: free.length, hidden };
}

export function drawStrip(rows, strip, axis, now, picked) {
  return rows.placed.flatMap(({ r, row, x1, x2 }, i) => {
    const y = strip.top + row * ROW;
    const back = r.state === 'rescinded';
    const name = `strip sev-${r.severity} ${back ? 'back' : ''} ${r.state === 'open' ? 'open' : 'over'} ${r.id === picked ? 'picked' : ''}`;
    const next = rows.placed.slice(i + 1).find((p) => p.row === row)?.x1 ?? axis.right;
    const room = Math.min(Math.max(next - x1 - 8, 0), 400) - GLYPH - 4;
    const letters = Math.floor(room / 6.8);
    const text = letters >= 6 ? (r.title.length > letters ? `${r.title.slice(0, letters - 1).trimEnd()}\u2026` : r.title) : '';
    return [
      svg('rect', { class: `under ${name}`, x: x1, y: y + 1, width: Math.max(GLYPH, x2 - x1), height: ROW - 4, rx: 5 }),
      svg(
        'svg',
        { x: x1 + 2, y: y + 4, width: 14, height: 14, viewBox: '0 0 20 20', class: `sev-${r.severity}` },
        svg('path', { d: SHAPES[r.severity], fill: back || r.severity === 'info' ? 'none' : 'currentColor', stroke: 'currentColor', 'stroke-width': 2, 'stroke-dasharray': back ? '3 2' : null }),
      ),
      text ? svg('text', { class: `strip-text sev-${r.severity} ${back ? 'back' : ''}`, x: x1 + GLYPH + 2, y: y + 15.5 }, text) : null,
    ].filter(Boolean);
  });
}

export function stripAt(strip, axis, x, y, now) {
  const row = Math.floor((y - strip.top) / ROW);
  const hits = strip.rows.placed.filter((p) => p.row === row && x >= p.x1 - 4 && x <= p.x2 + 4);
  return hits.at(-1)?.r ?? null;
}
