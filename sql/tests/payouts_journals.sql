-- Several journals: runs wait for one that is behind, count what each had stored, and do not wait for one that has ended.
BEGIN;
SELECT plan(25);
\ir fixtures/example.psql
-- A scheme that ended before the window began is no matter.
SELECT note_payout_scheme(pg_temp.at('11:40:00'), 'solo', 1, 0, 0, 0) AS earlier \gset
INSERT INTO journal_positions (journal) VALUES ('22222222-2222-4222-8222-222222222222');
SELECT id AS other FROM journal_positions WHERE journal::text LIKE '2%' \gset

SELECT is(behind_journals(pg_temp.at('12:02:30')), NULL, 'a journal that never had a share is not waited for');
SELECT pg_temp.store('12:01:00', 'carol', 15, 100, :other) AS x \gset
SELECT is(behind_journals(pg_temp.at('12:02:30')), ARRAY['22222222-2222-4222-8222-222222222222']::uuid[], 'one that has nothing since the block is behind');
SELECT throws_ok(format('SELECT create_block_run(%L)', :'example'), 'PH109', NULL, 'and is waited for');
SELECT is(update_ledger(), 0, 'by the ledger too');
SELECT is((SELECT sqlstate FROM payout_problems), 'PH109', 'which says why');
SAVEPOINT waiting;
SELECT is(pg_temp.given(create_block_run(:'example', incomplete_ok => true)), 'alice 396, bob 248, carol 347', 'unless the operator says that nothing is missing');
ROLLBACK TO waiting;
SELECT is(behind_journals(pg_temp.at('12:01:00') + interval '14 days'), ARRAY[(SELECT journal FROM journal_positions WHERE id = 1)],
  'one that was not heard of for 14 days is not waited for');
SELECT retire_journal(:other) AS x \gset
SELECT is(behind_journals(pg_temp.at('12:02:30')), NULL, 'nor one of which the operator says that it has ended');
ROLLBACK TO waiting;
SELECT pg_temp.store('12:02:30', 'carol', 5, 100, :other) AS x \gset
SELECT is(behind_journals(pg_temp.at('12:02:30')), NULL, 'a share of the block''s own moment is enough');
UPDATE payout_problems SET last_time = last_time - interval '11 min';
SELECT is(update_ledger(), 1, 'and then it is divided');
SELECT id AS run FROM payout_runs \gset
SELECT is((SELECT string_agg(address || ' ' || work, ', ' ORDER BY address) FROM payout_items WHERE run_id = :run),
  'bcrt1qalice 40, bcrt1qbob 20, bcrt1qcarol 40', 'by both journals'' shares: 5, 10, 10, 40, 15, 20');
SELECT results_eq(format('SELECT journal, sequence FROM payout_run_journals WHERE run_id = %s ORDER BY 1', :run),
  format('VALUES (1, 7::bigint), (%s, 2)', :other), 'as far as each was stored');
SELECT is(pg_temp.again(:run), 'shares', 'the same bytes again');

-- PROP: an orphan's work goes to the next block, and its run comes first out of the ledger.
SAVEPOINT rounds;
UPDATE blocks SET status = 'confirmed' WHERE hash = :'before';
SELECT is(note_payout_scheme(pg_temp.at('11:50:00'), 'prop', 2, 10000, 0, 100) > 0, true, 'by PROP');
SELECT reverse_run(:run, 'by PROP') AS x \gset
SELECT pg_temp.store('12:02:40', 'alice', 10, 101), pg_temp.store('12:02:50', 'alice', 10, 101, :other), pg_temp.store('12:03:00', 'bob', 1, 101) \gset x
SELECT pg_temp.block('next', '12:02:50', 'alice', 101, 101, 'accepted') AS next \gset
SELECT pg_temp.block('orphan', '12:02:40', 'alice', 101, 101) AS orphan \gset
SELECT is(update_ledger(), 1, 'the one that will be orphaned; the first has all work since another scheme');
UPDATE blocks SET status = CASE hash WHEN :'next' THEN 'confirmed' ELSE 'orphaned' END WHERE hash IN (:'next', :'orphan');
SELECT is(update_ledger(), 2, 'one goes and one comes');
SELECT is((SELECT work FROM payout_runs WHERE block_hash = :'next'), 30::numeric, 'with the work of both, behind the last block that counts');
UPDATE blocks SET status = 'confirmed' WHERE hash = :'orphan';
SELECT is(update_ledger(), 0, 'if it comes back, its work has been divided');
SELECT is((SELECT sqlstate FROM payout_problems WHERE block_hash = :'orphan'), 'PH106', 'and the operator decides');
SELECT is((SELECT sum(amount_sats) FROM ledger), 0::numeric, 'the ledger adds up');
ROLLBACK TO rounds;

-- Later records of either, with times in the window: a clock that jumped.
SELECT pg_temp.store('12:01:59', 'bob', 500, 100, :other), pg_temp.store('12:02:00', 'alice', 500) \gset x
SELECT is(pg_temp.again(:run), 'shares', 'what comes later does not count');
INSERT INTO journal_positions (journal) VALUES ('33333333-3333-4333-8333-333333333333');
SELECT pg_temp.store('12:02:00', 'bob', 500, 100, (SELECT max(id) FROM journal_positions)) AS x \gset
SELECT is(pg_temp.again(:run), 'shares', 'nor does a journal that was not there');
DELETE FROM shares;
SELECT is(pg_temp.again(:run), 'sums', 'from the sums neither');
SELECT is((SELECT sum(work) FROM payout_late_work), 500::numeric, 'the late share of a whole minute is noted');
SELECT is((SELECT count(*) FROM share_days_needed()), 1::bigint, 'the newest block''s day is still needed, for what begins behind it');

SELECT * FROM finish();
ROLLBACK;
