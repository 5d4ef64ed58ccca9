-- Coherence proofs: kept as long as shares, for payouts that need them, and for ever where they made a block.
BEGIN;
SELECT plan(22);
\ir fixtures/chain.psql
CREATE FUNCTION pg_temp.day(back integer) RETURNS timestamptz LANGUAGE sql AS
  $$SELECT date_trunc('day', now(), 'UTC') - back * interval '1 day'$$;
SELECT w.id AS worker FROM workers w \gset
SELECT begin_coherence_chain(10, 3, 545259519, 900) AS x \gset

-- One a day for sixty days; that of day 50 makes a block.
SELECT count(pg_temp.prove('day ' || n, pg_temp.header76(pg_temp.zeros(32), 1000), at => pg_temp.day(n) + interval '5 hours')) AS made FROM generate_series(0, 59) n \gset
INSERT INTO coherence_sums SELECT s.span, date_trunc(s.span, time, 'UTC'), worker_id, journal, count(*), sum(work)
  FROM coherence_proofs CROSS JOIN unnest(ARRAY['minute', 'hour', 'day']) AS s (span) GROUP BY 1, 2, 3, 4;
CREATE FUNCTION pg_temp.kept() RETURNS integer[] LANGUAGE sql AS
  $$SELECT array_agg(back ORDER BY back) FROM (SELECT pg_temp.day(0)::date - (time AT TIME ZONE 'UTC')::date AS back FROM coherence_proofs) p WHERE back > 38$$;
SELECT is(pg_temp.append('day 50', 0, pg_temp.header76(pg_temp.zeros(32), 1000)), 'appended', 'one made a block');

SELECT results_eq($$SELECT dropped, kept_from, note FROM run_retention(40, 45, 400) WHERE what = 'proofs'$$,
  $$VALUES (18::bigint, pg_temp.day(40), '')$$, 'all others of days 59 to 41 go');
SELECT is(pg_temp.kept(), ARRAY[39, 40, 50], 'but not the block''s');
SELECT is((SELECT min(start) FROM coherence_sums WHERE span = 'minute'), pg_temp.day(45) + interval '5 hours', 'minutes have days of their own');
SELECT is((SELECT sum(proofs) FROM coherence_sums WHERE span = 'day'), 60::numeric, 'days and hours stay');
SELECT is((SELECT dropped FROM run_retention(40, 45, 400) WHERE what = 'proofs'), 0::bigint, 'nothing is left to go');
SELECT is((SELECT count(*) FROM events WHERE component = 'retention'), 0::bigint, 'which is worth no event');

-- A block of Bitcoin's without a run keeps the day before which its window begins, and its own.
INSERT INTO heights VALUES (1, sha256('1'), 545259519, 50, 50, pg_temp.day(60));
INSERT INTO payout_schemes (valid_from, last_noted, scheme, pplns_window, fee_ppm, coherence_ppm, minimum_sats)
  VALUES (pg_temp.day(60), pg_temp.day(60), 'prop', 1, 0, 100000, 0);
INSERT INTO blocks (hash, height, time, worker_id, reward, pool_sats, network_difficulty, share_difficulty, header, coinbase, merkle_branch, status)
  SELECT sha256(int4send(n)), n, pg_temp.day(n) + interval '1 hour', :worker, 50, 50, 1, 1, pg_temp.zeros(72) || '\xffff7f2000000000', '\x00', '{}', s
  FROM (VALUES (30, 'accepted'), (25, 'confirmed')) AS b (n, s);
SELECT is((SELECT note LIKE '2 older days are kept: %' FROM run_retention(20, 20, 400) WHERE what = 'proofs'), true, 'what a run will need is kept, which is said');
SELECT is((SELECT array_agg(pg_temp.day(0)::date - (time AT TIME ZONE 'UTC')::date ORDER BY time) FROM coherence_proofs WHERE time < pg_temp.day(20)),
  ARRAY[50, 30, 25], 'the days where its coherence work begins and ends');
SELECT is((SELECT count(*) FROM events WHERE message LIKE 'proofs: 2 older days%'), 1::bigint, 'in an event too');
SELECT throws_ok($$SELECT drop_days_before('proofs', pg_temp.day(22)::date)$$, 'PH401', NULL, 'nor are they dropped by hand');

-- PPS: the next run's coherence work begins where the last run ended, however long ago.
UPDATE blocks SET status = 'orphaned', outcome_time = pg_temp.day(28);
UPDATE payout_schemes SET scheme = 'pps';
INSERT INTO payout_runs (kind, height, end_time, scheme_id, scheme, pplns_window, fee_ppm, coherence_ppm, reward_sats, direct_sats, start_kind, start_time,
    from_height, to_height, work, coherence_work, fee_sats, coherence_sats, reserve_sats, digest)
  SELECT 'pps', NULL, pg_temp.day(30) + interval '5 hours 30 seconds', s.id, 'pps', s.pplns_window, 0, s.coherence_ppm, 0, 0, 'after', pg_temp.day(60), 1, 1, 0, 0, 0, 0, 0, sha256('')
  FROM payout_schemes s;
SELECT ok(needed_days() @> pg_temp.day(30)::date, 'the last PPS run''s end is needed');
SELECT is((SELECT dropped FROM run_retention(20, 20, 400) WHERE what = 'proofs'), 1::bigint, 'day 25 goes');
SELECT is((SELECT array_agg(pg_temp.day(0)::date - (time AT TIME ZONE 'UTC')::date ORDER BY time) FROM coherence_proofs WHERE time < pg_temp.day(20)),
  ARRAY[50, 30], 'day 30 stays');
SELECT lives_ok($$SELECT assert_edge_is_whole('coherence', pg_temp.day(30) + interval '5 hours 30 seconds', 'x')$$, 'so that the next run can be made');
UPDATE payout_schemes SET coherence_ppm = 0;
SELECT ok(NOT needed_days() @> pg_temp.day(30)::date, 'without a coherence part it is not needed');
SELECT is((SELECT dropped FROM run_retention(20, 20, 400) WHERE what = 'proofs'), 1::bigint, 'and goes');

-- By hand, and what is not.
SELECT is(drop_days_before('proofs', pg_temp.day(10)::date), 10, 'by hand, days 20 to 11');
SELECT is((SELECT count(*) FROM coherence_proofs), 12::bigint, 'days 10 to 0, and the block''s');
SELECT is(dropped_before('proofs'), pg_temp.day(10), 'which is noted');
SELECT throws_ok('DELETE FROM coherence_proofs WHERE time < pg_temp.day(40)', '23503', NULL, 'the block''s proof can''t be deleted');

SET LOCAL ROLE phasepool;
SELECT lives_ok('SELECT * FROM run_retention(5, 5, 400)', 'the pool may run it');

SELECT * FROM finish();
ROLLBACK;
