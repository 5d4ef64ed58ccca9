/* Keeps the page alive. Figures of the pool come as events (or by polling where those can't), and are written where
 * data-v says; the tables are fetched again with the page, of which only the parts that differ are touched.
 *
 * Nothing here writes markup: text goes into textContent, and what the server wrote has its texts escaped. */
import { duration, formatAs, localTime, unitPieces } from './format.js';
import { morph } from './morph.js';

const POLL_MS = 5000;             // where there are no events
const QUIET_MS = 15000;           // without an event for so long: ask
const PARTS_MS = { overview: 15000, miner: 15000, status: 10000, coherence: 20000 };
const PARTS_MS_ELSE = 30000;
const PARTS_GAP_MS = 2000;        // at least, however many events come
const LATE_GAP_MS = 900;          // where the database had no answer in time (the pool keeps it for 2 s when it comes); then twice as long each time

const byId = (id) => document.getElementById(id);
const at = (object, path) => path.split('.').reduce((value, name) => (value === null || value === undefined ? value : value[name]), object);

export function localTimes(root) {
  for (const time of root.querySelectorAll('time[data-t]')) {
    const text = localTime(new Date(time.dateTime), time.dataset.t);
    if (time.textContent !== text) time.textContent = text;
  }
}

const calm = matchMedia('(prefers-reduced-motion: reduce)');
function underline(element) {
  if (calm.matches) return;
  element.classList.remove('changed');
  void element.offsetWidth;  // restarts the underline
  element.classList.add('changed');
}

function write(element, text) {
  if (element.textContent === (element.hasAttribute('data-large') ? unitPieces(text).map(([t]) => t).join('') : text)) return;
  if (element.hasAttribute('data-large')) {
    element.replaceChildren(...unitPieces(text).map(([piece, isUnit]) => {
      if (!isUnit) return piece;
      const unit = document.createElement('span');
      unit.className = 'unit';
      unit.textContent = piece;
      return unit;
    }));
  } else {
    element.textContent = text;
  }
  if (!/^(ago|duration)$/.test(element.dataset.as)) underline(element);
}

/* Hooks of the page: called with the pool's newest object, and after parts were renewed. */
export function startLive({ onPool = () => {}, onParts = () => {} } = {}) {
  const page = document.body.dataset.page;
  let pool = null, heard = performance.now(), heardAt = new Date(), source = null, polling = 0;
  let partsAt = performance.now(), partsBusy = false, partsWanted = false, failures = 0;
  let lateGap = document.body.hasAttribute('data-late') ? LATE_GAP_MS : 0;  // 0: it is whole

  const live = byId('live');
  const age = document.createElement('span');
  live.textContent = 'Live';
  live.closest('.live').after(age);
  let serverNotice = null;  // what the server said last; ours goes over it while the connection is lost

  function showPool(p) {
    const before = pool;
    pool = p;
    heard = performance.now();
    heardAt = new Date();
    failures = 0;
    for (const element of document.querySelectorAll('[data-v]')) write(element, formatAs(element.dataset.as, at(p, element.dataset.v), p.time_us));
    setLost(false);
    const differs = before && (before.state !== p.state || before.blocks_version !== p.blocks_version || (before.workers === 0) !== (p.workers === 0));
    if (differs || document.body.dataset.state !== p.state) wantParts();
    onPool(p);
  }

  function setLost(lost) {
    const was = document.body.dataset.live === 'lost';
    if (lost !== was) {
      document.body.dataset.live = lost ? 'lost' : 'on';
      live.textContent = lost ? 'Not live' : 'Live';
      const notice = byId('notice');
      if (lost) {
        serverNotice = [notice.className, ...notice.childNodes];
      } else if (serverNotice) {
        const [name, ...nodes] = serverNotice;
        notice.className = name;
        notice.replaceChildren(...nodes);
        serverNotice = null;
        wantParts();
      }
    }
    if (lost && !was) {
      const notice = byId('notice'), b = document.createElement('b');
      b.textContent = 'Not live.';
      notice.className = 'notice';
      notice.replaceChildren(b, ` The connection to the pool is lost; trying again every ${POLL_MS / 1000} s. The figures are those of ${localTime(heardAt, 'clock')}.`);
    }
  }

  async function poll() {
    try {
      const response = await fetch('/api/v1/pool', { cache: 'no-store', signal: AbortSignal.timeout(8000) });
      if (!response.ok) throw new Error(String(response.status));
      showPool(await response.json());
      return true;
    } catch {
      failures++;
      if (performance.now() - heard > QUIET_MS || failures > 1) setLost(true);
      return false;
    }
  }

  function connect() {
    if (document.hidden || source) return;
    source = new EventSource('/api/v1/stream');
    source.addEventListener('pool', (event) => { stopPolling(); showPool(JSON.parse(event.data)); });
    for (const name of ['block', 'tip', 'coherence']) source.addEventListener(name, () => wantParts());
    source.onerror = () => {
      if (source && source.readyState === EventSource.CLOSED) { source = null; setTimeout(connect, 30000); }
      startPolling();
    };
  }
  function startPolling() {
    if (polling || document.hidden) return;
    poll();
    polling = setInterval(poll, POLL_MS);
  }
  function stopPolling() { clearInterval(polling); polling = 0; }

  // --- parts ---

  function wantParts() { partsWanted = true; }

  async function renewParts() {
    partsBusy = true;
    partsWanted = false;
    partsAt = performance.now();
    try {
      const response = await fetch(location.pathname + location.search, { cache: 'no-store', headers: { accept: 'text/html' }, signal: AbortSignal.timeout(10000) });
      if (!/text\/html/.test(response.headers.get('content-type') ?? '')) throw new Error('not a page');
      const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
      localTimes(fresh);
      if (isLate(document) && !isLate(fresh) && shape(document) !== shape(fresh)) return location.reload();
      // A page that the database was too slow for has less than what is here, unless that was late as well.
      if (!isLate(fresh) || isLate(document)) adopt(fresh);
      lateGap = isLate(fresh) ? Math.max(2 * lateGap, LATE_GAP_MS) : 0;
    } catch {
      // The figures tell when the pool is away; the tables wait.
    }
    partsBusy = false;
  }

  const isLate = (of) => of.body.hasAttribute('data-late');
  // Which panels there are: a block's page has others when the block is known.
  const shape = (of) => [...of.querySelectorAll('main section')].map((panel) => panel.hidden).join();
  const keyOf = (part) => part.dataset.part || part.id;
  function adopt(fresh) {
    const parts = new Map([...fresh.querySelectorAll('[data-part]')].map((part) => [keyOf(part), part]));
    for (const part of document.querySelectorAll('[data-part]')) {
      const now = parts.get(keyOf(part));
      if (now) morph(part, now, (element) => { if (element.closest('td.num:not(.age), .figures, .sentence')) underline(element); });
    }
    document.body.dataset.state = fresh.body.dataset.state;
    document.body.toggleAttribute('data-late', isLate(fresh));
    if (document.title !== fresh.title) document.title = fresh.title;
    const notice = fresh.getElementById('notice');
    if (!serverNotice && notice) morph(byId('notice'), notice, () => {});
    // Figures that came by event since are newer than the page's.
    if (pool) for (const element of document.querySelectorAll('[data-v]')) {
      const text = formatAs(element.dataset.as, at(pool, element.dataset.v), pool.time_us);
      if (!element.hasAttribute('data-large') && element.textContent !== text) element.textContent = text;
    }
    onParts();
  }

  // --- time ---

  function tick() {
    if (document.hidden) return;
    const seconds = (performance.now() - heard) / 1000;
    age.textContent = `updated ${seconds < 1.5 ? 'just now' : `${duration(seconds)} ago`}`;
    if (!polling && performance.now() - heard > QUIET_MS) { heard += 5000; poll(); }
    const due = performance.now() - partsAt;
    const gap = partsWanted ? PARTS_GAP_MS : PARTS_MS[page] ?? PARTS_MS_ELSE;
    if (!partsBusy && due > (lateGap ? Math.min(lateGap, gap) : gap)) renewParts();
  }
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      source?.close();
      source = null;
      stopPolling();
    } else {
      wantParts();
      poll();
      connect();
    }
  });
  connect();
  setInterval(tick, 1000);
}
