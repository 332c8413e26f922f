// Readings in the native form: the values as they were sent, each under its field's name.

import { MG_DL_IN_MMOL_L, glucoseText } from './units.js';

const OURS = new Set(['id', 'given', 'subject', 'rev', 'removed', 'stream', 'at', 'start', 'end', 'source', 'seq', 'accepted', 'record']);

/** [field, value] of what a reading says. */
export const valuesOf = (r) => Object.entries(r).filter(([name]) => !OURS.has(name));

/** What it says, in a line. */
export function asText(r) {
  if (!r || r.removed) return 'removed';
  const values = valuesOf(r);
  if (r.systolic && r.diastolic) return `${Number.parseFloat(r.systolic)}/${r.diastolic}`;
  if (!values.length) return r.start ? 'an interval' : 'no values';
  return values.slice(0, 3).map(([, v]) => (v === true ? 'yes' : v === false ? 'no' : String(v))).join(', ');
}

/** The same in the unit that the reader is used to, for sentences beside a chart in that unit. */
export const asRead = (r) => (r?.stream === 'bg' ? asText({ ...r, value: inUsual(r.value) }) : asText(r));

function inUsual(value) {
  const [, number, unit] = /^([\d.]+)\s*(mmol\/L|mg\/dL)$/i.exec(String(value ?? '')) ?? [];
  return number ? glucoseText(Number(number) * (unit.toLowerCase() === 'mmol/l' ? MG_DL_IN_MMOL_L : 1)) : value;
}

/** The body that sends it again, with other values. */
export function again(r, values, times) {
  const body = { stream: r.stream, ...Object.fromEntries(Object.entries(values).filter(([, v]) => v !== '' && v !== null)), ...times };
  if (r.source) body.source = r.source;
  return body;
}
