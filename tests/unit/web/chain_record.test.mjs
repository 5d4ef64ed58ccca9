// What the API tells of a block of the proof chain, as the verifier wants it.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chainRecord } from '../../../web/js/chain_record.js';
import { COH1 } from '../../../web/js/coh1.js';

const job = { header76: Uint8Array.from({ length: 76 }, (_, i) => i), extranonce: 0x0123456789abcdefn, attempt: 1001n, params: 0x00010003 };

function detail() {
  const bloom = COH1.replay(job);
  return {
    height: 18401, header: COH1.toHex(job.header76), cert_hash: COH1.toHex(bloom.certHash),
    proof: {
      header92: COH1.toHex(bloom.header92), extranonce: '0123456789abcdef', attempt: '00000000000003e9', params: '00010003',
      target: `20${'00'.repeat(31)}`, certificate: COH1.toHex(bloom.certificate), work_hash: COH1.toHex(bloom.workHash),
    },
  };
}

test('a true proof verifies, with its numerals read as they are written', () => {
  const record = chainRecord(detail());
  assert.equal(record.attempt, 1001n);
  assert.equal(record.extranonce, job.extranonce);
  assert.equal(record.params, job.params);
  assert.equal(record.target, 1n << 253n);
  assert.equal(COH1.verify(record).ok, true);
});

test('a proof whose member is another one is refused', () => {
  for (const change of [{ attempt: '00000000000003ea' }, { params: '00010002' }, { extranonce: '0123456789abcdee' }, { target: '00'.repeat(31) + '01' },
    { work_hash: '00'.repeat(32) }, { certificate: '00'.repeat(332) }]) {
    const one = detail();
    assert.equal(COH1.verify(chainRecord({ ...one, proof: { ...one.proof, ...change } })).ok, false, JSON.stringify(change));
  }
  assert.equal(COH1.verify(chainRecord({ ...detail(), cert_hash: '00'.repeat(32) })).ok, false);
});
