-- Payments: what was sent, or is on its way, and to whom.
--
--   psql -f sql/reports/payments.sql -v from=2026-11-01 -v to=2026-12-01 -v address=bc1q... -v by=output
--
-- from, to: when the payment was planned; default: the last 30 days. address: those that pay this miner. by: payment (default), output.
\ir begin.psql
SELECT from_time AS period_from, to_time AS period_to, coalesce(report_miner(:'address'), 0) AS miner,
       report_choice('by', coalesce(nullif(:'by', ''), 'payment'), '{payment,output}') AS by
FROM report_period(:'from', :'to', '30 days') \gset
SELECT :'by' = 'output' AS by_output, format('Payments by %s, %s to %s', :'by', :'period_from', :'period_to') AS title \gset
\pset title :title
\if :by_output
SELECT date_trunc('second', p.created_at) AS planned, p.id AS payment, p.state, o.address, o.amount_sats,
       encode(coalesce(p.settled_txid, p.txid), 'hex') AS txid
FROM payments p JOIN payment_outputs o ON o.payment_id = p.id
WHERE p.created_at >= :'period_from' AND p.created_at < :'period_to' AND :miner IN (0, o.miner_id)
ORDER BY p.id, o.amount_sats DESC, o.address COLLATE "C";
\else
SELECT date_trunc('second', p.created_at) AS planned, p.id AS payment, p.state, date_trunc('second', p.state_since) AS since, p.wallet,
       o.outputs, p.amount_sats, coalesce(p.settled_fee_sats, p.fee_sats) AS fee_sats,
       encode(coalesce(p.settled_txid, p.txid), 'hex') AS txid, encode(p.settled_block, 'hex') AS block
FROM payments p
CROSS JOIN LATERAL (SELECT count(*) AS outputs FROM payment_outputs o WHERE o.payment_id = p.id) o
WHERE p.created_at >= :'period_from' AND p.created_at < :'period_to'
  AND (:miner = 0 OR EXISTS (SELECT FROM payment_outputs o WHERE o.payment_id = p.id AND o.miner_id = :miner))
ORDER BY p.id;
\endif
\ir end.psql
