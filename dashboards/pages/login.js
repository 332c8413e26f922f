// A token is exchanged for a session's cookie, which no script can read; then back to where one came from.

import { ask } from './api.js';
import { byId } from './dom.js';
import { frame } from './frame.js';

frame({ units: false, pulse: false });
byId('form').addEventListener('submit', async (e) => {
  e.preventDefault();
  const token = byId('token').value.trim();
  const bad = byId('bad');
  const button = e.currentTarget.querySelector('button');
  bad.hidden = true;
  button.disabled = true;
  try {
    await ask('/v1/session', { method: 'POST', body: { token } });
    location.replace(back());
  } catch (error) {
    bad.textContent = error.status === 401 ? 'This token is not known. Check that all of it was copied.' : `${error.message}.`;
    bad.hidden = false;
    button.disabled = false;
    byId('token').select();
  }
});
byId('token').focus();

/** Only an address of this very server: a link must not send anybody elsewhere after the login. */
function back() {
  const next = new URLSearchParams(location.search).get('next') ?? '/';
  const address = new URL(next, location.origin);
  const ours = address.origin === location.origin && address.pathname !== '/login';
  return ours ? address.pathname + address.search + address.hash : '/';
}
