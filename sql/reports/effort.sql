-- Rounds: the work from one block of the pool to the next, as a part of what the network asks; the last one is still open.
--
--   psql -f sql/reports/effort.sql -v from=2026-11-01 -v to=2026-12-01
--
-- from, to: when the round ended; default: the last 30 days. Rejected and orphaned blocks end no round.
-- expected_blocks, blocks and luck_percent run from the period's first round: how many blocks that work finds on average, how many it found.
\ir begin.psql
SELECT from_time AS period_from, to_time AS period_to FROM report_period(:'from', :'to', '30 days') \gset
SELECT format('Effort, %s to %s', :'period_from', :'period_to') AS title \gset
\pset title :title
WITH rounds AS (
  SELECT b.time, b.id, b.height, true AS closed, nbits_work(header_nbits(b.header)) AS network
  FROM blocks b
  WHERE b.status NOT IN ('rejected', 'orphaned') AND b.time >= :'period_from' AND b.time < :'period_to'
  UNION ALL
  SELECT now(), NULL, h.height, false, nbits_work(h.nbits)
  FROM (SELECT * FROM heights ORDER BY height DESC LIMIT 1) h WHERE now() < :'period_to')
SELECT date_trunc('second', e.began) AS began, CASE WHEN r.closed THEN date_trunc('second', r.time) END AS ended, r.height,
       date_trunc('second', r.time - e.began) AS duration, e.shares, e.work, r.network AS network_work,
       round(100 * e.work / r.network, 2) AS effort_percent,
       round(sum(e.work / r.network) OVER upto, 4) AS expected_blocks, count(*) FILTER (WHERE r.closed) OVER upto AS blocks,
       round(100 * count(*) FILTER (WHERE r.closed) OVER upto / nullif(sum(e.work / r.network) OVER upto, 0), 2) AS luck_percent,
       e.exact
FROM rounds r CROSS JOIN LATERAL round_before(r.time) e
WINDOW upto AS (ORDER BY r.time, r.id)
ORDER BY r.time, r.id;
\ir end.psql
