/* What a chart shows of a series and how its axes are divided. Pure: chart.js draws it. */
import { localDay, localTime, NBSP } from './format.js';

export const LETTERS = { '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18, Z: 1e21, Y: 1e24 };

/* Labels for a span in the reader's zone: hours within a day or so, else days. */
export function timeLabels(span) {
  return (u, splits) => splits.map((s) => {
    const date = new Date(s * 1000);
    return span <= 36 * 3600 ? localTime(date, 'minute') : span < 200 * 86400 ? localDay(date) : `${localDay(date).split(' ')[1]} ${date.getFullYear()}`;
  });
}

/* Whole hours or days of the reader's clock. */
export function timeSplits(u, axis, min, max) {
  const span = max - min, room = Math.max(2, Math.floor(u.width / 90));
  const steps = [60, 120, 300, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 2 * 86400, 5 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 61 * 86400, 91 * 86400];
  const step = steps.find((s) => span / s <= room) ?? 182 * 86400;
  const offset = new Date(min * 1000).getTimezoneOffset() * 60;
  const out = [];
  for (let t = Math.ceil((min - offset) / step) * step + offset; t <= max; t += step) out.push(t);
  return out;
}

/* The part of a series that has something to show, with what luck alone would make of each step: a pool younger than the
 * span begins a little before its first share. */
export function shownOf({ start, hashrate, shares, step_seconds: step }) {
  const first = hashrate.findIndex((v) => v !== null), count = start.length;
  const from = first < 0 ? 0 : Math.max(0, first - Math.max(2, Math.ceil((count - first) / 20)));
  const rate = hashrate.slice(from), counted = shares.slice(from);
  const scatter = (sign) => rate.map((v, i) => (v === null ? null : v * Math.max(0, 1 + sign / Math.sqrt(Math.max(counted[i] ?? 0, 1)))));
  return { middle: start.slice(from).map((t) => t + step / 2), hashrate: rate, shares: counted, above: scatter(1), below: scatter(-1) };
}

/* What luck alone does to so many shares: "15 %", two digits of it. */
export function scatterText(shares) {
  const part = 100 / Math.sqrt(shares);
  return (part < 9.95 ? part.toPrecision(2) : part.toFixed(0)) + NBSP + '%';
}

/* Room for the trace and for its scatter, as far as that is not wilder than the trace itself. */
export function rangeOf(values, above, below) {
  const known = values.filter((v) => v !== null);
  const top = Math.max(...known), bottom = Math.min(...known);
  const high = Math.min(Math.max(...above.filter((v) => v !== null)), 1.25 * top);
  const low = Math.max(Math.min(...below.filter((v) => v !== null)), 0.8 * bottom);
  if (!(high > 0)) return [0, 1];
  const pad = Math.max((high - low) * 0.06, high * 0.01);
  return [low > 0.6 * high ? Math.max(0, low - pad) : 0, high + pad];
}

/* Where the newest value is; -1: nowhere. */
export const lastKnown = (values) => { for (let i = values.length - 1; i >= 0; i--) if (values[i] !== null) return i; return -1; };
