-- Rejected shares by worker and reason, beside those that were accepted.
--
--   psql -f sql/reports/rejects.sql -v from=2026-11-20 -v to=2026-11-21 -v address=bc1q... -v by=reason
--
-- from, to: cut to whole hours, of which rejects are counted; default: the last 24 and the current one. address: one miner alone.
-- by: worker (default), miner, reason, and last: the single rejects that are kept of each worker, with all that is known of them.
-- Names for which nothing was ever accepted are counted together, without an address.
\ir begin.psql
SELECT date_trunc('hour', from_time) AS period_from,
       date_trunc('hour', to_time - interval '1 microsecond') + interval '1 hour' AS period_to, coalesce(report_miner(:'address'), 0) AS miner,
       report_choice('by', coalesce(nullif(:'by', ''), 'worker'), '{worker,miner,reason,last}') AS by
FROM report_period(:'from', :'to', '1 day') \gset
SELECT :'by' = 'last' AS by_last, format('Rejects by %s, %s to %s', :'by', :'period_from', :'period_to') AS title \gset
\pset title :title
\if :by_last
SELECT r.time, m.address, w.name AS worker, r.reason, r.detail, r.user_agent, r.job_id, r.height, r.stale_ms, r.difficulty, r.share_difficulty,
       encode(r.hash, 'hex') AS hash, to_timestamp(r.ntime) AS ntime, lpad(to_hex(r.nonce), 8, '0') AS nonce, lpad(to_hex(r.version_bits), 8, '0') AS version_bits
FROM rejects r JOIN workers w ON w.id = r.worker_id JOIN miners m ON m.id = w.miner_id
WHERE r.time >= :'period_from' AND r.time < :'period_to' AND :miner IN (0, m.id)
ORDER BY r.time, r.id;
\else
-- Miner and worker 0 stand for all, or for those that are not known.
WITH refused AS (
  SELECT CASE WHEN :'by' IN ('worker', 'miner') THEN coalesce(w.miner_id, 0) ELSE 0 END AS miner_id,
         CASE WHEN :'by' = 'worker' THEN r.worker_id ELSE 0 END AS worker_id, r.reason, sum(r.rejects) AS rejects
  FROM reject_sums r LEFT JOIN workers w ON w.id = r.worker_id
  WHERE r.start >= :'period_from' AND r.start < :'period_to' AND :miner IN (0, w.miner_id) GROUP BY 1, 2, 3),
taken AS (
  SELECT CASE WHEN :'by' IN ('worker', 'miner') THEN w.miner_id ELSE 0 END AS miner_id,
         CASE WHEN :'by' = 'worker' THEN w.id ELSE 0 END AS worker_id, sum(s.shares) AS shares
  FROM worker_sums(:'period_from', :'period_to') s JOIN workers w ON w.id = s.worker_id
  WHERE :miner IN (0, w.miner_id) GROUP BY 1, 2)
SELECT m.address, w.name AS worker, r.reason, r.rejects, coalesce(t.shares, 0) AS accepted,
       round(100 * r.rejects / (coalesce(t.shares, 0) + sum(r.rejects) OVER (PARTITION BY r.miner_id, r.worker_id)), 4) AS percent
FROM refused r LEFT JOIN taken t USING (miner_id, worker_id)
LEFT JOIN miners m ON m.id = r.miner_id LEFT JOIN workers w ON w.id = r.worker_id
ORDER BY r.rejects DESC, m.address COLLATE "C", w.name COLLATE "C", r.reason COLLATE "C";
\endif
\ir end.psql
