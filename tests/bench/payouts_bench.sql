-- How long payouts take over 100.8 million shares of 10,000 miners: 6 shares a minute each for 28 hours.
--
--   createdb bench && phasepool migrate -c pool.json   (with "database" naming it)
--   psql -d bench -f tests/bench/payouts_bench.sql
--
-- Of the shares and minutes only those that a run reads are made: at the window's edges. Takes a minute; ends with ROLLBACK.
\set ON_ERROR_STOP 1
\pset pager off
BEGIN;
SET LOCAL synchronous_commit = off;
INSERT INTO miners (address, first_seen) SELECT 'bcrt1q' || md5(n::text), '2024-01-01' FROM generate_series(1, 10000) n;
INSERT INTO workers (miner_id, name, first_seen) SELECT id, '', first_seen FROM miners;
SELECT min(id) AS first_worker FROM workers \gset
INSERT INTO journal_positions (journal, sequence) VALUES ('11111111-1111-4111-8111-111111111111', 1000000000) RETURNING id AS journal \gset
INSERT INTO share_sums
  SELECT 'hour', h, w.id, :journal, 360, 360 * trunc(4294967296::numeric), 1
  FROM generate_series('2024-03-08T00:00Z'::timestamptz, '2024-03-10T12:00Z', '1 hour') h, workers w;
INSERT INTO share_sums
  SELECT 'day', date_trunc('day', start, 'UTC'), worker_id, :journal, sum(shares), sum(work), 1 FROM share_sums WHERE span = 'hour' GROUP BY 2, 3;
INSERT INTO share_sums
  SELECT 'minute', m, w.id, :journal, 6, 6 * trunc(4294967296::numeric), 1
  FROM (SELECT generate_series('2024-03-10T12:00Z'::timestamptz, '2024-03-10T12:59Z', '1 min') UNION ALL
        SELECT generate_series('2024-03-09T08:00Z'::timestamptz, '2024-03-09T08:59Z', '1 min')) x (m), workers w;
INSERT INTO shares
  SELECT m + n * interval '999 us', :journal, row_number() OVER (), :first_worker + n % 10000, 800100, 0, 1, 1, 4294967296, decode(repeat('00', 32), 'hex')
  FROM (VALUES ('2024-03-10T12:30Z'::timestamptz), ('2024-03-09T08:29Z'), ('2024-03-09T08:30Z'), ('2024-03-09T08:31Z')) x (m), generate_series(0, 59999) n;
INSERT INTO height_sums
  SELECT h, w.id, :journal, 60, 60 * trunc(4294967296::numeric) FROM generate_series(800000, 800200) h, workers w;
SELECT count(add_height(h, decode(repeat('00', 32), 'hex'), x'1b0404cb'::bigint, 625000000, 625000000,
                        '2024-03-09Z'::timestamptz + (h - 800000) * interval '10 min')) AS heights FROM generate_series(800000, 800202) h;
INSERT INTO blocks (hash, height, time, worker_id, reward, pool_sats, network_difficulty, share_difficulty, header, coinbase, merkle_branch, status)
  VALUES (sha256('bench'), 800100, '2024-03-10T12:30:30Z', :first_worker, 625000000, 625000000, 1, 1,
          decode(repeat('00', 72) || 'ffff001d00000000', 'hex'), '', '{}', 'confirmed');
SELECT note_payout_scheme('2024-01-01', 'pplns', 100800000, 10000, 0, 100000) AS scheme \gset
ANALYZE miners, workers, shares, share_sums, height_sums, heights;

\timing on
\echo PPLNS run
SELECT create_block_run(sha256('bench'), :scheme, true) AS run \gset
SET CONSTRAINTS ALL IMMEDIATE;
SELECT start_kind, start_time, div(work, 4294967296) AS shares, (SELECT count(*) FROM payout_items) AS miners FROM payout_runs;
\echo recomputed
SELECT source, equal, problem, length(canonical) AS bytes FROM recompute_run(:run);
\echo preview of all schemes
SELECT count(*) AS miners, sum(pplns_sats) AS pplns, sum(prop_sats) AS prop, sum(pps_sats) AS pps FROM payout_preview('2024-03-10T12:30:40Z', 625000000);
\echo reversed
SELECT reverse_run(:run, 'bench') AS run;
\echo PPS run over 101 heights
SELECT note_payout_scheme('2024-01-01', 'pps', 2, 10000, 0, 100000) AS pps \gset
SELECT create_pps_run(800100) AS run \gset
SELECT count(*) AS credits FROM pps_credits;
\echo all balances
SELECT count(*) AS miners, sum(balance_sats) AS owed FROM miner_balances;
\echo update_ledger() with nothing to do
SELECT update_ledger();
\timing off
ROLLBACK;
