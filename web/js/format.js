/* Figures as people read them: the rules of pool/http/format.cpp and page_text.cpp, held together by
 * tests/unit/vectors/format.json. Unknown is "–". Pure. */
export const NBSP = '\u00a0', THIN = '\u2009', UNKNOWN = '–';

const isNumber = (v) => typeof v === 'number' && isFinite(v);
const threeDigits = (v) => (v < 9.995 ? v.toFixed(2) : v < 99.95 ? v.toFixed(1) : v.toFixed(0));
const LETTERS = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];

/* Three significant digits and the SI letter. */
export function si(value) {
  if (!(value > 0) || !isFinite(value)) return ['0', ''];
  if (value < 0.9995) {
    const text = String(Number(value.toPrecision(3)));
    if (value >= 1e-4 || text.includes('e')) return [text, ''];
    return [Number(value.toPrecision(3)).toExponential().replace('+', ''), ''];
  }
  let step = 0;
  while (value >= 999.5 && step + 1 < LETTERS.length) { value /= 1000; step++; }
  return [threeDigits(value), LETTERS[step]];
}

export const count = (n) => String(Math.max(n, 0)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
export const hashrate = (v) => { const [number, letter] = si(v); return `${number}${NBSP}${letter}H/s`; };
export const difficulty = (v) => { const [number, letter] = si(v); return letter ? number + NBSP + letter : number; };
export function percent(part) {
  const value = 100 * part;
  return value.toFixed(value >= 10 ? 1 : value >= 0.0995 || value === 0 ? 2 : 3) + THIN + '%';
}

export function effort(value) {
  if (!(value >= 0)) return UNKNOWN;
  if (value >= 9.995) { const [number, letter] = si(value); return `${number}${NBSP}${letter}×`; }
  const part = 100 * value;
  return part.toFixed(part < 9.995 ? 2 : part < 99.95 ? 1 : 0) + THIN + '%';
}

const inThrees = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, THIN);
export const sats = (n) => (n < 0 ? '−' : '') + inThrees(String(Math.abs(n)));
export function btc(n) {
  const digits = String(Math.abs(n)).padStart(9, '0');
  const rest = digits.slice(-8);
  return `${n < 0 ? '−' : ''}${digits.slice(0, -8)}.${rest.slice(0, 2)}${THIN}${rest.slice(2, 5)}${THIN}${rest.slice(5)}`;
}

const UNITS = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
export function duration(seconds) {
  seconds = Math.max(0, Math.floor(seconds));
  const found = UNITS.findIndex(([size]) => seconds >= size);
  const at = found < 0 ? UNITS.length - 1 : found;
  const [size, name] = UNITS[at];
  const next = UNITS[at + 1];
  const rest = next ? Math.floor((seconds % size) / next[0]) : 0;
  return Math.floor(seconds / size) + NBSP + name + (rest > 0 ? ` ${rest}${NBSP}${next[1]}` : '');
}

export function latency(us) {
  if (us < 1000) return us + NBSP + 'µs';
  return us < 1e6 ? threeDigits(us / 1000) + NBSP + 'ms' : threeDigits(us / 1e6) + NBSP + 's';
}

const ofNumber = (form) => (v) => (isNumber(v) ? form(v) : UNKNOWN);
const FORMS = {
  count: ofNumber(count), hashrate: ofNumber(hashrate), difficulty: ofNumber(difficulty), percent: ofNumber(percent),
  effort: ofNumber(effort), btc: ofNumber(btc), sats: ofNumber(sats), duration: ofNumber(duration), latency: ofNumber(latency),
  text: (v) => (typeof v === 'string' && v !== '' ? v : UNKNOWN),
};

/* A value in a named form; `nowUs` is what "ago" counts from. */
export function formatAs(form, value, nowUs) {
  if (form === 'ago') return isNumber(value) ? duration((nowUs - value) / 1e6) : UNKNOWN;
  return FORMS[form](value);
}

/* "31.6 %" as pieces: [text, isUnit] in turn. */
export function unitPieces(figure) {
  const pieces = [];
  let from = 0;
  for (const match of figure.matchAll(/[\u00a0\u2009](?!\d)([^ ]+)/g)) {
    if (match.index > from) pieces.push([figure.slice(from, match.index), false]);
    pieces.push([match[1], true]);
    from = match.index + match[0].length;
  }
  if (from < figure.length) pieces.push([figure.slice(from), false]);
  return pieces;
}

export const shorten = (text, head, tail) => (text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(text.length - tail)}`);

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const two = (n) => String(n).padStart(2, '0');
/* In the reader's zone. `form`: "day", "clock", "full" or "minute". */
export function localTime(date, form) {
  const minute = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (form === 'minute') return minute;
  if (form === 'clock') return `${minute}:${two(date.getSeconds())}`;
  const day = `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  return form === 'day' ? `${day}, ${minute}` : `${day} ${date.getFullYear()}, ${minute}:${two(date.getSeconds())}`;
}
export const localDay = (date) => `${date.getDate()} ${MONTHS[date.getMonth()]}`;
