// Answers of the API: a busy database is asked again, a refusal is told in the API's words.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { read } from '../../../web/js/read.js';

// Answers in turn; what was asked for is kept.
function answering(...answers) {
  const asked = [];
  globalThis.fetch = async (path) => {
    asked.push(path);
    const [status, body] = answers[Math.min(asked.length, answers.length) - 1];
    return { ok: status === 200, status, json: async () => { if (body === undefined) throw new Error('no JSON'); return body; } };
  };
  return asked;
}

test('an answer is its JSON', async () => {
  const asked = answering([200, { a: 1 }]);
  assert.deepEqual(await read('/x'), { a: 1 });
  assert.deepEqual(asked, ['/x']);
});

test('503 is asked again, twice at most, each time later', async (t) => {
  const waits = [], real = globalThis.setTimeout;
  globalThis.setTimeout = (go, ms) => { waits.push(ms); queueMicrotask(go); };
  t.after(() => { globalThis.setTimeout = real; });
  let asked = answering([503], [200, 'there']);
  assert.equal(await read('/x'), 'there');
  assert.deepEqual([asked.length, waits.splice(0)], [2, [1500]]);

  asked = answering([503, { error: { message: 'the database is away' } }]);
  await assert.rejects(read('/y'), /^Error: the database is away$/);
  assert.deepEqual([asked.length, waits], [3, [1500, 3000]]);
});

test('what is refused is told in the API’s words, else by its status', async () => {
  const asked = answering([404, { error: { message: 'no such block' } }]);
  await assert.rejects(read('/x'), /^Error: no such block$/);
  assert.equal(asked.length, 1);
  answering([500]);
  await assert.rejects(read('/x'), /^Error: status 500$/);
});
