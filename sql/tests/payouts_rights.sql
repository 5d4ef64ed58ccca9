-- Who may divide rewards; and runs that wait for journals that are behind.
BEGIN;
SELECT plan(26);
\ir fixtures/example.psql

-- The pool ships, and lets the ledger follow the blocks; no more.
SET LOCAL ROLE phasepool;
SELECT is(note_payout_scheme(pg_temp.at('11:50:00'), 'pplns', 2, 10000, 0, 100), :pplns::bigint, 'the pool notes its scheme');
SELECT lives_ok($$SELECT pg_temp.store('12:10:00', 'bob', 1, 102)$$, 'stores shares, with what follows from them');
SELECT is(update_ledger(), 1, 'and brings the ledger in line');
SELECT throws_ok(statement, '42501', NULL, 'the pool can''t: ' || statement) FROM unnest(ARRAY[
  'INSERT INTO payout_run_journals SELECT 1, 1, gen_random_uuid(), 1', 'SELECT post_to_ledger(''adjustment'', NULL, NULL, ''x'', ARRAY[''fees'', ''reserve''], ARRAY[NULL, NULL]::bigint[], ARRAY[1, -1])',
  'SELECT reverse_run(1, ''x'')', 'SELECT accept_scheme_change(1)', 'SELECT * FROM ledger', 'UPDATE payout_runs SET state = ''withdrawn''', 'DELETE FROM pps_pending',
  'UPDATE payout_schemes SET fee_ppm = 0', 'SELECT add_late_work(''shares'', ''{}'', ''{}'', ''{}'')']) AS statement;
RESET ROLE;
SELECT is((SELECT count(*) FROM pps_pending), 3::bigint, 'heights wait for PPS');

-- Payouts: by the operator.
SET LOCAL ROLE phasepool_payouts;
SELECT is(update_ledger(), 0, 'payouts do so too');
SELECT id AS run FROM payout_runs \gset
SELECT lives_ok(format('SELECT reverse_run(%s, ''x'')', :run), 'take runs back');
SELECT lives_ok(format('SELECT create_block_run(%L)', :'example'), 'make them');
SELECT lives_ok('SELECT payout_preview()', 'look ahead');
SELECT is((SELECT bool_and(equal) FROM payout_runs, recompute_run(id)), true, 'and back');
SELECT lives_ok('SELECT adjust_reserve(1, ''x'')', 'move the reserve');
SELECT lives_ok(format('SELECT accept_scheme_change(%s)', :pplns), 'and accept a change');
SELECT throws_ok(statement, '42501', NULL, 'payouts can''t: ' || statement) FROM unnest(ARRAY[
  'INSERT INTO shares SELECT * FROM shares', 'UPDATE account_balances SET balance_sats = 1', 'UPDATE payout_schemes SET fee_ppm = 0', 'UPDATE blocks SET status = ''confirmed''']) AS statement;
RESET ROLE;
SET LOCAL ROLE phasepool_web;
SELECT lives_ok('SELECT payout_preview()', 'the page shows what would be');
SELECT throws_ok('SELECT reverse_run(max(id), ''x'') FROM payout_runs', '42501', NULL, 'and changes nothing');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
