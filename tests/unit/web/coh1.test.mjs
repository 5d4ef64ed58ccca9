// Known answers of COH1 (docs/coherence.md) and what the browser's verifier refuses. Run: node --test tests/unit/web/*.test.mjs
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { COH1 } from '../../../web/js/coh1.js';

const hex = COH1.toHex;
const hex32 = (x) => x.toString(16).padStart(8, '0');

const KATS = [
  {
    name: 'KAT1',
    job: { header76: new Uint8Array(76), extranonce: 0n, attempt: 0n, params: 0x00010002 },
    nonce: 3, lucasOfNonce: 4,
    seed: 'a6ab0dc6086c183eaf7d02a0bc795286ae9914a173006043a6573938a6afce10',
    first: { 0: '196ae6fe', 1: '7826fcdb', 2: 'e4b30d45', 3: 'cf14a854', 62: 'a5534958' },
    states: {
      0: [1016, 1614, 3637252, 3874, 5860], 1: [1036, 1723, 4042025, 4084, 5647],
      2: [933, 1853, 4304098, 4215, 4865], 10: [1314, 1382, 3636520, 3874, 7929],
      100: [7265, -2727, 60216754, 15766, 20129], 1000: [20370, -9689, 508813621, 45829, 21015],
      5000: [20365, -13786, 604787021, 49965, 22591],
    },
    start: 5654, end: 5660, rq: [56911, 57387, 57410, 57672, 57835, 58243, 58321], psiEnd: 22086,
    last: { 0: '3dc785e1', 31: '58b0c9ed', 62: '2a00f511' },
    certHash: 'afe6871b2223869c5f02fb5f6dec794be40e16ff804d7e13d2047731eeefc1a7',
    rBits: '3f63d100', psiBits: '3eac8c00',
    workHash: 'c49efeb9cbaa2fce2261ca652993049a7e0571c651b4f2190cde7617129d840b',
  },
  {
    name: 'KAT2',
    job: {
      header76: Uint8Array.from({ length: 76 }, (_, i) => i),
      extranonce: 0x0123456789abcdefn, attempt: 1001n, params: 0x00010003,
    },
    nonce: 1722269591, lucasOfNonce: 2784820047,
    seed: '41dafed3701433f9750ef315b5a55115bd92573c65126f4374804d2fff7e2f33',
    first: { 0: '226c9ef8', 1: '834ef52b', 2: '64c92630', 3: 'c37ffd8f', 62: '004c1a39' },
    states: {
      0: [4993, -278, 25007333, 10160, 16964], 1: [5003, -154, 25053725, 10169, 16705],
      2: [5100, -130, 26026900, 10365, 16650], 10: [5248, -1043, 28629353, 10871, 18430],
      100: [7138, 1571, 53419085, 14849, 14124], 1000: [20171, -7702, 466190045, 43868, 20188],
      5000: [13067, -17754, 485951005, 44788, 26150],
    },
    start: 9419, end: 9425, rq: [56855, 57095, 57256, 57337, 57405, 57416, 57233], psiEnd: 29191,
    last: { 0: '2c485bb1', 31: '75336939', 62: '89e41e54' },
    certHash: 'f102162a89a3b9c000e7bcd02d0537ce344821f846cf265a68ba8d4486cdefb8',
    rBits: '3f5f9100', psiBits: '3ee40e00',
    workHash: '3facfffd5bcedbde7a24e76f04eeb8b4fe7736c4fc16e030f5c0e2e386e9a611',
  },
];

test('SHA-256 equals the platform\'s on every length across three blocks', () => {
  for (let n = 0; n < 200; n++) {
    const message = randomBytes(n);
    assert.equal(hex(COH1.sha256(message)), createHash('sha256').update(message).digest('hex'));
  }
});

test('cosine: values and digest of all 65536', () => {
  const points = { 0: 8192, 4096: 7569, 8192: 5793, 16384: 0, 32768: -8192, 40000: -6301, 65535: 8192 };
  for (const [x, y] of Object.entries(points)) assert.equal(COH1.icos(Number(x)), y);
  let digest = 0;
  for (let i = 0; i < 65536; i++) digest = (Math.imul(digest, 31) + (COH1.icos(i) & 0xffff)) >>> 0;
  assert.equal(hex32(digest), '9cad8ef8');
});

test('gain table of level 2', () => {
  const gain = COH1.gains(2);
  assert.deepEqual([0, 30, 46, 62].map((k) => gain[k]), [2051, 2224, 2834, 2323]);
});

test('Lucas numbers and the nonce schedule', () => {
  assert.deepEqual([4, 10, 47, 4294967295].map(COH1.lucas), [7, 123, 2348871583, 3238583700]);
  assert.deepEqual([0n, 1n, 2n, 3n, 24n, 1n << 63n].map((a) => hex32(COH1.nonceOf(a))),
    ['00000003', '9e3779b8', '3c6ef376', 'daa66d2b', 'd5336960', '0c00ef9f']);
});

for (const kat of KATS) {
  test(`${kat.name}: nonce, seed, first phases`, () => {
    assert.equal(COH1.nonceOf(kat.job.attempt), kat.nonce);
    assert.equal(COH1.lucas(kat.nonce), kat.lucasOfNonce);
    const seed = COH1.seedOf(kat.job);
    assert.equal(hex(seed), kat.seed);
    const theta = COH1.phasesOf(seed);
    for (const [i, word] of Object.entries(kat.first)) assert.equal(hex32(theta[i]), word);
  });

  test(`${kat.name}: states, bloom, certificate, work hash`, () => {
    const bloom = COH1.replay(kat.job, (t, theta, state) => {
      const want = kat.states[t];
      if (want) assert.deepEqual([state.S, state.C, state.R2, COH1.rq(state), COH1.psiq(state)], want);
    });
    assert.equal(bloom.start, kat.start);
    assert.equal(bloom.end, kat.end);
    assert.deepEqual(bloom.rq, kat.rq);
    assert.equal(bloom.psiq[6], kat.psiEnd);
    for (const [i, word] of Object.entries(kat.last)) assert.equal(hex32(bloom.theta[i]), word);
    assert.equal(bloom.certificate.length, 332);
    assert.equal(hex(bloom.certHash), kat.certHash);
    assert.equal(hex32(COH1.floatBits(bloom.rq[6])), kat.rBits);
    assert.equal(hex32(COH1.floatBits(bloom.psiq[6])), kat.psiBits);
    assert.equal(hex(bloom.workHash), kat.workHash);
  });

  test(`${kat.name}: verifies, and any flipped bit of the certificate is refused`, () => {
    const bloom = COH1.replay(kat.job);
    const record = { ...kat.job, certificate: bloom.certificate, certHash: bloom.certHash, workHash: bloom.workHash, target: 1n << 253n };
    assert.ok(COH1.verify(record).ok);
    for (let bit = 0; bit < 332 * 8; bit += 61) {
      const certificate = Uint8Array.from(bloom.certificate);
      certificate[bit >> 3] ^= 1 << (bit & 7);
      assert.ok(!COH1.verify({ ...record, certificate, certHash: COH1.sha256(certificate) }).ok, `bit ${bit}`);
    }
    assert.ok(!COH1.verify({ ...record, params: 0x00020002 }).ok);
    assert.ok(!COH1.verify({ ...record, attempt: record.attempt + 1n }).ok);
    assert.ok(!COH1.verify({ ...record, target: 1n << 200n }).ok);
    assert.ok(!COH1.verify({ ...record, certificate: bloom.certificate.slice(0, 100) }).ok);
  });
}
