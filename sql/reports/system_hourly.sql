-- The pool hour by hour: who mined, how much, what was refused, blocks, events.
--
--   psql -f sql/reports/system_hourly.sql -v from=2026-11-20 -v to=2026-11-21
--
-- from, to: cut to whole hours; default: the last 24 and the current one, at most 366 days. The current hour's rate is over the part of it that has passed.
\ir begin.psql
SELECT date_trunc('hour', from_time) AS period_from,
       date_trunc('hour', to_time - interval '1 microsecond') + interval '1 hour' AS period_to
FROM report_period(:'from', :'to', '1 day') \gset
SELECT report_number('to - from in days', extract(day FROM timestamptz :'period_to' - :'period_from')::text, 0, 366) AS days,
       format('The pool hour by hour, %s to %s', :'period_from', :'period_to') AS title \gset
\pset title :title
WITH hours AS (
  SELECT h AS hour, greatest(1, extract(epoch FROM least(h + interval '1 hour', now()) - h)) AS seconds
  FROM generate_series(timestamptz :'period_from', timestamptz :'period_to' - interval '1 hour', interval '1 hour') h WHERE h <= now()),
work AS (
  SELECT s.start AS hour, count(DISTINCT s.worker_id) AS workers, count(DISTINCT w.miner_id) AS miners, sum(s.shares) AS shares,
         sum(s.work) AS work, max(s.best_share_difficulty) AS best
  FROM share_sums s JOIN workers w ON w.id = s.worker_id
  WHERE s.span = 'hour' AND s.start >= :'period_from' AND s.start < :'period_to' GROUP BY 1),
refused AS (
  SELECT r.start AS hour, sum(r.rejects) AS rejects FROM reject_sums r
  WHERE r.start >= :'period_from' AND r.start < :'period_to' GROUP BY 1),
found AS (
  SELECT date_trunc('hour', b.time) AS hour, count(*) FILTER (WHERE b.status NOT IN ('rejected', 'orphaned')) AS blocks,
         count(*) FILTER (WHERE b.status IN ('rejected', 'orphaned')) AS lost
  FROM blocks b WHERE b.time >= :'period_from' AND b.time < :'period_to' GROUP BY 1),
noted AS (
  SELECT date_trunc('hour', e.time) AS hour, count(*) FILTER (WHERE e.severity IN ('critical', 'high')) AS grave,
         count(*) FILTER (WHERE e.severity IN ('medium', 'low')) AS minor
  FROM events e WHERE e.time >= :'period_from' AND e.time < :'period_to' GROUP BY 1)
SELECT h.hour, coalesce(w.miners, 0) AS miners, coalesce(w.workers, 0) AS workers, coalesce(w.shares, 0) AS shares, coalesce(w.work, 0) AS work,
       floor(coalesce(w.work, 0) / h.seconds) AS hashes_per_second, coalesce(r.rejects, 0) AS rejects,
       round(100 * coalesce(r.rejects, 0) / nullif(coalesce(r.rejects, 0) + coalesce(w.shares, 0), 0), 4) AS reject_percent,
       round(w.best::numeric, 6) AS best_difficulty, coalesce(f.blocks, 0) AS blocks, coalesce(f.lost, 0) AS lost_blocks,
       coalesce(n.grave, 0) AS grave_events, coalesce(n.minor, 0) AS minor_events
FROM hours h LEFT JOIN work w USING (hour) LEFT JOIN refused r USING (hour) LEFT JOIN found f USING (hour) LEFT JOIN noted n USING (hour)
ORDER BY h.hour;
\ir end.psql
