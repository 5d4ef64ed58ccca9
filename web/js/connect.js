/* The connect page: the reader's address goes into every command, so that what is copied works as it is.
 * Kept in this browser alone, for the next time; the pool is told nothing of it. */

/* What may stand in a payout address; a worker's name behind a dot is left out. */
export function addressIn(text) {
  return text.trim().split('.')[0].replace(/[^0-9A-Za-z]/g, '');
}

function kept(store) {
  try { return localStorage.getItem(store) ?? ''; } catch { return ''; }
}
function keep(store, text) {
  try { if (text) localStorage.setItem(store, text); else localStorage.removeItem(store); } catch { /* not kept */ }
}

export function startConnect(input) {
  const places = document.querySelectorAll('[data-address]'), own = document.getElementById('own-page'), note = document.getElementById('commands-note');
  const asked = note.textContent;
  const fill = () => {
    const address = addressIn(input.value);
    for (const place of places) place.textContent = address || input.dataset.example;
    own.href = address ? `/miner/${address}` : '/miner';
    note.textContent = address ? 'with your address in them' : asked;
    keep('address', address);
  };
  input.value = kept('address');
  input.addEventListener('input', fill);
  fill();
}
