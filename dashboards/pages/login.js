// A name and a password, or a token, are exchanged for a session's cookie, which no script can read; then back to where one came from.

import { ask } from './api.js';
import { byId } from './dom.js';
import { frame } from './frame.js';

frame({ units: false, pulse: false, account: false });

const ways = {
  password: { part: byId('by-password'), first: byId('account'), wrong: byId('password'), other: 'Use an access token instead' },
  token: { part: byId('by-token'), first: byId('token'), wrong: byId('token'), other: 'Use name and password instead' },
};
let way = 'password';

// Why the other way in led nowhere, by the word that the server gives.
const WORDS = {
  not_linked: 'Your account is not linked with the one you signed in with. Ask whoever runs this server to link it.',
  sign_in_refused: 'The other side let nobody in, or said something that can’t be taken. Try again; if it stays so, tell whoever runs this server.',
  sign_in_unusable: 'This sign-in is over, or was begun in another window. Begin again.',
  provider_away: 'The other side can’t be reached at present. Try again in a little while, or use a password.',
};

function choose(name) {
  way = name;
  for (const [key, { part }] of Object.entries(ways)) {
    part.hidden = key !== name;
    part.disabled = key !== name;
  }
  byId('other').textContent = ways[name].other;
  byId('bad').hidden = true;
  ways[name].first.focus();
}

byId('other').addEventListener('click', () => choose(way === 'password' ? 'token' : 'password'));
byId('form').addEventListener('submit', async (e) => {
  e.preventDefault();
  const bad = byId('bad');
  const button = e.currentTarget.querySelector('button[type="submit"]');
  const body = way === 'token' ? { token: byId('token').value.trim() } : { account: byId('account').value.trim(), password: byId('password').value };
  bad.hidden = true;
  button.disabled = true;
  try {
    await ask('/v1/session', { method: 'POST', body });
    location.replace(back());
  } catch (error) {
    bad.textContent = said(error);
    bad.hidden = false;
    button.disabled = false;
    ways[way].wrong.select();
  }
});
choose('password');
provider();

/** Another way in, where there is one; and why it led nowhere. */
async function provider() {
  const why = new URLSearchParams(location.search).get('sign_in');
  if (why) {
    byId('not-in').textContent = WORDS[why] ?? 'Signing in did not work. Try again, or use a password.';
    byId('not-in').hidden = false;
  }
  const { provider: name } = await ask('/v1/session').catch(() => ({}));
  if (!name) return;
  byId('provider').textContent = `Sign in with ${name}`;
  byId('provider').href = `/v1/session/provider?next=${encodeURIComponent(back())}`;
  byId('by-provider').hidden = false;
}

function said(error) {
  if (error.status !== 401) return `${error.message}.`;
  return way === 'token' ? 'This token is not known, or has expired. Check that all of it was copied.' : 'No account has this name and this password.';
}

/** Only an address of this very server: a link must not send anybody elsewhere after the login. */
function back() {
  const next = new URLSearchParams(location.search).get('next') ?? '/';
  const address = new URL(next, location.origin);
  const ours = address.origin === location.origin && address.pathname !== '/login';
  return ours ? address.pathname + address.search + address.hash : '/';
}
