-- What the tables refuse by themselves, whoever writes into them.
BEGIN;
SELECT plan(16);

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

SELECT * FROM finish();
ROLLBACK;
