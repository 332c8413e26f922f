// Severity by shape and by word, not by colour alone; states in words.

import { el, svg } from './dom.js';

export const WORDS = { info: 'Info', advisory: 'Advisory', warning: 'Warning', urgent: 'Urgent', critical: 'Critical' };
export const RANK = Object.keys(WORDS);

/** Outlines in a box of 20 by 20. */
export const SHAPES = {
  info: 'M10 3.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13Z',
  advisory: 'M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15Z',
  warning: 'M10 2.2a1.6 1.6 0 0 1 1.4.8l6.9 12.4a1.6 1.6 0 0 1-1.4 2.4H3.1a1.6 1.6 0 0 1-1.4-2.4L8.6 3a1.6 1.6 0 0 1 1.4-.8Z',
  urgent: 'M8.7 1.700a1.8 1.8 0 0 1 2.6 0l7 7a1.8 1.8 0 0 1 0 2.600l-7 7a1.8 1.8 0 0 1-2.6 0l-7-7a1.8 1.8 0 0 1 0-2.600Z',
  critical: 'M6.5 1.500h7l5 5v7l-5 5h-7l-5-5v-7Z',
};
/** The stroke inside: an i, nothing, one stroke, one stroke, two. */
const INSIDE = {
  info: ['M10 9.300v4M10 6.600v.1'],
  advisory: [],
  warning: ['M10 7.500v4.200M10 14.500v.1'],
  urgent: ['M10 5.800v5M10 14v.1'],
  critical: ['M7.7 5.500v5.200M7.7 14v.1', 'M12.3 5.500v5.200M12.3 14v.1'],
};

export function mark(severity, { taken = false } = {}) {
  const hollow = severity === 'info' || taken;
  return svg(
    'svg',
    { viewBox: '0 0 20 20', class: `mark sev-${severity}`, 'aria-hidden': 'true' },
    svg('path', { d: SHAPES[severity] ?? SHAPES.info, fill: hollow ? 'none' : 'currentColor', stroke: 'currentColor', 'stroke-width': hollow ? 1.6 : 0, 'stroke-dasharray': taken ? '2.5 2' : null }),
    (INSIDE[severity] ?? []).map((d) =>
      svg('path', { d, fill: 'none', stroke: hollow ? 'currentColor' : 'var(--card)', 'stroke-width': 2, 'stroke-linecap': 'round' }),
    ),
  );
}

export const severityChip = (severity) => el('span', { class: `chip sev-${severity}` }, mark(severity), WORDS[severity] ?? severity);

/** What a state is called for people. */
export function stateWord(r) {
  if (r.state === 'rescinded') return 'Taken back';
  if (r.dismissed) return 'Dismissed';
  if (r.state === 'lapsed') return 'Unknown since';
  if (r.state === 'resolved') return 'Resolved';
  if (r.kind === 'match') return r.acknowledged ? 'Acknowledged' : 'Noted';
  return r.acknowledged ? 'Acknowledged' : 'Open';
}
