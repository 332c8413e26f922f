// A small chart of the last hours, and the arrow beside a value.

import { svg } from './dom.js';

const WIDTH = 240;
const HEIGHT = 46;

/** `glucose`: as the server gives it in short. Its picture says nothing that the text beside it does not. */
export function spark({ spark, band }) {
  const node = svg('svg', { class: 'spark', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const least = Math.min(54, ...spark.value) - 6;
  const most = Math.max(200, ...spark.value) + 6;
  const x = (t) => ((t - spark.from) / (spark.to - spark.from)) * (WIDTH - 6);
  const y = (v) => HEIGHT - ((v - least) / (most - least)) * HEIGHT;
  if (band.low && band.high) {
    node.append(svg('rect', { class: 'band', x: 0, width: WIDTH, y: y(band.high), height: y(band.low) - y(band.high) }));
  }
  let path = '';
  let before = -Infinity;
  spark.at.forEach((t, i) => {
    path += `${t - before > 18e5 ? 'M' : 'L'}${x(t).toFixed(1)} ${y(spark.value[i]).toFixed(1)}`;
    before = t;
  });
  node.append(svg('path', { class: 'line', d: path }));
  return node;
}

const TURN = { rising_fast: -90, rising: -65, rising_slowly: -35, steady: 0, falling_slowly: 35, falling: 65, falling_fast: 90 };
const WORDS = {
  rising_fast: 'rising fast',
  rising: 'rising',
  rising_slowly: 'rising slowly',
  steady: 'steady',
  falling_slowly: 'falling slowly',
  falling: 'falling',
  falling_fast: 'falling fast',
};

export const trendWord = (trend) => (trend ? WORDS[trend.arrow] : null);

export function arrow(trend) {
  if (!trend) return null;
  return svg(
    'svg',
    { class: 'arrow', viewBox: '0 0 24 24', role: 'img', 'aria-label': trendWord(trend) },
    svg('path', {
      d: 'M3 12h17M13.5 5.5 20 12l-6.5 6.5',
      transform: `rotate(${TURN[trend.arrow]} 12 12)`,
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': 2.4,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
    }),
  );
}

/** Where a value lies: a key and a word. */
export function zone(mgdl, band) {
  if (band.very_low && mgdl < band.very_low) return ['very_low', 'very low'];
  if (band.low && mgdl < band.low) return ['low', 'low'];
  if (band.very_high && mgdl > band.very_high) return ['very_high', 'very high'];
  if (band.high && mgdl > band.high) return ['high', 'high'];
  return ['in_range', 'in range'];
}
