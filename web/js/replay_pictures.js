/* The pictures of a replay: the oscillators on their circle, the order over time, and every phase against the mean.
 * All are drawn from `view`, whose states were computed here. */
import { COH1 as C } from './coh1.js';

const $ = (id) => document.getElementById(id);
const zc = Math.sqrt(0.75);
const number = (n) => n.toLocaleString('en-US');

/* run: { states, phases, streaks, result }; position: the state shown; close: the last states only;
 * sketch: a picture without the cursor, until something changes. */
export const view = { run: null, position: 0, close: false, sketch: null, colours: null };
const CLOSE = 120;
export const firstShown = () => (view.close ? Math.max(0, view.run.states.length - CLOSE) : 0);

// --- Pictures ---------------------------------------------------------------------------------------------

export function readColours() {
  const style = getComputedStyle(document.documentElement);
  view.colours = Object.fromEntries(['ground', 'ink', 'ink-2', 'ink-3', 'control', 'line', 'grid', 'accent', 'accent-soft'].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  view.colours.font = `12px ${getComputedStyle(document.body).fontFamily}`;
}

function prepare(canvas) {
  const scale = devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const g = canvas.getContext('2d');
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.clearRect(0, 0, width, height);
  return { g, width, height };
}

const turn = 2 * Math.PI / 4294967296;
const order = (state) => Math.sqrt(state.R2 / C.FULL_R2);
const meanPhase = (state) => Math.atan2(state.S, state.C);

function drawCircle() {
  const { g, width } = prepare($('circle'));
  const centre = width / 2, radius = width / 2 - 14;
  const state = view.run.states[view.position], phases = view.run.phases[view.position];
  const coherent = state.R2 >= C.COHERENT_R2;
  g.lineWidth = 1;
  g.strokeStyle = view.colours.line;
  g.beginPath(); g.moveTo(centre - radius, centre); g.lineTo(centre + radius, centre);
  g.moveTo(centre, centre - radius); g.lineTo(centre, centre + radius); g.stroke();
  for (const part of [0.25, 0.5, 0.75]) {
    g.beginPath(); g.arc(centre, centre, radius * part, 0, 2 * Math.PI); g.strokeStyle = view.colours.grid; g.stroke();
  }
  for (let k = 0; k < 72; k++) {
    const a = k * Math.PI / 36, inner = radius + (k % 6 ? 4 : 0);
    g.beginPath(); g.moveTo(centre + inner * Math.cos(a), centre + inner * Math.sin(a));
    g.lineTo(centre + (radius + 8) * Math.cos(a), centre + (radius + 8) * Math.sin(a)); g.strokeStyle = view.colours.line; g.stroke();
  }
  g.beginPath(); g.arc(centre, centre, radius, 0, 2 * Math.PI); g.strokeStyle = view.colours.control; g.stroke();
  g.beginPath(); g.setLineDash([3, 4]); g.arc(centre, centre, radius * zc, 0, 2 * Math.PI); g.strokeStyle = view.colours['ink-3']; g.stroke(); g.setLineDash([]);

  // The path of the mean over the last states, fading.
  const tail = 240;
  for (let k = Math.max(1, view.position - tail); k <= view.position; k++) {
    const a = view.run.states[k - 1], b = view.run.states[k], unit = radius / 32256;
    g.globalAlpha = 0.5 * (1 - (view.position - k) / tail);
    g.beginPath(); g.moveTo(centre + a.C * unit, centre - a.S * unit); g.lineTo(centre + b.C * unit, centre - b.S * unit);
    g.strokeStyle = view.colours.accent; g.lineWidth = 1; g.stroke();
  }
  g.globalAlpha = 1;

  const size = Math.max(3.2, width / 100);
  for (let i = 0; i < C.N; i++) {
    const a = phases[i] * turn, fast = Math.abs(i - 31) / 31;
    const x = centre + radius * Math.cos(a), y = centre - radius * Math.sin(a);
    g.beginPath(); g.arc(x, y, size * (1 - 0.25 * fast), 0, 2 * Math.PI);
    const locked = Math.cos(a - meanPhase(state)) > 0.5;
    g.fillStyle = locked ? view.colours.accent : view.colours.ground;
    g.globalAlpha = locked ? 0.82 : 1;
    g.fill();
    g.globalAlpha = 1;
    g.lineWidth = 1.5; g.strokeStyle = locked ? view.colours.ground : view.colours['ink-3']; g.stroke();
  }

  const unit = radius / 32256, x = centre + state.C * unit, y = centre - state.S * unit;
  g.beginPath(); g.moveTo(centre, centre); g.lineTo(x, y);
  g.strokeStyle = coherent ? view.colours.accent : view.colours.ink; g.lineWidth = 2.5; g.lineCap = 'round'; g.stroke();
  g.beginPath(); g.arc(x, y, 5.5, 0, 2 * Math.PI); g.fillStyle = coherent ? view.colours.accent : view.colours.ink; g.fill();
  g.beginPath(); g.arc(centre, centre, 2.5, 0, 2 * Math.PI); g.fillStyle = view.colours.ink; g.fill();
}

const LEFT = 40;

function drawTrace() {
  const { g, width, height } = prepare($('trace'));
  const end = view.run.states.length - 1, top = 8, bottom = 22;
  const first = firstShown();
  const X = (t) => LEFT + (t - first) / (end - first) * (width - LEFT - 12), Y = (r) => height - bottom - r * (height - top - bottom);
  g.font = view.colours.font; g.textBaseline = 'middle';
  for (const r of [0, 0.25, 0.5, 0.75, 1]) {
    const y = Math.round(Y(r)) + 0.5;
    g.strokeStyle = r ? view.colours.grid : view.colours.control; g.lineWidth = 1;
    g.beginPath(); g.moveTo(LEFT, y); g.lineTo(width - 12, y); g.stroke();
    g.fillStyle = view.colours['ink-3']; g.textAlign = 'right'; g.fillText(r ? r.toFixed(2) : '0', LEFT - 10, y);
  }
  const span = end - first, labels = width < 480 ? 4 : 8, step = [10, 20, 50, 100, 200, 500, 1000, 2000].find((s) => span / s <= labels) ?? 4000;
  for (let t = Math.ceil(first / step) * step; t <= end - step / 2; t += step) {
    const x = Math.round(X(t)) + 0.5;
    g.strokeStyle = view.colours.control; g.beginPath(); g.moveTo(x, height - bottom); g.lineTo(x, height - bottom + 4); g.stroke();
    g.textAlign = t > first ? 'center' : 'left'; g.fillText(number(t), x, height - 8);
  }
  g.textAlign = 'right'; g.fillStyle = view.colours['ink-2']; g.fillText(number(end), width - 12, height - 8);
  g.setLineDash([3, 4]); g.strokeStyle = view.colours['ink-3'];
  g.beginPath(); g.moveTo(LEFT, Y(zc)); g.lineTo(width - 12, Y(zc)); g.stroke(); g.setLineDash([]);

  if (view.run.result.bloom) {
    const x = X(end - C.NEED + 1);
    g.fillStyle = view.colours['accent-soft']; g.fillRect(x, top, Math.max(2, width - 12 - x), height - bottom - top);
    if (view.close) { g.fillStyle = view.colours['ink-2']; g.textAlign = 'right'; g.fillText('seven in a row', x - 8, top + 8); }
  }
  const line = (from, to, colour, weight) => {
    if (to < from) return;
    g.beginPath();
    for (let t = from; t <= to; t++) { const x = X(t), y = Y(order(view.run.states[t])); if (t === from) g.moveTo(x, y); else g.lineTo(x, y); }
    g.strokeStyle = colour; g.lineWidth = weight; g.lineJoin = 'round'; g.stroke();
  };
  g.globalAlpha = 0.32; line(Math.max(first, view.position), end, view.colours.accent, 1); g.globalAlpha = 1;
  line(first, view.position, view.colours.accent, view.close ? 1.75 : 1.25);
  if (view.position < first) return;
  cursor(g, X(view.position), top, height - bottom);
  g.beginPath(); g.arc(X(view.position), Y(order(view.run.states[view.position])), 4.5, 0, 2 * Math.PI);
  g.fillStyle = view.colours.accent; g.fill(); g.strokeStyle = view.colours.ground; g.lineWidth = 2; g.stroke();
}

function cursor(g, x, y0, y1) {
  g.strokeStyle = view.colours['ink-3']; g.lineWidth = 1;
  g.beginPath(); g.moveTo(Math.round(x) + 0.5, y0); g.lineTo(Math.round(x) + 0.5, y1); g.stroke();
}

function rgb(text) {
  const value = parseInt(text.slice(1, 7), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

function paintRaster(columns) {
  const end = view.run.states.length - 1, first = firstShown();
  const image = document.createElement('canvas');
  image.width = columns; image.height = C.N;
  const g = image.getContext('2d'), pixels = g.createImageData(columns, C.N);
  const low = rgb(view.colours.ground), high = rgb(view.colours.accent);
  for (let x = 0; x < columns; x++) {
    const t = Math.round(first + x / (columns - 1) * (end - first)), mean = meanPhase(view.run.states[t]), phases = view.run.phases[t];
    for (let i = 0; i < C.N; i++) {
      const part = 0.92 * Math.pow(0.5 + 0.5 * Math.cos(phases[i] * turn - mean), 4), at = 4 * (i * columns + x);
      for (let k = 0; k < 3; k++) pixels.data[at + k] = low[k] + (high[k] - low[k]) * part;
      pixels.data[at + 3] = 255;
    }
  }
  g.putImageData(pixels, 0, 0);
  return image;
}

function drawRaster() {
  const { g, width, height } = prepare($('raster'));
  const end = view.run.states.length - 1, plot = width - LEFT - 12;
  const columns = Math.max(200, Math.round(plot * (devicePixelRatio || 1)));
  if (!view.sketch || view.sketch.width !== columns) view.sketch = paintRaster(columns);
  g.imageSmoothingEnabled = false;
  g.drawImage(view.sketch, LEFT, 0, plot, height);
  const first = firstShown(), x = LEFT + Math.max(0, (view.position - first) / (end - first)) * plot;
  g.fillStyle = view.colours.ground; g.globalAlpha = 0.72; g.fillRect(x, 0, width - 12 - x, height); g.globalAlpha = 1;
  cursor(g, x, 0, height);
  g.font = view.colours.font; g.fillStyle = view.colours['ink-3']; g.textAlign = 'right';
  g.textBaseline = 'top'; g.fillText('fast', LEFT - 8, 1);
  g.textBaseline = 'middle'; g.fillText('slow', LEFT - 8, height / 2);
  g.textBaseline = 'bottom'; g.fillText('fast', LEFT - 8, height - 1);
}

export function drawAll() { drawCircle(); drawTrace(); drawRaster(); }
