// Glucose in the unit that the reader is used to; every other quantity in the unit of its field.

const KEY = 'vitalog.glucose';
/** 1 mmol/L = 18.016 mg/dL (molar mass of glucose 180.16 g/mol). */
export const MG_DL_IN_MMOL_L = 18.016;
const PER = { 'mg/dL': 1, 'mmol/L': MG_DL_IN_MMOL_L };
const PROFILE = { mg_dl: 'mg/dL', mmol_l: 'mmol/L' };

let chosen = null;
try {
  chosen = localStorage.getItem(KEY);
} catch {
  // Storage is closed to us: the choice lasts as long as the page.
}
let usual = 'mg/dL';
const changed = new Set();

export const glucoseUnit = () => (chosen in PER ? chosen : usual);

/** What the profile says holds until the reader chooses. */
export function suggestUnit(units) {
  if (!PROFILE[units] || PROFILE[units] === usual) return;
  usual = PROFILE[units];
  for (const act of changed) act();
}

export function chooseUnit(unit) {
  chosen = unit;
  try {
    localStorage.setItem(KEY, unit);
  } catch {
    // As above.
  }
  for (const act of changed) act();
}

export const onUnit = (act) => changed.add(act);

/** mg/dL as a number of the chosen unit. */
export const inChosen = (mgdl) => mgdl / PER[glucoseUnit()];

/** mg/dL as text without its unit. */
export function glucose(mgdl) {
  return glucoseUnit() === 'mmol/L' ? inChosen(mgdl).toFixed(1) : String(Math.round(mgdl));
}

export const glucoseText = (mgdl) => `${glucose(mgdl)} ${glucoseUnit()}`;

/** A number of a field, for the eye; glucose in the chosen unit. */
export function quantity(number, field) {
  if (field.dimension === 'glucose') return glucoseText(toMgdl(number, field));
  const own = field.units?.find((u) => u.name === field.unit);
  const digits = Math.max(own?.decimals ?? 0, Number.isInteger(number) ? 0 : 1);
  const text = String(Number(number.toFixed(digits)));
  return field.unit === '1' || field.unit === 'count' ? text : `${text}\u00a0${field.unit}`;
}

/** A glucose field's number in mg/dL. */
export function toMgdl(number, field) {
  const mgdl = field.units?.find((u) => u.name === 'mg/dL');
  return mgdl ? number / mgdl.per : number;
}

/** A value of any field, for the eye. */
export function shown(value, field) {
  if (value === null || value === undefined) return null;
  if (field.kind === 'quantity') return quantity(value, field);
  if (field.kind === 'bool') return value ? 'yes' : 'no';
  return String(value).replaceAll('_', ' ');
}
