/* The bloom replay: shows what coh1.js computes. The pictures are of the states as they are computed here, never of
 * what a certificate claims. ?t=3210 &close &tamper=1 &verify &replay=HEIGHT open it in a state. */
import { showChecks } from './block_verdict.js';
import { chainRecord } from './chain_record.js';
import { COH1 as C } from './coh1.js';
import { read } from './read.js';
import { drawAll, firstShown, readColours, view } from './replay_pictures.js';

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const number = (n) => n.toLocaleString('en-US');

// --- Records: known answers of the specification, and blocks of the proof chain as the API tells them ----------

const { fromHex } = C;
function knownAnswer(name, job, certHash, workHash) {
  const record = { name, ...job, certHash: fromHex(certHash), workHash: fromHex(workHash), target: 1n << 253n };
  // The specification prints the hash of the certificate, not its 332 bytes: build them, and let the hash judge.
  record.certificate = C.replay(job).certificate;
  return record;
}

const KNOWN = [
  () => knownAnswer('Known answer 1, from the specification',
    { header76: new Uint8Array(76), extranonce: 0n, attempt: 0n, params: 0x00010002 },
    'afe6871b2223869c5f02fb5f6dec794be40e16ff804d7e13d2047731eeefc1a7',
    'c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b'),
  () => knownAnswer('Known answer 2, from the specification',
    { header76: Uint8Array.from({ length: 76 }, (_, i) => i), extranonce: 0x0123456789abcdefn, attempt: 1001n, params: 0x00010003 },
    'f102162a89a3b9c000e7bcd02d0537ce344821f846cf265a68ba8d4486cdefb8',
    '3facfffd5bcedbde7a24e76f04eeb8b4fe7736c4fc16e030f5c0e2e386e9a611'),
];

const fetched = new Map();  // by height
async function blockRecord(height) {
  if (!fetched.has(height)) {
    fetched.set(height, chainRecord(await read(`/api/v1/coherence/blocks/${height}`)));
  }
  return fetched.get(height);
}

// --- Verification, keeping every state for the pictures ---------------------------------------------------

let record = null;
let tampered = false;
view.close = query.has('close');

function verify(subject) {
  const phases = [], states = [];
  const started = performance.now();
  const bare = C.verify(subject);
  const took = performance.now() - started;
  C.replay(subject, (t, theta, state) => { phases.push(Uint32Array.from(theta)); states.push(state); });
  let streak = 0, longest = 0;
  const streaks = states.map((s) => {
    streak = s.R2 >= C.COHERENT_R2 ? streak + 1 : 0;
    return streak;
  });
  streaks.slice(0, -C.NEED).forEach((s) => { longest = Math.max(longest, s); });
  return { phases, states, streaks, longest, took, result: bare };
}

function damaged(subject) {
  const certificate = Uint8Array.from(subject.certificate);
  certificate[80 + 4 * 17 + 1] ^= 0x02;   // the phase of oscillator 17, bit 9
  return { ...subject, certificate };
}

const CHECKS = {
  parameters: 'Parameters known', bloom: 'First bloom found', interval: 'Claimed interval', order: 'Order and mean phase',
  phases: 'Final phases', 'certificate hash': 'Certificate hash', certificate: 'Certificate size', 'work hash': 'Work hash', target: 'Share target',
};
const wordOf = ({ name, ok }) => (name === CHECKS.target ? (ok ? 'Below' : 'Above') : name === CHECKS.parameters || name === CHECKS.bloom ? (ok ? 'Yes' : 'No') : null);

function show(subject) {
  view.run = verify(tampered ? damaged(subject) : subject);
  const { result } = view.run;
  const end = view.run.states.length - 1;
  $('which').textContent = subject.name;
  $('timing').textContent = `${number(view.run.states.length)} states of 63 oscillators computed in ${view.run.took.toFixed(1)} ms`;
  $('verdict').classList.toggle('refused', !result.ok);
  $('verdict-word').querySelector('span').textContent = result.ok ? 'Verified here' : 'Refused';
  $('glyph').setAttribute('d', result.ok ? 'M9 15.5l4.2 4.2L21.5 11' : 'M10 10l10 10M20 10L10 20');
  showChecks($('checks'), result.checks.map((check) => ({
    ...check, name: CHECKS[check.name],
    detail: check.name === 'bloom' && check.ok ? `${check.detail}; the longest streak before: ${view.run.longest}` : check.detail,
  })), wordOf);

  const sentence = $('verdict-sentence');
  sentence.replaceChildren();
  const strong = (text) => { const b = document.createElement('b'); b.textContent = text; return b; };
  if (result.ok) {
    sentence.append('63 oscillators fell into step at state ', strong(number(end)), '. ', strong('Verified here'), `: your browser computed all ${number(end + 1)} states again in `, strong(`${view.run.took.toFixed(1)} ms`), ', and every bit agrees.');
  } else {
    const first = result.checks.find((c) => !c.ok);
    sentence.append(strong('Refused'), ': the certificate is not what your browser computed. First difference: ', first.detail, '.');
  }
  if (subject.height !== undefined) markSeen(subject.height, result.ok);
  document.querySelectorAll('#chain tbody tr').forEach((row) => row.classList.toggle('pick', Number(row.dataset.height) === subject.height));

  $('scrub').max = end;
  view.sketch = null;
  seek(query.has('t') && !touched ? Number(query.get('t')) : end);
}

const verdicts = new Map();  // by height, for rows that are renewed
function markSeen(height, ok) {
  verdicts.set(height, ok);
  const tag = document.querySelector(`[data-seen="${height}"]`);
  if (!tag) return;
  tag.className = ok ? 'tag' : 'tag bad';
  tag.textContent = ok ? 'Verified here' : 'Refused';
}

function seek(t) {
  const end = view.run.states.length - 1;
  view.position = Math.max(0, Math.min(end, Math.round(t)));
  const state = view.run.states[view.position], streak = Math.min(C.NEED, view.run.streaks[view.position]);
  const r = C.rq(state) / 65536, psi = C.psiq(state) / 65536;
  $('scrub').value = view.position;
  $('scrub').setAttribute('aria-valuetext', `state ${view.position}, order ${r.toFixed(3)}, ${streak} of 7 in a row`);
  $('m-t').textContent = number(view.position);
  $('m-r').textContent = r.toFixed(4);
  $('m-psi').textContent = psi.toFixed(4);
  $('m-run').textContent = `${streak}/7`;
  [...$('lamps').children].forEach((lamp, i) => lamp.classList.toggle('on', i < streak));
  drawAll();
}

// --- Transport: nothing moves until asked -----------------------------------------------------------------

let playing = 0, touched = false;
function stop() {
  cancelAnimationFrame(playing);
  playing = 0;
  $('play').textContent = 'Play';
}
function play() {
  const end = view.run.states.length - 1;
  if (view.position >= end) seek(0);
  $('play').textContent = 'Pause';
  let last = performance.now(), exact = view.position;
  const frame = (now) => {
    const seconds = Number($('speed').value), rate = seconds ? end / seconds : 10;
    exact = Math.min(end, exact + Math.min(100, now - last) / 1000 * rate);
    last = now;
    seek(exact);
    if (view.position >= end) stop();
    else playing = requestAnimationFrame(frame);
  };
  playing = requestAnimationFrame(frame);
}
const manual = (t) => { stop(); touched = true; seek(t); };
$('play').addEventListener('click', () => { touched = true; if (playing) stop(); else play(); });
$('scrub').addEventListener('input', () => manual(Number($('scrub').value)));
$('back').addEventListener('click', () => manual(view.position - 1));
$('forth').addEventListener('click', () => manual(view.position + 1));
$('near').addEventListener('click', () => manual(view.run.states.length - 1));
const spanButtons = document.querySelectorAll('[data-close]');
function setClose(value) {
  view.close = value;
  view.sketch = null;
  spanButtons.forEach((b) => b.setAttribute('aria-pressed', String((b.dataset.close === '1') === view.close)));
  if (view.run) seek(view.position);
}
spanButtons.forEach((b) => b.addEventListener('click', () => setClose(b.dataset.close === '1')));
$('speed').addEventListener('change', () => { if (playing) { stop(); play(); } });
for (const id of ['trace', 'raster']) {
  const canvas = $(id);
  const pointed = (event) => {
    const box = canvas.getBoundingClientRect();
    const first = firstShown(), end = view.run.states.length - 1;
    manual(Math.max(first, first + (event.clientX - box.left - LEFT) / (box.width - LEFT - 12) * (end - first)));
  };
  canvas.addEventListener('pointerdown', (event) => { canvas.setPointerCapture(event.pointerId); pointed(event); });
  canvas.addEventListener('pointermove', (event) => { if (event.buttons) pointed(event); });
}

$('tamper').addEventListener('click', () => {
  tampered = !tampered;
  $('tamper').setAttribute('aria-pressed', String(tampered));
  $('tamper').textContent = tampered ? 'Restore the certificate' : 'Flip one bit of the certificate';
  stop();
  if (record) show(record);
});

const pick = $('pick');

/* The known answers, and the blocks that the table shows. */
function fillPick() {
  const heights = [...document.querySelectorAll('[data-replay]')].map((button) => button.dataset.replay);
  const wanted = ['known 0', 'known 1', ...heights];
  if ([...pick.options].map((option) => option.value).join() === wanted.join()) return;
  const chosen = pick.value;
  pick.replaceChildren(...heights.map((height) => new Option(`Proof chain block ${number(Number(height))}`, height)),
    new Option('Known answer 1, from the specification', 'known 0'), new Option('Known answer 2, from the specification', 'known 1'));
  if (wanted.includes(chosen)) pick.value = chosen;
}

let chosen = '';
async function choose(name) {
  stop();
  pick.value = chosen = name;
  try {
    const found = name.startsWith('known') ? KNOWN[Number(name.slice(6))]() : await blockRecord(Number(name));
    if (chosen !== name) return;
    record = found;
    show(record);
  } catch (error) {
    $('verdict-word').querySelector('span').textContent = `The proof can’t be read: ${error.message}`;
    if (!view.run) { pick.value = 'known 0'; record = KNOWN[0](); show(record); }
  }
}

async function verifyAll() {
  for (const button of document.querySelectorAll('[data-replay]')) {
    const height = Number(button.dataset.replay);
    try {
      markSeen(height, C.verify(await blockRecord(height)).ok);
    } catch {
      // stays as it is: not seen
    }
  }
}

// --- Start ------------------------------------------------------------------------------------------------

pick.addEventListener('change', () => choose(pick.value));
document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-replay]');
  if (!button) return;
  touched = true;
  choose(button.dataset.replay);
  $('h-replay').scrollIntoView({ block: 'start' });
});
$('all').addEventListener('click', verifyAll);
document.addEventListener('partsrenewed', () => {
  fillPick();
  verdicts.forEach((ok, height) => markSeen(height, ok));
});
readColours();
setClose(view.close);
document.addEventListener('themechange', () => { readColours(); view.sketch = null; if (view.run) seek(view.position); });
fillPick();
if (query.get('tamper') === '1') $('tamper').click();
// While the newest block is being read, the stage shows a known answer rather than nothing.
setTimeout(() => {
  if (view.run) return;
  record = KNOWN[0]();
  show(record);
}, 500);
choose(query.get('replay') ?? pick.options[0].value);
if (query.has('verify')) verifyAll();
let stageWidth = 0;
new ResizeObserver(([entry]) => {
  if (entry.contentRect.width === stageWidth) return;
  stageWidth = entry.contentRect.width;
  requestAnimationFrame(() => { if (view.run) seek(view.position); });
}).observe(document.querySelector('.stage'));
