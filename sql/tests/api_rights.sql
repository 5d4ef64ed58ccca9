-- Who may ask what the API asks: the web's role alone suffices, and the pool's where its login is no member of that. Nothing is changed by asking.
BEGIN;
SELECT plan(12);
\ir fixtures/example.psql
\set chain_begun 0
SELECT create_block_run(:'example') AS run, (begin_coherence_chain(10, 3, 545259519, 900)).block_seconds AS begun, record_event(now(), 'info', 'shard', 'x', '{}') AS event \gset

-- Every function of the API and whatever they are made of: a new one that is not asked here fails the second test.
CREATE TEMP TABLE asked (name text, call text);
INSERT INTO asked VALUES ('api_round', 'api_round()'), ('api_luck', 'api_luck()'), ('api_history', $$api_history('7d')$$), ('api_miners', 'api_miners(1, 50)'), ('api_miner', $$api_miner('bcrt1qbob')$$),
  ('api_miner_history', $$api_miner_history('bcrt1qbob', NULL, '7d')$$), ('api_workers', $$api_workers('bcrt1qbob', 1, 50)$$), ('api_ckpool_user', $$api_ckpool_user('bcrt1qbob')$$),
  ('api_blocks', 'api_blocks(NULL, 50)'), ('api_block_detail', format('api_block_detail(%L)', :'example')), ('api_block_proof', format('api_block_proof(%L)', :'example')),
  ('api_payouts', 'api_payouts(NULL, 50)'), ('api_payout', 'api_payout(1, 1, 50)'), ('api_preview', 'api_preview()'), ('api_expected_parts', format('api_expected_parts(%L)', :'example')),
  ('api_chain', 'api_chain(NULL, 50)'), ('api_epochs', 'api_epochs(50)'), ('api_chain_block_detail', 'api_chain_block_detail(0)'), ('api_events', $$api_events(NULL, 50, 'info')$$);
GRANT SELECT ON asked TO PUBLIC;
CREATE FUNCTION pg_temp.failures() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  one record;
  answer text;
BEGIN
  FOR one IN SELECT * FROM pg_temp.asked LOOP
    BEGIN
      EXECUTE 'SELECT ' || one.call INTO answer;
      -- Each but the chain's has something to tell.
      IF answer IS NULL AND one.name <> 'api_chain_block_detail' THEN
        RETURN NEXT one.call || ': null';
      END IF;
    EXCEPTION WHEN OTHERS THEN
      RETURN NEXT one.call || ': ' || SQLERRM;
    END;
  END LOOP;
END;
$$;
SELECT is_empty('SELECT pg_temp.failures()', 'its owner may ask everything');
SELECT is_empty($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname ~ '^api_' AND p.prorettype = 'json'::regtype
                  AND NOT EXISTS (SELECT FROM asked a WHERE a.name = p.proname)
                  -- Parts of the above.
                  AND p.proname NOT IN ('api_rates', 'api_block_brief', 'api_luck_of', 'api_series', 'api_worker_list', 'api_miner_balance', 'api_miner_payouts', 'api_miner_payments',
                    'api_miner_days', 'api_pending_blocks', 'api_run', 'api_payout_totals')$$, 'every question is asked here');
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
                  AND (p.proname ~ '^api_' OR p.proname IN ('sums_of_workers', 'last_minutes', 'workers_work', 'public_event_message', 'numeral_hex', 'coherence_rounds_per_bloom'))
                  AND (p.provolatile = 'v' OR p.prosecdef)$$, 'none changes anything, or runs with its owner''s rights');
SET LOCAL ROLE phasepool_web;
SELECT is_empty('SELECT pg_temp.failures()', 'phasepool_web may ask everything');
SELECT throws_ok('SELECT context FROM events', '42501', NULL, 'but an event''s context');
SELECT throws_ok('SELECT * FROM events', '42501', NULL, 'or all of an event');
SELECT throws_ok('SELECT note_pool_sums()', '42501', NULL, 'and may not call what keeps the sums');
SELECT throws_ok($$INSERT INTO pool_sums VALUES ('minute', now(), 1, 1, 1)$$, '42501', NULL, 'nor write them');
RESET ROLE;
SET LOCAL ROLE phasepool;
SELECT is_empty('SELECT pg_temp.failures()', 'and so may the pool, where it answers the page itself');
SELECT throws_ok($$DELETE FROM pool_sums$$, '42501', NULL, 'which can''t change the sums either');
RESET ROLE;
SET LOCAL transaction_read_only = on;
SET LOCAL ROLE phasepool_web;
SELECT is_empty('SELECT pg_temp.failures()', 'as the pool asks: read-only');
SELECT throws_ok('CREATE TEMP TABLE t (i integer)', '25006', NULL, 'which it is');
SELECT * FROM finish();
ROLLBACK;
