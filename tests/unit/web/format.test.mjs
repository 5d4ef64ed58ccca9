// Figures, as the pool writes them too (tests/unit/pool/http/page_text_test.cpp reads the same vectors).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { formatAs, localTime, shorten, si, unitPieces } from '../../../web/js/format.js';

const vectors = JSON.parse(readFileSync(new URL('../vectors/format.json', import.meta.url), 'utf8'));

for (const { form, value, text } of vectors.rows) {
  test(`${form} of ${value}`, () => assert.equal(formatAs(form, value, vectors.now_us), text));
}

test('units stand apart from their figures', () => {
  for (const { figure, pieces } of vectors.units) assert.deepEqual(unitPieces(figure), pieces);
});

test('what is missing is a dash, whatever the form', () => {
  for (const form of ['count', 'hashrate', 'difficulty', 'btc', 'sats', 'percent', 'effort', 'duration', 'latency', 'ago', 'text']) {
    for (const missing of [null, undefined]) assert.equal(formatAs(form, missing, 0), '–');
  }
});

test('three digits never become four by rounding', () => {
  for (let exponent = -3; exponent < 24; exponent++) {
    for (const digits of [1, 9.994, 9.996, 99.94, 99.96, 999.4, 999.6]) {
      assert.match(si(digits * 10 ** exponent)[0], /^\d(\.\d\d?)?$|^\d\d(\.\d)?$|^\d{3,4}$|^0\.\d+$/);
    }
  }
});

test('times are the reader\'s', () => {
  const date = new Date(2024, 8, 5, 4, 7, 9);
  assert.equal(localTime(date, 'clock'), '04:07:09');
  assert.equal(localTime(date, 'minute'), '04:07');
  assert.equal(localTime(date, 'day'), '5 Sep, 04:07');
  assert.equal(localTime(date, 'full'), '5 Sep 2024, 04:07:09');
});

test('long texts keep both ends', () => {
  assert.equal(shorten('bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 8, 4), 'bc1qw508…f3t4');
  assert.equal(shorten('short', 3, 2), 'short');
});
