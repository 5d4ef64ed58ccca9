// A worker's small trace.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { halfHours } from '../../../web/js/sparks.js';

test('a day of five minutes becomes forty-eight half hours, a step without a share being none', () => {
  const day = Array.from({ length: 288 }, (_, i) => (i < 6 ? 6 : i < 9 ? 4 : null));
  const traced = halfHours(day);
  assert.equal(traced.length, 48);
  assert.deepEqual(traced.slice(0, 3), [6, 2, 0]);
});

test('fewer steps than that stay as they are', () => {
  assert.deepEqual(halfHours([1, null, 3]), [1, 0, 3]);
  assert.deepEqual(halfHours([]), []);
});
