/* The verdict on a block's page: its proof record, fetched and checked here. */
import { verifyBlock } from './block_proof.js';
import { read } from './read.js';

const OK = 'M9 15.5l4.2 4.2L21.5 11', NO = 'M10 10l10 10M20 10L10 20';

function cell(row, name, text, className) {
  const element = document.createElement(name);
  if (name === 'th') element.scope = 'row';
  if (className) element.className = className;
  element.textContent = text;
  row.append(element);
  return element;
}

export function showChecks(body, checks, words) {
  body.replaceChildren(...checks.map((check) => {
    const row = document.createElement('tr');
    cell(row, 'th', check.name);
    const tag = document.createElement('span');
    tag.className = check.ok ? 'tag' : 'tag bad';
    tag.textContent = words?.(check) ?? (check.ok ? 'Equal' : 'Differs');
    cell(row, 'td', '').append(tag);
    cell(row, 'td', check.detail, `wrap soft${/hash|block/i.test(check.name) ? ' mono' : ''}`);
    return row;
  }));
}

export function startBlockVerdict() {
  const box = document.getElementById('block-verdict');
  if (!box || box.closest('[hidden]')) return;
  const output = box.querySelector('output'), word = output.querySelector('span'), glyph = box.querySelector('.glyph');
  const tamper = document.getElementById('block-tamper');
  let record = null, tampered = false;
  const show = () => {
    const subject = tampered ? { ...record, coinbase: record.coinbase.slice(0, 90) + (parseInt(record.coinbase[90], 16) ^ 1).toString(16) + record.coinbase.slice(91) } : record;
    const started = performance.now();
    const result = verifyBlock(subject);
    document.getElementById('block-timing').textContent = `computed in ${(performance.now() - started).toFixed(1)} ms`;
    box.firstElementChild.classList.toggle('refused', !result.ok);
    word.textContent = result.ok ? 'Verified here' : 'Refused';
    glyph.setAttribute('d', result.ok ? OK : NO);
    showChecks(box.querySelector('tbody'), result.checks, (check) => (check.name === 'Below the target' || check.name === 'In the block' ? (check.ok ? 'Yes' : 'No') : null));
  };
  tamper.addEventListener('click', () => {
    if (!record) return;
    tampered = !tampered;
    tamper.setAttribute('aria-pressed', String(tampered));
    tamper.textContent = tampered ? 'Restore the coinbase' : 'Flip one bit of the coinbase';
    show();
  });
  read(box.dataset.proof)
    .then((body) => { record = body; show(); })
    .catch((error) => {
      word.textContent = `The record can’t be read: ${error.message}`;
      glyph.setAttribute('d', '');
      tamper.hidden = true;
    });
}
