// One reading: what it says, what it said before, and the two things that can be done about it, to correct and to remove it.

import { ask, part } from './api.js';
import { el, put, say, toast } from './dom.js';
import { streamTitle } from './lanes.js';
import { again, asText, valuesOf } from './native.js';
import { exact, forInput, fromInput, moment } from './time.js';
import { glucoseText, glucoseUnit, toMgdl } from './units.js';

export class Panel {
  /** `on.closed()`. */
  constructor(host, subject, on) {
    Object.assign(this, { host, subject, on, id: null });
    host.addEventListener('keydown', (e) => e.key === 'Escape' && this.close());
  }

  get address() {
    return `/v1/subjects/${part(this.subject)}/readings/${part(this.id)}`;
  }

  /** `stream`: the declaration of the reading's stream. */
  async open(id, stream) {
    this.id = id;
    this.stream = stream;
    this.host.hidden = false;
    try {
      const found = await ask(this.address);
      if (this.id === id) this.show(found);
    } catch (error) {
      put(this.host, this.head('Reading'), el('p', { class: 'note bad' }, error.message));
    }
  }

  /** Something about the reading changed. */
  refresh() {
    if (this.id && !this.host.hidden && !this.host.querySelector('form')) this.open(this.id, this.stream);
  }

  close() {
    if (this.host.hidden) return;
    this.host.hidden = true;
    this.id = null;
    this.on.closed();
  }

  head(title, mention) {
    return el(
      'header',
      {},
      el('div', {}, el('h2', { tabindex: '-1' }, title), mention ? el('p', { class: 'meta' }, mention) : null),
      el('button', { type: 'button', class: 'button plain square', 'aria-label': 'Close the reading', onclick: () => this.close() }, '\u2715'),
    );
  }

  show({ current, history }) {
    const one = current ?? history.find((r) => !r.removed) ?? history[0];
    const at = one.start ? `${moment(Date.parse(one.start))} \u2013 ${one.end ? moment(Date.parse(one.end)) : 'going on'}` : one.at ? exact(Date.parse(one.at)) : '';
    put(
      this.host,
      this.head(streamTitle(one.stream ?? 'reading'), at),
      current ? facts(current, this.stream) : el('p', { class: 'note' }, 'This reading is removed. It decides nothing any more; what it said is kept below.'),
      current ? this.acts(current) : null,
      history.length ? this.history(current, history) : null,
    );
  }

  acts(current) {
    return el(
      'div',
      { class: 'acts' },
      el('button', { type: 'button', class: 'button', onclick: () => this.edit(current) }, 'Correct\u2026'),
      el('button', { type: 'button', class: 'button plain', onclick: (e) => this.confirm(e.currentTarget.parentElement, current) }, 'Remove\u2026'),
    );
  }

  history(current, history) {
    const all = current ? [current, ...history] : history;
    return el(
      'section',
      { class: 'history' },
      el('h3', {}, 'Revisions'),
      el(
        'ol',
        {},
        all.map((r) =>
          el(
            'li',
            {},
            el('span', { class: r === current || r.removed ? '' : 'struck' }, asText(r)),
            el('span', { class: 'meta' }, `revision ${r.rev} · ${r === current ? 'current, ' : ''}accepted ${moment(Date.parse(r.accepted))}`),
          ),
        ),
      ),
    );
  }

  confirm(place, current) {
    const no = el('button', { type: 'button', class: 'button', onclick: () => this.refresh() }, 'Keep it');
    put(
      place,
      el('p', { class: 'ask' }, 'Remove this reading? What rests on it is decided anew.'),
      el('button', { type: 'button', class: 'button grave', onclick: (e) => this.send(e.currentTarget, 'DELETE', undefined, current.rev, 'Removed') }, 'Remove'),
      no,
    );
    no.focus();
  }

  edit(current) {
    const inputs = this.stream.fields.map((f) => [f, input(f, current[f.name])]);
    const time = (name) => el('input', { name, type: 'datetime-local', step: 1, value: current[name] ? forInput(Date.parse(current[name])) : '', required: name !== 'end' });
    const times = (current.start ? ['start', 'end'] : ['at']).map((name) => [name, time(name)]);
    const bad = el('p', { class: 'note bad', role: 'alert', hidden: true });
    const form = el(
      'form',
      {
        onsubmit: (e) => {
          e.preventDefault();
          const values = Object.fromEntries(inputs.map(([f, node]) => [f.name, read(f, node.value.trim())]));
          const when = Object.fromEntries(times.map(([name, node]) => [name, instant(node.value, current[name])]).filter(([, v]) => v));
          this.send(form.querySelector('[type=submit]'), 'PUT', again(current, values, when), current.rev, 'Corrected', bad);
        },
      },
      inputs.filter(([f]) => !f.optional || current[f.name] !== undefined).map(([f, node]) => el('label', {}, label(f), node)),
      times.map(([name, node]) => el('label', {}, { at: 'Time', start: 'Start', end: 'End' }[name], node)),
      bad,
      el('div', { class: 'acts' }, el('button', { type: 'submit', class: 'button main' }, 'Save'), el('button', { type: 'button', class: 'button', onclick: () => this.open(this.id, this.stream) }, 'Cancel')),
    );
    put(this.host, this.head(`Correct: ${streamTitle(current.stream).toLowerCase()}`, exact(Date.parse(current.at ?? current.start))), form);
    form.querySelector('input, select')?.focus();
  }

  async send(button, method, body, replaces, done, bad) {
    button.disabled = true;
    try {
      await ask(this.address, { method, body, replaces });
      toast(`${done}. What rests on this reading is decided anew.`);
      await this.open(this.id, this.stream);
      this.host.querySelector('h2')?.focus({ focusVisible: false });
    } catch (error) {
      button.disabled = false;
      const text = error.code === 'rev_is_not_current' ? 'Somebody else changed this reading meanwhile. Look at it again.' : `${error.field ? `${error.field}: ` : ''}${error.message}.`;
      if (bad) {
        bad.textContent = text;
        bad.hidden = false;
        say(text);
      } else {
        toast(text);
      }
    }
  }
}

function facts(r, stream) {
  const rows = valuesOf(r).map(([name, v]) => [words(name), v === true ? 'yes' : v === false ? 'no' : spelled(String(v).replaceAll('_', ' '), stream.fields.find((f) => f.name === name))]);
  if (r.source) rows.push(['source', r.source]);
  rows.push(['accepted', moment(Date.parse(r.accepted))]);
  rows.push(['name', r.given ?? `${r.id.slice(0, 9)}\u2026`]);
  return el('dl', { class: 'facts-list' }, rows.map(([name, text], i) => el('div', { class: i === 0 ? 'first' : '' }, el('dt', {}, name), el('dd', {}, text))));
}

/** As it was sent; glucose in the reader's unit as well. */
function spelled(text, field) {
  const [number, unit] = text.split(' ');
  const sent = field?.dimension === 'glucose' && field.units.find((u) => u.name === unit);
  if (!sent || unit === glucoseUnit()) return text;
  return `${text} = ${glucoseText(toMgdl(Number(number) * sent.per, field))}`;
}

function input(field, value) {
  if (field.kind === 'enum') return choice(field.name, ['', ...field.words].filter((w) => w || field.optional), value);
  if (field.kind === 'bool') return choice(field.name, field.optional ? ['', 'true', 'false'] : ['true', 'false'], String(value ?? ''));
  return el('input', { name: field.name, value: value ?? '', required: !field.optional, autocomplete: 'off', inputmode: field.kind === 'quantity' ? 'text' : null, maxlength: 200 });
}

function choice(name, words, value) {
  const node = el('select', { name }, words.map((w) => el('option', { value: w }, w === '' ? 'not said' : w.replaceAll('_', ' '))));
  node.value = value ?? '';
  return node;
}

const label = (f) => `${words(f.name).replace(/^./, (c) => c.toUpperCase())}${f.unit && f.unit !== '1' && f.unit !== 'count' ? ` (in ${f.unit} unless you write another unit)` : ''}`;

/** The instant that a time input says; what was not touched stays as exact as it was. */
function instant(text, before) {
  if (!text) return null;
  if (before && text === forInput(Date.parse(before))) return before;
  const ms = fromInput(text);
  return Number.isFinite(ms) ? new Date(ms).toISOString() : null;
}

/** What an input holds, as the gateway takes it: a bare number is in the field's unit. */
function read(field, text) {
  if (text === '') return null;
  if (field.kind === 'bool') return text === 'true';
  if (field.kind === 'quantity' && /^[-+]?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text;
}

const words = (name) => name.replaceAll('_', ' ');
