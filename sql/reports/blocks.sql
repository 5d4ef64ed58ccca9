-- The pool's blocks, what became of them, and how much work each took.
--
--   psql -f sql/reports/blocks.sql -v from=2026-11-01 -v to=2026-12-01 -v address=bc1q...
--
-- from, to: when the block was found; default: the last 30 days. address: those that this miner found.
-- effort_percent: work since the pool's block before (one that was not rejected or orphaned), as a part of what the network asks
-- on average; below 100 is luck, and luck_percent is its inverse. exact is f where single shares of a bound were dropped already.
\ir begin.psql
SELECT from_time AS period_from, to_time AS period_to, coalesce(report_miner(:'address'), 0) AS miner
FROM report_period(:'from', :'to', '30 days') \gset
SELECT format('Blocks, %s to %s', :'period_from', :'period_to') AS title \gset
\pset title :title
SELECT date_trunc('second', b.time) AS time, b.height, encode(b.hash, 'hex') AS block, b.status, c.confirmations, c.matures_in,
       m.address AS finder, w.name AS worker, b.reward AS reward_sats, b.pool_sats, e.shares AS round_shares, e.work AS round_work,
       round(100 * e.work / n.work, 2) AS effort_percent, round(100 * n.work / nullif(e.work, 0), 2) AS luck_percent, e.exact,
       b.network_difficulty, round(b.share_difficulty::numeric, 6) AS share_difficulty, b.detail
FROM blocks b
JOIN workers w ON w.id = b.worker_id
JOIN miners m ON m.id = w.miner_id
JOIN block_confirmations c ON c.hash = b.hash
CROSS JOIN LATERAL (SELECT nbits_work(header_nbits(b.header)) AS work) n
CROSS JOIN LATERAL round_before(b.time) e
WHERE b.time >= :'period_from' AND b.time < :'period_to' AND :miner IN (0, m.id)
ORDER BY b.time, b.id;
\ir end.psql
