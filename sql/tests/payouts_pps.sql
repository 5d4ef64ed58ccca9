-- PPS: work is credited by height, once, however often runs are made and whatever comes late. And the coherence part.
BEGIN;
SELECT plan(50);
\ir fixtures/example.psql

SELECT throws_ok('SELECT create_pps_run()', 'PH107', NULL, 'no PPS while the scheme is PPLNS');
SELECT throws_ok('SELECT create_pps_run(101)', 'PH107', NULL, 'whatever the height');
-- From height 101 on; then also at 100, by its id.
SELECT note_payout_scheme(pg_temp.at('12:02:00'), 'pps', 2, 10000, 0, 100) AS pps \gset
SAVEPOINT begun;
SELECT create_pps_run() AS run \gset
SELECT is(pg_temp.given(:run), 'alice 179', 'height 101 began under PPS: 10 * 900 / 50 less 1 %');
SELECT is((SELECT (from_height, to_height, reward_sats, fee_sats, work) FROM payout_runs WHERE id = :run), (101, 101, 180::bigint, 1::bigint, 10::numeric), 'and only it');
SELECT is(pg_temp.accounts(), 'fees 1, miners 179, reserve -180', 'paid from the reserve');
SELECT throws_ok('SELECT create_pps_run()', 'PH106', NULL, 'nothing is credited twice');
ROLLBACK TO begun;

SELECT create_pps_run(100, :pps, 100) AS run \gset
SELECT is(pg_temp.given(:run), 'alice 1426, bob 891, carol 356', 'the example''s PPS');
SELECT is((SELECT string_agg(value_sats::text, ' ' ORDER BY address) FROM payout_items WHERE run_id = :run), '1440 900 360', 'by value');
SELECT is(pg_temp.again(:run), 'shares', 'the same bytes again');
SELECT is((SELECT regexp_replace(canonical, '^.*(reward_sats.*)start.*(credit.*)$', '\1\2') FROM recompute_run(:run)),
  E'reward_sats 2700\nnbits -\nwindow_work -\ncredit 100 20051eb8 900 150 2700\nminer bcrt1qalice 80 0 1440 1426 0\nminer bcrt1qbob 50 0 900 891 0\nminer bcrt1qcarol 20 0 360 356 0\n',
  'which have a line for each height');
SELECT is(pg_temp.accounts(), 'fees 27, miners 2673, reserve -2700', 'in the ledger');

-- What comes late is credited by the next run.
SELECT pg_temp.store('12:00:59', 'carol', 7) AS x \gset
SELECT is(pg_temp.again(:run), 'shares', 'the run stays as it is');
SELECT create_pps_run(101, :pps, 100) AS second \gset
SELECT is((SELECT string_agg(concat_ws(' ', height, before_work, work, value_sats), ', ' ORDER BY height) FROM pps_credits WHERE run_id = :second),
  '100 20 7 126, 101 0 10 180', 'late work, and that of the next height');
SELECT is(pg_temp.again(:second), 'shares', 'again');
SAVEPOINT credited;
DELETE FROM shares;
SELECT is(pg_temp.again(:run) || pg_temp.again(:second), 'sumssums', 'and without the shares');
ALTER TABLE height_sums DISABLE TRIGGER USER;
UPDATE height_sums SET work = work - 1 WHERE work = 27;
SELECT is(pg_temp.again(:second), 'more work was credited than the sums hold', 'credits are held against the sums');
ROLLBACK TO credited;
UPDATE heights SET subsidy_sats = subsidy_sats - 100 WHERE height = 100;
SELECT is(pg_temp.again(:run), 'what is computed anew differs from the run', 'and prices against heights');
ROLLBACK TO credited;

-- A share of height 100 is worth 18 a piece of work; with another price nothing is lost to rounding.
SELECT is((SELECT sum(value_sats) FROM pps_credits WHERE height = 100), (40 + 40 + 10 + 10 + 30 + 27) * 18::numeric, 'all work, once');
SELECT throws_ok(format('SELECT reverse_run(%s, ''x'')', :run), 'PH106', NULL, 'a run that others followed is not taken back first');
SELECT is(reverse_run(:second, 'x'), :second::bigint, 'the last one is');
SELECT is(pg_temp.accounts(), 'fees 27, miners 2673, reserve -2700', 'all of it');
SELECT throws_ok(format('SELECT restore_run(%s, ''x'')', :second), 'PH105', NULL, 'and is made anew, not restored');
SELECT create_pps_run(101, :pps, 100) AS third \gset
SELECT is((SELECT digest FROM payout_runs WHERE id = :third), (SELECT digest FROM payout_runs WHERE id = :second), 'with the same bytes');

-- What can't be.
SELECT throws_ok('SELECT create_pps_run(' || arguments || ')', state, NULL, 'refused: ' || arguments)
  FROM (VALUES ('-1', 'PH111'), ('101, NULL, 102', 'PH111'), ('101, NULL, -1', 'PH111'), ('102', 'PH110'), ('1000000', 'PH110'), ('101, 0, 100', 'PH107'),
               ('101, ' || :pps, 'PH111'), ('101, ' || :pplns || ', 100', 'PH107'), ('100', 'PH107')) AS v (arguments, state);
SELECT pg_temp.store('12:10:00', 'bob', 1, 103) AS x \gset
SELECT pg_temp.height(104, '12:20:00') AS x \gset
SELECT throws_ok('SELECT create_pps_run(103)', 'PH110', NULL, 'a height without a template');
SELECT pg_temp.height(103, '12:10:00', 900, '207fffff') AS x \gset
SELECT is(pg_temp.given(create_pps_run(103)), 'bob 446', 'until it is known: 1 * 900 / 2 less 1 %, which is 4');
SELECT pg_temp.store('12:19:00', 'bob', trunc(2::numeric ^ 80), 103) AS x \gset
SELECT throws_ok('SELECT create_pps_run(103)', 'PH111', NULL, 'more than there can be');

SAVEPOINT by_itself;
DELETE FROM height_sums WHERE height > 101;
DELETE FROM pps_pending WHERE height > 101;
SELECT reverse_run(id, 'anew') FROM payout_runs WHERE state = 'applied' ORDER BY id DESC \g /dev/null
ALTER TABLE payout_runs DISABLE TRIGGER USER;
UPDATE payout_runs SET created_at = created_at - interval '61 min';
UPDATE blocks SET status = 'accepted';
SELECT is(update_ledger(), 1, 'the pool credits shares by itself');
SELECT is((SELECT (from_height, to_height, work) FROM payout_runs ORDER BY id DESC LIMIT 1), (101, 101, 10::numeric), 'those under PPS');
SELECT pg_temp.store('12:08:00', 'bob', 5, 101) AS x \gset
SELECT is(update_ledger(), 0, 'hourly');
UPDATE payout_runs SET created_at = created_at - interval '61 min';
SELECT note_payout_scheme(pg_temp.at('12:30:00'), 'pplns', 2, 10000, 0, 100) AS x \gset
SELECT is(update_ledger(), 1, 'and what is left when another scheme has come');
UPDATE payout_runs SET created_at = created_at - interval '61 min';
SELECT is(update_ledger(), 0, 'once');
SELECT is((SELECT count(*) FROM payout_problems), 0::bigint, 'which is no problem');
SELECT pg_temp.store('12:08:00', 'bob', trunc(2::numeric ^ 80), 101) AS x \gset
SELECT is(update_ledger(), 0, 'what can''t be');
SELECT is((SELECT (block_hash IS NULL, sqlstate) FROM payout_problems), (true, 'PH111'::text), 'is');
SELECT is((SELECT count(*) FROM events WHERE message LIKE 'Shares could not be credited%'), 1::bigint, 'and an event says so');
ROLLBACK TO by_itself;

-- Coherence: 5 % of the reward, divided by the proofs of the window.
SELECT note_payout_scheme(pg_temp.at('11:50:00'), 'pplns', 2, 10000, 50000, 100) AS coherent \gset
SAVEPOINT coherence;
SELECT is(pg_temp.given(create_block_run(:'example', :coherent)), 'alice 396, bob 327, carol 268', 'nobody did any: it stays with the others');
ROLLBACK TO coherence;
SELECT pg_temp.prove('11:59:19', 'alice', 5), pg_temp.prove('11:59:20', 'carol', 3), pg_temp.prove('12:02:30', 'alice', 3), pg_temp.prove('12:02:31', 'bob', 9) \gset x
UPDATE coherence_proofs SET sequence = 0 WHERE time = pg_temp.at('11:59:20');
SELECT create_block_run(:'example', :coherent) AS run \gset
SELECT is((SELECT (fee_sats, coherence_sats, coherence_work) FROM payout_runs WHERE id = :run), (10::bigint, 50::bigint, 6::numeric), 'from the window''s first share to the block');
SELECT is(pg_temp.given(:run), 'alice 401, bob 311, carol 279', '941 by work, and 25 each');
SELECT is(pg_temp.again(:run), 'shares', 'again');
DELETE FROM coherence_proofs;
SELECT is(pg_temp.again(:run), 'sums', 'and without the proofs');

SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'all transactions add up');
SELECT * FROM finish();
ROLLBACK;
