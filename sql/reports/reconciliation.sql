-- Every satoshi: what the blocks brought is what was divided, taken as fees, carried, paid, or put into the operator's reserve.
--
--   psql -f sql/reports/reconciliation.sql -v from=2026-11-01 -v to=2026-12-01
--
-- from, to: entries of the ledger in this period; default: all. opening is the account's balance before it, change what the period added
-- (in the reserve: what PPS won or lost, less network fees), closing the balance at its end.
-- The rows "check ..." compare the ledger with where its entries came from: blocks, runs and payments. The last row, difference, is 0 if and
-- only if the accounts add up to the rewards and every check is 0.
-- Rows in parentheses are not in the ledger: blocks that wait for a run, and runs that wait for being reversed.
\ir begin.psql
SELECT CASE WHEN :'from' = '' THEN '-infinity' ELSE from_time END AS period_from,
       CASE WHEN :'to' = '' THEN 'infinity' ELSE to_time END AS period_to
FROM report_period(:'from', :'to', '1 day') \gset
SELECT format('Reconciliation, %s to %s', :'period_from', :'period_to') AS title \gset
\pset title :title
WITH entries AS (
  SELECT l.account, l.miner_id, l.amount_sats, t.time < :'period_from' AS before
  FROM ledger l JOIN ledger_transactions t ON t.id = l.transaction_id WHERE t.time < :'period_to'),
accounts (place, account, item, sign) AS (VALUES
  (1, 'rewards', 'rewards of blocks', -1), (2, 'direct', 'direct: coinbase outputs to others', 1), (3, 'fees', 'fees', 1),
  (4, 'reserve', 'reserve', 1), (5, 'miners', 'miners: owed and carried', 1), (6, 'in_transit', 'miners: in transit', 1),
  (7, 'paid', 'miners: paid', 1), (8, 'network_fees', 'network fees', 1)),
balances AS (
  SELECT a.place, a.account, a.item, a.sign * coalesce(sum(e.amount_sats) FILTER (WHERE e.before), 0) AS opening_sats,
         a.sign * coalesce(sum(e.amount_sats), 0) AS closing_sats
  FROM accounts a LEFT JOIN entries e USING (account) GROUP BY a.place, a.account, a.item, a.sign),
closing AS (
  SELECT sum(closing_sats) FILTER (WHERE account = 'rewards') AS rewards, sum(closing_sats) FILTER (WHERE account <> 'rewards') AS others,
         sum(closing_sats) FILTER (WHERE account = 'direct') AS direct, sum(closing_sats) FILTER (WHERE account IN ('fees', 'reserve')) AS own,
         sum(closing_sats) FILTER (WHERE account IN ('miners', 'in_transit', 'paid')) AS miners,
         sum(closing_sats) FILTER (WHERE account = 'in_transit') AS in_transit, sum(closing_sats) FILTER (WHERE account = 'paid') AS paid,
         sum(closing_sats) FILTER (WHERE account = 'network_fees') AS network_fees
  FROM balances),
-- Where the entries came from, read again at their sources.
runs AS (
  SELECT CASE t.kind WHEN 'reversal' THEN -1 ELSE 1 END AS sign, r.*
  FROM ledger_transactions t JOIN payout_runs r ON r.id = t.run_id WHERE t.time < :'period_to'),
from_blocks AS (
  SELECT coalesce(sum(r.sign * b.reward), 0) AS rewards, coalesce(sum(r.sign * (b.reward - b.pool_sats)), 0) AS direct
  FROM runs r JOIN blocks b ON b.hash = r.block_hash),
from_runs AS (
  SELECT coalesce(sum(r.sign * (SELECT coalesce(sum(i.amount_sats), 0) FROM payout_items i WHERE i.run_id = r.id)), 0) AS miners,
         coalesce(sum(r.sign * (r.fee_sats + r.reserve_sats - CASE r.kind WHEN 'pps' THEN r.reward_sats ELSE 0 END)), 0) AS own
  FROM runs r),
from_payments AS (
  SELECT coalesce(sum(p.amount_sats * CASE t.kind WHEN 'plan' THEN 1 ELSE -1 END), 0) AS in_transit,
         coalesce(sum(p.amount_sats) FILTER (WHERE t.kind = 'settle'), 0) AS paid,
         coalesce(sum(p.settled_fee_sats) FILTER (WHERE t.kind = 'settle'), 0) AS network_fees
  FROM ledger_transactions t JOIN payments p ON p.id = t.payment_id WHERE t.time < :'period_to'),
checks (place, item, sats) AS (
  SELECT 20, 'check: rewards, by blocks', b.rewards - c.rewards FROM from_blocks b, closing c
  UNION ALL SELECT 21, 'check: direct, by blocks', b.direct - c.direct FROM from_blocks b, closing c
  UNION ALL SELECT 22, 'check: miners, by runs', r.miners - c.miners FROM from_runs r, closing c
  UNION ALL SELECT 23, 'check: fees and reserve, by runs and payments', r.own - p.network_fees - c.own FROM from_runs r, from_payments p, closing c
  UNION ALL SELECT 24, 'check: in transit, by payments', p.in_transit - c.in_transit FROM from_payments p, closing c
  UNION ALL SELECT 25, 'check: paid, by payments', p.paid - c.paid FROM from_payments p, closing c
  UNION ALL SELECT 26, 'check: network fees, by payments', p.network_fees - c.network_fees FROM from_payments p, closing c
  UNION ALL SELECT 27, 'check: balances kept beside the ledger',
    (SELECT coalesce(sum(abs(coalesce(b.balance_sats, 0) - coalesce(l.sats, 0))), 0)
     FROM account_balances b FULL JOIN (SELECT account, miner_id, sum(amount_sats) AS sats FROM ledger GROUP BY 1, 2) l
       ON l.account = b.account AND l.miner_id IS NOT DISTINCT FROM b.miner_id)
  UNION ALL SELECT 28, 'check: rewards - all the others', c.rewards - c.others FROM closing c)
SELECT item, opening_sats, change_sats, closing_sats FROM (
  SELECT place, item, opening_sats, closing_sats - opening_sats AS change_sats, closing_sats FROM balances
  UNION ALL SELECT 10, '(blocks that wait for a run)', NULL, NULL, coalesce(sum(b.reward), 0) FROM blocks b
    WHERE b.status = 'confirmed' AND NOT EXISTS (SELECT FROM payout_runs r WHERE r.block_hash = b.hash AND r.state = 'applied')
  UNION ALL SELECT 11, '(runs that wait for being reversed)', NULL, NULL, coalesce(sum(r.reward_sats + r.direct_sats), 0)
    FROM payout_runs r JOIN blocks b ON b.hash = r.block_hash WHERE r.state = 'applied' AND b.status <> 'confirmed'
  UNION ALL SELECT place, item, NULL, NULL, sats FROM checks
  UNION ALL SELECT 99, 'difference', NULL, NULL, sum(abs(sats)) FROM checks) lines
ORDER BY place;
\ir end.psql
