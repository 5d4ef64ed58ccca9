/* COH1: replay and verification of one coherence attempt, bit for bit.
 *
 * Integers only. Every product stays below 2^53, so a plain JavaScript number is exact; a product taken
 * modulo 2^32 goes through Math.imul; BigInt is used where the spec needs more than 53 bits.
 *
 * SHA-256 is written out because crypto.subtle does not exist on a page served over plain HTTP from
 * anything but localhost, which is how most people will reach their own pool.
 *
 * Nothing of the page is known here, so that it runs in a worker and in node too. Section numbers are those of
 * docs/coherence.md.
 */

// --- Constants (sections 1, 5, 7, 8, 11) -------------------------------------------------------------

const N = 63;
const ROUNDS = 15127;
const NEED = 7;
const FULL_R2 = 1040449536;      // r = 1
const COHERENT_R2 = 780337152;   // r = z_c, the square root of 3/4
const MIN_BLOOM_RQ = 56755;
const THRESHOLD_BITS = 0x3f5db3d7;
const CERTIFICATE_SIZE = 332;

const KAPPA = [2283, 2164, 2051, 1944, 1843, 1747];
const WORK = [1346, 3085, 13312, 110500, 1162000, 15100000];

const FREQUENCY_HALF = [
  210844, 422742, 636766, 854035, 1075732, 1303137, 1537653, 1780846, 2034492, 2300630, 2581639,
  2880328, 3200060, 3544915, 3919917, 4331336, 4787128, 5297563, 5876152, 6541062, 7317336, 8240515,
  9362821, 10764273, 12574079, 15015355, 18509470, 23959270, 33712032, 56374246, 169403749];

const GATE = [
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 7, 13, 24, 42, 70, 112, 173, 260, 380, 541, 750, 1015,
  1344, 1743, 2214, 2760, 3378, 4063, 4808, 5599, 6423, 7262, 8098, 8910, 9678, 10384, 11009, 11539,
  11962, 12269, 12454, 12516, 12458, 12284, 12004, 11627, 11166, 10635, 10048, 9420, 8764, 8093, 7420,
  6755, 6108, 5486, 4895, 4341, 3825];

const ARCTAN = [
  536870912, 316933406, 167458907, 85004756, 42667331, 21354465, 10679838, 5340245, 2670163, 1335087,
  667544, 333772, 166886, 83443, 41722, 20861, 10430, 5215];

const FREQUENCY = new Int32Array(N);
FREQUENCY_HALF.forEach((turn, i) => {
  FREQUENCY[32 + i] = turn;
  FREQUENCY[30 - i] = -turn;
});

// --- Arithmetic (sections 1, 6, 7) -------------------------------------------------------------------

const mr = (a, b) => (a * b + 16384) >> 15;
const s16 = (x) => (x << 16) >> 16;

function icos(x) {
  const y = 16384 - Math.abs(s16(x));
  const v = 2 * mr(y, y);
  return mr(y, 25727 - mr(v, 21030 - mr(v, 4690)));
}

const isin = (x) => icos((x - 16384) & 0xffff);

// All 65536 cosines once: the table holds what icos returns, so looking up changes no bit.
const COS = new Int16Array(65536);
for (let x = 0; x < 65536; x++) COS[x] = icos(x);

const gains = (level) => Int32Array.from(GATE, (e) => KAPPA[level] + mr(KAPPA[level], e));

// --- SHA-256 -----------------------------------------------------------------------------------------

const SHA_H = Uint32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);

const SHA_K = Uint32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2);

function sha256(message) {
  const length = message.length;
  const padded = new Uint8Array(((length + 72) >> 6) << 6);
  padded.set(message);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(length / 0x20000000));
  view.setUint32(padded.length - 4, length << 3);

  const h = Uint32Array.from(SHA_H);
  const w = new Uint32Array(64);
  const ror = (x, n) => (x >>> n) | (x << (32 - n));
  for (let offset = 0; offset < padded.length; offset += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(offset + 4 * i);
    for (let i = 16; i < 64; i++) {
      const a = w[i - 15], b = w[i - 2];
      w[i] = w[i - 16] + (ror(a, 7) ^ ror(a, 18) ^ (a >>> 3)) + w[i - 7] + (ror(b, 17) ^ ror(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, k] = h;
    for (let i = 0; i < 64; i++) {
      const t1 = (k + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & f) ^ (~e & g)) + SHA_K[i] + w[i]) | 0;
      const t2 = ((ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      k = g; g = f; f = e; e = (d + t1) | 0;
      d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, k].forEach((x, i) => { h[i] += x; });
  }
  const out = new Uint8Array(32);
  const outView = new DataView(out.buffer);
  h.forEach((x, i) => outView.setUint32(4 * i, x));
  return out;
}

const sha256d = (message) => sha256(sha256(message));

// --- Bytes -------------------------------------------------------------------------------------------

const toHex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');

function fromHex(text) {
  if (!/^([0-9a-f]{2})*$/i.test(text)) throw new Error('not a hexadecimal string');
  return Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));
}

// concat(bytes, ['u32', x], ['u64', x], …): little-endian, in order.
function concat(...parts) {
  const chunks = parts.map((part) => {
    if (part instanceof Uint8Array) return part;
    const [type, value] = part;
    const chunk = new Uint8Array(type === 'u64' ? 8 : 4);
    const view = new DataView(chunk.buffer);
    if (type === 'u64') view.setBigUint64(0, BigInt(value), true);
    else view.setUint32(0, value, true);
    return chunk;
  });
  const out = new Uint8Array(chunks.reduce((sum, c) => sum + c.length, 0));
  let at = 0;
  for (const chunk of chunks) { out.set(chunk, at); at += chunk.length; }
  return out;
}

const littleEndian = (bytes) => BigInt('0x' + toHex(Uint8Array.from(bytes).reverse()));

// --- Nonce schedule (section 3) ----------------------------------------------------------------------

// L_n modulo 2^32 by doubling: L_2n = L_n^2 - 2(-1)^n, L_2n+1 = L_n L_n+1 - (-1)^n.
function lucas(n) {
  let a = 2, b = 1, odd = 0;
  for (let bit = 31; bit >= 0; bit--) {
    const sign = odd ? -1 : 1;
    const double = Math.imul(a, a) - 2 * sign;
    const next = Math.imul(a, b) - sign;
    const after = Math.imul(b, b) + 2 * sign;
    odd = (n >>> bit) & 1;
    if (odd) { a = next | 0; b = after | 0; }
    else { a = double | 0; b = next | 0; }
  }
  return a >>> 0;
}

function nonceOf(attempt) {
  const a = BigInt.asUintN(64, BigInt(attempt));
  const golden = Number(BigInt.asUintN(64, a * 0x9e3779b97f4a7c15n) >> 32n);
  return (lucas(lucas(Number(a % 24n))) ^ golden) >>> 0;
}

// --- Seed and first phases (section 4) ---------------------------------------------------------------

const TAG = Uint8Array.from('COH1seed', (c) => c.charCodeAt(0));

const headerOf = (job) => concat(job.header76, ['u32', nonceOf(job.attempt)]);

const seedOf = (job) =>
  sha256d(concat(TAG, headerOf(job), ['u64', job.extranonce], ['u64', job.attempt], ['u32', job.params]));

function phasesOf(seed) {
  const theta = new Uint32Array(N);
  for (let block = 0; block < 8; block++) {
    const view = new DataView(sha256(concat(seed, ['u32', block])).buffer);
    for (let i = 0; i < 8 && 8 * block + i < N; i++) theta[8 * block + i] = view.getUint32(4 * i, true);
  }
  return theta;
}

// --- State and step (sections 8, 9) ------------------------------------------------------------------

function observe(theta) {
  let c = 0, s = 0;
  for (let i = 0; i < N; i++) {
    const x = theta[i] >>> 16;
    c += COS[x];
    s += COS[(x - 16384) & 0xffff];
  }
  c >>= 4;
  s >>= 4;
  return { C: c, S: s, R2: c * c + s * s };
}

function step(theta, state, gain) {
  const g = gain[state.R2 >> 24];
  const a = mr(g, state.S), b = mr(g, state.C);
  for (let i = 0; i < N; i++) {
    const x = theta[i] >>> 16;
    const noise = s16(Math.imul(theta[i] & 0xffff, 0x9e37));
    theta[i] = theta[i] + FREQUENCY[i] + a * COS[x] - b * COS[(x - 16384) & 0xffff] + noise * 1024;
  }
}

// --- Encodings (section 11) --------------------------------------------------------------------------

function isqrt(value) {
  let x = BigInt(Math.floor(Math.sqrt(Number(value))));
  while (x * x > value) x--;
  while ((x + 1n) * (x + 1n) <= value) x++;
  return x;
}

function rq(state) {
  const r = Number(isqrt((BigInt(state.R2) << 32n) / BigInt(FULL_R2)));
  return Math.min(r, 65535);
}

function psiq(state) {
  let x = 8192 * state.C, y = 8192 * state.S, z = 0;
  if (x < 0) { x = -x; y = -y; z = 0x80000000; }
  for (let k = 0; k < 18; k++) {
    const dx = y >> k, dy = x >> k;
    if (y >= 0) { x += dx; y -= dy; z += ARCTAN[k]; }
    else { x -= dx; y += dy; z -= ARCTAN[k]; }
  }
  return ((z + 32768) >>> 0) >>> 16;
}

function floatBits(q) {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, q / 65536);
  return view.getUint32(0);
}

function encodeCertificate(bloom) {
  const words = [bloom.start, bloom.end, N, THRESHOLD_BITS, NEED, NEED];
  bloom.rq.forEach((q) => words.push(floatBits(q)));
  bloom.psiq.forEach((q) => words.push(floatBits(q)));
  bloom.theta.forEach((phase) => words.push(phase));
  return concat(...words.map((word) => ['u32', word]));
}

function decodeCertificate(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
  return {
    start: words[0], end: words[1], count: words[2], threshold: words[3], need: words[4], states: words[5],
    r: words.slice(6, 13), psi: words.slice(13, 20), theta: words.slice(20),
  };
}

// --- One attempt (sections 2, 10) ------------------------------------------------------------------------

const knownParams = (params) => params >>> 16 === 1 && (params & 0xffff) < KAPPA.length;

/* job: { header76: Uint8Array, extranonce, attempt: BigInt or number, params }.
 * onState(t, theta, state), when given, sees every state. Returns the bloom, or null for a void attempt. */
function replay(job, onState) {
  if (!knownParams(job.params)) throw new Error('unknown parameters');
  const gain = gains(job.params & 0xffff);
  const seed = seedOf(job);
  const theta = phasesOf(seed);
  const last = [];
  let run = 0;
  for (let t = 0; ; t++) {
    const state = observe(theta);
    if (onState) onState(t, theta, state);
    run = state.R2 >= COHERENT_R2 ? run + 1 : 0;
    last.push(state);
    if (last.length > NEED) last.shift();
    if (run === NEED) return sealBloom(job, seed, t, last, theta);
    if (t === ROUNDS - 1) return null;
    step(theta, state, gain);
  }
}

function sealBloom(job, seed, end, states, theta) {
  const bloom = {
    seed, start: end - NEED + 1, end,
    rq: states.map(rq), psiq: states.map(psiq), theta: Uint32Array.from(theta),
  };
  bloom.certificate = encodeCertificate(bloom);
  bloom.certHash = sha256(bloom.certificate);
  bloom.header92 = concat(headerOf(job),
    ['u32', floatBits(bloom.rq[NEED - 1])], ['u32', floatBits(bloom.psiq[NEED - 1])], ['u32', N]);
  bloom.workHash = sha256d(concat(['u32', lucas(nonceOf(job.attempt))], bloom.header92, bloom.certHash));
  return bloom;
}

// --- Verification (section 13) -----------------------------------------------------------------------

const sameBytes = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

/* record: a job plus { certificate, certHash, workHash: Uint8Array, target: BigInt }.
 * Nothing in the record is believed: all of it is computed again from the job and compared.
 * Returns { ok, checks: [{ name, ok, detail }], bloom }. */
function verify(record, onState) {
  const checks = [];
  const check = (name, ok, detail) => { checks.push({ name, ok, detail }); return ok; };

  if (!check('parameters', knownParams(record.params) && record.header76.length === 76, `0x${hex32(record.params)}`)) {
    return { ok: false, checks, bloom: null };
  }
  const bloom = replay(record, onState);
  check('bloom', bloom !== null,
    bloom ? `first ${NEED} coherent states in a row: ${bloom.start} to ${bloom.end}`
      : `none among ${ROUNDS} states`);
  if (bloom === null || record.certificate.length !== CERTIFICATE_SIZE) {
    check('certificate', false, `${record.certificate.length} bytes`);
    return { ok: false, checks, bloom };
  }

  const claimed = decodeCertificate(record.certificate);
  const computed = decodeCertificate(bloom.certificate);
  check('interval', ['start', 'end', 'count', 'threshold', 'need', 'states'].every((k) => claimed[k] === computed[k]),
    `claims ${claimed.start} to ${claimed.end}`);

  const order = claimed.r.findIndex((x, i) => x !== computed.r[i] || claimed.psi[i] !== computed.psi[i]);
  check('order', order < 0, order < 0 ? `${NEED} of ${NEED} equal` : `state ${bloom.start + order} differs`);

  const wrong = claimed.theta.findIndex((x, i) => x !== computed.theta[i]);
  check('phases', wrong < 0, wrong < 0 ? `${N} of ${N} equal`
    : `oscillator ${wrong}: ${hex32(claimed.theta[wrong])} is not ${hex32(computed.theta[wrong])}`);

  check('certificate hash', sameBytes(record.certHash, bloom.certHash) && sameBytes(sha256(record.certificate), bloom.certHash),
    toHex(bloom.certHash));
  check('work hash', sameBytes(record.workHash, bloom.workHash), toHex(bloom.workHash));
  check('target', littleEndian(bloom.workHash) < record.target, 'work hash below the target');
  return { ok: checks.every((c) => c.ok), checks, bloom };
}

const hex32 = (x) => x.toString(16).padStart(8, '0');

export const COH1 = Object.freeze({
  N, ROUNDS, NEED, FULL_R2, COHERENT_R2, MIN_BLOOM_RQ, KAPPA, WORK, FREQUENCY,
  mr, icos, isin, gains, sha256, sha256d, toHex, fromHex, concat, littleEndian,
  lucas, nonceOf, headerOf, seedOf, phasesOf, observe, step, rq, psiq, floatBits,
  encodeCertificate, decodeCertificate, replay, verify,
});
