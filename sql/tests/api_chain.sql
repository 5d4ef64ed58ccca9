-- What the API tells of the proof chain: blocks, epochs, certificates.
BEGIN;
SELECT plan(26);
\ir fixtures/chain.psql

SELECT is(api_chain(NULL, 10)::jsonb, '{"next": null, "blocks": []}', 'no chain was begun: no block');
SELECT is(api_epochs(10)::text, NULL, 'and no rules');
SELECT is(api_chain_block_detail(0)::text, NULL, 'nor a first block');
SELECT is((SELECT array_agg(coherence_rounds_per_bloom(l)) FROM generate_series(0, 6) l), '{1346,3085,13312,110500,1162000,15100000,NULL}', 'levels are 0 to 5');
SELECT is(numeral_hex(0), '0000000000000000', 'numerals have their full width');
SELECT is(numeral_hex(255), '00000000000000ff', 'the highest digit first');
SELECT is(numeral_hex(4294967296), '0000000100000000', 'above 32 bits');
SELECT is(numeral_hex(trunc(2::numeric ^ 64) - 1), 'ffffffffffffffff', 'up to 64');

-- 10 s a block, epochs of 3: five blocks, the last two of a second epoch.
SELECT (b).block_seconds AS begun FROM begin_coherence_chain(10, 3, 545259519, 900) b \gset
SELECT is(api_epochs(10)::jsonb, '{"retarget_blocks": 3, "block_seconds": 10, "epochs": []}', 'rules without blocks');
SELECT pg_temp.block('b0', 0, pg_temp.zeros(32), 910) AS b0, pg_temp.block('b1', 1, pg_temp.hash('b0'), 920) AS b1,
       pg_temp.block('b2', 2, pg_temp.hash('b1'), 933, '{1}', ARRAY['11111111-1111-4111-8111-111111111111'::uuid], '{1}', '{2}') AS b2,
       pg_temp.block('b3', 3, pg_temp.hash('b2'), 940) AS b3, pg_temp.block('b4', 4, pg_temp.hash('b3'), 941) AS b4 \gset
SELECT is((SELECT count(*) FROM coherence_chain), 5::bigint, 'the chain: ' || concat_ws(' ', :'b0', :'b1', :'b2', :'b3', :'b4'));
SELECT is((SELECT array_agg(b ->> 'height') FROM json_array_elements(api_chain(NULL, 10) -> 'blocks') b), '{4,3,2,1,0}', 'the newest first');
SELECT is(api_chain(NULL, 2) ->> 'next', '3', 'a page of two');
SELECT is((SELECT array_agg(b ->> 'height') FROM json_array_elements(api_chain(3, 2) -> 'blocks') b), '{2,1}', 'and the next');
SELECT is(api_chain(1, 2)::jsonb - 'blocks', '{"next": null}', 'the last has no next');
SELECT is(api_chain(0, 2) ->> 'blocks', '[]', 'before the first there is none');
SELECT is(json_array_length(api_chain(NULL, 0) -> 'blocks'), 1, 'at least one is asked for');
SELECT is((api_chain(3, 1) -> 'blocks' -> 0)::jsonb - 'appended_us', jsonb_build_object('height', 2, 'hash', encode(pg_temp.hash('b2'), 'hex'), 'prev_hash', encode(pg_temp.hash('b1'), 'hex'),
  'time', 933, 'bits', '207fffff', 'level', 2, 'bitcoin_tip', encode(sha256('bitcoin'), 'hex'), 'attempt', '3', 'bloom_start', 94, 'bloom_end', 100, 'work', '13312',
  'expected_work', '26624', 'seconds', NULL, 'address', 'bcrt1qminer', 'worker', 'rig', 'stretches', 1), 'a block: what it cost, and what one costs on average');
SELECT is(api_chain_block_detail(2)::jsonb - ARRAY(SELECT jsonb_object_keys((api_chain(3, 1) -> 'blocks' -> 0)::jsonb - 'stretches')),
  jsonb_build_object('header', encode(pg_temp.header76(pg_temp.hash('b1'), 933), 'hex'), 'merkle_root', encode(sha256('root'), 'hex'), 'params', '00010002',
    'stretches', jsonb_build_array(jsonb_build_object('pool', 1, 'journal', '11111111111141118111111111111111', 'first', 1, 'last', 2, 'head', encode(sha256(int8send(2)), 'hex'))),
    'proof', jsonb_build_object('type', 'coherence', 'header92', encode(pg_temp.header76(pg_temp.hash('b1'), 933) || pg_temp.zeros(16), 'hex'), 'extranonce', '0000000000000001',
      'attempt', '0000000000000003', 'params', '00010002', 'target', repeat('ff', 32), 'certificate', encode(pg_temp.certificate('b2'), 'hex'), 'work_hash', encode(pg_temp.hash('b2'), 'hex')),
    'cert_hash', encode(sha256(pg_temp.certificate('b2')), 'hex'), 'r_q', 56755, 'psi_q', 0), 'with all that replaying it takes');
SELECT is(api_chain_block_detail(5)::text, NULL, 'no block of that height');
SELECT is(api_chain_block_detail(0) ->> 'stretches', '[]', 'a block that commits to no journal');
SELECT is(api_chain_block_detail(0) ->> 'prev_hash', repeat('00', 32), 'the first follows nothing');
SELECT is((SELECT array_agg(concat_ws(' ', e ->> 'epoch', e ->> 'height', e ->> 'blocks', e ->> 'bits', e ->> 'time', e ->> 'mean_seconds') ORDER BY i)
           FROM json_array_elements(api_epochs(10) -> 'epochs') WITH ORDINALITY AS x (e, i)),
  '{0 0 3 207fffff 910 11.000,1 3 2 207fffff 940 4.000}', 'epochs, the oldest first; the first is timed from the chain''s start, the last has what it has');
SELECT is((api_epochs(10) #>> '{epochs,0,expected_work}'), '26624', 'rounds that a block takes');
SELECT is((api_epochs(10) #>> '{epochs,0,expected_blooms}')::numeric::integer, 2, 'in so many blooms');
SELECT is((SELECT array_agg(e ->> 'epoch') FROM json_array_elements(api_epochs(1) -> 'epochs') e), '{1}', 'the newest alone');
SELECT is(json_array_length(api_epochs(0) -> 'epochs'), 1, 'at least one');
SELECT * FROM finish();
ROLLBACK;
