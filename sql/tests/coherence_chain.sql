-- The proof chain: begun once, extended by one block at a time, never changed; what pools are told of it.
BEGIN;
SELECT plan(92);
\ir fixtures/chain.psql
\set own '''11111111-1111-4111-8111-111111111111'''
\set other '''22222222-2222-4222-8222-222222222222'''

-- Little-endian.
SELECT is(le32_at('\xff01020304ff', 1), 67305985::bigint, 'four bytes, the lowest first');
SELECT is(le32_at('\xffffffff', 0), 4294967295::bigint, 'unsigned');
SELECT is(le256('\x01' || pg_temp.zeros(31)), 1::numeric, '32 bytes, the lowest first');
SELECT is(le256(decode(repeat('ff', 32), 'hex')), trunc(2::numeric ^ 256) - 1, 'up to 2^256 - 1');
SELECT is(le256(pg_temp.zeros(31) || '\x80'), trunc(2::numeric ^ 255), 'the highest last');

-- Rules.
SELECT is_empty($$SELECT * FROM coherence_state('11111111-1111-4111-8111-111111111111')$$, 'no chain was begun: no row');
SELECT is_empty('SELECT * FROM coherence_tip()', 'and no tip');
SELECT is(pg_temp.block('early', 0, pg_temp.zeros(32), 1000), 'wrong', 'nothing is appended to a chain that was not begun');
SELECT is(pg_temp.events(), 'high: block 0 of the proof chain is wrong: no chain was begun', 'and it is said');
SELECT throws_ok('SELECT begin_coherence_chain(0, 3, 545259519, 900)', '23514', NULL, 'blocks take time');
SELECT throws_ok('SELECT begin_coherence_chain(10, 0, 545259519, 900)', '23514', NULL, 'epochs have blocks');
SELECT throws_ok('SELECT begin_coherence_chain(10, 3, 8388608, 900)', 'PH117', NULL, 'initial bits are a target');
SELECT throws_ok('SELECT begin_coherence_chain(10, 3, 545259519, 4294967296)', '23514', NULL, 'times have 32 bits');
SAVEPOINT not_begun;
SELECT ok((SELECT start_time BETWEEN extract(epoch FROM now()) - 1 AND extract(epoch FROM now()) FROM begin_coherence_chain(420, 123, 504889344, NULL)),
  'without a start it begins now, at a whole second');
ROLLBACK TO not_begun;
SELECT is((SELECT b FROM begin_coherence_chain(10, 3, 545259519, 900) b)::text, '(10,3,545259519,900)', 'the first pool says how');
SELECT is((SELECT b FROM begin_coherence_chain(420, 123, 504889344, NULL) b)::text, '(10,3,545259519,900)', 'and the next one hears it');
SELECT throws_ok('UPDATE coherence_rules SET block_seconds = 1', 'PH115', NULL, 'rules stay');
SELECT throws_ok('DELETE FROM coherence_rules', 'PH115', NULL, 'rules stay there');
SELECT throws_ok('INSERT INTO coherence_rules SELECT * FROM coherence_rules', '23505', NULL, 'there is one row');
SELECT throws_ok($$INSERT INTO coherence_rules SELECT false, 1, 1, 545259519, '2031-01-01Z'$$, '23514', NULL, 'only one');
SELECT is((SELECT s FROM coherence_state(:own) s)::text, '(10,3,545259519,900,,,,,,,,11111111111141118111111111111111,0,,,)', 'a chain without blocks');

-- Blocks.
SELECT is(pg_temp.block('b0', 10001, pg_temp.zeros(32), 1000), 'late', 'the first block has height 0');
SELECT matches(pg_temp.events(), '^low: block 10001 of the proof chain came too late: the tip is none yet; its proof is credited all the same$', 'which is said');
SELECT is(pg_temp.block('b0x', 0, pg_temp.hash('b0'), 1000), 'late', 'and no block before');
SELECT is(pg_temp.block('b0y', 0, pg_temp.zeros(32), 1000, bits => 520159231), 'wrong', 'the first bits are the initial ones');
SELECT is(pg_temp.append('nobody', 0, pg_temp.header76(pg_temp.zeros(32), 1000)), 'wrong', 'a block has a proof');
SELECT matches(pg_temp.events(), 'its proof is not stored$', 'or it is said that it has none');
SELECT is(pg_temp.append('b0', 0, pg_temp.header76(pg_temp.zeros(32), 1001)), 'wrong', 'it is its proof''s header');
SELECT is(pg_temp.append('b0', 0, pg_temp.header76(pg_temp.zeros(32), 1000), 65537), 'wrong', 'and its level');
SELECT is(pg_temp.append('b0', 0, '\x00'), 'late', 'a header that is none follows nothing');
SELECT is(pg_temp.append('b0', 0, substr(pg_temp.header76(pg_temp.zeros(32), 1000), 1, 75)), 'wrong', 'nor one that is cut');
SELECT is(count(*), 0::bigint, 'none of these is there') FROM coherence_chain;
SELECT is(pg_temp.append('b0', 0, pg_temp.header76(pg_temp.zeros(32), 1000), 65538, '{1,2}', ARRAY[:own, :other]::uuid[], '{1,5}', '{4,9}'), 'appended', 'the first block');
SELECT is(pg_temp.append('b0', 0, pg_temp.header76(pg_temp.zeros(32), 1000)), 'known', 'the same again is known');
SELECT ok(pg_temp.events() LIKE '%header or params are not those of its proof%', 'and what failed before was told');
SELECT is((SELECT (height, hash, prev_hash, extract(epoch FROM time), bits, level, params, merkle_root, bitcoin_tip, prev_height) FROM coherence_chain),
  (0, pg_temp.hash('b0'), pg_temp.zeros(32), 1000::numeric, 545259519::bigint, 2, 65538::bigint, sha256('root'), sha256('bitcoin'), NULL::integer), 'as its header says');
SELECT is((SELECT p.work_hash FROM coherence_chain c JOIN coherence_proofs p ON p.id = c.proof_id), pg_temp.hash('b0'), 'with its proof');
SELECT results_eq('SELECT height, pool, journal, first_sequence, last_sequence, head FROM coherence_stretches ORDER BY pool',
  format($$VALUES (0, 1::bigint, %L::uuid, 1::bigint, 4::bigint, sha256(int8send(4))), (0, 2, %L, 5, 9, sha256(int8send(9)))$$, :own, :other), 'and its stretches');
SELECT is(pg_temp.block('c0', 0, pg_temp.zeros(32), 1000), 'late', 'another first block comes too late');
SELECT is(pg_temp.events(), 'low: block 0 of the proof chain came too late: the tip is at height 0; its proof is credited all the same', 'which is an event');
SELECT is((SELECT context ->> 'tip_hash' FROM events ORDER BY id DESC LIMIT 1), encode(pg_temp.hash('b0'), 'hex'), 'with the tip');
SELECT is((SELECT count(*) FROM coherence_proofs WHERE work_hash = pg_temp.hash('c0')), 1::bigint, 'its proof stays');
SELECT is(pg_temp.block('b1', 1, pg_temp.hash('c0'), 1010), 'late', 'a block on that one follows nothing');
SELECT is(pg_temp.append('b1', 1, pg_temp.header76(pg_temp.hash('b0'), 1010)), 'wrong', 'nor with another''s header');
SELECT is(pg_temp.block('b1t', 1, pg_temp.hash('b0'), 1000), 'wrong', 'a time rises');
SELECT matches(pg_temp.events(), 'time 1000 is not after 1000 of the block before$', 'which is said');
SELECT is(pg_temp.block('b1b', 1, pg_temp.hash('b0'), 1010, bits => 520159231), 'wrong', 'bits stay within an epoch');
SELECT is(pg_temp.block('b1l', 1, pg_temp.hash('b0'), 1010, of_params => 65539), 'wrong', 'and the level');
SELECT is(pg_temp.block('b1s', 1, pg_temp.hash('b0'), 1010, '{1}', ARRAY[:own]::uuid[], '{6}', '{9}'), 'wrong', 'a stretch begins where the one before ended');
SELECT matches(pg_temp.events(), 'its stretch of journal 11111111-1111-4111-8111-111111111111 begins with record 6, expected 5$', 'which is said');
SELECT is(pg_temp.block('b1o', 1, pg_temp.hash('b0'), 1010, '{1}', ARRAY[:own]::uuid[], '{4}', '{9}'), 'wrong', 'not before');
SELECT throws_ok($$SELECT pg_temp.block('b1', 1, pg_temp.hash('b0'), 1011)$$, '23505', NULL, 'a proof is stored once');
SELECT is(pg_temp.block('b1_', 1, pg_temp.hash('b0'), 1010, '{1}', ARRAY[:own]::uuid[], '{5}', '{5}'), 'appended', 'the second block');
SELECT is(pg_temp.block('b2', 2, pg_temp.hash('b1_'), 1020, '{2,3}', ARRAY[:other, '33333333-3333-4333-8333-333333333333']::uuid[], '{10,77}', '{12,78}'), 'appended',
  'the third; a journal''s first stretch may begin anywhere');
SELECT is((SELECT t FROM coherence_tip() t)::text, (SELECT (2, pg_temp.hash('b2'), to_timestamp(1020), 545259519, 2, to_timestamp(900))::text), 'the tip of the first epoch');
SELECT is(pg_temp.block('b3', 3, pg_temp.hash('b2'), 1030, bits => 545259518, of_params => 65537), 'appended', 'a new epoch may have other bits and another level');
SELECT is((SELECT epoch_start_time FROM coherence_tip()), to_timestamp(1020), 'and counts from the block before it');
SELECT is(pg_temp.block('b4', 4, pg_temp.hash('b3'), 1030 + 86400, bits => 545259518, of_params => 65537), 'appended', 'a day later');
SELECT is((SELECT epoch_start_time FROM coherence_tip()), to_timestamp(1020), 'counts from there too');

-- Whoever writes.
SELECT throws_ok('UPDATE coherence_chain SET level = 1', 'PH115', NULL, 'blocks are not changed');
SELECT throws_ok('DELETE FROM coherence_chain WHERE height = 4', 'PH115', NULL, 'nor deleted');
SELECT throws_ok('TRUNCATE coherence_chain CASCADE', 'PH115', NULL, 'nor all of them');
SELECT throws_ok('UPDATE coherence_stretches SET last_sequence = 5', 'PH115', NULL, 'nor stretches');
SELECT throws_ok('DELETE FROM coherence_stretches', 'PH115', NULL, 'nor those deleted');
SELECT throws_ok('DELETE FROM coherence_proofs', '23503', NULL, 'proofs of blocks stay');
CREATE FUNCTION pg_temp.insert_block(height integer, prev bytea, name text, bits bigint DEFAULT 545259518, said_prev bytea DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
  INSERT INTO coherence_chain (height, hash, prev_hash, time, bits, level, merkle_root, bitcoin_tip, proof_id, header, params)
    SELECT height, p.work_hash, coalesce(said_prev, prev), to_timestamp(100000), bits, 2, sha256('root'), sha256('t'), p.id, pg_temp.header76(prev, 100000, bits), 65538
    FROM coherence_proofs p WHERE p.work_hash = pg_temp.hash(name);
$$;
SELECT throws_ok($$SELECT pg_temp.insert_block(6, pg_temp.hash('b4'), 'c0')$$, '23503', NULL, 'heights have no gaps');
SELECT throws_ok($$SELECT pg_temp.insert_block(5, pg_temp.hash('b3'), 'c0')$$, '23503', NULL, 'prev_hash is of the height before');
SELECT throws_ok($$SELECT pg_temp.insert_block(4, pg_temp.hash('b3'), 'c0')$$, '23505', NULL, 'each height has one block');
SELECT throws_ok($$SELECT pg_temp.insert_block(0, pg_temp.hash('b3'), 'c0')$$, '23514', NULL, 'only the first block''s prev_hash is zeros');
SELECT throws_ok($$SELECT pg_temp.insert_block(5, pg_temp.hash('b4'), 'c0', said_prev => pg_temp.hash('b3'))$$, '23514', NULL, 'columns are those of the header');
SELECT throws_ok($$SELECT pg_temp.insert_block(5, pg_temp.hash('b4'), 'c0', 50331649)$$, '23514', NULL, 'the hash meets the bits');
SELECT lives_ok($$SELECT pg_temp.insert_block(5, pg_temp.hash('b4'), 'c0')$$, 'and else it is taken');

-- Stretches that can't be.
CREATE FUNCTION pg_temp.stretched(pools bigint[], journals uuid[], firsts bigint[], lasts bigint[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_temp.prove('b6', pg_temp.header76(pg_temp.hash('c0'), 100001, 545259518))
    WHERE NOT EXISTS (SELECT FROM coherence_proofs WHERE work_hash = pg_temp.hash('b6'));
  RETURN pg_temp.append('b6', 6, pg_temp.header76(pg_temp.hash('c0'), 100001, 545259518), 65538, pools, journals, firsts, lasts) || ', ' || pg_temp.events();
END;
$$;
SELECT matches(pg_temp.stretched('{1,2}', ARRAY[:own, :own]::uuid[], '{6,6}', '{9,9}'), '^wrong, .* it has 2 stretches of journal 1.*, expected one$',
  'one journal under two numbers is refused, whatever its constraints');
SELECT matches(pg_temp.stretched('{1,2}', ARRAY[:own, :own]::uuid[], '{6,6}', '{9,12}'), '^wrong, .* it has 2 stretches', 'also where the two end elsewhere');
SELECT matches(pg_temp.stretched('{2,1}', ARRAY[:own, :other]::uuid[], '{6,13}', '{9,13}'), '^wrong, .* of pool 1 comes after that of pool 2', 'pools have an order');
SELECT matches(pg_temp.stretched('{1,1}', ARRAY[:own, :other]::uuid[], '{6,13}', '{9,13}'), '^wrong, .* of pool 1 comes after that of pool 1', 'and one stretch each');
SELECT matches(pg_temp.stretched('{1}', ARRAY[:own]::uuid[], '{6}', '{5}'), '^wrong, .* from record 6 to 5, is none$', 'a stretch has records');
SELECT matches(pg_temp.stretched('{1,2}', ARRAY[:own]::uuid[], '{6}', '{9}'), '^wrong, .* its stretch 2 of pool 2, .* is none$', 'and all of its parts');
SELECT is(pg_temp.stretched('{1,2}', ARRAY[:own, :other]::uuid[], '{6,13}', '{9,13}'), 'appended, ', 'and else they are taken');

-- Versions and clocks.
SELECT pg_temp.prove('v2', '\x02000000' || substr(pg_temp.header76(pg_temp.hash('b6'), 100002, 545259518), 5)) AS x \gset
SELECT is(pg_temp.append('v2', 7, '\x02000000' || substr(pg_temp.header76(pg_temp.hash('b6'), 100002, 545259518), 5)), 'wrong', 'another version is refused');
SELECT matches(pg_temp.events(), 'version 2, expected 1$', 'which is said');
SELECT extract(epoch FROM clock_timestamp())::bigint AS clock \gset
SELECT is(pg_temp.block('far', 7, pg_temp.hash('b6'), :clock + 7260, bits => 545259518), 'wrong', 'a block from hours ahead would spoil the targets for as long');
SELECT matches(pg_temp.events(), 'is more than 7200 s after the database''s clock, [0-9]+$', 'which is said');
SELECT is(pg_temp.block('near', 7, pg_temp.hash('b6'), :clock + 7140, bits => 545259518), 'appended', 'two hours are borne');

-- Heads.
SELECT lives_ok(format('SELECT publish_coherence_head(2, %L, 20, %L)', :other, sha256('20')), 'a pool tells how far it is');
SELECT publish_coherence_head(2, :other, 19, sha256('19')) AS x \gset
SELECT is((SELECT (sequence, head) FROM coherence_heads), (20::bigint, sha256('20')), 'which does not go back');
SELECT throws_ok($$SELECT publish_coherence_head(3, '33333333-3333-4333-8333-333333333333', 0, sha256(''))$$, '23514', NULL, 'nothing is no head');
SELECT results_eq(format('SELECT tip_height, pool, journal, committed_sequence, head_sequence, head FROM coherence_state(%L)', :own),
  $$VALUES (7, NULL::bigint, '11111111111141118111111111111111', 9::bigint, NULL::bigint, NULL::text),
           (7, 2, '22222222222242228222222222222222', 13, 20, encode(sha256('20'), 'hex'))$$, 'the own journal first, which has told nothing yet');
SELECT publish_coherence_head(1, :own, 6, sha256('6')) AS x, publish_coherence_head(2, '33333333-3333-4333-8333-333333333333', 1, sha256('1')) AS y \gset
SELECT results_eq(format('SELECT pool, journal, committed_sequence, head_sequence FROM coherence_state(%L)', :own),
  $$VALUES (1::bigint, '11111111111141118111111111111111', 9::bigint, 6::bigint), (2, '33333333333343338333333333333333', 78, 1)$$, 'a pool with a new data_dir has another journal');
SELECT publish_coherence_head(4, :own, 6, sha256('6')) AS x \gset
SELECT results_eq('SELECT pool, journal, sequence FROM coherence_heads ORDER BY pool',
  format($$VALUES (2::bigint, '33333333-3333-4333-8333-333333333333'::uuid, 1::bigint), (4, %L, 6)$$, :own), 'a pool with another number takes its journal along');
SELECT publish_coherence_head(2, :own, 7, sha256('7')) AS x \gset
SELECT results_eq('SELECT pool, journal, sequence FROM coherence_heads', format($$VALUES (2::bigint, %L::uuid, 7::bigint)$$, :own), 'and may take over a number');
SELECT ok((SELECT bool_and(head_age_seconds BETWEEN 0 AND 60) FROM coherence_state(:own)), 'and how old that is');

SELECT * FROM finish();
ROLLBACK;
