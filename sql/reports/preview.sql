-- What if a block were found now: what each miner would get, by every scheme side by side.
--
--   psql -f sql/reports/preview.sql -v address=bc1q... -v reward=312500000
--
-- reward: satoshis; default: what the newest template pays. address: one miner alone.
-- Window, fee and coherence part are those of the scheme in force. solo_sats: if this miner found it; pps_sats: what its work since the pool's last
-- block is worth, whether one is found or not.
\ir begin.psql
\if :{?reward}
\else
  \set reward ''
\endif
SELECT coalesce(report_miner(:'address'), 0) AS miner,
       CASE WHEN :'reward' <> '' THEN floor(report_number('reward', :'reward', 0, 2100000000000000)) ELSE -1 END AS reward_sats \gset
SELECT format('If a block were found at %s', date_trunc('second', now())) AS title \gset
\pset title :title
SELECT p.address, p.pplns_work, p.pplns_sats, p.prop_work, p.prop_sats, p.pps_work, p.pps_sats, p.solo_sats
FROM payout_preview(now(), nullif(:reward_sats, -1)) p
WHERE :miner = 0 OR p.address = (SELECT m.address FROM miners m WHERE m.id = :miner)
ORDER BY p.pplns_sats DESC, p.address COLLATE "C";
\ir end.psql
