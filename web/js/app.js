/* Keeps the figures of the page alive: reads /api/v1/pool every two seconds and swaps what changed.
 * The server has already filled everything in; figures have the same form as there (pool/http/format.cpp).
 * Nothing here writes markup: text goes into textContent, so no name from outside can become an element. */
(function () {
  'use strict';
  const POLL_MS = 2000;
  const BLOCKS_SHOWN = 12;
  const NBSP = '\u00a0', THIN = '\u2009', UNKNOWN = '–';
  const byId = (id) => document.getElementById(id);

  /* --- figures --- */

  const count = (n) => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  const plural = (n, word) => count(n) + NBSP + word + (n === 1 ? '' : 's');
  const threeDigits = (v) => v < 9.995 ? v.toFixed(2) : v < 99.95 ? v.toFixed(1) : v.toFixed(0);

  function si(value) {
    if (!(value > 0) || !isFinite(value)) return ['0', ''];
    if (value < 0.9995) return [String(Number(value.toPrecision(3))), ''];
    const letters = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
    let step = 0;
    while (value >= 999.5 && step + 1 < letters.length) { value /= 1000; step++; }
    return [threeDigits(value), letters[step]];
  }
  const hashrate = (v) => { const [n, letter] = si(v); return n + NBSP + letter + 'H/s'; };
  const difficulty = (v) => { const [n, letter] = si(v); return letter ? n + NBSP + letter : n; };
  const percent = (part, whole) => whole > 0 ? (100 * part / whole).toFixed(100 * part / whole >= 10 ? 1 : 2) + THIN + '%' : UNKNOWN;

  function btc(sats) {
    const digits = String(Math.abs(sats)).padStart(9, '0');
    const rest = digits.slice(-8);
    return (sats < 0 ? '−' : '') + digits.slice(0, -8) + '.' + rest.slice(0, 2) + THIN + rest.slice(2, 5) + THIN + rest.slice(5);
  }

  function duration(seconds) {
    const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
    const i = Math.max(0, units.findIndex(([size]) => seconds >= size));
    const at = seconds < 1 ? 3 : i;
    const [size, name] = units[at];
    const text = Math.floor(seconds / size) + NBSP + name;
    const next = units[at + 1];
    const rest = next ? Math.floor((seconds % size) / next[0]) : 0;
    return rest > 0 ? text + ' ' + rest + NBSP + next[1] : text;
  }

  function latency(us) {
    if (us < 1000) return us + NBSP + 'µs';
    return us < 1e6 ? threeDigits(us / 1000) + NBSP + 'ms' : threeDigits(us / 1e6) + NBSP + 's';
  }
  const shorten = (text, head, tail) => text.length <= head + tail + 1 ? text : text.slice(0, head) + '…' + text.slice(text.length - tail);
  const known = (value, form) => value === null || value === undefined ? UNKNOWN : form(value);

  /* --- the page --- */

  function show(element, text) {
    if (!element || element.textContent === text) return;
    element.textContent = text;
    element.classList.remove('changed');
    void element.offsetWidth;  // restarts the underline
    element.classList.add('changed');
  }
  const figure = (name, text) => show(document.querySelector('[data-f="' + name + '"]'), text);

  function quietly(element, text) {
    if (element && element.textContent !== text) element.textContent = text;
  }

  function localTimes(root) {
    const form = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' });
    for (const time of root.querySelectorAll('time[datetime]')) quietly(time, form.format(new Date(time.dateTime)));
  }

  // Pieces are texts or [text, anchor]; the figures in the sentence lead to their panels.
  function sentence(pieces) {
    const target = byId('sentence');
    const text = pieces.map((piece) => typeof piece === 'string' ? piece : piece[0]).join('');
    if (target.textContent === text) return;
    target.replaceChildren(...pieces.map((piece) => {
      if (typeof piece === 'string') return piece;
      const a = document.createElement('a');
      a.href = '#' + piece[1];
      a.textContent = piece[0];
      return a;
    }));
  }

  function sentenceOf(p) {
    if (p.state === 'starting') return ['Starting: the node has not answered yet.'];
    if (p.state === 'no_node') return ['No node answers, so there is no new work.'];
    if (p.state === 'journal_broken') return ['Shares can’t be written to disk, so none are accepted.'];
    const out = ['On the tip at height ', [known(p.height, count), 'tip'], '. '];
    if (p.workers === 0) return out.concat('Waiting for the first miner: ', [['connect one', 'connect']], '.');
    out.push('Work sent to ', [plural(p.connections, 'connection'), 'miners']);
    if (p.notify_latency_us !== null) out.push(' in ', [latency(p.notify_latency_us), 'miners']);
    out.push('. ', [hashrate(p.hashrate['5m']), 'rate'], '; ');
    const read = Object.keys(p.blocks).length > 0;
    const blocks = read ? (p.blocks.accepted || 0) + (p.blocks.confirmed || 0) : p.node.blocks_accepted;
    out.push([blocks === 0 ? 'no block yet' : plural(blocks, 'block') + ' accepted', 'blocks'], '.');
    return out;
  }

  function notice(head, text, grave) {
    const target = byId('notice');
    const b = document.createElement('b');
    b.textContent = head;
    if (target.textContent === (head ? head + ' ' + text : '')) return;
    target.className = grave ? 'notice error' : 'notice';
    target.replaceChildren(...(head ? [b, ' ' + text] : []));
  }

  function noticeOf(p) {
    if (p.state === 'no_node') return notice('No node answers.', 'Miners keep their last work, shares are still journaled, and found blocks are kept on disk until a node takes them. The log says why.', true);
    if (p.state === 'journal_broken') return notice('The share journal can’t be written.', 'The log says why.', true);
    if (p.state === 'database_away') return notice('The database is away.', 'Mining goes on: shares are journaled on disk and stored when it is back. Blocks are those last read.', false);
    return notice('', '', false);
  }

  function rates(p) {
    const largest = Math.max(...Object.values(p.hashrate));
    for (const [name, value] of Object.entries(p.hashrate)) {
      const cell = document.querySelector('[data-rate="' + name + '"]');
      if (!cell) continue;
      const [number, letter] = si(value);
      if (cell.textContent !== number + letter + 'H/s') {
        const unit = document.createElement('span');
        unit.className = 'unit';
        unit.textContent = letter + 'H/s';
        cell.replaceChildren(number, unit);
      }
      const bar = document.querySelector('[data-bar="' + name + '"]');
      bar.setAttribute('width', (largest > 0 ? 100 * value / largest : 0).toFixed(1) + '%');
    }
  }

  function shares(p) {
    const s = p.shares, all = s.accepted + s.rejected;
    figure('accepted', count(s.accepted));
    figure('rejected', count(s.rejected));
    figure('rejected_part', percent(s.rejected, all));
    figure('stored', known(s.stored, count));
    figure('pending', count(s.pending));
    for (const [reason, number] of Object.entries(s.rejects)) {
      const row = document.querySelector('[data-reason="' + reason + '"]');
      if (!row) continue;
      row.hidden = number === 0;
      show(row.cells[1], count(number));
      quietly(row.cells[2], percent(number, all));
    }
  }

  function chain(p) {
    figure('height', known(p.height, count));
    figure('tip', known(p.tip, (hash) => shorten(hash, 0, 16)));
    document.querySelector('[data-f="tip"]').title = p.tip || '';
    figure('network_difficulty', known(p.network_difficulty, difficulty));
    figure('network_hashrate', known(p.network_hashrate, hashrate));
    figure('coinbase', known(p.coinbase_sats, btc));
    figure('template_transactions', known(p.template_transactions, count));
    figure('latency', known(p.notify_latency_us, latency));
    figure('best_share', p.best_share_difficulty > 0 ? difficulty(p.best_share_difficulty) : UNKNOWN);
  }

  function part(name, tagClass, state, detail) {
    const tag = byId(name + '-tag');
    tag.className = 'tag ' + tagClass;
    quietly(tag, state);
    quietly(document.querySelector('[data-f="' + name + '_detail"]'), detail || '');
  }

  function status(p) {
    const node = p.node, database = p.database, journal = p.journal;
    if (p.state !== 'starting') part('node', node.connected ? '' : 'bad', node.connected ? 'On the tip' : 'No answer', node.connected ? node.version : node.error);
    const tried = p.shares.stored !== null;
    part('database', database.connected ? '' : tried ? 'warn' : 'off', database.connected ? 'Connected' : tried ? 'Away' : 'Not tried yet',
      database.connected ? plural(p.shares.stored, 'share') + ' stored' : database.error);
    const open = journal.writable || journal.error !== null;
    part('journal', journal.writable ? '' : open ? 'bad' : 'off', journal.writable ? 'Writing' : open ? 'Can’t write' : 'Not open yet',
      journal.writable ? (journal.fsyncs > 0 ? 'last fsync ' + latency(journal.last_fsync_us) : '') : journal.error);
  }

  /* --- blocks --- */

  const STATUS = { submitted: ['part', 'Submitted'], accepted: ['', 'Accepted'], rejected: ['bad', 'Rejected'], confirmed: ['', 'Confirmed'], orphaned: ['warn', 'Orphaned'] };

  function cell(name, className, ...content) {
    const out = document.createElement(name);
    if (className) out.className = className;
    out.append(...content);
    return out;
  }

  function titled(name, className, text, title) {
    const out = cell(name, className, text);
    out.title = title;
    return out;
  }

  const CONFIRMATIONS_WANTED = 100;  // then the coinbase can be spent

  // Class, label and title of a block's tag.
  function blockTag(block) {
    let [tagClass, label] = STATUS[block.status] || ['off', block.status];
    let title = block.detail;
    if (block.status === 'accepted' && block.confirmations !== null) {
      tagClass = 'part';
      label = Math.min(Math.max(block.confirmations, 0), CONFIRMATIONS_WANTED) + ' of ' + CONFIRMATIONS_WANTED;
      title = 'In the chain; its coinbase can be spent in ' + plural(Math.max(block.matures_in || 0, 0), 'block');
    } else if (block.status === 'accepted') title = 'A node took it; not seen in the chain yet';
    else if (block.status === 'confirmed') title = 'In the chain; its coinbase can be spent';
    else if (block.status === 'orphaned') title = 'The chain goes another way, for now or for good';
    else if (block.status === 'submitted' && !block.detail) title = 'No node has answered yet';
    const answers = block.submissions.map((s) => '\n' + s.node + ': ' + s.answer + (s.detail ? ', ' + s.detail : ''));
    return [tagClass, label, title + answers.join('')];
  }

  function blockRow(block) {
    const [tagClass, label, title] = blockTag(block);
    const utc = block.time.slice(0, 19);
    const time = titled('time', '', utc, utc.replace('T', ' ') + ' UTC');
    time.dateTime = utc + 'Z';
    const height = cell('th', '', count(block.height));
    height.scope = 'row';
    return cell('tr', '', height, cell('td', '', titled('span', 'tag ' + tagClass, label, title)), cell('td', '', time),
      cell('td', 'num', btc(block.reward_sats)),
      cell('td', '', titled('code', '', shorten(block.address, 8, 4), block.address), ' ', cell('span', 'faint', block.worker)),
      cell('td', '', titled('code', '', shorten(block.hash, 0, 12), block.hash)));
  }

  let blocksSeen = '';
  async function readBlocks(p) {
    const now = JSON.stringify([p.blocks_version, p.blocks, p.database.connected]);
    if (now === blocksSeen) return;
    const answer = await fetch('/api/v1/blocks', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
    if (!answer.ok) return;  // the database is away: the last rows stay
    const read = await answer.json();
    blocksSeen = now;
    const statuses = Object.entries(read.by_status).filter(([, n]) => n > 0);
    quietly(byId('blocks-note'), statuses.map(([name, n]) => count(n) + ' ' + name).join(', '));
    if (read.blocks.length > 0) byId('block-rows').replaceChildren(...read.blocks.slice(0, BLOCKS_SHOWN).map(blockRow));
    localTimes(byId('block-rows'));
  }

  /* --- keeping it alive --- */

  let lastAnswer = Date.now();
  function live(p) {
    lastAnswer = Date.now();
    delete document.body.dataset.live;
    document.body.dataset.state = p.state;
    quietly(byId('live'), 'Live');
    quietly(document.querySelector('[data-f="uptime"]'), duration(p.uptime_seconds));
    document.title = 'Phasepool: ' + (p.node.connected ? hashrate(p.hashrate['5m']) + ', on the tip at ' + known(p.height, count) : p.state.replaceAll('_', ' '));
  }

  function lost() {
    document.body.dataset.live = 'lost';
    quietly(byId('live'), 'Not live');
    notice('Not live.', 'The pool has not answered for ' + duration(Math.round((Date.now() - lastAnswer) / 1000)) + '; trying again every few seconds. The figures are the last known.', false);
  }

  async function poll() {
    try {
      const answer = await fetch('/api/v1/pool', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error('status ' + answer.status);
      const p = await answer.json();
      live(p);
      sentence(sentenceOf(p));
      noticeOf(p);
      rates(p);
      shares(p);
      chain(p);
      status(p);
      figure('miners', count(p.miners));
      figure('workers', count(p.workers));
      figure('connections', count(p.connections));
      await readBlocks(p);
    } catch {
      lost();
    }
    setTimeout(poll, POLL_MS);
  }

  /* --- controls --- */

  byId('theme').addEventListener('click', () => {
    const root = document.documentElement;
    const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = isDark ? 'light' : 'dark';
    try { localStorage.setItem('theme', root.dataset.theme); } catch { /* storage refused: for this page only */ }
  });

  for (const button of document.querySelectorAll('[data-copy]')) {
    button.addEventListener('click', async () => {
      const code = byId(button.dataset.copy);
      const label = button.firstChild;
      try {
        await navigator.clipboard.writeText(code.textContent);
        label.textContent = 'Copied';
      } catch {  // no clipboard on plain HTTP: select it, so that one key does it
        getSelection().selectAllChildren(code);
        label.textContent = 'Selected';
      }
      setTimeout(() => { label.textContent = 'Copy'; }, 1500);
    });
  }

  localTimes(document);
  poll();
})();
