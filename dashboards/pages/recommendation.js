// One recommendation: what people are told, why, on which readings it rests, how it came to be as it is, and who heard of it.

import { ask, part } from './api.js';
import { changeWord, held, reason } from './because.js';
import { stateChip } from './card.js';
import { byId, el, put, toast } from './dom.js';
import { frame } from './frame.js';
import { streamTitle } from './lanes.js';
import { listen } from './live.js';
import { asText } from './native.js';
import { severityChip } from './severity.js';
import { exact, moment, serverNow, setZone } from './time.js';

const id = decodeURIComponent(location.pathname.split('/')[2] ?? '');
let listening = false;

frame({ units: false });
load();

async function load() {
  try {
    const r = await ask(`/v1/recommendations/${part(id)}`);
    if (!listening) {
      listening = true;
      const { time_zone, position } = await ask(`/v1/subjects/${part(r.subject)}/timeline?points=4`).catch(() => ({}));
      setZone(time_zone);
      listen({ subject: r.subject }, position ?? '', { recommendation: (e) => e.id === id && load(), response: (e) => e.recommendation === id && load(), reading: (e) => r.evidence.includes(e.id) && load(), reload: load });
    }
    show({ ...r, from: Date.parse(r.onset), found: Date.parse(r.at), to: r.end ? Date.parse(r.end) : null });
  } catch (error) {
    put(byId('body'), el('h1', {}, 'Recommendation'), el('p', { class: 'note bad', role: 'alert' }, error.status === 404 ? 'There is no such recommendation.' : `It can't be shown: ${error.message}.`));
  } finally {
    byId('body').removeAttribute('aria-busy');
  }
}

function show(r) {
  const back = r.state === 'rescinded';
  document.title = `${r.title} · Vitalog`;
  byId('crumb').href = `/subjects/${part(r.subject)}`;
  byId('crumb').textContent = r.subject;
  put(
    byId('body'),
    el('h1', { class: back ? 'struck' : '' }, r.title),
    el('div', { class: 'chips' }, severityChip(r.severity), stateChip(r)),
    el(
      'div',
      { class: 'card said' },
      back ? el('p', { class: 'why-back' }, el('strong', {}, `Taken back ${moment(Date.parse(r.decided_at))}`), `: ${reason(r.because)}.`) : null,
      el('p', { class: back ? 'struck' : '' }, r.text),
      r.wordings.map((w) => el('p', { class: back ? 'other struck' : 'other' }, el('b', {}, `To ${w.to.replaceAll('_', ' ')}: `), w.text)),
      el('p', { class: 'meta' }, held(r, serverNow())),
      el('div', { class: 'acts' }, acts(r), el('a', { class: 'button', href: `/subjects/${part(r.subject)}?at=${part(r.at)}&recommendation=${part(r.id)}` }, 'Show on the timeline')),
    ),
    evidence(r),
    r.cite ? el('section', { class: 'part' }, el('h2', {}, 'Source of the rule'), el('p', {}, r.cite)) : null,
    trail(r),
    told(r),
    el('section', { class: 'part' }, el('h2', {}, 'Rule'), el('p', {}, `${r.rule}, version ${r.version.slice(0, 8)}${r.by_clock ? ', opened by the clock' : ''}`)),
  );
}

function acts(r) {
  if (r.state !== 'open' || r.dismissed) return null;
  const act = (action, word, name) => el('button', { type: 'button', class: name, onclick: () => answer(action) }, word);
  return [r.acknowledged ? null : act('acknowledge', 'Acknowledge', 'button main'), act('dismiss', 'Dismiss', 'button')];
}

async function answer(action) {
  try {
    await ask(`/v1/recommendations/${part(id)}/${action}`, { method: 'POST' });
    toast(action === 'dismiss' ? 'Dismissed.' : 'Acknowledged.');
    await load();
  } catch (error) {
    toast(`That did not work: ${error.message}.`);
  }
}

function evidence(r) {
  const rest = r.evidence.length - r.readings.length;
  const row = (e) => {
    const one = e.then ?? e.now;
    if (!one) return el('tr', {}, el('td', { colspan: 3 }, 'A reading that is gone'));
    const now = e.now ? asText(e.now) : 'removed';
    return el(
      'tr',
      {},
      el('td', {}, streamTitle(one.stream ?? '')),
      el('td', {}, exact(Date.parse(one.at ?? one.end ?? one.start))),
      el('td', {}, el('span', { class: e.changed ? 'struck' : '' }, asText(e.then)), e.changed ? el('span', { class: 'changed' }, ` now ${now}`) : null),
    );
  };
  return el(
    'section',
    { class: 'part' },
    el('h2', {}, 'The readings it rests on'),
    r.readings.length
      ? el('div', { class: 'card' }, el('table', {}, el('thead', {}, el('tr', {}, ['Reading', 'Time', 'Value'].map((w) => el('th', { scope: 'col' }, w)))), el('tbody', {}, inOrder(r.readings).map(row))))
      : el('p', {}, 'None: it is about readings that did not come.'),
    rest > 0 ? el('p', {}, `and ${rest} more`) : null,
  );
}

const inOrder = (readings) => [...readings].sort((a, b) => instant(a.then ?? a.now) - instant(b.then ?? b.now));
const instant = (r) => (r ? Date.parse(r.at ?? r.end ?? r.start) : 0);

function trail(r) {
  const events = [
    ...r.history.map((h) => [h.decided_at, changeWord(h.change), `${reason(h.because)}${h.severity !== r.severity ? `; ${h.severity}` : ''}`]),
    ...r.responses.map((x) => [x.at, x.action === 'dismiss' ? 'Dismissed' : 'Acknowledged', `by ${x.by}`]),
  ].sort((a, b) => Date.parse(b[0]) - Date.parse(a[0]));
  return el(
    'section',
    { class: 'part' },
    el('h2', {}, 'How it came to be so'),
    el('ol', { class: 'card trail' }, events.map(([at, word, why]) => el('li', {}, el('b', {}, word), ` ${moment(Date.parse(at))}: ${why}`))),
  );
}

// Whom a policy told, by which channel, and at which of its steps.
function whom(d) {
  if (!d.role) return 'whoever listens there';
  const step = d.step ? `step ${d.step}` : null;
  return [`${d.role} by ${d.channel}`, step, d.repeat ? `repeat ${d.repeat}` : null, d.late ? 'late' : null].filter(Boolean).join(', ');
}

function told(r) {
  const words = { waiting: 'waiting', delivered: 'delivered', failed: 'failed, will be tried again', given_up: 'given up' };
  if (!r.deliveries.length) return null;
  return el(
    'section',
    { class: 'part' },
    el('h2', {}, 'Who was told'),
    el('div', { class: 'card' }, el('table', {}, el('thead', {}, el('tr', {}, ['What', 'Whom', 'Where to', 'State'].map((w) => el('th', { scope: 'col' }, w)))), el('tbody', {}, r.deliveries.map((d) => el('tr', {}, el('td', {}, d.kind), el('td', {}, whom(d)), el('td', {}, d.endpoint || 'nowhere'), el('td', {}, [words[d.state], d.said].filter(Boolean).join(': '))))))),
  );
}
