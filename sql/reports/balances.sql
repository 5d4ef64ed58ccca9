-- What each miner was credited, was paid, is being paid, and is still owed, at one moment.
--
--   psql -f sql/reports/balances.sql -v to=2026-12-01 -v address=bc1q...
--
-- to: entries of the ledger before this time; default: all. address: one miner alone.
-- A balance below the minimum of the scheme in force is carried: `payable` says whether the next plan would pay it.
\ir begin.psql
SELECT to_time AS period_to, coalesce(report_miner(:'address'), 0) AS miner
FROM report_period('', :'to', '1 day') \gset
SELECT format('Balances before %s', :'period_to') AS title \gset
\pset title :title
SELECT m.address, b.credited_sats, b.paid_sats, b.in_transit_sats, b.balance_sats, s.minimum_sats,
       b.balance_sats > 0 AND b.balance_sats >= s.minimum_sats AS payable, date_trunc('second', b.last) AS last_entry
FROM (SELECT l.miner_id,
             sum(l.amount_sats) AS credited_sats,
             sum(l.amount_sats) FILTER (WHERE l.account = 'paid') AS paid_sats,
             sum(l.amount_sats) FILTER (WHERE l.account = 'in_transit') AS in_transit_sats,
             sum(l.amount_sats) FILTER (WHERE l.account = 'miners') AS balance_sats,
             max(t.time) AS last
      FROM ledger l JOIN ledger_transactions t ON t.id = l.transaction_id
      WHERE l.account IN ('miners', 'in_transit', 'paid') AND t.time < :'period_to' AND :miner IN (0, l.miner_id)
      GROUP BY l.miner_id) o
CROSS JOIN LATERAL (SELECT o.credited_sats, coalesce(o.paid_sats, 0) AS paid_sats, coalesce(o.in_transit_sats, 0) AS in_transit_sats,
                           coalesce(o.balance_sats, 0) AS balance_sats, o.last) b
JOIN miners m ON m.id = o.miner_id
CROSS JOIN (SELECT minimum_sats FROM scheme_at(:'period_to')) s
ORDER BY b.balance_sats DESC, m.address COLLATE "C";
\ir end.psql
