// The head of every page: the name, the unit switch, how the live stream stands, and who is logged in.

import { account as whoIs } from './account.js';
import { byId, el, put, svg } from './dom.js';
import { chooseUnit, glucoseUnit, onUnit } from './units.js';

export function frame({ units = true, pulse = true, account = true } = {}) {
  const who = el('div', { class: 'account' });
  const logo = svg(
    'svg',
    { viewBox: '0 0 32 32', 'aria-hidden': 'true' },
    svg('rect', { width: 32, height: 32, rx: 8, fill: 'currentColor' }),
    svg('path', { d: 'M4 18h6l3-9 5 15 4-10 2 4h4', fill: 'none', stroke: 'var(--card)', 'stroke-width': 2.6, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' }),
  );
  put(
    byId('top'),
    el('a', { class: 'brand', href: '/', 'aria-label': 'Vitalog, overview' }, logo, el('span', {}, 'Vitalog')),
    el('span', { class: 'space' }),
    pulse ? el('span', { class: 'pulse', id: 'pulse', role: 'status', 'data-state': 'waiting' }, '\u2026') : null,
    units ? unitSwitch() : null,
    account ? who : null,
  );
  // A page is worth showing without that, too.
  if (account) whoIs(who).catch(() => {});
}

function unitSwitch() {
  const buttons = ['mmol/L', 'mg/dL'].map((unit) => el('button', { type: 'button', onclick: () => chooseUnit(unit) }, unit));
  const show = () => buttons.forEach((b) => b.setAttribute('aria-pressed', String(b.textContent === glucoseUnit())));
  show();
  onUnit(show);
  return el('div', { class: 'choice', role: 'group', 'aria-label': 'Unit of glucose' }, buttons);
}
