/* A block's proof record, checked from its bytes alone: the header's hash and target, the coinbase, the branch from it
 * to the header's merkle root, the height and the reward that the coinbase itself tells. Pure. */
import { COH1 } from './coh1.js';

const { fromHex, toHex, sha256d, concat } = COH1;
const reversed = (bytes) => Uint8Array.from(bytes).reverse();
const display = (bytes) => toHex(reversed(bytes));
const numberOf = (bytes) => BigInt(`0x${display(bytes)}`);
const u32 = (bytes, at) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

/* The compact form of a target (the header's nbits); null where it is negative or too large. */
export function targetOf(nbits) {
  const size = nbits >>> 24, word = BigInt(nbits & 0x007fffff);
  if (nbits & 0x00800000) return null;
  const target = size <= 3 ? word >> BigInt(8 * (3 - size)) : word << BigInt(8 * (size - 3));
  return target > 0n && target < 1n << 256n ? target : null;
}

/* What a coinbase without witness tells: the height its script begins with, and what its outputs pay. */
export function readCoinbase(bytes) {
  let at = 4;
  const take = (size) => { if (at + size > bytes.length) throw new Error('the coinbase ends early'); at += size; return bytes.subarray(at - size, at); };
  const compact = () => {
    const first = take(1)[0];
    return first < 0xfd ? first : Number(numberOf(take(first === 0xfd ? 2 : first === 0xfe ? 4 : 8)));
  };
  const inputs = compact();
  const previous = take(36);
  if (inputs !== 1 || !previous.subarray(0, 32).every((b) => b === 0)) throw new Error('not a coinbase');
  const script = take(compact());
  take(4);
  let reward = 0n;
  const outputs = compact();
  for (let i = 0; i < outputs; i++) { reward += numberOf(take(8)); take(compact()); }
  take(4);
  if (at !== bytes.length) throw new Error('bytes after the coinbase');
  // BIP34: a push of the height; the first sixteen have opcodes of their own.
  const size = script[0];
  const height = size >= 0x51 && size <= 0x60 ? size - 0x50 : size === 0 ? 0 : size <= 8 ? Number(numberOf(script.subarray(1, 1 + size))) : null;
  return { height, reward };
}

/* { ok, checks: [{ name, ok, detail }] }; nothing in the record is believed. */
export function verifyBlock(record) {
  const checks = [];
  const check = (name, ok, detail) => { checks.push({ name, ok, detail }); return ok; };
  const done = () => ({ ok: checks.every((c) => c.ok), checks });
  try {
    const header = fromHex(record.header), coinbase = fromHex(record.coinbase);
    if (!check('Header', header.length === 80, `${header.length} of 80 bytes`)) return done();
    const hash = sha256d(header);
    check('Block hash', display(hash) === record.hash, display(hash));
    const target = targetOf(u32(header, 72));
    check('Below the target', target !== null && numberOf(hash) <= target, target === null ? 'no target' : `nbits ${u32(header, 72).toString(16).padStart(8, '0')}`);
    const txid = sha256d(coinbase);
    let node = txid;
    for (const branch of record.merkle_branch) node = sha256d(concat(node, fromHex(branch)));
    check('In the block', toHex(node) === toHex(header.subarray(36, 68)), `coinbase ${display(txid)}, ${record.merkle_branch.length} steps to the merkle root`);
    const told = readCoinbase(coinbase);
    check('Height', told.height === record.height, told.height === null ? 'not told' : `the coinbase says ${told.height}`);
    check('Reward', told.reward === BigInt(record.reward_sats), `the outputs pay ${told.reward} sats`);
  } catch (error) {
    check('Record', false, error.message);
  }
  return done();
}
