// Block records: Bitcoin's first block and one with a branch, and what is refused of them.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readCoinbase, targetOf, verifyBlock } from '../../../web/js/block_proof.js';
import { COH1 } from '../../../web/js/coh1.js';

const hex = COH1.toHex;

// Bitcoin mainnet, height 0 (the genesis block): header and coinbase as in bitcoin/bitcoin, chainparams.cpp.
const GENESIS = {
  header: '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c',
  coinbase: '01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000',
  hash: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f',
  merkle_branch: [], height: 486604799, reward_sats: 5000000000,
};
const failed = (result) => result.checks.filter((check) => !check.ok).map((check) => check.name);

test('the genesis block: hash, target, root and reward (before BIP34 its script says no height)', () => {
  const result = verifyBlock(GENESIS);
  assert.deepEqual(failed(result), []);
  assert.match(result.checks.find((check) => check.name === 'Block hash').detail, /^000000000019d668/);
});

/* A block of our own at the easiest target, with a branch of three steps. */
function mined() {
  const script = [0x03, 0x40, 0x0d, 0x03, 0x2f, 0x70, 0x2f];
  const coinbase = COH1.concat(['u32', 2], Uint8Array.of(1), new Uint8Array(32), ['u32', 0xffffffff], Uint8Array.of(script.length), Uint8Array.from(script),
    ['u32', 0xffffffff], Uint8Array.of(2), ['u64', 312500000n], Uint8Array.of(1, 0x51), ['u64', 1234n], Uint8Array.of(0), ['u32', 0]);
  const branch = [1, 2, 3].map((fill) => new Uint8Array(32).fill(fill));
  let root = COH1.sha256d(coinbase);
  for (const step of branch) root = COH1.sha256d(COH1.concat(root, step));
  for (let nonce = 0; ; nonce++) {
    const header = COH1.concat(['u32', 0x20000000], new Uint8Array(32).fill(7), root, ['u32', 1700000000], ['u32', 0x207fffff], ['u32', nonce]);
    const hash = COH1.sha256d(header);
    if (hash[31] >= 0x7f) continue;
    return { header: hex(header), coinbase: hex(coinbase), hash: hex(Uint8Array.from(hash).reverse()), merkle_branch: branch.map(hex), height: 200000, reward_sats: 312501234 };
  }
}

test('a block with a branch verifies', () => assert.deepEqual(verifyBlock(mined()), { ...verifyBlock(mined()), ok: true }));

test('each flipped bit is refused, by the check that it concerns', () => {
  const record = mined();
  const flipped = (name, at) => ({ ...record, [name]: record[name].slice(0, at) + (parseInt(record[name][at], 16) ^ 1).toString(16) + record[name].slice(at + 1) });
  for (let at = 0; at < record.header.length; at += 7) assert.ok(failed(verifyBlock(flipped('header', at))).includes('Block hash'), `header ${at}`);
  for (let at = 0; at < record.coinbase.length; at += 11) assert.equal(verifyBlock(flipped('coinbase', at)).ok, false, `coinbase ${at}`);
  assert.deepEqual(failed(verifyBlock({ ...record, merkle_branch: record.merkle_branch.slice(1) })), ['In the block']);
  assert.deepEqual(failed(verifyBlock({ ...record, height: 200001 })), ['Height']);
  assert.deepEqual(failed(verifyBlock({ ...record, reward_sats: 312501235 })), ['Reward']);
  assert.deepEqual(failed(verifyBlock({ ...record, hash: `1${record.hash.slice(1)}` })), ['Block hash']);
});

test('what is no record is refused in words', () => {
  for (const bad of [{}, { header: 'zz', coinbase: '' }, { ...mined(), coinbase: '0100' }, { ...mined(), header: '00' }, { ...mined(), merkle_branch: null }]) {
    const result = verifyBlock(bad);
    assert.equal(result.ok, false);
    assert.notEqual(failed(result).length, 0);
  }
});

test('targets as Bitcoin Core reads them (its arith_uint256 tests)', () => {
  assert.equal(targetOf(0x1d00ffff), 0xffffn << 208n);
  assert.equal(targetOf(0x207fffff), 0x7fffffn << 232n);
  assert.equal(targetOf(0x05009234), 0x92340000n);
  assert.equal(targetOf(0x03123456), 0x123456n);
  assert.equal(targetOf(0x01123456), 0x12n);
  assert.equal(targetOf(0x04923456), null);  // negative
  assert.equal(targetOf(0xff123456), null);  // too large
  assert.equal(targetOf(0), null);
});

test('a coinbase tells its height in each form of BIP34', () => {
  const coinbase = (script) => COH1.concat(['u32', 2], Uint8Array.of(1), new Uint8Array(32), ['u32', 0xffffffff], Uint8Array.of(script.length), Uint8Array.from(script),
    ['u32', 0], Uint8Array.of(1), ['u64', 5n], Uint8Array.of(0), ['u32', 0]);
  assert.deepEqual(readCoinbase(coinbase([0x51, 0])), { height: 1, reward: 5n });
  assert.deepEqual(readCoinbase(coinbase([0x60, 0])), { height: 16, reward: 5n });
  assert.equal(readCoinbase(coinbase([0x01, 0x11])).height, 17);
  assert.equal(readCoinbase(coinbase([0x02, 0xe8, 0x03])).height, 1000);
  assert.equal(readCoinbase(coinbase([0x03, 0xa2, 0x27, 0x0d])).height, 862114);
});
