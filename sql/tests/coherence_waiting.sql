-- Blocks of the proof chain that come before those they follow, as after a database was restored from an older copy: nothing is lost.
BEGIN;
SELECT plan(22);
\ir fixtures/chain.psql
SELECT begin_coherence_chain(10, 100, 545259519, 900) AS x \gset
CREATE FUNCTION pg_temp.chain() RETURNS text LANGUAGE sql AS
  $$SELECT string_agg(encode(hash, 'hex'), ' ' ORDER BY height) FROM coherence_chain$$;
CREATE FUNCTION pg_temp.names(VARIADIC named text[]) RETURNS text LANGUAGE sql AS
  $$SELECT string_agg(encode(pg_temp.hash(n), 'hex'), ' ' ORDER BY place) FROM unnest(named) WITH ORDINALITY AS u (n, place)$$;

SELECT is(pg_temp.block('b0', 0, pg_temp.zeros(32), 1000), 'appended', 'the copy''s last block');
SELECT is(pg_temp.block('b3', 3, pg_temp.hash('b2'), 1030, '{1}', ARRAY['11111111-1111-4111-8111-111111111111']::uuid[], '{5}', '{9}'), 'waiting',
  'one pool brings a block that is two further');
SELECT is(pg_temp.append('b3', 3, pg_temp.header76(pg_temp.hash('b2'), 1030)), 'waiting', 'the same again');
SELECT is(pg_temp.block('b2', 2, pg_temp.hash('b1'), 1020, '{1}', ARRAY['11111111-1111-4111-8111-111111111111']::uuid[], '{1}', '{4}'), 'waiting',
  'and one before it');
SELECT is(count(*), 2::bigint, 'both wait, once each') FROM coherence_waiting;
SELECT is(pg_temp.events(), '', 'which is no event');
SELECT is(pg_temp.chain(), pg_temp.names('b0'), 'and no block of the chain');
SELECT is(pg_temp.block('b1', 1, pg_temp.hash('b0'), 1010), 'appended', 'another pool brings what is missing');
SELECT is(pg_temp.chain(), pg_temp.names('b0', 'b1', 'b2', 'b3'), 'the chain is what it was');
SELECT results_eq('SELECT height, first_sequence, last_sequence FROM coherence_stretches ORDER BY height', 'VALUES (2, 1::bigint, 4::bigint), (3, 5, 9)',
  'with its stretches');
SELECT is_empty('SELECT FROM coherence_waiting', 'none waits');
SELECT is(pg_temp.events(), '', 'and nothing was late');

-- Rivals at one height: what others were built on, else the earliest.
SELECT is(pg_temp.block('lone', 5, pg_temp.hash('b4'), 1050), 'waiting', 'a block that was late when it was found');
SELECT is(pg_temp.block('b5', 5, pg_temp.hash('b4'), 1051), 'waiting', 'its rival');
SELECT is(pg_temp.block('b6', 6, pg_temp.hash('b5'), 1060), 'waiting', 'which has a successor');
SELECT is(pg_temp.block('lost', 5, pg_temp.hash('x4'), 1049), 'waiting', 'a block on one that is not the chain''s');
SELECT is(pg_temp.block('b4', 4, pg_temp.hash('b3'), 1040), 'appended', 'what is missing comes');
SELECT is(pg_temp.chain(), pg_temp.names('b0', 'b1', 'b2', 'b3', 'b4', 'b5', 'b6'), 'the rival with the successor is the chain''s');
SELECT is(pg_temp.events(), 'low: block 5 of the proof chain came too late: the tip is at height 5; its proof is credited all the same; '
  || 'low: block 5 of the proof chain came too late: the tip is at height 5; its proof is credited all the same', 'the others are late');

-- What can't wait.
SELECT is(pg_temp.block('far', 10007, pg_temp.hash('x'), 1070), 'late', 'what is too far ahead does not wait');
SELECT is(pg_temp.append('none', 9, pg_temp.header76(pg_temp.hash('x'), 1070)), 'late', 'nor a block without its proof');
SELECT is_empty('SELECT FROM coherence_waiting', 'so that their number is bounded by proofs and heights');

SELECT * FROM finish();
ROLLBACK;
