-- What the tables refuse by themselves, whoever writes into them.
BEGIN;
SELECT plan(31);

INSERT INTO miners (address, first_seen) VALUES ('bcrt1qone', '2031-01-01Z');
INSERT INTO workers (miner_id, name, first_seen) SELECT id, 'rig', first_seen FROM miners;

SELECT throws_ok($$INSERT INTO miners (address, first_seen) VALUES ('bcrt1qone', now())$$, '23505', NULL, 'an address is one miner');
SELECT throws_ok($$INSERT INTO workers (miner_id, name, first_seen) SELECT miner_id, name, now() FROM workers$$,
  '23505', NULL, 'a name is one worker of a miner');
SELECT throws_ok($$INSERT INTO workers (miner_id, name, first_seen) VALUES (-1, 'x', now())$$, '23503', NULL, 'a worker is somebody''s');

PREPARE candidate AS
  INSERT INTO blocks (hash, height, time, worker_id, reward, network_difficulty, share_difficulty, header, coinbase, merkle_branch, status)
  SELECT $1, 1, '2031-01-01Z', w.id, 1, 1, 1, $2, '\x00', '{}', $3 FROM workers w;
SELECT throws_ok(format('EXECUTE candidate(%L, %L, %L)', '\x00', decode(repeat('00', 80), 'hex'), 'submitted'), '23514', NULL, 'a hash has 32 bytes');
SELECT throws_ok(format('EXECUTE candidate(%L, %L, %L)', decode(repeat('01', 32), 'hex'), '\x00', 'submitted'), '23514', NULL, 'a header has 80');
SELECT throws_ok(format('EXECUTE candidate(%L, %L, %L)', decode(repeat('01', 32), 'hex'), decode(repeat('00', 80), 'hex'), 'lost'),
  '23514', NULL, 'a status is one of five');
SELECT lives_ok(format('EXECUTE candidate(%L, %L, %L)', decode(repeat('01', 32), 'hex'), decode(repeat('00', 80), 'hex'), 'submitted'),
  'a candidate that is in order is taken');
SELECT throws_ok(format('EXECUTE candidate(%L, %L, %L)', decode(repeat('01', 32), 'hex'), decode(repeat('00', 80), 'hex'), 'submitted'),
  '23505', NULL, 'and only once');
SELECT throws_ok($$UPDATE blocks SET worker_id = -1$$, '23503', NULL, 'a block was found by somebody');
SELECT throws_ok($$DELETE FROM workers$$, '23503', NULL, 'who can''t vanish');

SELECT throws_ok($$INSERT INTO block_states VALUES (decode(repeat('01', 32), 'hex'), 'lost', 1, now())$$, '23514', NULL, 'a state is one of three');
SELECT throws_ok($$INSERT INTO block_states VALUES (decode(repeat('01', 32), 'hex'), 'in_chain', -1, now())$$, '23514', NULL, 'a height is not negative');
SELECT throws_ok($$INSERT INTO block_submissions VALUES (decode(repeat('01', 32), 'hex'), 'node 1', 'perhaps', '', now())$$,
  '23514', NULL, 'an answer is one of five');
SELECT throws_ok($$INSERT INTO chain_tips VALUES ('\x00', decode(repeat('01', 32), 'hex'), 1, now())$$, '23514', NULL, 'a tip''s hash has 32 bytes');
SELECT throws_ok($$INSERT INTO events (time, severity, component, message, context) VALUES (now(), 'dire', 'x', 'x', '{}')$$,
  '23514', NULL, 'a severity is one of five');
SELECT throws_ok($$INSERT INTO journal_positions (journal) VALUES (NULL)$$, '23502', NULL, 'a journal has an id');

-- Sums, heights, segments, proofs.
PREPARE sum_of AS INSERT INTO share_sums VALUES ($1, '2021-01-01Z', 1, 1, $2, $3, 1);
SELECT throws_ok($$EXECUTE sum_of('week', 1, 1)$$, '23514', NULL, 'a span is one of three');
SELECT throws_ok($$EXECUTE sum_of('hour', 0, 1)$$, '23514', NULL, 'a sum is of at least one share');
SELECT throws_ok($$EXECUTE sum_of('hour', 1, -1)$$, '23514', NULL, 'of work that is not negative');
SELECT lives_ok($$EXECUTE sum_of('hour', 1, 1)$$, 'and is taken else');
SELECT throws_ok($$EXECUTE sum_of('hour', 1, 1)$$, '23505', NULL, 'once');
SELECT throws_ok($$INSERT INTO height_sums VALUES (-1, 1, 1, 1, 1)$$, '23514', NULL, 'a height is not negative');
SELECT throws_ok($$INSERT INTO height_sums VALUES (1, 1, 1, 0, 1)$$, '23514', NULL, 'a height''s sum is of at least one share');
SELECT throws_ok($$INSERT INTO heights VALUES (1, decode(repeat('01', 32), 'hex'), 4294967296, 1, 1, now())$$, '23514', NULL, 'nbits have 32 bits');
SELECT throws_ok($$INSERT INTO heights VALUES (1, decode(repeat('01', 32), 'hex'), 1, 2, 1, now())$$, '23514', NULL, 'a coinbase is worth the subsidy at least');
SELECT throws_ok($$UPDATE blocks SET pool_sats = 2$$, '23514', NULL, 'the pool gets no more than the reward');
SELECT throws_ok($$UPDATE blocks SET pool_sats = -1$$, '23514', NULL, 'nor less than nothing');
SELECT throws_ok($$INSERT INTO reject_sums VALUES (now(), 1, 'stale', 1, 0)$$, '23514', NULL, 'a sum of rejects is of at least one');
SELECT throws_ok($$INSERT INTO journal_segments VALUES (1, 1, 1, 1, 0, sha256(''), sha256(''))$$, '23514', NULL, 'a segment has bytes');
SELECT throws_ok($$INSERT INTO coherence_sums VALUES ('day', now(), 1, 1, 1, -1)$$, '23514', NULL, 'coherence work is not negative');
SELECT throws_ok($$INSERT INTO retention_marks VALUES ('hours', now())$$, '23514', NULL, 'what is dropped is one of seven');

SELECT * FROM finish();
ROLLBACK;
