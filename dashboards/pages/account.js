// Who is logged in, in the head of every page; and the end of a session at which nobody sits any more.

import { ask, endSession, goToLogin } from './api.js';
import { el, put } from './dom.js';

/** Shows who one is in `place`, where there is a session. */
export async function account(place) {
  const me = await ask('/v1/me');
  // Without a session there is nothing to end: everyone on this machine is its owner, or a token was shown.
  if (!me.idle_seconds) return;
  put(
    place,
    el('span', { class: 'who' }, me.account),
    el('button', { type: 'button', class: 'button plain', onclick: leave }, 'Log out'),
  );
  watch(me.idle_seconds * 1000);
}

async function leave() {
  const out = await endSession();
  // Left as it is, the provider would let in whoever sits down next.
  if (out) location.replace(out);
  else goToLogin();
}

/** Live pages ask all the time, with nobody before them: what counts is a hand. */
function watch(idle) {
  let last = Date.now();
  for (const what of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart']) {
    addEventListener(what, () => { last = Date.now(); }, { passive: true });
  }
  // A laptop that was asleep is late by more than a beat.
  const look = () => { if (Date.now() - last >= idle) leave(); };
  setInterval(look, Math.min(idle / 4, 15000));
  addEventListener('visibilitychange', look);
}
