// One recommendation as people read it: in the list beside the chart, and at the head of its own page.

import { ask, part } from './api.js';
import { held, reason } from './because.js';
import { el, put, toast } from './dom.js';
import { mark, stateWord } from './severity.js';
import { moment, serverNow } from './time.js';

/** `on.show`: to find it on the chart; without it the title is no button. */
export function card(r, on = {}) {
  const back = r.state === 'rescinded';
  const title = el('span', { class: back ? 'title struck' : 'title' }, r.title);
  return el(
    'article',
    { class: `rec ${back ? 'back' : ''} ${r.state} ${r.id === on.picked ? 'picked' : ''}`, 'data-id': r.id, 'aria-label': `${stateWord(r)}: ${r.title}` },
    el(
      'header',
      {},
      mark(r.severity, { taken: back }),
      on.show ? el('h3', {}, el('button', { type: 'button', class: 'show', onclick: () => on.show(r), 'aria-label': `Show on the chart: ${r.title}` }, title)) : el('h3', {}, title),
      stateChip(r),
    ),
    back ? takenBack(r) : null,
    el('p', { class: back ? 'text struck' : 'text' }, r.text),
    el('p', { class: 'meta' }, el('span', { class: 'unseen' }, `${r.severity}, `), held(r, serverNow()), quiet(r), response(r)),
    el(
      'div',
      { class: 'acts' },
      canAnswer(r) && !r.acknowledged ? el('button', { type: 'button', class: 'button', onclick: (e) => answer(r, 'acknowledge', e.currentTarget) }, 'Acknowledge') : null,
      canAnswer(r) ? el('button', { type: 'button', class: 'button plain', onclick: (e) => answer(r, 'dismiss', e.currentTarget) }, 'Dismiss') : null,
      on.show ? el('a', { class: 'button plain', href: `/recommendations/${part(r.id)}`, 'aria-label': `Why: ${r.title}` }, 'Why?') : null,
    ),
  );
}

export const stateChip = (r) => el('span', { class: `chip state-${r.state === 'open' && !r.acknowledged && !r.dismissed && r.kind !== 'match' ? 'open' : 'past'}` }, stateWord(r));

/** A match has no end to reach: it wants an answer for a day. */
const LOOK = 864e5;

/** It can be answered while it stands and nobody has put it aside. */
const canAnswer = (r) => r.state === 'open' && !r.dismissed && (r.kind !== 'match' || serverNow() - r.found < LOOK);

function takenBack(r) {
  return el('p', { class: 'why-back' }, el('strong', {}, `Taken back ${moment(Date.parse(r.decided_at))}`), `: ${reason(r.because)}.`);
}

function quiet(r) {
  const words = { stale: 'found late, nobody was disturbed', spoke_lately: 'told a short while before', other_open: 'another alarm was going on', shadow: 'the rule is on trial' };
  return r.quiet ? ` · ${words[r.quiet]}` : null;
}

function response(r) {
  const one = r.dismissed ?? r.acknowledged;
  return one ? ` · ${r.dismissed ? 'dismissed' : 'acknowledged'} ${moment(Date.parse(one.at))} by ${one.by}` : null;
}

async function answer(r, action, button) {
  const buttons = button.parentElement.querySelectorAll('button');
  buttons.forEach((b) => (b.disabled = true));
  try {
    await ask(`/v1/recommendations/${part(r.id)}/${action}`, { method: 'POST' });
    toast(action === 'dismiss' ? `Dismissed: ${r.title}` : `Acknowledged: ${r.title}`);
    document.dispatchEvent(new CustomEvent('answered', { detail: r.id }));
  } catch (error) {
    buttons.forEach((b) => (b.disabled = false));
    toast(`That did not work: ${error.message}.`);
  }
}

/** A list of cards under a heading, drawn anew only where something changed. */
export function section(place, title, list, on, none) {
  const key = JSON.stringify([on.picked, ...list.map((r) => [r.id, r.revision, r.state, r.acknowledged, r.dismissed])]);
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  const focused = document.activeElement?.closest?.('.rec')?.dataset.id;
  put(place, el('h2', {}, title, el('span', { class: 'tally' }, list.length || '')), list.length ? list.map((r) => card(r, on)) : el('p', { class: 'none' }, none));
  if (focused) place.querySelector(`[data-id="${CSS.escape(focused)}"] button, [data-id="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
}
