-- What the reports' variables may be, and rounds. What the reports themselves print: tests/functional/test_reports.py.
BEGIN;
SELECT plan(40);

-- Times: UTC whatever the session's zone; absurd ones say which variable it was.
SELECT is(report_time('from', '2026-11-21'), '2026-11-21T00:00:00Z', 'a day begins at midnight UTC');
SELECT is(report_time('from', '2026-11-21 18:30'), '2026-11-21T18:30:00Z', 'a time without a zone is UTC');
SELECT is(report_time('from', '2026-11-21T18:30:00+02'), '2026-11-21T16:30:00Z', 'a zone counts');
SELECT is(report_time('from', '2009-01-03'), '2009-01-03T00:00:00Z', 'the first block''s day is the first that can be');
SELECT throws_ok($$SELECT report_time('to', '2009-01-02T23:59:59Z')$$, 'PH411', 'to: 2009-01-02T23:59:59Z is not between 2009-01-03 and the day after tomorrow', 'before it is absurd');
SELECT throws_ok($$SELECT report_time('to', '9999-01-01')$$, 'PH411', NULL, 'as is the far future');
SELECT throws_ok($$SELECT report_time('to', 'infinity')$$, 'PH411', NULL, 'and what has no end');
SELECT throws_ok($$SELECT report_time('from', '-1')$$, 'PH411', 'from: "-1" is not a time', 'a number is no time');
SELECT throws_ok($$SELECT report_time('from', '2026-02-30')$$, 'PH411', 'from: "2026-02-30" is not a time', 'nor a day that is not in the calendar');
SELECT throws_ok($$SELECT report_time('from', 'yesteryear')$$, 'PH411', NULL, 'nor a word');
SELECT throws_ok($$SELECT report_time('from', '2026-11-21 18:00 Mars')$$, 'PH411', NULL, 'nor a zone that is none');
SELECT throws_ok($$SELECT report_time('from', '4714-01-01 BC')$$, 'PH411', NULL, 'nor antiquity');
SELECT throws_ok($$SELECT report_time('from', '294277-01-01')$$, 'PH411', NULL, 'nor what no clock can show');

SELECT results_eq($$SELECT * FROM report_period('2026-11-20', '2026-11-21', '7 days')$$,
  $$VALUES (timestamptz '2026-11-20Z', timestamptz '2026-11-21Z')$$, 'a period as it was given');
SELECT results_eq($$SELECT * FROM report_period('', '2026-11-21', '7 days')$$,
  $$VALUES (timestamptz '2026-11-14Z', timestamptz '2026-11-21Z')$$, 'without a beginning it has its usual length');
SELECT results_eq($$SELECT to_time > now() AND to_time <= now() + interval '1 minute', to_time - from_time FROM report_period('', '', '7 days')$$,
  $$VALUES (true, interval '7 days')$$, 'without anything it ends with the current minute');
SELECT throws_ok($$SELECT * FROM report_period('2026-11-21', '2026-11-20', '7 days')$$, 'PH412',
  'from = 2026-11-21 00:00:00, to = 2026-11-20 00:00:00: the period has no length', 'a period that ends before it begins');
SELECT throws_ok($$SELECT * FROM report_period('2026-11-21', '2026-11-21', '7 days')$$, 'PH412', NULL, 'or at once');

-- Addresses, words, numbers.
SELECT worker_id FROM ensure_workers(ARRAY['bcrt1qa', 'bcrt1qb', 'mBase58', 'mbase58'], ARRAY['', 'rig', '', ''], now()) ORDER BY 1 LIMIT 1 \gset
SELECT is(report_miner(''), NULL, 'no address means all');
SELECT is(report_miner('bcrt1qb'), (SELECT id FROM miners WHERE address = 'bcrt1qb'), 'an address');
SELECT is(report_miner('BCRT1QB'), (SELECT id FROM miners WHERE address = 'bcrt1qb'), 'bech32 may be in capitals');
SELECT is(report_miner('mBase58'), (SELECT id FROM miners WHERE address = 'mBase58'), 'base58 is as it is');
SELECT throws_ok($$SELECT report_miner('bcrt1qnobody')$$, 'PH413', 'address: "bcrt1qnobody" is not known', 'an unknown address');
SELECT throws_ok($$SELECT report_miner('bcrt1qa''; DROP TABLE miners; --')$$, 'PH413', NULL, 'and one that is none');
SELECT is(report_choice('scheme', 'PPLNS', '{pplns,prop,pps,solo}'), 'pplns', 'words are read in any case');
SELECT throws_ok($$SELECT report_choice('scheme', 'fpps', '{pplns,prop,pps,solo}')$$, 'PH414',
  'scheme: "fpps" is not one of pplns, prop, pps, solo', 'an unknown scheme');
SELECT is(report_number('watts', '6.5e1', 0, 100), 65::numeric, 'a number');
SELECT throws_ok($$SELECT report_number('watts', '-1', 0, 100)$$, 'PH415', 'watts: "-1" is not a number from 0 to 100', 'a negative one');
SELECT throws_ok($$SELECT report_number('watts', 'many', 0, 100)$$, 'PH415', NULL, 'a word');
SELECT throws_ok($$SELECT report_number('watts', 'NaN', 0, 100)$$, 'PH415', NULL, 'not a number');
SELECT throws_ok($$SELECT report_number('watts', '1e999999', 0, 100)$$, 'PH415', NULL, 'one that is too large for anything');

-- Rounds: three shares a minute of 1000 each from 10:00:00 on, two blocks, and between them one that was orphaned.
SELECT ensure_share_partitions('2021-05-01', '2021-05-01') + ensure_share_sum_partitions('2021-05-01', '2021-05-01') AS made \gset
INSERT INTO shares SELECT '2021-05-01T10:00:00Z'::timestamptz + n * interval '20 seconds', 1, n, :worker_id, 1, 0, 1, 1, 1000, '\x00' FROM generate_series(0, 599) n;
INSERT INTO share_sums SELECT s.span, date_trunc(s.span, time, 'UTC'), worker_id, journal, count(*), sum(work), max(share_difficulty)
  FROM shares CROSS JOIN unnest(ARRAY['minute', 'hour', 'day']) AS s (span) GROUP BY 1, 2, 3, 4;
INSERT INTO blocks (hash, height, time, worker_id, reward, pool_sats, network_difficulty, share_difficulty, header, coinbase, merkle_branch, status)
  SELECT sha256(status::bytea), 1, time::timestamptz, :worker_id, 50, 50, 1, 1, decode(repeat('00', 80), 'hex'), '\x00', '{}', status
  FROM (VALUES ('2021-05-01T10:30:20Z', 'confirmed'), ('2021-05-01T11:00:00Z', 'orphaned'), ('2021-05-01T11:59:40Z', 'accepted'),
               ('2021-05-01T12:30:00Z', 'rejected')) AS b (time, status);
SELECT results_eq($$SELECT * FROM round_before('2021-05-01T10:30:20Z')$$,
  $$VALUES (timestamptz '2021-05-01T00:00:00Z', 92::bigint, 92000::numeric, true)$$, 'the first round has all since the first share, and the block''s own');
SELECT results_eq($$SELECT * FROM round_before('2021-05-01T11:59:40Z')$$,
  $$VALUES (timestamptz '2021-05-01T10:30:20Z', 268::bigint, 268000::numeric, true)$$, 'the next begins behind its block; an orphaned one between does not end it');
SELECT results_eq($$SELECT * FROM round_before('2021-05-01T11:00:00Z')$$,
  $$VALUES (timestamptz '2021-05-01T10:30:20Z', 89::bigint, 89000::numeric, true)$$, 'though it can be asked what it took');
SELECT results_eq($$SELECT * FROM round_before('2021-05-01T18:00:00Z')$$,
  $$VALUES (timestamptz '2021-05-01T11:59:40Z', 240::bigint, 240000::numeric, true)$$, 'nor does a rejected one');
SELECT is((SELECT sum(r.work) FROM unnest(ARRAY['2021-05-01T10:30:20Z', '2021-05-01T11:59:40Z', '2021-05-01T18:00:00Z']::timestamptz[]) t, round_before(t) r),
  600000::numeric, 'rounds have every share once');
SELECT drop_days('shares', '2021-05-02', '{}') AS dropped \gset
SELECT is((SELECT sum(r.work) FROM unnest(ARRAY['2021-05-01T10:30:20Z', '2021-05-01T11:59:40Z', '2021-05-01T18:00:00Z']::timestamptz[]) t, round_before(t) r),
  600000::numeric, 'also when shares were dropped');
SELECT results_eq($$SELECT work, exact FROM round_before('2021-05-01T11:59:40Z')$$, $$VALUES (267000::numeric, false)$$, 'to the minute then');
SELECT drop_days('minutes', '2021-05-02', '{}') AS dropped \gset
SELECT is((SELECT sum(r.work) FROM unnest(ARRAY['2021-05-01T10:30:20Z', '2021-05-01T11:59:40Z', '2021-05-01T18:00:00Z']::timestamptz[]) t, round_before(t) r),
  600000::numeric, 'and when minutes were');
SELECT results_eq($$SELECT work, exact FROM round_before('2021-05-01T11:59:40Z')$$, $$VALUES (180000::numeric, false)$$, 'to the hour then');

SELECT * FROM finish();
ROLLBACK;
