// Sentences: why a recommendation changed, and when it held.

import { streamTitle } from './lanes.js';
import { clock, lasting, moment } from './time.js';
import { asRead, asText } from './native.js';

const CHANGED = { opened: 'Opened', amended: 'Changed', resolved: 'Resolved', lapsed: 'Ended without news', rescinded: 'Taken back' };

export const changeWord = (change) => CHANGED[change] ?? change;

/** Why, as the rest of a sentence: `the glucose reading of 02:15 was corrected from 62 mg/dL to 95 mg/dL`. */
export function reason({ kind, reading }) {
  if (kind === 'profile') return 'a setting of the profile changed';
  if (kind === 'rules') return 'the rules changed';
  if (kind === 'clock' || !reading) return 'time passed';
  const { before, after } = reading;
  const one = after && !after.removed ? after : before;
  if (!one || one.removed) return 'a reading was removed';
  const name = streamTitle(one.stream ?? '').toLowerCase();
  const at = moment(Date.parse(one.at ?? one.end ?? one.start));
  if (after?.removed) return `the ${name} reading of ${at} (${asRead(before)}) was removed`;
  if (!before || before.removed) return `a ${name} reading of ${at} came (${asRead(after)})`;
  if (before.record === after.record) return `time came for the ${name} reading of ${at}`;
  if (asText(before) === asText(after)) return `the ${name} reading was moved from ${moment(Date.parse(before.at ?? before.start))} to ${at}`;
  return `the ${name} reading of ${at} was corrected from ${asRead(before)} to ${asRead(after)}`;
}

/** When it held: `14:05 – 14:50 (45 min)`, `since 14:05`. */
export function held(r, now) {
  if (r.kind === 'match') return r.to && r.to - r.from > 6e4 ? `${moment(r.from)} \u2013 ${clock(r.to)}` : moment(r.found);
  if (r.to === null) return r.state === 'open' ? `since ${moment(r.from)} (${lasting(now - r.from)})` : `from ${moment(r.from)}`;
  return `${moment(r.from)} \u2013 ${sameDay(r.from, r.to) ? clock(r.to) : moment(r.to)} (${lasting(r.to - r.from)})`;
}

const sameDay = (a, b) => Math.abs(a - b) < 432e5;
