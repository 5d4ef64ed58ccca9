-- What the API tells of blocks and money: blocks and their records, runs, payments, balances, what is pending, what a block would bring.
-- The example of docs/payouts.md, in which one block is divided.
BEGIN;
SELECT plan(61);
\ir fixtures/example.psql
UPDATE blocks SET coinbase = '\xc0ffee', merkle_branch = ARRAY[sha256('a'), sha256('b')], detail = 'why' WHERE hash = :'example';

-- Before anything was divided.
SELECT is(api_payouts(NULL, 10) ->> 'runs', '[]', 'no run');
SELECT is(api_payouts(NULL, 10)::jsonb -> 'totals', '{"owed_sats": 0, "in_transit_sats": 0, "paid_sats": 0, "fees_sats": 0, "miners_owed": 0, "payable_sats": 0}', 'nobody is owed anything');
SELECT is(api_payouts(NULL, 10)::jsonb - ARRAY['totals', 'runs', 'payments'], jsonb_build_object('time_us', micros(now()), 'next', NULL, 'scheme', jsonb_build_object('scheme', 'pplns',
  'pplns_window', '2', 'fee_ppm', 10000, 'coherence_ppm', 0, 'minimum_sats', 100, 'since_us', micros(pg_temp.at('11:50:00')))), 'the scheme in force');
SELECT is(api_expected_parts(:'example')::jsonb, '[["bcrt1qalice", "397"], ["bcrt1qbob", "396"], ["bcrt1qcarol", "198"]]', 'what a block would bring: as its run will divide it');
SELECT is(api_expected_parts(sha256('nothing'))::text, NULL, 'of no block nothing');
SELECT is(api_preview()::jsonb - ARRAY['rows', 'time_us'], jsonb_build_object('scheme', 'pplns', 'height', 102, 'reward_sats', 1001, 'fee_ppm', 10000, 'coherence_ppm', 0,
  'network_work', '50', 'pplns_work', (SELECT sum(pplns_work) FROM payout_preview())::text, 'prop_work', (SELECT sum(prop_work) FROM payout_preview())::text), 'if a block were found now');
SELECT is((api_preview() -> 'rows')::jsonb, (SELECT jsonb_agg(jsonb_build_array(address, pplns_sats::text, pplns_work::text, prop_sats::text, prop_work::text, pps_sats::text, pps_work::text,
  solo_sats::text)) FROM payout_preview()), 'everybody by every scheme');
SAVEPOINT nothing;
DELETE FROM shares;
ALTER TABLE share_sums DISABLE TRIGGER USER;
DELETE FROM share_sums;
DELETE FROM height_sums;
SELECT is(api_preview()::text, NULL, 'if nobody worked there is nothing to tell');
ROLLBACK TO nothing;
DELETE FROM shares WHERE time >= pg_temp.at('12:02:00');
SELECT throws_ok(format('SELECT draft_block_run(%L, NULL, true)', :'example'), 'PH113', NULL, 'where shares are gone that would be needed');
SELECT is(api_expected_parts(:'example')::text, NULL, 'the parts are unknown, which is no error');
ROLLBACK TO nothing;
SELECT note_payout_scheme(now() - interval '1 second', 'pplns', 0.000001, 10000, 0, 100) AS tiny \gset
SELECT throws_ok('SELECT payout_preview()', 'PH111', NULL, 'a window of less than a hash');
SELECT is(api_preview()::text, NULL, 'and neither is a preview that can''t be made');
ROLLBACK TO nothing;

-- The run.
SELECT create_block_run(:'example') AS run \gset
SELECT is(api_payout(:run, 1, 100)::jsonb -> 'run', (api_payouts(NULL, 10)::jsonb -> 'runs' -> 0), 'a run in the list and by itself');
SELECT is((api_payouts(NULL, 10)::jsonb -> 'runs' -> 0) - ARRAY['created_us', 'digest'], jsonb_build_object('run', :run, 'kind', 'block', 'state', 'applied', 'time_us', 1709294550000000,
  'scheme', 'pplns', 'height', 100, 'block', encode(:'example', 'hex'), 'from_height', NULL, 'to_height', NULL, 'reward_sats', 1001, 'fee_sats', 10, 'coherence_sats', 0, 'reserve_sats', 0,
  'miners', 3, 'work', '100', 'coherence_work', '0'), 'what it divided');
SELECT is((api_payouts(NULL, 10) #>> '{runs,0,digest}'), (SELECT encode(digest, 'hex') FROM recompute_run(:run)), 'and what whoever computes it anew must come to');
SELECT is(api_payout(:run, 1, 100)::jsonb - 'run', '{"page": 1, "per_page": 100, "total": 3, "next": null, "items": [
  {"address": "bcrt1qalice", "work": "40", "coherence_work": "0", "share_sats": 397, "coherence_sats": 0, "sats": 397},
  {"address": "bcrt1qbob", "work": "40", "coherence_work": "0", "share_sats": 396, "coherence_sats": 0, "sats": 396},
  {"address": "bcrt1qcarol", "work": "20", "coherence_work": "0", "share_sats": 198, "coherence_sats": 0, "sats": 198}]}', 'its parts, the largest first');
SELECT is(api_payout(:run, 2, 2)::jsonb - ARRAY['run', 'items'], '{"page": 2, "per_page": 2, "total": 3, "next": null}', 'in pages');
SELECT is(api_payout(:run, 1, 2) ->> 'next', '2', 'that go on');
SELECT is((SELECT array_agg(i ->> 'address') FROM json_array_elements(api_payout(:run, 2, 2) -> 'items') i), '{bcrt1qcarol}', 'the second has the rest');
SELECT is(api_payout(:run, 3, 2) ->> 'items', '[]', 'behind it there is nothing');
SELECT is((api_payout(:run, 0, 0) ->> 'page') || ' ' || (api_payout(:run, 0, 0) ->> 'per_page') || ' ' || (api_payout(:run, 1, 999) ->> 'per_page'), '1 1 200', 'page and size have bounds');
SELECT is(api_payout(:run + 1, 1, 100)::text, NULL, 'no such run');
SELECT is(api_payouts(:run, 10) ->> 'runs', '[]', 'before the first run there is none');
SELECT is(api_payouts(:run + 1, 10) #>> '{runs,0,run}', :'run', 'a number is a bound');
SELECT is(api_payouts(NULL, 10)::jsonb -> 'totals', '{"owed_sats": 991, "in_transit_sats": 0, "paid_sats": 0, "fees_sats": 10, "miners_owed": 3, "payable_sats": 991}', 'what is owed');

-- A second run, pages of runs, one that is reversed.
SELECT pg_temp.block('later', '12:03:00', 'carol', 500, 101) AS later \gset
SELECT create_block_run(:'later', NULL, true) AS second \gset
SELECT is((SELECT array_agg(r ->> 'run') FROM json_array_elements(api_payouts(NULL, 10) -> 'runs') r), ARRAY[:'second', :'run'], 'the newest first');
SELECT is((api_payouts(NULL, 1) ->> 'next') || ' ' || (api_payouts(NULL, 1) #>> '{runs,0,run}'), :'second' || ' ' || :'second', 'a page of one; what to ask next');
SELECT is(api_payouts(:second, 1) ->> 'next', NULL, 'the last page has no next');
SELECT is(api_payouts(:second, 1) #>> '{runs,0,run}', :'run', 'and the first run');
SELECT reverse_run(:second, 'orphaned') AS reversed \gset
SELECT is(api_payouts(NULL, 1) #>> '{runs,0,state}', 'withdrawn', 'a run that was taken back says so');
SELECT is((api_payouts(NULL, 10) #>> '{totals,owed_sats}')::bigint, 991::bigint, 'and nobody is owed for it');

-- A miner's money.
SELECT id AS bob FROM miners WHERE address = 'bcrt1qbob' \gset
SELECT is(api_miner_balance(:bob)::jsonb, '{"balance_sats": 396, "in_transit_sats": 0, "paid_sats": 0, "minimum_sats": 100, "payments": 0, "earned_sats": 396}', 'a balance: reversed runs earn nothing');
SELECT is(api_miner_balance(0)::jsonb, '{"balance_sats": 0, "in_transit_sats": 0, "paid_sats": 0, "minimum_sats": 100, "payments": 0, "earned_sats": 0}', 'nobody''s');
SELECT is((api_miner_payouts(:bob) -> -1)::jsonb, jsonb_build_object('run', :run, 'time_us', 1709294550000000, 'kind', 'block', 'state', 'applied', 'scheme', 'pplns', 'height', 100,
  'block', encode(:'example', 'hex'), 'work', '40', 'run_work', '100', 'share_sats', 396, 'coherence_sats', 0, 'sats', 396), 'a miner''s part of a run');
SELECT is(api_miner_payments(:bob)::text, '[]', 'no payment');
SELECT plan_payment('wallet', 'node', ARRAY[:bob]::bigint[], ARRAY[300]::bigint[]) AS payment \gset
SELECT is(api_miner_balance(:bob)::jsonb, '{"balance_sats": 96, "in_transit_sats": 300, "paid_sats": 0, "minimum_sats": 100, "payments": 0, "earned_sats": 396}', 'what is on its way is not owed any more');
SELECT is((api_payouts(NULL, 1) #>> '{totals,payable_sats}')::bigint, 991 - 396::bigint, 'and what is left is less than the minimum');
SELECT adjust_reserve(50, 'for fees') AS moved \gset
SELECT record_payment_funded(:payment, '\x01', sha256('t'), '[]', 5) AS f, record_payment_signed(:payment, '\x02', sha256('x')) AS s, record_payment_sent(:payment, '') AS t \gset
SELECT is((api_miner_payments(:bob) -> 0)::jsonb - ARRAY['created_us', 'changed_us'], jsonb_build_object('payment', :payment, 'state', 'sent', 'sats', 300, 'txid', encode(sha256('x'), 'hex')), 'a payment');
SELECT settle_payment(:payment, sha256('x'), 5, sha256('b'), 100) AS settled \gset
SELECT is(api_miner_balance(:bob)::jsonb, '{"balance_sats": 96, "in_transit_sats": 0, "paid_sats": 300, "minimum_sats": 100, "payments": 1, "earned_sats": 396}', 'that is settled');
SELECT is((api_payouts(NULL, 1)::jsonb -> 'payments' -> 0) - ARRAY['created_us', 'changed_us'], jsonb_build_object('payment', :payment, 'state', 'settled', 'sats', 300, 'miners', 1, 'fee_sats', 5,
  'txid', encode(sha256('x'), 'hex')), 'as everybody sees it');
SELECT is((SELECT sum((d ->> 'sats')::bigint) FROM json_array_elements(api_miner_days(:bob)) d), 0::numeric, 'earned in the last fourteen days');
SELECT is(api_miner_days(:bob) #>> '{13,day}', ((now() AT TIME ZONE 'UTC')::date)::text, 'of which today is the last');
SAVEPOINT today;
ALTER TABLE payout_runs DISABLE TRIGGER USER;
UPDATE payout_runs SET end_time = date_trunc('day', now(), 'UTC') - interval '13 days';
SELECT is(api_miner_days(:bob) #>> '{0,sats}', '396', 'by the day of the run');
ROLLBACK TO today;

-- Blocks.
SELECT set_block_submission(:'example', 'b:8332', 'duplicate', '', pg_temp.at('12:02:32')) AS a, set_block_submission(:'example', 'a:8332', 'accepted', 'x', '2024-03-01T12:02:31.25Z') AS b \gset
SELECT id AS example_id, time AS example_time FROM blocks WHERE hash = :'example' \gset
SELECT is(api_block_detail(:'example')::jsonb, jsonb_build_object('id', :example_id, 'height', 100, 'hash', encode(:'example', 'hex'), 'status', 'confirmed', 'detail', 'why',
  'time', '2024-03-01T12:02:30.000Z', 'time_us', 1709294550000000, 'address', 'bcrt1qbob', 'worker', 'rig', 'reward_sats', 1001, 'pool_sats', 1001, 'network_difficulty', 1,
  'share_difficulty', 1, 'state', NULL, 'confirmations', NULL, 'matures_in', NULL, 'round_shares', 4, 'round_work', '80', 'network_work', '50', 'effort', 1.6, 'effort_exact', true, 'run', :run,
  'submissions', '[{"node": "a:8332", "answer": "accepted", "detail": "x", "time": "2024-03-01T12:02:31.250Z"}, {"node": "b:8332", "answer": "duplicate", "detail": "", "time": "2024-03-01T12:02:32.000Z"}]'::jsonb,
  'header', repeat('00', 72) || 'b81e0520' || '00000000', 'coinbase', 'c0ffee', 'merkle_branch', jsonb_build_array(encode(sha256('a'), 'hex'), encode(sha256('b'), 'hex'))), 'a block, and all that is known of it');
SELECT is(api_block_detail(sha256('nothing'))::text, NULL, 'no such block');
SELECT is(api_block_proof(:'example')::jsonb, jsonb_build_object('type', 'block_proof', 'version', 1, 'hash', encode(:'example', 'hex'), 'height', 100, 'time_us', 1709294550000000,
  'header', repeat('00', 72) || 'b81e0520' || '00000000', 'coinbase', 'c0ffee', 'merkle_branch', jsonb_build_array(encode(sha256('a'), 'hex'), encode(sha256('b'), 'hex')),
  'reward_sats', 1001, 'address', 'bcrt1qbob', 'worker', 'rig'), 'its record');
SELECT is(api_block_proof(sha256('nothing'))::text, NULL, 'nor a record');
SELECT is(api_block_detail(:'later') ->> 'run', NULL, 'a block whose run was taken back has none');
SELECT is((SELECT array_agg(b ->> 'height') FROM json_array_elements(api_blocks(NULL, 50) -> 'blocks') b), '{101,100,99}', 'blocks, the newest first');
SELECT is(api_blocks(NULL, 50) ->> 'next', NULL, 'no more of them');
SELECT is(api_blocks(NULL, 2) ->> 'next', :'example_id', 'a page of two');
SELECT is((SELECT array_agg(b ->> 'height') FROM json_array_elements(api_blocks(:example_id, 2) -> 'blocks') b), '{99}', 'and the next');
SELECT is(api_blocks(1, 50) ->> 'blocks', '[]', 'before the first there is none');
SELECT is(api_blocks(NULL, 50)::jsonb -> 'by_status', '{"submitted": 0, "accepted": 1, "confirmed": 2, "orphaned": 0, "rejected": 0}', 'how many of each kind');
SELECT is(json_array_length(api_blocks(NULL, 0) -> 'blocks'), 1, 'at least one is asked for');

-- What may be divided and was not.
SELECT is(api_pending_blocks()::text, '[]', 'nothing of the last thirty days');
INSERT INTO blocks (hash, height, time, worker_id, reward, pool_sats, network_difficulty, share_difficulty, header, coinbase, merkle_branch, status)
  SELECT sha256(status::bytea), 200, now() - back, (SELECT min(id) FROM workers), 7, sats, 1, 1, decode(repeat('00', 72) || 'b81e052000000000', 'hex'), '', '{}', status
  FROM (VALUES ('accepted', interval '1 day', 7), ('confirmed', '2 days', 7), ('orphaned', '1 hour', 7), ('rejected', '1 hour', 7), ('submitted', '40 days', 7)) AS b (status, back, sats);
SELECT is(api_pending_blocks()::jsonb, jsonb_build_array(
  jsonb_build_object('hash', encode(sha256('accepted'), 'hex'), 'height', 200, 'time_us', micros(now() - interval '1 day'), 'status', 'accepted', 'matures_in', NULL, 'sats', NULL),
  jsonb_build_object('hash', encode(sha256('confirmed'), 'hex'), 'height', 200, 'time_us', micros(now() - interval '2 days'), 'status', 'confirmed', 'matures_in', NULL, 'sats', NULL)),
  'blocks that stand and are to be divided, the newest first');
SAVEPOINT divided;
UPDATE blocks SET time = now() - interval '1 hour' WHERE hash IN (:'example', :'before');
SELECT is((SELECT array_agg(b ->> 'height') FROM json_array_elements(api_pending_blocks()) b), '{99,200,200}', 'but none that was divided already');
ROLLBACK TO divided;
SELECT set_block_state(sha256('accepted'), 'confirmed', 200, now()) AS s, add_chain_tip(sha256('accepted'), sha256('p'), 200, now()) AS t \gset
SELECT is((api_pending_blocks() #>> '{0,matures_in}')::integer, 0, 'with the blocks until it can be');
SAVEPOINT many;
INSERT INTO blocks (hash, height, time, worker_id, reward, pool_sats, network_difficulty, share_difficulty, header, coinbase, merkle_branch, status)
  SELECT sha256(int4send(n)), 300 + n, now() - interval '1 minute', (SELECT min(id) FROM workers), 7, 7, 1, 1, decode(repeat('00', 72) || 'b81e052000000000', 'hex'), '', '{}', 'accepted' FROM generate_series(1, 250) n;
SELECT is(json_array_length(api_pending_blocks()), 20, 'the newest twenty');
SELECT is(json_array_length(api_blocks(NULL, 1000) -> 'blocks'), 200, 'and a page has at most two hundred');
ROLLBACK TO many;
SELECT * FROM finish();
ROLLBACK;
