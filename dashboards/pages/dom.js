// Making elements. Everything that comes from data goes in as text, so nothing of it can be markup.

const SVG = 'http://www.w3.org/2000/svg';

/** `el('p', {class: 'x', onclick: f}, 'text', child, null)`. */
export function el(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for a picture. */
export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'value') node.value = value;
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

/** Puts these children in place of what was there. */
export function put(node, ...children) {
  node.replaceChildren(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Says something to whoever listens instead of looking. */
export function say(text) {
  const place = byId('said');
  if (place) place.textContent = text;
}

let toastTimer;

/** Shows a line for a few seconds, and says it. */
export function toast(text) {
  document.querySelector('.toast')?.remove();
  clearTimeout(toastTimer);
  const node = el('div', { class: 'toast' }, text);
  document.body.append(node);
  say(text);
  toastTimer = setTimeout(() => node.remove(), 6000);
}
