// One subject's page: the chart, the recommendations beside it, and the reading that was chosen. Live by the stream.

import { ask, part } from './api.js';
import { reason } from './because.js';
import { section } from './card.js';
import { Chart } from './chart.js';
import { byId, el, put, say, toast } from './dom.js';
import { drawEmergencies, emergenciesForAdministrators, takeEmergencies } from './emergencies.js';
import { frame } from './frame.js';
import { listen } from './live.js';
import { Panel } from './panel.js';
import { arrow, trendWord, zone } from './spark.js';
import { Store, until } from './store.js';
import { ago, serverNow, setNow, setZone, zoneName } from './time.js';
import { glucose, glucoseUnit, onUnit, suggestUnit } from './units.js';

const HOUR = 36e5;
const RANGES = { '6 h': 6 * HOUR, '24 h': 24 * HOUR, '7 d': 168 * HOUR, '14 d': 336 * HOUR };
const POINTS = 6000;

const subject = decodeURIComponent(location.pathname.split('/')[2] ?? '');
const asked = new URLSearchParams(location.search);
const store = new Store();
let summary = null;
let loading = null;
let wanted = 0;

frame();
document.title = `${subject} · Vitalog`;
byId('name').textContent = subject;
const chart = new Chart(byId('chart'), store, { moved, reading: openReading, recommendation: pick });
const panel = new Panel(byId('panel'), subject, { closed: closed });
onUnit(() => {
  head();
  chart.draw();
});
document.addEventListener('answered', () => refresh());
controls();
start();

async function start() {
  try {
    summary = await ask(`/v1/subjects/${part(subject)}/summary`);
  } catch (error) {
    put(byId('chart'), el('p', { class: 'note bad', role: 'alert' }, error.status === 404 ? 'Nothing was ever heard of this subject.' : `The page can't be shown: ${error.message}.`));
    // Without it there is nothing to say.
    if (error.status === 403) emergenciesForAdministrators(subject).catch(() => {});
    return;
  }
  suggestUnit(summary.units);
  setZone(summary.time_zone);
  byId('zone').textContent = `Times in ${zoneName().replaceAll('_', ' ')}`;
  const at = Date.parse(asked.get('at'));
  const span = RANGES['24 h'];
  chart.from = Number.isFinite(at) ? at - span / 2 : serverNow() - span * 0.96;
  chart.to = chart.from + span;
  const [position] = await Promise.all([load(), openOnes()]);
  chart.show(chart.from, chart.to);
  head();
  const picked = store.recommendations.get(asked.get('recommendation'));
  if (picked) pick(picked);
  listen({ subject }, position, {
    reading: (e) => readingCame(e),
    recommendation: (r) => changed(r),
    response: () => refresh(),
    profile: () => reload(),
    emergencies: (e) => takeEmergencies(e.emergencies),
    reload: () => reload(),
    beat: (b) => setNow(Date.parse(b.now)),
  });
  setInterval(tick, 20000);
}

/** Asks for what the chart shows, and as much before and after. */
async function load() {
  const span = chart.to - chart.from;
  const [from, to] = [chart.from - span * 0.75, Math.min(chart.to + span * 0.75, serverNow() + 48 * HOUR)];
  const mine = (wanted += 1);
  loading?.abort();
  loading = new AbortController();
  const query = new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), points: POINTS });
  try {
    const timeline = await ask(`/v1/subjects/${part(subject)}/timeline?${query}`, { signal: loading.signal });
    if (mine !== wanted) return null;
    setNow(timeline.now);
    store.replace(timeline);
    byId('chart').removeAttribute('aria-busy');
    chart.draw();
    lists();
    return timeline.position;
  } catch (error) {
    if (error.name !== 'AbortError') toast(`The readings can't be shown: ${error.message}.`);
    return null;
  }
}

async function openOnes() {
  const page = await ask(`/v1/subjects/${part(subject)}/recommendations?state=open&answered=false&limit=50`).catch(() => null);
  for (const r of page?.recommendations ?? []) store.take(r);
}

async function reload() {
  summary = await ask(`/v1/subjects/${part(subject)}/summary`).catch(() => summary);
  await Promise.all([load(), openOnes()]);
  head();
}

/** A small thing changed: one look at it all, soon. */
let soon;
function refresh() {
  clearTimeout(soon);
  soon = setTimeout(reload, 150);
}

let settle;
function moved() {
  lists();
  document.querySelectorAll('#ranges button').forEach((b) => b.setAttribute('aria-pressed', String(Math.abs(RANGES[b.textContent] - (chart.to - chart.from)) < 6e4)));
  byId('now').disabled = chart.follows;
  clearTimeout(settle);
  const { loaded } = store;
  const span = chart.to - chart.from;
  const covered = loaded && loaded.from <= chart.from && loaded.to >= Math.min(chart.to, serverNow());
  const coarse = store.thinned && loaded.to - loaded.from > span * 4;
  if (loaded && (!covered || coarse)) settle = setTimeout(load, covered ? 250 : 80);
}

function tick() {
  if (chart.follows && chart.cursor === null && !chart.pointers.size) chart.showNow(chart.to - chart.from);
  else chart.draw();
  head();
  drawEmergencies();
}

function readingCame(e) {
  store.reading(e);
  if (e.id === panel.id) panel.refresh();
  if (chart.follows && !chart.pointers.size) chart.showNow(chart.to - chart.from);
  chart.draw();
  clearTimeout(soonHead);
  soonHead = setTimeout(async () => {
    summary = await ask(`/v1/subjects/${part(subject)}/summary`).catch(() => summary);
    head();
  }, 400);
}
let soonHead;

function changed(r) {
  const known = store.recommendations.get(r.id);
  if (known && known.revision >= r.revision) return;
  const fresh = store.take(r);
  chart.draw();
  lists();
  if (r.change === 'rescinded') toast(`Taken back: ${r.title}, because ${reason(r.because)}.`);
  else if (r.change === 'opened' && !r.quiet) toast(`${r.title}`);
  else say(`${r.title}: ${r.change}`);
  if (chart.picked?.id === r.id) chart.picked = fresh;
}

function head() {
  const place = byId('current');
  const g = summary?.glucose;
  if (!g) return put(place);
  const at = Date.parse(g.at);
  const old = serverNow() - at > 30 * 6e4;
  const [key, word] = zone(g.value, g.band);
  put(
    place,
    el('p', { class: `sugar ${old ? 'old' : ''}` }, el('span', { class: 'number' }, glucose(g.value)), el('span', { class: 'unit' }, glucoseUnit()), old ? null : arrow(g.trend)),
    el('p', { class: 'state' }, el('span', { class: `zone ${old ? 'old' : key}` }, old ? 'not current' : [word, trendWord(g.trend)].filter(Boolean).join(', ')), el('span', { class: 'when' }, ago(at))),
  );
}

function lists() {
  const now = serverNow();
  const all = [...store.recommendations.values()];
  const standing = all.filter((r) => r.state === 'open' && !r.dismissed && !r.acknowledged && (r.kind !== 'match' || (!r.quiet && now - r.found < 24 * HOUR)));
  standing.sort((a, b) => rank(b) - rank(a) || b.found - a.found);
  const here = all.filter((r) => !standing.includes(r) && r.from < chart.to && until(r, now) >= chart.from).sort((a, b) => b.found - a.found);
  section(byId('standing'), 'Needs a look', standing, { show: pick, picked: chart.picked?.id }, 'Nothing open.');
  section(byId('here'), 'Also in this stretch', here.slice(0, 60), { show: pick, picked: chart.picked?.id }, 'Nothing else in the time shown.');
}

const rank = (r) => ['info', 'advisory', 'warning', 'urgent', 'critical'].indexOf(r.severity);

/** Shows a recommendation on the chart. */
function pick(r) {
  const same = chart.picked?.id === r.id;
  chart.picked = same ? null : r;
  const [a, b] = [r.from, until(r, serverNow())];
  if (!same && (a < chart.from || b > chart.to)) {
    const span = Math.max(chart.to - chart.from, (b - a) * 1.5);
    const middle = b - a > span ? b : (a + b) / 2;
    chart.show(middle - span / 2, middle + span / 2);
  }
  chart.draw();
  lists();
  const node = document.querySelector(`.rec[data-id="${CSS.escape(r.id)}"]`);
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (same || !node) return;
  if (matchMedia('(min-width: 1000px)').matches) node.scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
  else byId('chart').scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
}

async function openReading(lane, point) {
  await panel.open(point.id, lane.stream);
  panel.host.querySelector('h2')?.focus({ preventScroll: true, focusVisible: false });
}

function closed() {
  chart.chosen = null;
  chart.draw();
  byId('chart').focus({ preventScroll: true, focusVisible: false });
}

function controls() {
  put(byId('ranges'), Object.entries(RANGES).map(([word, span]) => el('button', { type: 'button', 'aria-pressed': 'false', onclick: () => (chart.follows ? chart.showNow(span) : chart.show((chart.from + chart.to) / 2 - span / 2, (chart.from + chart.to) / 2 + span / 2)) }, word)));
  byId('back').addEventListener('click', () => chart.move_by(-0.5));
  byId('on').addEventListener('click', () => chart.move_by(0.5));
  byId('in').addEventListener('click', () => chart.zoom(0.5, chart.middle));
  byId('out').addEventListener('click', () => chart.zoom(2, chart.middle));
  byId('now').addEventListener('click', () => chart.showNow(chart.to - chart.from));
}
