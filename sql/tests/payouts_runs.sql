-- The example of docs/payouts.md by every scheme; what a run refuses; blocks that are orphaned and come back.
BEGIN;
SELECT plan(84);
\ir fixtures/example.psql

-- What if a block were found: side by side, before and at the block.
SELECT results_eq(
  $$SELECT substr(address, 7), pplns_work, pplns_sats, prop_work, prop_sats, pps_work, pps_sats, solo_sats FROM payout_preview(pg_temp.at('12:02:30'), 1001)$$,
  $$VALUES ('alice', 40::numeric, 397::bigint, 40::numeric, 495::bigint, 90::numeric, 1604::numeric, 991::bigint),
           ('bob', 40, 396, 20, 248, 50, 891, 991), ('carol', 20, 198, 20, 248, 20, 357, 991)$$, 'the preview, side by side');
SELECT is((SELECT sum(pplns_sats) FROM payout_preview(pg_temp.at('12:02:30'))), 991::numeric, 'with the newest height''s reward');
SELECT is((SELECT sum(pplns_work) FROM payout_preview()), 100::numeric, 'and now, which is long after');
SELECT throws_ok($$SELECT payout_preview('2008-01-01')$$, 'PH111', NULL, 'not before Bitcoin');
SELECT throws_ok($$SELECT payout_preview('infinity')$$, 'PH111', NULL, 'nor at the end of time');
SELECT throws_ok($$SELECT payout_preview(now() + interval '3 days')$$, 'PH111', NULL, 'nor in days to come');
SELECT throws_ok($$SELECT payout_preview(pg_temp.at('12:02:30'), -1)$$, 'PH111', NULL, 'nor with less than nothing');
SELECT throws_ok($$SELECT payout_preview(pg_temp.at('11:00:00'))$$, 'PH107', NULL, 'nor before there was a scheme');

-- PPLNS, the scheme in force.
SELECT create_block_run(:'example') AS run \gset
SELECT is(pg_temp.given(:run), 'alice 397, bob 396, carol 198', 'PPLNS');
SELECT is((SELECT (start_kind, start_time, start_sequence, start_work, work, window_work) FROM payout_runs WHERE id = :run),
  ('share'::text, pg_temp.at('11:59:20'), 2::bigint, 20::numeric, 100::numeric, 100::numeric), 'its window begins with part of bob''s share');
SELECT is(pg_temp.accounts(), 'fees 10, miners 991, rewards -1001', 'and so it is in the ledger');
SELECT is(pg_temp.again(:run), 'shares', 'the same bytes again');
SELECT is((SELECT canonical FROM recompute_run(:run)), replace(replace($text$phasepool-payout 1
kind block
block HASH
height 100
end 1709294550000000
scheme pplns
pplns_window 2
fee_ppm 10000
coherence_ppm 0
reward_sats 1001
nbits 20051eb8
window_work 100
start share 1709294360000000 1 2 20
work 100
coherence_work 0
fee_sats 10
coherence_sats 0
reserve_sats 0
journal 1 11111111-1111-4111-8111-111111111111 7
miner bcrt1qalice 40 0 0 397 0
miner bcrt1qbob 40 0 0 396 0
miner bcrt1qcarol 20 0 0 198 0
$text$, 'HASH', encode(:'example', 'hex')), E'\r', ''), 'which are these');
SELECT is((SELECT (digest = stored_digest, digest) FROM recompute_run(:run)), (SELECT (true, sha256(convert_to(canonical, 'UTF8'))) FROM recompute_run(:run)),
  'and the digest is theirs');
SELECT throws_ok(format('SELECT create_block_run(%L)', :'example'), 'PH104', NULL, 'a block has one run');

-- Shares that come late change nothing, and neither do dropped ones.
SELECT pg_temp.store('12:00:59', 'carol', 1000) AS x \gset
SELECT is(pg_temp.again(:run), 'shares', 'late work does not count');
SELECT is((SELECT string_agg(what || ' ' || work, ', ') FROM payout_late_work WHERE run_id = :run), 'shares 1000', 'but is noted');
SAVEPOINT dropped;
DELETE FROM shares;
SELECT is(pg_temp.again(:run), 'sums', 'nor does it from the sums');
ALTER TABLE share_sums DISABLE TRIGGER USER;
UPDATE share_sums SET work = work + 1 WHERE span = 'minute' AND start = pg_temp.at('12:01:00') AND worker_id = (SELECT max(id) FROM workers);
SELECT is(pg_temp.again(:run), 'what is computed anew differs from the run', 'a sum that was tampered with shows');
ROLLBACK TO dropped;
UPDATE shares SET work = work + 1 WHERE sequence = 4;
UPDATE share_sums SET work = work + 1 WHERE start IN (pg_temp.at('12:01:00'), pg_temp.at('12:00:00')) AND worker_id IN (SELECT worker_id FROM shares WHERE sequence = 4);
SELECT is(pg_temp.again(:run), 'what is computed anew differs from the run', 'and so does a share');
ROLLBACK TO dropped;
ALTER TABLE payout_items DISABLE TRIGGER USER;
UPDATE payout_items SET share_sats = share_sats + 1 WHERE address = 'bcrt1qbob';
SELECT is(pg_temp.again(:run), 'the stored rows are not those of the digest', 'and a row of the run');
ROLLBACK TO dropped;
ALTER TABLE payout_runs DISABLE TRIGGER USER;
UPDATE payout_runs SET start_sequence = 1, start_time = pg_temp.at('11:58:40');
SELECT is(pg_temp.again(:run), 'the window does not begin where it should', 'and a window that was moved');
ROLLBACK TO dropped;
SELECT throws_ok('SELECT recompute_run(0)', 'PH105', NULL, 'no such run');

-- Reversed by hand, another scheme.
SELECT throws_ok(format('SELECT reverse_run(%s, '' '')', :run), 'PH111', NULL, 'a reason is asked for');
SELECT is(reverse_run(:run, 'should have been PROP'), :run::bigint, 'taken back');
SELECT is(pg_temp.accounts(), '', 'all of it');
SELECT is((SELECT sum(balance_sats) FROM miner_balances), 0::numeric, 'nobody is owed anything');
SELECT throws_ok(format('SELECT reverse_run(%s, ''again'')', :run), 'PH105', NULL, 'once');
SELECT throws_ok('SELECT reverse_run(0, ''x'')', 'PH105', NULL, 'if there is one');
SELECT is(update_ledger(), 0, 'what the operator took back stays so');
SELECT note_payout_scheme(pg_temp.at('11:50:00'), 'prop', 2, 10000, 0, 100) AS prop \gset
SELECT note_payout_scheme(pg_temp.at('11:50:00'), 'solo', 2, 10000, 0, 100) AS solo \gset
SELECT note_payout_scheme(pg_temp.at('11:50:00'), 'pps', 2, 10000, 0, 100) AS pps \gset
SELECT throws_ok(format('SELECT create_block_run(%L, %s)', :'example', :prop), 'PH109', NULL, 'PROP waits until the block before is decided');
UPDATE blocks SET status = 'confirmed' WHERE hash = :'before';
SELECT create_block_run(:'example', :prop) AS second \gset
SELECT is((SELECT work FROM payout_items WHERE run_id = :second AND address = 'bcrt1qcarol'), 1020::numeric, 'what came late counts in a new run');
SELECT is(reverse_run((SELECT max(id) FROM payout_runs), 'without it') > 0, true, 'taken back');
ROLLBACK TO dropped;
DELETE FROM shares WHERE work = 1000;
UPDATE share_sums SET work = work - 1000 WHERE work > 1000;
UPDATE blocks SET status = 'confirmed' WHERE hash = :'before';
SELECT reverse_run(:run, 'should have been PROP') AS x \gset
SELECT note_payout_scheme(pg_temp.at('11:50:00'), 'prop', 2, 10000, 0, 100) AS prop \gset
SELECT note_payout_scheme(pg_temp.at('11:50:00'), 'solo', 2, 10000, 0, 100) AS solo \gset
SELECT note_payout_scheme(pg_temp.at('11:50:00'), 'pps', 2, 10000, 0, 100) AS pps \gset
SELECT note_payout_scheme(pg_temp.at('11:50:00'), 'pplns', 2, 10000, 0, 100) AS x \gset
DELETE FROM share_sums WHERE shares = 1 AND work = 0;
SELECT create_block_run(:'example', :prop) AS second \gset
SELECT is(pg_temp.given(:second), 'alice 495, bob 248, carol 248', 'PROP');
SELECT throws_ok(format('SELECT restore_run(%s, ''x'')', :run), 'PH104', NULL, 'the first is not restored beside it');
SELECT reverse_run(:second, 'on') AS x \gset
SELECT create_block_run(:'example', :solo) AS third \gset
SELECT is(pg_temp.given(:third), 'bob 991', 'SOLO');
SELECT is(pg_temp.again(:third), 'shares', 'and again');
SELECT reverse_run(:third, 'on') AS x \gset
SELECT create_block_run(:'example', :pps) AS fourth \gset
SELECT is(coalesce(pg_temp.given(:fourth), 'nobody'), 'nobody', 'a block under PPS is nobody''s');
SELECT is(pg_temp.accounts(), 'reserve 1001, rewards -1001', 'but the reserve''s');
SELECT is(pg_temp.again(:fourth), 'shares', 'and again');
SELECT reverse_run(:fourth, 'on') AS x \gset
SELECT is(restore_run(:run, 'back to the first') > 0, true, 'the first is restored');
SELECT is(pg_temp.accounts(), 'fees 10, miners 991, rewards -1001', 'exactly as it was');
SELECT throws_ok(format('SELECT restore_run(%s, ''x'')', :run), 'PH105', NULL, 'once');
SELECT is((SELECT string_agg(kind, ' ' ORDER BY id) FROM ledger_transactions WHERE run_id = :run), 'run reversal restoral', 'and the ledger tells');

-- Orphaned, and back.
UPDATE blocks SET status = 'accepted' WHERE hash = :'before';
UPDATE blocks SET status = 'orphaned' WHERE hash = :'example';
SELECT is(update_ledger(), 1, 'an orphan is reversed');
SELECT is((SELECT state FROM payout_runs WHERE id = :run) || pg_temp.accounts(), 'reversed', 'all of it');
SELECT is(update_ledger(), 0, 'once');
SELECT throws_ok(format('SELECT restore_run(%s, ''x'')', :run), 'PH103', NULL, 'and is not restored by hand');
UPDATE blocks SET status = 'accepted' WHERE hash = :'example';
SELECT is(update_ledger(), 0, 'back in the chain is not enough');
SELECT throws_ok(format('SELECT restore_run(%s, ''x'')', :run), 'PH102', NULL, 'by hand neither');
UPDATE blocks SET status = 'confirmed' WHERE hash = :'example';
SELECT is(update_ledger(), 1, 'confirmed again, it is restored');
SELECT is(pg_temp.accounts(), 'fees 10, miners 991, rewards -1001', 'to the satoshi');
SELECT is(update_ledger(), 0, 'once');

-- What no run can be made for.
SELECT throws_ok($$SELECT create_block_run('\x00')$$, 'PH101', NULL, 'a block that is none');
SELECT throws_ok($$SELECT create_block_run(NULL)$$, 'PH101', NULL, 'no block');
SELECT throws_ok(format('SELECT create_block_run(pg_temp.block(%L, %L, %L, 1, 1, %L))', s, '12:03:00', 'bob', s), state, NULL, 'a block that is ' || s)
  FROM (VALUES ('submitted', 'PH102'), ('accepted', 'PH102'), ('rejected', 'PH102'), ('orphaned', 'PH103')) v (s, state);
SELECT pg_temp.block('other', '12:05:00', 'alice', 500, 101) AS other \gset
SAVEPOINT tries;
UPDATE blocks SET pool_sats = NULL WHERE hash = :'other';
SELECT throws_ok(format('SELECT create_block_run(%L)', :'other'), 'PH111', NULL, 'a coinbase that could not be read');
ROLLBACK TO tries;
UPDATE blocks SET time = '2031-01-01Z' WHERE hash = :'other';
SELECT throws_ok(format('SELECT create_block_run(%L)', :'other'), 'PH111', NULL, 'a time to come');
UPDATE blocks SET time = '1970-01-01Z' WHERE hash = :'other';
SELECT throws_ok(format('SELECT create_block_run(%L)', :'other'), 'PH111', NULL, 'a time long gone');
UPDATE blocks SET time = pg_temp.at('11:00:00') WHERE hash = :'other';
SELECT throws_ok(format('SELECT create_block_run(%L)', :'other'), 'PH107', NULL, 'a time before any scheme');
ROLLBACK TO tries;
SELECT throws_ok(format('SELECT create_block_run(%L, 0)', :'other'), 'PH107', NULL, 'a scheme that is none');
SELECT note_payout_scheme(pg_temp.at('12:04:00'), 'solo', 1, 10000, 0, 100) AS changed \gset
SELECT is(pg_temp.given(create_block_run(:'other')), 'alice 495', 'SOLO has no window');
ROLLBACK TO tries;
SELECT note_payout_scheme(pg_temp.at('12:04:00'), 'pplns', 2, 20000, 0, 100) AS changed \gset
SELECT note_payout_scheme(pg_temp.at('12:04:30'), 'pplns', 2, 20000, 0, 5000) AS changed \gset
SELECT pg_temp.store('12:05:00', 'alice', 10, 101) AS x \gset
SELECT throws_ok(format('SELECT create_block_run(%L)', :'other'), 'PH108', NULL, 'a scheme that changed in mid-window');
UPDATE blocks SET status = 'confirmed' WHERE hash = :'before';
SELECT is(update_ledger(), 1, 'what can''t be divided does not stop the others: the one before is');
SELECT is((SELECT (count(*), max(p.sqlstate)) FROM payout_problems p WHERE block_hash = :'other'), (1::bigint, 'PH108'::text), 'it is noted');
SELECT is(update_ledger(), 0, 'and left alone for a while');
SELECT is((SELECT string_agg(severity || ' ' || component || ' ' || (context ->> 'sqlstate'), ', ') FROM events), 'high payouts PH108', 'one event says so');
SELECT accept_scheme_change(:changed) AS x \gset
UPDATE payout_problems SET last_time = last_time - interval '11 min';
SELECT throws_ok('SELECT accept_scheme_change(0)', 'PH107', NULL, 'none that is accepted');
SELECT is(update_ledger(), 1, 'unless the operator accepts the change');
SELECT is((SELECT (scheme_id, fee_sats) FROM payout_runs WHERE block_hash = :'other'), (:changed::bigint, 10::bigint), 'which then counts');
SELECT is((SELECT count(*) FROM payout_problems), 0::bigint, 'and the problem is gone');
ROLLBACK TO tries;
DELETE FROM shares WHERE time >= pg_temp.at('12:02:00');
UPDATE blocks SET time = pg_temp.at('12:02:40') WHERE hash = :'other';
SELECT throws_ok(format('SELECT create_block_run(%L, %s)', :'other', :pplns), 'PH113', NULL, 'shares of the block''s own minute that were dropped');
ROLLBACK TO tries;
SELECT throws_ok(format('SELECT create_block_run(pg_temp.block(%L, %L, %L, 1, 1, %L), %s)', 'low', '12:05:00', 'bob', 'confirmed',
    note_payout_scheme(pg_temp.at('11:50:00'), 'pplns', 0.001, 0, 0, 0)), 'PH111', NULL, 'a window of less than a hash');
SELECT pg_temp.block('small', '12:02:30', 'bob', 1, 101) AS small, note_payout_scheme(pg_temp.at('11:50:00'), 'pplns', 0.290, 0, 0, 0) AS scheme \gset
SELECT create_block_run(:'small', :scheme) AS x \gset
SELECT is((SELECT (window_work, work) FROM payout_runs WHERE pplns_window = 0.29), (14::numeric, 14::numeric), 'a window is rounded down: 0.29 * 50');
SELECT is((SELECT canonical LIKE E'%\npplns_window 0.29\n%' FROM payout_runs, recompute_run(id) WHERE pplns_window = 0.29), true, 'and written without trailing zeros');
SELECT is((SELECT count(*) FROM payout_runs r WHERE NOT EXISTS (SELECT FROM ledger_transactions t WHERE t.run_id = r.id)), 0::bigint, 'nothing is half-done');
SELECT pg_temp.store('12:06:00', 'bob', 5, 101) AS x \gset
SELECT pg_temp.block('twin', '12:06:00', 'bob', 1, 101) AS twin, pg_temp.block('same', '12:06:00', 'bob', 1, 101) AS same \gset
SELECT is(pg_temp.given(create_block_run(:'twin', :prop)), 'bob 1', 'two blocks in one microsecond');
SELECT throws_ok(format('SELECT create_block_run(%L, %s)', :'same', :prop), 'PH114', NULL, 'the second has no work of its own');
UPDATE blocks SET time = pg_temp.at('12:05:59') WHERE hash = :'same';
SELECT throws_ok(format('SELECT create_block_run(%L, %s)', :'same', :prop), 'PH106', NULL, 'and one whose time comes before overlaps');

SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'all transactions add up');
SELECT is((SELECT sum(amount_sats) FROM ledger), 0::numeric, 'and so does the ledger');
SELECT * FROM finish();
ROLLBACK;
