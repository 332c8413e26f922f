// Asking the server. A refusal becomes an Error that says what is wrong and what to do; who is not known is sent to the login page.

export class Refused extends Error {
  constructor(problem, status) {
    super([problem.detail, problem.remedy].filter(Boolean).join('; ') || `the server answered ${status}`);
    this.status = status;
    this.code = problem.code;
    this.field = problem.field;
  }
}

/** The position after our last write: reads wait for it. */
let written = null;

export async function ask(path, { method = 'GET', body, replaces, signal } = {}) {
  const headers = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (replaces !== undefined) headers['if-match'] = `"${replaces}"`;
  if (method === 'GET' && written !== null) headers['vitalog-position'] = String(written);
  let response;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal, credentials: 'same-origin' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refused({ detail: 'the server cannot be reached', remedy: 'check the connection' }, 0);
  }
  if (response.status === 401 && path !== '/v1/session') {
    goToLogin();
    await new Promise(() => {});
  }
  const text = await response.text();
  const json = text ? parse(text) : {};
  if (!response.ok) throw new Refused(json, response.status);
  if (method !== 'GET') {
    const position = Number(response.headers.get('vitalog-position'));
    if (Number.isFinite(position) && position > (written ?? 0)) written = position;
  }
  return json;
}

/** Ends the session; where one logs out at the provider, too, if that let one in. */
export async function endSession() {
  const response = await fetch('/v1/session', { method: 'DELETE', credentials: 'same-origin' }).catch(() => null);
  return response?.headers.get('vitalog-sign-out') ?? null;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: 'the server answered something unreadable' };
  }
}

export function goToLogin() {
  const next = location.pathname + location.search + location.hash;
  location.replace(`/login?next=${encodeURIComponent(next)}`);
}

/** A part of an address. */
export const part = (text) => encodeURIComponent(text);
