-- What is dropped, what is kept because a payout needs it, and sums that stay exact.
BEGIN;
SELECT plan(63);

-- Sixty days of shares: one every six hours, of each of two workers, with work 1000; sums as the store makes them.
CREATE FUNCTION pg_temp.day(back integer) RETURNS timestamptz LANGUAGE sql AS
  $$SELECT date_trunc('day', now(), 'UTC') - back * interval '1 day'$$;
SELECT worker_id FROM ensure_workers(ARRAY['bcrt1qa', 'bcrt1qb'], ARRAY['rig', ''], now()) ORDER BY 1 LIMIT 1 \gset
INSERT INTO journal_positions (journal) VALUES ('00000000-0000-4000-8000-000000000001');
SELECT ensure_share_partitions(pg_temp.day(59)::date, pg_temp.day(0)::date) > 0
   AND ensure_share_sum_partitions(pg_temp.day(59)::date, pg_temp.day(0)::date) > 0 AS made \gset
INSERT INTO shares
  SELECT pg_temp.day(60) + n * interval '3 hours' + interval '30.25 seconds', 1, n, :worker_id + n % 2, n, 0, 1, n, 1000, sha256(int4send(n))
  FROM generate_series(1, 479) n;
INSERT INTO share_sums SELECT s.span, date_trunc(s.span, time, 'UTC'), worker_id, journal, count(*), sum(work), max(share_difficulty)
  FROM shares CROSS JOIN unnest(ARRAY['minute', 'hour', 'day']) AS s (span) GROUP BY 1, 2, 3, 4;
CREATE TEMP TABLE hours_before AS SELECT * FROM share_sums WHERE span <> 'minute';

SELECT is((SELECT count(*) FROM shares_default), 7::bigint, 'the first day has no partition');
SELECT is((SELECT count(*) FROM share_sums_minute_default), 7::bigint, 'nor have its minutes');
SELECT is((SELECT (shares, work, exact) FROM pool_work(pg_temp.day(60), now())), (479::bigint, 479000::numeric, true), 'all work is there, exactly');

-- Sums over any period, against the shares themselves.
SELECT is_empty(
  $$SELECT a, b FROM generate_series(0, 60, 7) x, generate_series(0, 60, 9) y,
      LATERAL (SELECT pg_temp.day(60) + x * interval '5 hours 17 minutes' AS a, pg_temp.day(33) + y * interval '3 hours 33 minutes' AS b) t
    WHERE (SELECT coalesce(sum(work), 0) FROM worker_sums(a, b)) IS DISTINCT FROM
          (SELECT coalesce(sum(work), 0) FROM shares WHERE time >= a AND time < b)$$, 'worker_sums over many whole minutes');
SELECT is_empty(
  $$SELECT x, y FROM generate_series(0, 200, 5) x, generate_series(0, 200, 5) y,
      LATERAL (SELECT pg_temp.day(50) + x * interval '7 minutes' AS a, pg_temp.day(50) + y * interval '7 minutes' AS b) t
    WHERE a <= b AND (SELECT coalesce(sum(shares), 0) FROM worker_sums(a, b)) IS DISTINCT FROM
          (SELECT count(*) FROM shares WHERE time >= a AND time < b)$$, 'worker_sums within a day');
SELECT is_empty(
  $$SELECT x, y FROM generate_series(1, 9) x, generate_series(1, 9) y,
      LATERAL (SELECT pg_temp.day(50) + x * interval '3 hours' + (x % 4 * 15 + 0.25) * interval '1 second' AS a,
                      pg_temp.day(50) + y * interval '3 hours' + (30.25 + (y % 3 - 1) * 0.000001) * interval '1 second' AS b) t
    WHERE a <= b AND (SELECT work FROM pool_work(a, b)) IS DISTINCT FROM
          (SELECT coalesce(sum(work), 0) FROM shares WHERE time >= a AND time < b)$$, 'pool_work to the microsecond');
SELECT is((SELECT (shares, work) FROM pool_work(pg_temp.day(50) + interval '3 hours 30.25 seconds', pg_temp.day(50) + interval '3 hours 30.250001 seconds')),
  (1::bigint, 1000::numeric), 'pool_work within one minute');

-- A block may be found now: PPLNS over 100 shares needs 13 days, whatever was configured.
-- Regtest's nbits, at which every second hash is a block.
INSERT INTO heights VALUES (1, sha256('1'), 545259519, 50, 50, pg_temp.day(60));
INSERT INTO payout_schemes (valid_from, last_noted, scheme, pplns_window, fee_ppm, coherence_ppm, minimum_sats)
  VALUES (pg_temp.day(60), pg_temp.day(60), 'pplns', 50000, 0, 0, 0);
SELECT is(window_day(now(), 0), pg_temp.day(1)::date, 'a window without work still has the day before');
SELECT is(window_day(now(), 8000), pg_temp.day(1)::date, 'a window of a day''s work');
SELECT is(window_day(now(), 8001), pg_temp.day(2)::date, 'a little more needs one more day');
SELECT is(window_day(now(), 1e9), NULL, 'a window larger than all there is has no first day');
SELECT bag_eq('SELECT * FROM shares_needed()', $$VALUES (pg_temp.day(13)::date, pg_temp.day(0)::date, 'a block may be found now (pplns)')$$, 'now is the only need');

SELECT throws_ok($$SELECT drop_days_before('shares', pg_temp.day(12)::date)$$, 'PH401',
  format('shares before %s can''t be dropped: those of %s are needed: a block may be found now (pplns)', pg_temp.day(12)::date, pg_temp.day(13)::date),
  'what is needed is not dropped by hand');
SELECT throws_ok($$SELECT drop_days_before('minutes', pg_temp.day(12)::date)$$, 'PH401', NULL, 'nor are its minutes');
SELECT throws_ok($$SELECT drop_days_before('shares', (pg_temp.day(0) + interval '25 hours')::date)$$, 'PH402', NULL, 'nor today');
SELECT throws_ok($$SELECT drop_days_before('hours', pg_temp.day(50)::date)$$, 'PH402', NULL, 'nor what is never dropped');
SELECT is(dropped_before('shares'), '-infinity', 'nothing has gone yet');

-- Forty days: days 60 to 41 go.
CREATE TEMP TABLE first_run AS SELECT * FROM run_retention(40, 50, 400);
SELECT is((SELECT dropped FROM first_run WHERE what = 'shares'), 19::bigint, 'partitions of 19 days, and one day''s rows of the default');
SELECT is((SELECT kept_from FROM first_run WHERE what = 'shares'), pg_temp.day(40), 'there are shares from the fortieth day on');
SELECT is((SELECT min(time) FROM shares), pg_temp.day(40) + interval '30.25 seconds', 'really');
SELECT is((SELECT min(start) FROM share_sums WHERE span = 'minute'), pg_temp.day(50), 'and minutes from the fiftieth');
SELECT is((SELECT count(*) FROM shares_default), 0::bigint, 'the default partition is empty');
SELECT results_eq('SELECT * FROM share_sums WHERE span <> ''minute'' ORDER BY 1, 2, 3, 4', 'SELECT * FROM hours_before ORDER BY 1, 2, 3, 4',
  'sums of hours and days are what they were');
SELECT is((SELECT (shares, work, exact) FROM pool_work(pg_temp.day(60), now())), (479::bigint, 479000::numeric, false),
  'all work is still counted, and said not to be exact at its beginning');
SELECT is((SELECT exact FROM pool_work(pg_temp.day(40), now())), true, 'from the first kept day on it is exact');
SELECT is((SELECT sum(w.work) FROM generate_series(0, 99) n,
             pool_work(pg_temp.day(60) + n * interval '14 hours 24 minutes 0.3 seconds', pg_temp.day(60) + (n + 1) * interval '14 hours 24 minutes 0.3 seconds') w),
  479000::numeric, 'periods that follow each other count each share once, across all that was dropped');
SELECT is((SELECT sum(dropped) FROM run_retention(40, 50, 400)), 0::numeric, 'the same again drops nothing');
SELECT is((SELECT count(*) FROM events), 0::bigint, 'and nothing was worth an event');

-- A share that comes late is counted, and goes with the next run.
SELECT is(ensure_share_partitions(pg_temp.day(45)::date, pg_temp.day(45)::date), 1, 'a share of a dropped day comes');
INSERT INTO shares VALUES (pg_temp.day(45) + interval '1 hour', 1, 1000, :worker_id, 1, 0, 1, 1, 1, '\x00');
SELECT is((SELECT dropped FROM run_retention(40, 50, 400) WHERE what = 'shares'), 1::bigint, 'and its partition goes again');

-- A block without a run keeps its window, and its own day; the block before keeps the day behind which it began.
CREATE FUNCTION pg_temp.kept() RETURNS integer[] LANGUAGE sql AS
  $$SELECT array_agg(DISTINCT (pg_temp.day(0)::date - (time AT TIME ZONE 'UTC')::date) ORDER BY (pg_temp.day(0)::date - (time AT TIME ZONE 'UTC')::date))
    FROM shares WHERE time < pg_temp.day(10)$$;
PREPARE candidate AS
  INSERT INTO blocks (hash, height, time, worker_id, reward, pool_sats, network_difficulty, share_difficulty, header, coinbase, merkle_branch, status, outcome_time)
  SELECT sha256($1), 1, pg_temp.day($2) + interval '1 hour', :worker_id, 50, 50, 1, 1,
         decode(repeat('00', 72), 'hex') || '\xffff7f20' || '\x00000000', '\x00', '{}', $3, pg_temp.day($2 - 1);
EXECUTE candidate('b', 25, 'confirmed');
SELECT is(nbits_work(header_nbits(header)), 2::numeric, 'the block''s header says what the network asked') FROM blocks;
SELECT ok(needed_days() @> daterange(pg_temp.day(38)::date, pg_temp.day(25)::date, '[]'), 'its window of 12 and a half days is needed');
SELECT ok(NOT needed_days() && daterange(pg_temp.day(24)::date, pg_temp.day(14)::date, '[]'), 'and not the days between it and the window that is open now');
CREATE TEMP TABLE held AS SELECT * FROM run_retention(10, 10, 400);
SELECT is(pg_temp.kept(), ARRAY[11, 12, 13, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38], 'so these are kept, and those dropped');
SELECT is((SELECT dropped FROM held WHERE what = 'shares'), 13::bigint, 'which the row says');
SELECT is((SELECT count(DISTINCT (start AT TIME ZONE 'UTC')::date) FROM share_sums WHERE span = 'minute' AND start < pg_temp.day(10)), 17::bigint, 'minutes alike');
SELECT is((SELECT note FROM held WHERE what = 'shares'),
  format('17 older days are kept: block %s at height 1 is confirmed and has no payout run (pplns)', encode(sha256('b'), 'hex')), 'it also says for what');
SELECT is((SELECT count(*) FROM events WHERE component = 'retention' AND message LIKE 'shares: 17 older days are kept: block%'), 1::bigint, 'and an event');
SELECT is((SELECT kept_from FROM held WHERE what = 'shares'), pg_temp.day(10), 'from when on nothing is missing');
SELECT is((SELECT (shares, work, exact) FROM pool_work(pg_temp.day(60), now())), (479::bigint, 479000::numeric, false), 'sums have it all');

UPDATE blocks SET status = 'orphaned', outcome_time = now() - interval '13 days';
SELECT ok(needed_days() @> pg_temp.day(25)::date, 'an orphaned block may come back');
UPDATE blocks SET status = 'submitted', outcome_time = NULL;
SELECT is((SELECT max(reason) FROM shares_needed() WHERE last_day = pg_temp.day(25)::date), 'share_days_needed() names it', 'one that no node took not for ever');
UPDATE blocks SET status = 'orphaned', outcome_time = now() - interval '15 days';
SELECT ok(NOT needed_days() @> pg_temp.day(25)::date, 'nor an orphaned one');
SELECT is((SELECT dropped FROM run_retention(10, 10, 400) WHERE what = 'shares'), 14::bigint, 'its days go');
SELECT is(pg_temp.kept(), ARRAY[11, 12, 13], 'those of the open window stay');

-- PROP: where rounds begin and end. A PPLNS window that all work does not fill: where it ends.
UPDATE payout_schemes SET scheme = 'prop';
SELECT results_eq('SELECT * FROM needed_days()', $$SELECT datemultirange(daterange(pg_temp.day(0)::date, pg_temp.day(0)::date, '[]'))$$, 'today');
EXECUTE candidate('c', 12, 'accepted');
SELECT ok(needed_days() @> pg_temp.day(12)::date AND NOT needed_days() && daterange(pg_temp.day(11)::date, pg_temp.day(1)::date, '[]'), 'and the last block''s day');
EXECUTE candidate('d', 6, 'rejected');
SELECT ok(NOT needed_days() && daterange(pg_temp.day(11)::date, pg_temp.day(1)::date, '[]'), 'a rejected one is none');
UPDATE payout_schemes SET scheme = 'pplns', pplns_window = 1e6;
SELECT ok(needed_days() @> pg_temp.day(12)::date AND NOT needed_days() && daterange(pg_temp.day(11)::date, pg_temp.day(1)::date, '[]'), 'a window that is not full');
SELECT is((SELECT dropped FROM run_retention(10, 10, 400) WHERE what = 'shares'), 2::bigint, 'days 13 and 11 go');

-- PPS: from the first height that is not credited on. SOLO: nothing but what is said above.
DELETE FROM pps_pending;
UPDATE payout_schemes SET scheme = 'pps';
SELECT is((SELECT count(*) FROM shares_needed() WHERE reason LIKE '%(pps)' AND reason LIKE 'heights%'), 0::bigint, 'heights without shares need nothing');
INSERT INTO height_sums VALUES (1, :worker_id, 1, 1, 1000);
SELECT is((SELECT (first_day, last_day, reason) FROM shares_needed() WHERE reason LIKE 'heights%'),
  (pg_temp.day(60)::date, pg_temp.day(0)::date, 'heights from 1 on are not yet credited (pps)'::text), 'a height that is not credited');
DELETE FROM payout_schemes;
UPDATE blocks SET status = 'orphaned', outcome_time = pg_temp.day(30);
SELECT is(needed_days(), '{}', 'without a scheme nothing is needed');

-- Other rows.
INSERT INTO events (time, severity, component, message, context) VALUES (pg_temp.day(400) - interval '1 second', 'info', 'x', 'old', '{}'), (pg_temp.day(400), 'info', 'x', 'kept', '{}');
INSERT INTO chain_tips VALUES (sha256('1'), sha256('0'), 1, pg_temp.day(500)), (sha256('2'), sha256('1'), 2, pg_temp.day(450));
INSERT INTO journal_segments VALUES (1, 1, 1, 5, 100, sha256('1'), sha256('0'), pg_temp.day(500)), (1, 2, 6, 9, 100, sha256('2'), sha256('1'), pg_temp.day(450)),
  (2, 1, 1, 5, 100, sha256('3'), sha256('0'), pg_temp.day(500));
INSERT INTO rejects (time, worker_id, reason, detail, user_agent, job_id) VALUES (pg_temp.day(36), :worker_id, 'stale', '', '', ''), (pg_temp.day(35), :worker_id, 'stale', '', '', '');
INSERT INTO reject_sums VALUES (pg_temp.day(500), :worker_id, 'stale', 1, 5);
SELECT is((SELECT array_agg(what || ' ' || dropped ORDER BY what) FROM run_retention(35, 35, 400) WHERE what NOT IN ('shares', 'minutes', 'proofs')),
  ARRAY['chain_tips 1', 'events 1', 'journal_segments 1', 'rejects 1'], 'old events, tips, segments and rejects go');
SELECT is((SELECT array_agg(message) FROM events WHERE component = 'x'), ARRAY['kept'], 'to the day');
SELECT is((SELECT height FROM newest_chain_tip), 2, 'the newest tip stays, however old');
SELECT is((SELECT array_agg(journal || ' ' || segment ORDER BY journal) FROM journal_segments), ARRAY['1 2', '2 1'], 'and each journal''s newest segment');
SELECT is((SELECT sum(rejects) FROM reject_sums), 5::numeric, 'and sums of rejects');

-- Absurd configurations.
SELECT throws_ok('SELECT * FROM run_retention(0, 35, 400)', 'PH402', 'run_retention: keep_shares_days = 0; expected 1 to 36500 days', 'no days');
SELECT throws_ok('SELECT * FROM run_retention(35, -1, 400)', 'PH402', NULL, 'less than no days');
SELECT throws_ok('SELECT * FROM run_retention(35, 35, NULL)', 'PH402', 'run_retention: keep_events_days = null; expected 1 to 36500 days', 'no number');

-- Rights.
SET LOCAL ROLE phasepool;
SELECT lives_ok('SELECT * FROM run_retention(35, 35, 400)', 'the pool may run it');
SELECT throws_ok($$SELECT drop_days_before('shares', pg_temp.day(2)::date)$$, '42501', NULL, 'but drops nothing by itself');

SELECT * FROM finish();
ROLLBACK;
