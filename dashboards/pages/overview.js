// The first page: all subjects, those first that need a look. Live: what changed is told by the stream, and asked for then.

import { ask, part } from './api.js';
import { byId, el, put, say, svg } from './dom.js';
import { frame } from './frame.js';
import { listen } from './live.js';
import { mark, RANK, WORDS } from './severity.js';
import { arrow, spark, trendWord, zone } from './spark.js';
import { ago, lasting, setNow } from './time.js';
import { glucose, glucoseUnit, onUnit, suggestUnit } from './units.js';

const PAGE = 50;
/** A glucose value older than this is not how it stands now. */
const OLD = 30 * 6e4;

let page = null;
let limit = PAGE;
let asking = false;
let again = false;

frame();
onUnit(draw);
start();

async function start() {
  put(byId('list'), Array.from({ length: 4 }, () => el('div', { class: 'skeleton' })));
  if (!(await load())) return;
  listen({ digest: true }, page.position, { digest: load, reload: load, beat: (b) => tick(Date.parse(b.now)) });
  setInterval(() => tick(), 30000);
}

/** Asks for the page; of many calls while one is on its way, one more follows. */
async function load() {
  if (asking) {
    again = true;
    return true;
  }
  asking = true;
  try {
    const before = page;
    page = await ask(`/v1/subjects?limit=${limit}`);
    setNow(Date.parse(page.now));
    if (!before) suggestUnit(page.subjects[0]?.units);
    draw();
    announce(before);
    return true;
  } catch (error) {
    if (!page) put(byId('list'), el('p', { class: 'note bad', role: 'alert' }, `The list can't be shown: ${error.message}.`));
    return false;
  } finally {
    asking = false;
    byId('list').removeAttribute('aria-busy');
    if (again) {
      again = false;
      setTimeout(load, 500);
    }
  }
}

/** Says what became worse, to whoever doesn't see it. */
function announce(before) {
  if (!before) return;
  const was = new Map(before.subjects.map((s) => [s.subject, RANK.indexOf(s.look.severity)]));
  const worse = page.subjects.filter((s) => RANK.indexOf(s.look.severity) > (was.get(s.subject) ?? -1));
  if (worse.length) say(worse.map((s) => `${s.subject}: ${WORDS[s.look.severity]}, ${s.standing[0]?.title ?? ''}`).join('. '));
}

function tick(now) {
  if (now) setNow(now);
  for (const node of document.querySelectorAll('[data-ago]')) node.textContent = ago(Number(node.dataset.ago));
}

function draw() {
  if (!page) return;
  const look = page.subjects.filter((s) => s.look.severity);
  const seen = page.subjects.filter((s) => !s.look.severity && s.look.acknowledged);
  const calm = page.subjects.filter((s) => !s.look.severity && !s.look.acknowledged);
  byId('tally').textContent = page.total ? look.length ? `${look.length} of ${page.total} need${look.length === 1 ? 's' : ''} a look` : `${page.total} ${page.total === 1 ? 'subject' : 'subjects'}, nothing open` : '\u00a0';
  document.title = look.length ? `(${look.length}) Overview · Vitalog` : 'Overview · Vitalog';
  const focused = document.activeElement?.dataset?.subject;
  if (!page.total) {
    put(byId('list'), el('div', { class: 'card empty' }, el('h2', {}, 'No subjects yet'), el('p', {}, 'They appear here with their first reading.')));
    return;
  }
  const rest = page.total - page.subjects.length;
  put(
    byId('list'),
    group('Needs a look', look),
    group('Acknowledged', seen),
    group(look.length || seen.length ? 'Nothing open' : null, calm),
    rest > 0 ? el('button', { class: 'button', type: 'button', onclick: more }, `Show more (${rest})`) : null,
  );
  if (focused) document.querySelector(`[data-subject="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function more() {
  limit = Math.min(limit + PAGE, 200);
  load();
}

function group(title, subjects) {
  if (!subjects.length) return null;
  return el(
    'section',
    { class: 'group' },
    title ? el('h2', {}, title, el('span', {}, subjects.length)) : null,
    el('ul', { class: 'card rows' }, subjects.map((s) => el('li', {}, row(s)))),
  );
}

function row(s) {
  const severity = s.look.severity;
  return el(
    'a',
    { class: `row ${severity ? `sev-${severity}` : ''}`, href: `/subjects/${part(s.subject)}`, 'data-subject': s.subject },
    el('div', { class: 'who' }, el('div', { class: 'name' }, severity ? mark(severity) : null, el('b', {}, s.subject)), why(s)),
    el('div', { class: 'value' }, sugar(s.glucose)),
    el('div', { class: 'chart' }, s.glucose ? spark(s.glucose) : null),
    facts(s),
  );
}

function why(s) {
  const [first] = s.standing;
  if (!first) return el('p', { class: 'why' }, `${s.readings.toLocaleString('en-GB')} readings`);
  const others = s.standing.length - 1;
  const severity = s.look.severity ?? s.look.acknowledged;
  return el(
    'p',
    { class: 'why' },
    el('span', { class: 'unseen' }, `${WORDS[severity] ?? ''}: `),
    el('strong', {}, first.title),
    first.kind === 'match' ? ` ${ago(Date.parse(first.at))}` : ` for ${lasting(Date.parse(page.now) - Date.parse(first.onset))}`,
    others > 0 ? el('span', { class: 'more' }, ` · ${others} more`) : null,
    el('span', { class: 'told' }, first.text),
  );
}

function sugar(g) {
  if (!g) return el('p', { class: 'sugar' }, el('span', { class: 'none' }, 'no glucose'));
  const old = Date.parse(page.now) - Date.parse(g.at) > OLD;
  const [key, word] = zone(g.value, g.band);
  const text = old ? 'not current' : [word, trendWord(g.trend)].filter(Boolean).join(', ');
  return [
    el('p', { class: `sugar ${old ? 'old' : ''}` }, el('span', { class: 'number' }, glucose(g.value)), el('span', { class: 'unit' }, glucoseUnit()), old ? null : arrow(g.trend)),
    el('span', { class: `zone ${old ? 'old' : key}` }, text),
  ];
}

function facts(s) {
  const at = s.last_at ? Date.parse(s.last_at) : null;
  const late = at !== null && Date.parse(page.now) - at > OLD;
  const device = s.last.find((r) => r.stream === 'device');
  return el(
    'div',
    { class: 'facts' },
    at === null ? null : el('span', { class: late ? 'late' : '' }, el('span', { class: 'unseen' }, 'last reading '), el('span', { 'data-ago': at }, ago(at))),
    battery(device?.battery),
  );
}

/** As it was sent: `82 %`. */
function battery(text) {
  const share = Number.parseFloat(text);
  if (!Number.isFinite(share)) return null;
  const low = share < 20;
  return el(
    'span',
    { class: `battery ${low ? 'low' : ''}` },
    svg(
      'svg',
      { viewBox: '0 0 22 12', 'aria-hidden': 'true' },
      svg('rect', { x: 0.75, y: 0.75, width: 17.5, height: 10.5, rx: 2.5, fill: 'none', stroke: 'currentColor', 'stroke-width': 1.5 }),
      svg('rect', { x: 2.5, y: 2.5, width: Math.max(1, share * 0.14), height: 7, rx: 1, fill: 'currentColor' }),
      svg('path', { d: 'M20.5 4v4', stroke: 'currentColor', 'stroke-width': 1.8, 'stroke-linecap': 'round' }),
    ),
    el('span', {}, el('span', { class: 'unseen' }, low ? 'device battery low: ' : 'device battery '), `${Math.round(share)} %`),
  );
}
