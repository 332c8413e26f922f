// The time axis: from instants to places and back, and where its ticks are.

import { clock, offset, weekday } from './time.js';

const MINUTE = 6e4;
const HOUR = 36e5;
const DAY = 864e5;
const STEPS = [5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY];

export const LEAST_SPAN = 30 * MINUTE;
export const MOST_SPAN = 35 * DAY;

export class Axis {
  constructor(from, to, left, right) {
    Object.assign(this, { from, to, left, right });
  }

  x(ms) {
    return this.left + ((ms - this.from) / (this.to - this.from)) * (this.right - this.left);
  }

  ms(x) {
    return this.from + ((x - this.left) / (this.right - this.left)) * (this.to - this.from);
  }

  get perPixel() {
    return (this.to - this.from) / (this.right - this.left);
  }

  /** `{ms, text, strong}`: days are strong, and marked where hours are shown. */
  ticks() {
    const step = STEPS.find((s) => s / this.perPixel >= 62) ?? STEPS.at(-1);
    const ticks = [];
    // Local time is cut into steps; the offset is asked for at each, since it changes twice a year.
    let local = Math.floor((this.from + offset(this.from)) / step) * step;
    while (ticks.length < 200) {
      const ms = local - offset(local - offset(this.from));
      if (ms > this.to) break;
      const midnight = local % DAY === 0;
      if (ms >= this.from) ticks.push({ ms, strong: midnight, text: midnight ? weekday(ms) : clock(ms) });
      local += step;
    }
    return ticks;
  }
}

/** A scale of values: from numbers to heights. */
export function scale(least, most, top, bottom) {
  const span = most - least || 1;
  return (v) => bottom - ((v - least) / span) * (bottom - top);
}

/** Round numbers within a range, about `count` of them. */
export function round(least, most, count) {
  const raw = (most - least) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((s) => s >= raw) ?? raw;
  const ticks = [];
  for (let v = Math.ceil(least / step) * step; v <= most; v += step) ticks.push(v);
  return ticks;
}
