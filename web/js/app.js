/* What every page does: the theme's button, times in the reader's zone, copying, live figures; and the charts. */
import { RateChart, epochChart } from './chart.js';
import { startConnect } from './connect.js';
import { localTimes, startLive } from './live.js';
import { sparks } from './sparks.js';

const byId = (id) => document.getElementById(id);
const root = document.documentElement;

// --- theme ---

const systemDark = matchMedia('(prefers-color-scheme: dark)');
const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : systemDark.matches);
const button = byId('theme');
const nameTheme = () => button.setAttribute('aria-label', `Switch to the ${isDark() ? 'light' : 'dark'} theme`);
const tellTheme = () => { nameTheme(); document.dispatchEvent(new Event('themechange')); };
button.addEventListener('click', () => {
  root.dataset.theme = isDark() ? 'light' : 'dark';
  try { localStorage.setItem('theme', root.dataset.theme); } catch { /* not kept */ }
  tellTheme();
});
systemDark.addEventListener('change', tellTheme);
nameTheme();

// --- copying ---

for (const copy of document.querySelectorAll('[data-copy]')) {
  copy.addEventListener('click', async () => {
    const label = copy.firstChild, source = byId(copy.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      label.data = 'Copied';
    } catch {
      getSelection().selectAllChildren(source);
      label.data = 'Selected';
    }
    setTimeout(() => { label.data = 'Copy'; }, 1600);
  });
}

// --- charts and live figures ---

if (byId('own-address')) startConnect(byId('own-address'));
localTimes(document);
const figure = byId('chart-rate');
const rate = figure && !figure.closest('[hidden]') ? new RateChart(figure, byId('readout-rate')) : null;
if (rate) {
  const spans = document.querySelectorAll('[data-span]');
  const press = (name) => spans.forEach((span) => span.setAttribute('aria-pressed', String(span.dataset.span === name)));
  for (const span of spans) {
    span.addEventListener('click', () => { press(span.dataset.span); rate.load(span.dataset.span); });
  }
  rate.begin().then(press);
}
const epochs = byId('chart-diff') ? epochChart(byId('chart-diff')) : null;
const address = document.body.dataset.page === 'miner' && !byId('workers').hidden ? byId('address').textContent : null;
if (address) sparks(address);

let chartsAt = performance.now();
startLive({
  onParts() {
    if (address) sparks(address);
    document.dispatchEvent(new Event('partsrenewed'));
    if (performance.now() - chartsAt < 55000) return;
    chartsAt = performance.now();
    rate?.load();
    epochs?.();
  },
});
