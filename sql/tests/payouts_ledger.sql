-- The ledger: double entry, never changed; balances; statements; schemes as they are noted; journals that are behind; rights.
BEGIN;
SELECT plan(61);
\ir fixtures/example.psql
SELECT is(update_ledger(), 1, 'the confirmed block is divided');

-- Kept as it is.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT throws_ok(statement, 'PH115', NULL, statement) FROM unnest(ARRAY[
  'UPDATE ledger SET amount_sats = 1', 'DELETE FROM ledger', 'TRUNCATE ledger', 'UPDATE ledger_transactions SET note = ''''',
  'DELETE FROM ledger_transactions', 'TRUNCATE ledger_transactions CASCADE', 'UPDATE payout_items SET share_sats = 0', 'DELETE FROM payout_items',
  'DELETE FROM payout_runs', 'UPDATE payout_runs SET reward_sats = 0', 'UPDATE payout_runs SET state = ''applied'', digest = ''''',
  'DELETE FROM payout_run_journals', 'DELETE FROM payout_run_heights', 'DELETE FROM pps_credits']) AS statement;

-- Adds up.
SELECT throws_ok($$SELECT post_to_ledger('adjustment', NULL, NULL, 'x', ARRAY['fees', 'reserve'], ARRAY[NULL, NULL]::bigint[], ARRAY[1, 1])$$, 'PH116', NULL, 'what one gains another loses');
SELECT throws_ok($$SELECT post_to_ledger('adjustment', NULL, NULL, 'x', ARRAY['fees'], ARRAY[NULL, NULL]::bigint[], ARRAY[1, -1])$$, 'PH116', NULL, 'and each has an account');
SELECT throws_ok($$SELECT post_to_ledger('adjustment', NULL, NULL, 'x', ARRAY['fees', 'miners'], ARRAY[NULL, NULL]::bigint[], ARRAY[1, -1])$$, '23514', NULL, 'a miner''s has a miner');
SELECT throws_ok($$SELECT post_to_ledger('adjustment', NULL, NULL, 'x', ARRAY['fees', 'tips'], ARRAY[NULL, NULL]::bigint[], ARRAY[1, -1])$$, '23514', NULL, 'of the chart of accounts');
SELECT throws_ok($$SELECT post_to_ledger('gift', NULL, NULL, 'x', ARRAY['fees', 'reserve'], ARRAY[NULL, NULL]::bigint[], ARRAY[1, -1])$$, '23514', NULL, 'and a kind that there is');
SAVEPOINT crooked;
INSERT INTO ledger_transactions (kind, note) VALUES ('adjustment', 'x');
INSERT INTO ledger (transaction_id, account, amount_sats) SELECT max(id), 'fees', 5 FROM ledger_transactions;
INSERT INTO ledger (transaction_id, account, amount_sats) SELECT max(id), 'reserve', -4 FROM ledger_transactions;
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', 'PH116', NULL, 'rows that do not add up are not committed');
ROLLBACK TO crooked;
INSERT INTO ledger (transaction_id, account, amount_sats) SELECT min(id), 'fees', 5 FROM ledger_transactions;
SELECT throws_ok('SET CONSTRAINTS ALL IMMEDIATE', 'PH116', NULL, 'nor added to another transaction');
ROLLBACK TO crooked;
INSERT INTO ledger_transactions (kind, note) VALUES ('adjustment', 'x');
INSERT INTO ledger (transaction_id, account, amount_sats) SELECT max(id), 'fees', 5 FROM ledger_transactions;
INSERT INTO ledger (transaction_id, account, amount_sats) SELECT max(id), 'reserve', -5 FROM ledger_transactions;
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'those that do are, one by one');
SET CONSTRAINTS ALL DEFERRED;
SELECT is(adjust_reserve(-3, 'paid in too much') > 0, true, 'the operator moves between fees and reserve');
SELECT is(pg_temp.accounts(), 'fees 18, miners 991, reserve -8, rewards -1001', 'which shows');
SELECT throws_ok($$SELECT adjust_reserve(0, 'x')$$, 'PH111', NULL, 'something');
SELECT throws_ok($$SELECT adjust_reserve(1, '')$$, 'PH111', NULL, 'for a reason');

-- Balances are the ledger's sums, whatever happens.
PREPARE wrong_balances AS
  (SELECT account, miner_id, balance_sats::numeric FROM account_balances WHERE balance_sats <> 0
   EXCEPT SELECT account, miner_id, sum(amount_sats) FROM ledger GROUP BY 1, 2)
  UNION ALL
  (SELECT account, miner_id, sum(amount_sats) FROM ledger GROUP BY 1, 2 HAVING sum(amount_sats) <> 0
   EXCEPT SELECT account, miner_id, balance_sats FROM account_balances);
SELECT is_empty('EXECUTE wrong_balances', 'balances are sums');
SELECT id AS alice FROM miners WHERE address = 'bcrt1qalice' \gset
INSERT INTO payments (wallet, node, amount_sats) VALUES ('pool', 'node 1', 300);
SELECT is(post_to_ledger('plan', NULL, 1, 'first payment', ARRAY['miners', 'in_transit'], ARRAY[:alice, :alice], ARRAY[-300, 300]) > 0, true, 'a payment is planned');
SELECT is(post_to_ledger('settle', NULL, 1, 'first payment', ARRAY['in_transit', 'paid'], ARRAY[:alice, :alice], ARRAY[-300, 300]) > 0, true, 'and settled');
UPDATE blocks SET status = 'orphaned' WHERE hash = :'example';
SELECT is(update_ledger(), 1, 'and then the block is orphaned');
SELECT is_empty('EXECUTE wrong_balances', 'balances are sums');
SELECT results_eq($$SELECT substr(address, 7), balance_sats, in_transit_sats, paid_sats, minimum_sats FROM miner_balances ORDER BY 1$$,
  $$VALUES ('alice', -300::bigint, 0::bigint, 300::bigint, 100::bigint), ('bob', 0, 0, 0, 100), ('carol', 0, 0, 0, 100)$$, 'what was paid is owed back');
UPDATE blocks SET status = 'confirmed' WHERE hash = :'example';
SELECT is(update_ledger(), 1, 'and comes back');
SELECT is_empty('EXECUTE wrong_balances', 'balances are sums');
SELECT results_eq($$SELECT account, amount_sats, balance_sats, kind FROM miner_statement('bcrt1qalice', '2009-01-03Z', now() + interval '1 hour')$$,
  $$VALUES ('miners', 397::bigint, 397::bigint, 'run'), ('in_transit', 300, 300, 'plan'), ('miners', -300, 97, 'plan'), ('in_transit', -300, 0, 'settle'),
           ('paid', 300, 300, 'settle'), ('miners', -397, -300, 'reversal'), ('miners', 397, 97, 'restoral')$$, 'the statement tells it in order');
SELECT is_empty($$SELECT * FROM miner_statement('bcrt1qalice', '2009-01-03Z', now() - interval '1 hour')$$, 'of its time');
SELECT throws_ok('SELECT miner_statement(' || arguments || ')', state, NULL, 'refused: ' || arguments)
  FROM (VALUES ('''bcrt1qnobody'', now(), now()', 'PH112'), ('NULL, now(), now()', 'PH112'), ('''BCRT1QALICE'', now(), now()', 'PH112'),
               ('''bcrt1qalice'', ''-infinity'', now()', 'PH111'), ('''bcrt1qalice'', ''0044-03-15 BC'', now()', 'PH111'), ('''bcrt1qalice'', NULL, now()', 'PH111'),
               ('''bcrt1qalice'', now(), now() - interval ''1 s''', 'PH111'), ('''bcrt1qalice'', now(), ''9999-01-01''', 'PH111')) AS v (arguments, state);

-- Schemes are rows where they change, in the order of their times, whatever order they come in.
SELECT is(note_payout_scheme(pg_temp.at('13:00:00'), 'pplns', 2.0, 10000, 0, 100), :pplns::bigint, 'the same again is no new one');
SELECT is((SELECT last_noted FROM payout_schemes), pg_temp.at('13:00:00'), 'but is noted');
SELECT note_payout_scheme(pg_temp.at('12:30:00'), 'prop', 2, 0, 0, 100) AS late \gset
SELECT results_eq('SELECT scheme, valid_from FROM payout_schemes ORDER BY valid_from',
  $$VALUES ('pplns', pg_temp.at('11:50:00')), ('prop', pg_temp.at('12:30:00')), ('pplns', pg_temp.at('13:00:00'))$$, 'one that comes late lies between');
SELECT is((SELECT array_agg((scheme_at(pg_temp.at(t))).scheme ORDER BY t) FROM unnest(ARRAY['11:49:59', '11:50:00', '12:29:59', '12:30:00', '12:59:59', '13:00:00', '20:00:00']) t),
  ARRAY[NULL, 'pplns', 'pplns', 'prop', 'prop', 'pplns', 'pplns'], 'and is in force there');
SELECT note_payout_scheme('2100-01-01Z', 'solo', 1, 0, 0, 0) AS ahead \gset
SELECT is((SELECT valid_from <= clock_timestamp() FROM payout_schemes WHERE id = :ahead), true, 'a clock that is ahead counts as now');
SELECT throws_ok(format('SELECT note_payout_scheme(pg_temp.at(''14:00:00''), %s)', arguments), 'PH111', NULL, 'refused: ' || arguments)
  FROM unnest(ARRAY['''lottery'', 2, 0, 0, 0', '''pplns'', 0, 0, 0, 0', '''pplns'', -1, 0, 0, 0', '''pplns'', 1e12, 0, 0, 0', '''pplns'', ''NaN'', 0, 0, 0',
    '''pplns'', 0.0000000000000000001, 0, 0, 0', '''pplns'', 2, -1, 0, 0', '''pplns'', 2, 999999, 2, 0', '''pplns'', 2, 0, 0, -1', '''pplns'', 2, NULL, 0, 0']) AS arguments;

SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'all transactions add up');
SELECT * FROM finish();
ROLLBACK;
