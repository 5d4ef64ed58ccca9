// What a chart shows of a series, and where its axes have their marks.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { lastKnown, rangeOf, scatterText, shownOf, timeLabels, timeSplits } from '../../../web/js/chart_scale.js';

const HOUR = 3600, DAY = 86400;
const series = (hashrate, shares = hashrate.map((v) => (v === null ? 0 : 100))) => ({ start: hashrate.map((_, i) => 1000 * i), hashrate, shares, step_seconds: 1000 });

test('a pool younger than the span begins a little before its first share', () => {
  const young = shownOf(series([...Array(90).fill(null), ...Array(10).fill(5)]));
  assert.equal(young.hashrate.length, 12);
  assert.deepEqual(young.hashrate.slice(0, 3), [null, null, 5]);
  assert.equal(young.middle[0], 88 * 1000 + 500);
  // A twentieth of what is shown, where that is more.
  assert.equal(shownOf(series([...Array(50).fill(null), ...Array(100).fill(5)])).hashrate.length, 105);
  // From the first step on where that has a share; all of it where none has.
  assert.equal(shownOf(series([1, null, 3])).hashrate.length, 3);
  assert.equal(shownOf(series([null, null])).hashrate.length, 2);
});

test('luck is a part of a step that shrinks with its shares, and no step falls below nothing', () => {
  const { above, below } = shownOf(series([8, 8, null, 8], [1, 100, 0, 0]));
  assert.deepEqual(above, [16, 8.8, null, 16]);
  assert.deepEqual(below, [0, 7.2, null, 0]);
});

test('scatter is said with two digits', () => {
  for (const [shares, text] of [[1, '100'], [2, '71'], [44, '15'], [100, '10'], [102, '9.9'], [10000, '1.0'], [1000000, '0.10']]) assert.equal(scatterText(shares), `${text}\u00a0%`);
});

test('the range holds the trace, and a scatter that is wilder than the trace does not squeeze it', () => {
  for (const values of [[5, 6, 7], [1, 100], [0, 3], [1e18, 1.1e18], [null, 4, null, 5]]) {
    const wild = values.map((v) => (v === null ? null : 50 * v)), none = values.map((v) => (v === null ? null : 0));
    const [low, high] = rangeOf(values, wild, none), known = values.filter((v) => v !== null);
    assert.ok(low <= Math.min(...known) && high >= Math.max(...known), String(values));
    assert.ok(low >= 0 && high < 1.4 * Math.max(...known), String(values));
  }
  assert.deepEqual(rangeOf([0, 0], [0, 0], [0, 0]), [0, 1]);
  // A steady trace is not drawn against zero, a lively one is.
  assert.ok(rangeOf([95, 100], [97, 102], [93, 98])[0] > 80);
  assert.equal(rangeOf([10, 100], [12, 104], [8, 96])[0], 0);
});

test('marks are at whole steps of the reader’s clock, no more of them than there is room for', () => {
  for (const [span, width] of [[12 * 60, 780], [6 * HOUR, 780], [DAY, 780], [DAY, 300], [7 * DAY, 780], [30 * DAY, 390], [365 * DAY, 780]]) {
    const min = 1795339184, max = min + span, splits = timeSplits({ width }, 0, min, max);
    assert.ok(splits.length >= 1 && splits.length <= width / 90 + 2, `${span}: ${splits.length}`);
    const step = (splits[1] ?? splits[0] + HOUR) - splits[0];
    assert.ok(splits.every((t, i) => t >= min && t <= max && (i === 0 || t - splits[i - 1] === step)));
    const local = (t) => t - new Date(min * 1000).getTimezoneOffset() * 60;
    assert.ok(splits.every((t) => local(t) % Math.min(step, DAY) === 0), `${span}: on the clock`);
  }
});

test('labels are hours within a day or so, days within months, else months', () => {
  const noon = new Date(2026, 10, 22, 12, 0).getTime() / 1000;
  assert.deepEqual(timeLabels(DAY)(null, [noon]), ['12:00']);
  assert.deepEqual(timeLabels(30 * DAY)(null, [noon]), ['22 Nov']);
  assert.deepEqual(timeLabels(365 * DAY)(null, [noon]), ['Nov 2026']);
});

test('the newest value', () => {
  assert.equal(lastKnown([1, 2, null]), 1);
  assert.equal(lastKnown([null]), -1);
  assert.equal(lastKnown([]), -1);
});
