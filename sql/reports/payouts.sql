-- How rewards were divided: a row for each miner of each run, or totals per block or per miner.
--
--   psql -f sql/reports/payouts.sql -v from=2026-11-01 -v to=2026-12-01 -v scheme=pplns -v address=bc1q... -v by=miner
--
-- from, to: time of the block (for pps, the end of the credited heights); default: the last 30 days.
-- scheme: pplns, prop, pps, solo; default: all. address: one miner's rows alone. by: item (default), block, miner.
-- Runs of blocks that are not confirmed any more are left out of the totals by miner; by item and block, `state` says so.
\ir begin.psql
SELECT from_time AS period_from, to_time AS period_to,
       coalesce(report_miner(:'address'), 0) AS miner,
       report_choice('scheme', coalesce(nullif(:'scheme', ''), 'all'), '{pplns,prop,pps,solo,all}') AS scheme,
       report_choice('by', coalesce(nullif(:'by', ''), 'item'), '{item,block,miner}') AS by
FROM report_period(:'from', :'to', '30 days') \gset
SELECT :'by' = 'item' AS by_item, :'by' = 'block' AS by_block,
       format('Payouts by %s, %s to %s', :'by', :'period_from', :'period_to') AS title \gset
\pset title :title

\if :by_item
SELECT date_trunc('second', r.end_time) AS time, r.id AS run, r.scheme, r.state,
       coalesce(r.height, r.to_height) AS height, encode(r.block_hash, 'hex') AS block, r.reward_sats, i.address, i.work,
       round(100 * i.work / nullif(r.work, 0), 4) AS work_percent,
       round(100 * i.amount_sats::numeric / nullif(r.reward_sats - r.fee_sats, 0), 4) AS amount_percent,
       i.share_sats, i.coherence_sats, i.amount_sats
FROM payout_runs r JOIN payout_items i ON i.run_id = r.id
WHERE r.end_time >= :'period_from' AND r.end_time < :'period_to'
  AND :'scheme' IN ('all', r.scheme) AND :miner IN (0, i.miner_id)
ORDER BY r.end_time, r.id, i.amount_sats DESC, i.address COLLATE "C";
\elif :by_block
SELECT date_trunc('second', r.end_time) AS time, r.id AS run, r.scheme, r.state,
       coalesce(r.height, r.to_height) AS height, encode(r.block_hash, 'hex') AS block,
       r.reward_sats + r.direct_sats AS coinbase_sats, r.direct_sats, r.reward_sats, r.fee_sats, r.reserve_sats,
       count(i.miner_id) AS miners, sum(i.amount_sats) AS miners_sats, r.work
FROM payout_runs r LEFT JOIN payout_items i ON i.run_id = r.id AND :miner IN (0, i.miner_id)
WHERE r.end_time >= :'period_from' AND r.end_time < :'period_to' AND :'scheme' IN ('all', r.scheme)
GROUP BY r.id
HAVING :miner = 0 OR count(i.miner_id) > 0
ORDER BY r.end_time, r.id;
\else
SELECT i.address, count(*) AS runs, sum(i.share_sats) AS share_sats,
       sum(i.coherence_sats) AS coherence_sats, sum(i.amount_sats) AS amount_sats,
       round(100 * sum(i.amount_sats) / nullif(sum(sum(i.amount_sats)) OVER (), 0), 4) AS amount_percent
FROM payout_runs r JOIN payout_items i ON i.run_id = r.id
WHERE r.end_time >= :'period_from' AND r.end_time < :'period_to' AND r.state = 'applied'
  AND :'scheme' IN ('all', r.scheme) AND :miner IN (0, i.miner_id)
GROUP BY i.miner_id, i.address
ORDER BY amount_sats DESC, i.address COLLATE "C";
\endif
\ir end.psql
