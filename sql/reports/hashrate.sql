-- Hash rate of each worker over windows that end together: 10 minutes, an hour, a day, a week.
--
--   psql -f sql/reports/hashrate.sql -v to=2026-11-21T18:00:00Z -v address=bc1q... -v by=miner -v unit=TH
--
-- to: the windows' end, cut to a whole minute; default: now. Where sums of minutes were dropped already, a whole hour.
-- address: one miner alone. by: worker (default), miner, pool. unit: H, kH, MH, GH, TH, PH, EH; default: what suits the pool.
-- A rate is work / seconds, of the whole window whether or not the worker was there all the time.
\ir begin.psql
\if :{?unit}
\else
  \set unit ''
\endif
SELECT date_trunc(CASE WHEN to_time - interval '1 day' < dropped_before('minutes') THEN 'hour' ELSE 'minute' END, least(to_time, now())) AS period_to,
       coalesce(report_miner(:'address'), 0) AS miner,
       report_choice('by', coalesce(nullif(:'by', ''), 'worker'), '{worker,miner,pool}') AS by,
       report_choice('unit', coalesce(nullif(:'unit', ''), 'auto'), '{auto,h,kh,mh,gh,th,ph,eh}') AS unit
FROM report_period('', :'to', '1 day') \gset
SELECT u.name AS unit, trunc(1000::numeric ^ u.power) AS unit_hashes
FROM (VALUES ('H', 0), ('kH', 1), ('MH', 2), ('GH', 3), ('TH', 4), ('PH', 5), ('EH', 6)) AS u (name, power)
CROSS JOIN (SELECT max(s.work) / 86400 AS rate FROM worker_sums(timestamptz :'period_to' - interval '1 day', :'period_to') s) top
WHERE lower(u.name) = :'unit' OR :'unit' = 'auto' AND (u.power = 0 OR top.rate >= 1000::numeric ^ u.power)
ORDER BY u.power DESC LIMIT 1 \gset
SELECT format('Hash rates by %s, %s/s, up to %s', :'by', :'unit', :'period_to') AS title \gset
\pset title :title
WITH windows (name, span) AS (VALUES ('10m', interval '10 minutes'), ('1h', interval '1 hour'), ('1d', interval '1 day'), ('7d', interval '7 days')),
sums AS (
  SELECT n.name, extract(epoch FROM n.span) * :unit_hashes AS per, s.*
  FROM windows n CROSS JOIN LATERAL worker_sums(timestamptz :'period_to' - n.span, :'period_to') s),
rates AS (
  SELECT CASE WHEN :'by' <> 'pool' THEN m.address END AS address, CASE WHEN :'by' = 'worker' THEN w.name END AS worker,
         count(DISTINCT w.id) AS workers,
         sum(s.work / s.per) FILTER (WHERE s.name = '10m') AS rate_10m,
         sum(s.work / s.per) FILTER (WHERE s.name = '1h') AS rate_1h,
         sum(s.work / s.per) FILTER (WHERE s.name = '1d') AS rate_1d,
         sum(s.work / s.per) FILTER (WHERE s.name = '7d') AS rate_7d,
         sum(s.shares) FILTER (WHERE s.name = '1d') AS shares_1d,
         max(s.best_share_difficulty) AS best
  FROM sums s JOIN workers w ON w.id = s.worker_id JOIN miners m ON m.id = w.miner_id
  WHERE :miner IN (0, m.id)
  GROUP BY 1, 2)
SELECT address, worker, workers, round(coalesce(rate_10m, 0), 3) AS rate_10m, round(coalesce(rate_1h, 0), 3) AS rate_1h,
       round(coalesce(rate_1d, 0), 3) AS rate_1d, round(rate_7d, 3) AS rate_7d, :'unit' || '/s' AS unit,
       coalesce(shares_1d, 0) AS shares_1d, round(100 * coalesce(rate_1d, 0) / nullif(sum(rate_1d) OVER (), 0), 4) AS percent_1d,
       round(best::numeric, 6) AS best_difficulty_7d
FROM rates ORDER BY rates.rate_1d DESC NULLS LAST, address COLLATE "C", worker COLLATE "C";
\ir end.psql
