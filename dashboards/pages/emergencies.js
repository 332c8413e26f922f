// Who opened a subject in an emergency: above its page while it is open, and for a week after.

import { ask } from './api.js';
import { byId, el, put, say } from './dom.js';
import { exact, moment, serverNow } from './time.js';

/** As long as the server tells of it. */
const SHOWN = 7 * 864e5;

let all = [];

/** Takes what the server says there was lately, in place of what it said before. */
export function takeEmergencies(list) {
  const known = new Set(all.map((e) => e.number));
  all = list.map((e) => ({ ...e, from: Date.parse(e.at), to: Date.parse(e.until) }));
  drawEmergencies();
  const news = all.filter((e) => !known.has(e.number) && serverNow() < e.to);
  if (news.length) say(news.map(sentence).join('. '));
}

/** Whoever administers looks into it without seeing the subject, so no stream about it tells them. */
export async function emergenciesForAdministrators(subject) {
  const me = await ask('/v1/me');
  if (!me.roles.includes('administrator')) return;
  const { emergencies } = await ask('/v1/emergencies');
  takeEmergencies(emergencies.filter((e) => e.subject === subject));
}

/** Drawn anew only where something changed: it may be over by now. */
export function drawEmergencies() {
  const now = serverNow();
  const shown = all.filter((e) => now < e.to + SHOWN);
  const place = byId('emergencies');
  const key = JSON.stringify(shown.map((e) => [e.number, e.seen_by, now < e.to, moment(e.to)]));
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  put(place, shown.map((e) => el('p', { class: now < e.to ? 'note bad' : 'note', title: `${exact(e.from)} \u2013 ${exact(e.to)}` }, sentence(e))));
}

function sentence(e) {
  const who = serverNow() < e.to ? `Opened in an emergency by ${e.account}` : `Was open in an emergency to ${e.account}`;
  const seen = e.seen_by ? ` (looked into by ${e.seen_by})` : '';
  return `${who} until ${moment(e.to)}: ${e.reason}${seen}`;
}
