/* A small trace for each worker: its hash rate of the last day. Asked for when its row comes into sight. */
const SVG = 'http://www.w3.org/2000/svg';
const AT_ONCE_MAX = 6;  // rows: some 11 kB each, and a first load is to stay light; the next ones follow when the tables are renewed

function draw(image, values) {
  const known = values.filter((v) => v !== null), high = Math.max(...known, 0);
  if (!(high > 0)) return;
  const X = (i) => 2 + 88 * i / Math.max(values.length - 1, 1), Y = (v) => 18 - 15 * (v ?? 0) / high;
  const path = document.createElementNS(SVG, 'path'), end = document.createElementNS(SVG, 'circle');
  path.setAttribute('d', values.map((v, i) => `${i ? 'L' : 'M'}${X(i).toFixed(1)} ${Y(v).toFixed(1)}`).join(''));
  end.setAttribute('class', 'end');
  end.setAttribute('r', '2');
  end.setAttribute('cx', X(values.length - 1).toFixed(1));
  end.setAttribute('cy', Y(values[values.length - 1]).toFixed(1));
  image.setAttribute('viewBox', '0 0 96 20');
  image.replaceChildren(path, end);
}

/* Forty-eight half hours out of the day's five minutes. */
export function halfHours(values) {
  const size = Math.max(1, Math.round(values.length / 48)), out = [];
  for (let i = 0; i < values.length; i += size) {
    const part = values.slice(i, i + size);
    out.push(part.reduce((sum, v) => sum + (v ?? 0), 0) / part.length);
  }
  return out;
}

const asked = new WeakSet();  // that were asked for: what has nothing to draw stays empty

export function sparks(address) {
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      fetch(`/api/v1/miners/${encodeURIComponent(address)}/history?span=1d&worker=${encodeURIComponent(target.dataset.spark)}`)
        .then((response) => (response.ok ? response.json() : null))
        .then((body) => body && draw(target, halfHours(body.series.hashrate)))
        .catch(() => { /* the figures are there */ });
    }
  });
  const next = [...document.querySelectorAll('[data-spark]:empty')].filter((image) => !asked.has(image)).slice(0, AT_ONCE_MAX);
  next.forEach((image) => { asked.add(image); seen.observe(image); });
}
