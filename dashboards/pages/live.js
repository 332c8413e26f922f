// Listening to the server. The browser takes a broken stream up again where it broke off; we show how it stands.

import { ask } from './api.js';
import { byId } from './dom.js';

/** `on`: a function per name of event. `after`: the position of what is shown already. */
export function listen(query, after, on) {
  const address = new URL('/v1/stream', location.origin);
  for (const [name, value] of Object.entries({ ...query, after })) address.searchParams.set(name, value);
  const source = new EventSource(address);
  source.onopen = () => show('live', 'Live');
  source.onerror = () => {
    show('lost', 'Offline');
    // Closed for good: it was refused. Asking tells why, and goes to the login page where that is the reason.
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(() => ask('/v1/subjects?limit=1').then(() => location.reload(), () => {}), 3000);
    }
  };
  for (const [name, act] of Object.entries(on)) {
    source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  }
  addEventListener('pagehide', () => source.close());
  return source;
}

function show(state, word) {
  const place = byId('pulse');
  if (!place) return;
  place.dataset.state = state;
  place.textContent = word;
}
