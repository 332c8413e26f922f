// Which lanes a chart has: those of the streams that are known by name, in their order, then one for any other stream.

import { end, when } from './store.js';
import { glucoseText, glucoseUnit, shown, toMgdl } from './units.js';
import { clock, lasting } from './time.js';

const TITLES = {
  bg: 'Glucose',
  ketones: 'Ketones',
  bp: 'Blood pressure',
  carbs: 'Meals',
  medication: 'Insulin & medication',
  sleep: 'Sleep',
  exercise: 'Exercise',
  activity: 'Activity',
  wearable: 'Heart rate',
  device: 'Device battery',
};
const ORDER = Object.keys(TITLES);

/** What a stream is called for people. */
export const streamTitle = (name) => TITLES[name] ?? sentence(name);
const sentence = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');

/** The lanes for these streams; one without readings in reach has none, but for glucose. */
export function lanes(store, narrow) {
  const known = [...store.streams.values()].filter((s) => s.points.length || s.name === 'bg');
  const rank = (s) => (ORDER.includes(s.name) ? ORDER.indexOf(s.name) : ORDER.length);
  return known.sort((a, b) => rank(a) - rank(b)).map((s) => describe(s, narrow));
}

function describe(stream, narrow) {
  const base = { stream, narrow, title: streamTitle(stream.name), unit: '', height: 44 };
  const place = (name) => stream.fields.findIndex((f) => f.name === name);
  switch (stream.name) {
    case 'bg':
      return { ...base, draw: 'glucose', field: place('value'), height: narrow ? 190 : 230, unit: glucoseUnit() };
    case 'bp':
      return { ...base, draw: 'pressure', high: place('systolic'), low: place('diastolic'), height: 92, unit: 'mmHg' };
    case 'carbs':
      return { ...base, draw: 'bars', field: place('amount'), tint: 'meal', height: 54, unit: 'g carbohydrate' };
    case 'medication':
      return { ...base, draw: 'doses', field: place('amount'), rate: place('rate'), kind: place('kind'), tint: 'dose', height: 58, unit: 'U' };
    case 'sleep':
      return { ...base, draw: 'spans', tint: 'sleep', height: 20 };
    case 'exercise':
      return { ...base, draw: 'spans', level: place('intensity'), tint: 'move', height: 26 };
    case 'activity':
      return { ...base, draw: 'spans', level: place('intensity'), tint: 'move', height: 24 };
    case 'wearable':
      return { ...base, draw: 'line', field: place('heart_rate'), height: 56, unit: '/min' };
    case 'device':
      return { ...base, draw: 'area', field: place('battery'), range: [0, 100], height: 38, unit: '%' };
    default:
      return generic(stream, base);
  }
}

function generic(stream, base) {
  if (stream.shape === 'interval') return { ...base, draw: 'spans', tint: 'other', height: 20 };
  const field = stream.fields.findIndex((f) => f.kind === 'quantity');
  if (field < 0) return { ...base, draw: 'ticks', tint: 'other', height: 22 };
  return { ...base, draw: 'line', field, height: 56, unit: stream.fields[field].unit };
}

/** A reading in a few words, for a lane's head. */
export function brief(lane, p) {
  const { stream } = lane;
  const value = (i) => (i >= 0 && p.values[i] !== null && p.values[i] !== undefined ? shown(p.values[i], stream.fields[i]) : null);
  switch (lane.draw) {
    case 'glucose':
      return p.values[lane.field] === null ? '' : glucoseText(toMgdl(p.values[lane.field], stream.fields[lane.field]));
    case 'pressure': {
      const pulse = stream.fields.findIndex((f) => f.name === 'pulse');
      const beat = value(pulse);
      return `${p.values[lane.high]}/${p.values[lane.low]} mmHg${beat && !lane.narrow ? `, pulse ${beat}` : ''}`;
    }
    case 'doses':
      return [value(lane.kind), value(lane.field) ?? value(lane.rate), ...rest(lane, p, [lane.kind, lane.field, lane.rate])].filter(Boolean).join(' ');
    case 'spans': {
      const span = p.at === null ? `since ${clock(p.start)}` : `${clock(p.start)}\u2013${clock(p.at)}, ${lasting(p.at - p.start)}`;
      return [span, value(lane.level ?? -1)].filter(Boolean).join(', ');
    }
    case 'ticks':
      return rest(lane, p, []).join(', ');
    default:
      return value(lane.field) ?? rest(lane, p, []).join(', ');
  }
}

function rest(lane, p, but) {
  return lane.stream.fields.map((f, i) => (but.includes(i) || p.values[i] === null ? null : shown(p.values[i], f))).filter(Boolean).slice(0, 2);
}

/** A reading as a sentence, for whoever listens. */
export function spoken(lane, p, momentOf) {
  return `${lane.title}, ${momentOf(when(p))}: ${brief(lane, p)}${p.amended ? ', amended' : ''}`;
}

/** Every field that was said, as [name, text]. */
export function fieldsOf(stream, p) {
  return stream.fields.map((f, i) => [f.name.replaceAll('_', ' '), shown(p.values[i], f)]).filter(([, text]) => text !== null);
}

/** The reading of a lane that a place in time means: the one that covers it, else the nearest. */
export function nearest(lane, ms, now) {
  let best = null;
  let least = Infinity;
  for (const p of lane.stream.points) {
    const [a, b] = [when(p), end(p, now)];
    const distance = ms < a ? a - ms : ms > b ? ms - b : 0;
    if (distance < least) [best, least] = [p, distance];
  }
  return { point: best, distance: least };
}
