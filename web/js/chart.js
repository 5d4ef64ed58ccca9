/* Charts by uPlot, in the page's colours: the hash rate over time with its scatter, and the proof chain's difficulty.
 * A chart is a slider too: arrow keys move the reading, and a screen reader says it. */
import uPlot from 'uplot';

import { lastKnown, LETTERS, rangeOf, scatterText, shownOf, timeLabels, timeSplits } from './chart_scale.js';
import { localTime, si, NBSP } from './format.js';
import { read } from './read.js';

function colours() {
  const style = getComputedStyle(document.querySelector('.ages') ?? document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: colour('ground'), ink: colour('ink'), ink2: colour('ink-2'), ink3: colour('ink-3'), control: colour('control'), grid: colour('grid'),
    accent: colour('accent'), soft: colour('accent-soft'), bad: colour('bad'), font: `12px ${getComputedStyle(document.body).fontFamily}`,
  };
}

function message(figure, text) {
  const box = document.createElement('div'), p = document.createElement('p');
  box.className = 'nothing';
  p.textContent = text;
  box.append(p);
  figure.replaceChildren(box);
}

const heightOf = (figure) => (figure.clientWidth < 560 ? 240 : 316);

const axes = (c) => ({ stroke: c.ink3, font: c.font, grid: { stroke: c.grid, width: 1 }, ticks: { stroke: c.control, width: 1, size: 4 } });

/* A line over the plot where a value is what others are held against. */
function reference(u, y, text, c, side, above = true) {
  const g = u.ctx, at = Math.round(u.valToPos(y, 'y', true)) + 0.5, { left, width, top, height } = u.bbox;
  if (at < top || at > top + height) return;
  g.save();
  g.strokeStyle = c.ink3; g.lineWidth = devicePixelRatio; g.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
  g.beginPath(); g.moveTo(left, at); g.lineTo(left + width, at); g.stroke();
  g.font = c.font.replace(/^\d+px/, `${12 * devicePixelRatio}px`); g.setLineDash([]);
  g.textAlign = side === 'right' ? 'right' : 'left';
  g.lineWidth = 4 * devicePixelRatio; g.lineJoin = 'round'; g.strokeStyle = c.ground; g.fillStyle = c.ink2;
  const x = side === 'right' ? left + width - 8 * devicePixelRatio : left + 8 * devicePixelRatio, base = at + (above ? -7 : 16) * devicePixelRatio;
  g.strokeText(text, x, base); g.fillText(text, x, base);
  g.restore();
}

function diamonds(u, blocks, c) {
  const g = u.ctx, size = 6 * devicePixelRatio, y = u.bbox.top + u.bbox.height;
  let last = -Infinity;  // where blocks come faster than marks have room, one stands for several
  g.save();
  for (const block of [...blocks].sort((a, b) => a.time_us - b.time_us)) {
    const x = u.valToPos(block.time_us / 1e6, 'x', true);
    if (x < u.bbox.left - 1 || x > u.bbox.left + u.bbox.width + 1 || x - last < 1.5 * size) continue;
    last = x;
    g.beginPath(); g.moveTo(x, y - size); g.lineTo(x + size, y); g.lineTo(x, y + size); g.lineTo(x - size, y); g.closePath();
    g.fillStyle = c.ground; g.fill();
    g.strokeStyle = block.status === 'orphaned' || block.status === 'rejected' ? c.bad : c.ink; g.lineWidth = 1.5 * devicePixelRatio; g.stroke();
  }
  g.restore();
}

/* Says that the base line is not zero. */
function breakMark(u, c) {
  if (u.scales.y.min <= 0) return;
  const g = u.ctx, r = devicePixelRatio, x = u.bbox.left + 0.5, b = u.bbox.top + u.bbox.height;
  g.save();
  g.strokeStyle = c.control; g.lineWidth = r; g.beginPath();
  g.moveTo(x, b); g.lineTo(x, b - 2 * r); g.lineTo(x - 4 * r, b - 4 * r); g.lineTo(x + 4 * r, b - 8 * r); g.lineTo(x, b - 10 * r); g.lineTo(x, b - 12 * r); g.stroke();
  g.restore();
}

function dot(u, index, c) {
  const value = u.data[1][index];
  if (value === null || value === undefined) return;
  const g = u.ctx, r = devicePixelRatio;
  g.save();
  g.beginPath(); g.arc(u.valToPos(u.data[0][index], 'x', true), u.valToPos(value, 'y', true), 4.5 * r, 0, 7);
  g.fillStyle = c.accent; g.fill(); g.strokeStyle = c.ground; g.lineWidth = 2 * r; g.stroke();
  g.restore();
}

/* A block in a busy chain every second would paint the axis over. */
const BLOCKS_MAX = 120;

export class RateChart {
  constructor(figure, readout) {
    this.figure = figure;
    this.readout = readout;
    this.span = '1d';
    this.plot = null;
    this.index = -1;
    new ResizeObserver(() => {
      if (this.plot && figure.clientWidth !== this.plot.width) this.draw();
    }).observe(figure);
    figure.addEventListener('keydown', (event) => this.key(event));
    figure.addEventListener('pointerleave', () => this.read(-1));
    document.addEventListener('themechange', () => this.draw());
  }

  /* The span that shows something: a pool that began just now has no five minutes yet. */
  async begin() {
    await this.load('1d');
    if (this.data && this.data[1].filter((v) => v !== null).length < 12) await this.load('6h');
    return this.span;
  }

  async load(span = this.span) {
    const fresh = span !== this.span || !this.data;
    this.span = span;
    if (fresh) { this.figure.setAttribute('aria-busy', 'true'); if (!this.data) message(this.figure, ''); }
    try {
      const body = await read(`${this.figure.dataset.history}?span=${span}`);
      if (span !== this.span) return;
      this.take(body);
    } catch (error) {
      if (fresh || !this.data) { this.data = null; this.drop(); message(this.figure, `The history can’t be read: ${error.message}. The figures beside it are live.`); }
    }
    this.figure.removeAttribute('aria-busy');
  }

  take(body) {
    const shown = shownOf(body.series), { hashrate } = shown;
    this.data = [shown.middle, hashrate, shown.above, shown.below];
    this.shares = shown.shares;
    this.step = body.series.step_seconds;
    this.blocks = (body.blocks ?? []).slice(-BLOCKS_MAX);
    const known = hashrate.filter((v) => v !== null).length, none = !hashrate.some((v) => v > 0);
    if (known < 2 || none) {
      this.drop();
      message(this.figure, none ? 'No share in this time. The trace starts with the first one.' : 'The trace starts in a few minutes: there are shares, but not enough yet to draw one.');
      return;
    }
    this.draw();
  }

  drop() { this.plot?.destroy(); this.plot = null; }

  draw() {
    if (!this.data || this.data[1].filter((v) => v !== null).length < 2 || !this.data[1].some((v) => v > 0)) return;
    this.drop();
    const c = colours(), figure = this.figure, [x, mean] = this.data, last = lastKnown(mean);
    const [letter] = [si(Math.max(...mean.filter((v) => v !== null)))[1]];
    this.letter = letter;
    const unit = LETTERS[letter], span = x[x.length - 1] - x[0] + this.step;
    const known = mean.filter((v) => v !== null);
    this.mean = known.reduce((sum, v) => sum + v, 0) / known.length;
    figure.replaceChildren();
    const [low, high] = rangeOf(mean, this.data[2], this.data[3]);
    this.plot = new uPlot({
      width: figure.clientWidth, height: heightOf(figure), padding: [10, 20, 0, 0], legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 9, width: 2, stroke: () => c.ground, fill: () => c.accent } },
      scales: { x: { time: false, range: () => [x[0] - this.step / 2, x[x.length - 1] + this.step / 2] }, y: { range: () => [low, high] } },
      series: [
        {}, { stroke: c.accent, width: 1.75, points: { show: known.length < 3 }, spanGaps: false },
        { stroke: 'transparent', width: 0, points: { show: false } }, { stroke: 'transparent', width: 0, points: { show: false } },
      ],
      bands: [{ series: [2, 3], fill: c.soft }],
      axes: [
        { ...axes(c), grid: { show: false }, splits: timeSplits, values: timeLabels(span), space: 60, size: 28 },
        { ...axes(c), size: 52, gap: 6, space: 44, ticks: { show: false }, values: (u, splits) => splits.map((v) => (v === 0 ? '0' : String(Number((v / unit).toPrecision(3))))) },
      ],
      hooks: {
        draw: [(u) => {
          // The label goes to the end where the trace is farther away, and to the other side of the line.
          const edge = Math.max(1, Math.round(mean.length / 12)), part = (values) => values.reduce((sum, v) => sum + (v ?? this.mean), 0) / values.length - this.mean;
          const begin = part(mean.slice(0, edge)), end = part(mean.slice(-edge)), right = Math.abs(end) > Math.abs(begin);
          reference(u, this.mean, `mean, ${(this.mean / unit).toPrecision(3)}`, c, right ? 'right' : 'left', (right ? end : begin) < 0);
          breakMark(u, c);
          diamonds(u, this.blocks, c);
          dot(u, last, c);
        }],
        setCursor: [(u) => { if (u.cursor.idx !== null && u.cursor.idx !== undefined && u.cursor.left >= 0) this.say(u.cursor.idx); }],
      },
    }, this.data, figure);
    const note = document.getElementById('rate-note');
    if (note) note.textContent = `${letter}H/s, mean of each step; band: scatter of luck${this.figure.dataset.history.includes('miners') ? '' : '; ◇ block found'}`;
    this.read(-1);
  }

  /* Moves the reading; -1 is the newest. */
  read(index) {
    if (!this.plot) return;
    const last = lastKnown(this.data[1]);
    this.index = index < 0 ? last : Math.min(index, this.data[0].length - 1);
    if (index < 0) this.plot.setCursor({ left: -10, top: -10 }, false);
    else this.plot.setCursor({ left: this.plot.valToPos(this.data[0][this.index], 'x'), top: 10 }, false);
    this.say(this.index);
  }

  say(index) {
    this.index = index;
    const [x, mean] = this.data, unit = LETTERS[this.letter], value = mean[index];
    const when = new Date((x[index] - this.step / 2) * 1000);
    const counted = this.shares[index] ?? 0;
    const what = value === null ? 'no share yet' : counted === 0 ? 'no share'
      : `${(value / unit).toPrecision(3)}${NBSP}${this.letter}H/s ± ${scatterText(counted)}, ${counted} ${counted === 1 ? 'share' : 'shares'}`;
    const text = `${localTime(when, 'day')}: ${what}`;
    if (this.readout) this.readout.textContent = text;
    this.figure.setAttribute('aria-valuemin', '0');
    this.figure.setAttribute('aria-valuemax', String(x.length - 1));
    this.figure.setAttribute('aria-valuenow', String(index));
    this.figure.setAttribute('aria-valuetext', text);
  }

  key(event) {
    const move = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageUp: 12, PageDown: -12, Home: -1e9, End: 1e9 }[event.key];
    if (move === undefined || !this.plot) return;
    event.preventDefault();
    this.read(Math.max(0, Math.min(this.data[0].length - 1, this.index + move)));
  }
}

/* Expected blooms a block, epoch by epoch, and how long its blocks took. */
export function epochChart(figure) {
  let plot = null, body = null;
  const draw = () => {
    const epochs = body?.epochs ?? [];
    plot?.destroy();
    plot = null;
    if (epochs.length === 0) return message(figure, 'No epoch yet.');
    const c = colours(), sorted = [...epochs].sort((a, b) => a.epoch - b.epoch);
    const x = sorted.map((e) => e.epoch), blooms = sorted.map((e) => e.expected_blooms), seconds = sorted.map((e) => e.mean_seconds);
    figure.replaceChildren();
    const top = (values) => [0, 1.15 * Math.max(1, ...values.filter((v) => v !== null))];
    const aim = body.block_seconds;
    plot = new uPlot({
      width: figure.clientWidth, height: 236, padding: [10, 0, 0, 0], legend: { show: false }, cursor: { show: false },
      scales: { x: { time: false, range: () => [x[0] - 0.5, x[x.length - 1] + 0.5] }, y: { range: () => top(blooms) }, s: { range: () => top([...seconds, aim]) } },
      series: [{}, { stroke: c.accent, width: 1.75, paths: uPlot.paths.stepped({ align: 1 }), points: { show: x.length < 12 } },
        { scale: 's', stroke: c.ink3, width: 1.5, dash: [5, 4], points: { show: x.length < 12, stroke: c.ink3 } }],
      axes: [{ ...axes(c), grid: { show: false }, size: 28, incrs: [1, 2, 5, 10, 20, 50, 100], values: (u, splits) => splits.map((v, i) => (i === 0 ? `epoch ${v}` : v)) },
        { ...axes(c), size: 52, ticks: { show: false }, values: (u, splits) => splits.map((v) => (v >= 1000 ? si(v).join('') : String(Number(v.toPrecision(3))))) },
        { ...axes(c), scale: 's', side: 1, size: 44, grid: { show: false }, ticks: { show: false } }],
      hooks: { draw: [(u) => {
        const g = u.ctx, y = Math.round(u.valToPos(aim, 's', true)) + 0.5;
        g.save(); g.strokeStyle = c.ink3; g.lineWidth = devicePixelRatio; g.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
        g.beginPath(); g.moveTo(u.bbox.left, y); g.lineTo(u.bbox.left + u.bbox.width, y); g.stroke();
        g.setLineDash([]); g.font = c.font.replace(/^\d+px/, `${12 * devicePixelRatio}px`); g.fillStyle = c.ink2; g.textAlign = 'left';
        g.lineWidth = 4 * devicePixelRatio; g.strokeStyle = c.ground;
        g.strokeText(`aim, ${aim} s`, u.bbox.left + 8 * devicePixelRatio, y - 7 * devicePixelRatio); g.fillText(`aim, ${aim} s`, u.bbox.left + 8 * devicePixelRatio, y - 7 * devicePixelRatio);
        g.restore();
      }] },
    }, [x, blooms, seconds], figure);
    const last = sorted[sorted.length - 1];
    figure.setAttribute('aria-label', `Difficulty over ${x.length} epochs, ${x[0]} to ${x[x.length - 1]}: now ${si(last.expected_blooms).join(' ')} expected blooms a block; mean block time ${last.mean_seconds === null ? 'unknown' : `${last.mean_seconds.toFixed(0)} s`}, aim ${aim} s`);
  };
  const load = async () => {
    try {
      body = await read('/api/v1/coherence/epochs');
      draw();
    } catch (error) {
      if (!body) message(figure, `The epochs can’t be read: ${error.message}.`);
    }
  };
  document.addEventListener('themechange', draw);
  new ResizeObserver(() => { if (plot && plot.width !== figure.clientWidth) draw(); }).observe(figure);
  load();
  return load;
}
