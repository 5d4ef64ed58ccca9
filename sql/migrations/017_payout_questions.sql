-- Questions: what if a block were found now, what was a miner given and for what. And who may do what of 010 to 017.

-- ---------------------------------------------------------------- questions

CREATE FUNCTION assert_time(name text, at timestamptz)
RETURNS void
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
  IF at IS NULL OR at NOT BETWEEN '2009-01-03Z' AND now() + interval '1 day' THEN
    RAISE EXCEPTION '%: % is not a time that the pool can know', name, coalesce(at::text, 'null')
      USING ERRCODE = 'PH111', HINT = 'Give one from 2009-01-03 on, up to now.';
  END IF;
END;
$$;
COMMENT ON FUNCTION assert_time(text, timestamptz) IS 'PH111 unless a time lies between Bitcoin''s first day and tomorrow.';

CREATE FUNCTION preview_draft(of_scheme text, at timestamptz, new_reward_sats bigint)
RETURNS payout_draft
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  chosen payout_schemes := chosen_scheme(at, NULL);
  newest heights;
  last_block blocks;
  run payout_runs;
  items payout_items[];
BEGIN
  SELECT * INTO newest FROM heights ORDER BY height DESC LIMIT 1;
  IF newest.height IS NULL THEN
    RAISE EXCEPTION 'payout_preview: heights is empty' USING ERRCODE = 'PH110', HINT = 'No template was stored yet: is the pool running, and its node in sync?';
  ELSIF new_reward_sats < 0 THEN
    RAISE EXCEPTION 'payout_preview: reward % sats', new_reward_sats USING ERRCODE = 'PH111', HINT = 'Give a reward from 0, or none.';
  END IF;
  SELECT b.* INTO last_block FROM blocks b WHERE b.time < at AND b.status NOT IN ('rejected', 'orphaned') ORDER BY b.time DESC, b.id DESC LIMIT 1;
  chosen.scheme := of_scheme;
  run := set_scheme(run, chosen);
  run.kind := 'block';
  run.height := newest.height;
  run.end_time := at;
  run.reward_sats := coalesce(new_reward_sats, newest.coinbase_value_sats);
  run.direct_sats := 0;
  run.nbits := newest.nbits;
  run := set_window_start(run, last_block.time);
  items := window_items(run);
  IF of_scheme = 'solo' THEN  -- nobody has found it: what would be left for whoever does
    items := ARRAY(SELECT i FROM unnest(items) i WHERE i.miner_id IS NOT NULL)
             || ARRAY[ROW(NULL, 0, '', 1, 0, 0, 0, 0, 0, 0, 0)::payout_items];
  ELSIF (SELECT coalesce(sum(i.work), 0) FROM unnest(items) i) = 0 THEN
    RETURN NULL;
  END IF;
  RETURN divide_reward(run, '{}', items, '{}', '{}');
END;
$$;
COMMENT ON FUNCTION preview_draft(text, timestamptz, bigint) IS
  'The run that a block found at a time would lead to, by a scheme with the parts in force; null where nobody worked. Not for pps. solo: miner 0 stands for the finder.';

CREATE FUNCTION preview_pps(at timestamptz)
RETURNS TABLE (miner_id bigint, work numeric, sats numeric)
LANGUAGE sql
STABLE
AS $$
  WITH worked AS (
    SELECT w.miner_id, m.address, s.height, sum(s.work) AS work
    FROM height_sums s JOIN workers w ON w.id = s.worker_id JOIN miners m ON m.id = w.miner_id
    WHERE s.height > coalesce((SELECT b.height FROM blocks b WHERE b.time < at AND b.status NOT IN ('rejected', 'orphaned')
                               ORDER BY b.time DESC, b.id DESC LIMIT 1), -1)
    GROUP BY 1, 2, 3 HAVING sum(s.work) > 0),
  valued AS (
    SELECT w.miner_id, w.address, sum(w.work) AS work, sum(div(w.work * h.subsidy_sats, h.network_work)) AS value
    FROM worked w JOIN (SELECT height, subsidy_sats::numeric, nbits_work(nbits) AS network_work FROM heights OFFSET 0) h ON h.height = w.height GROUP BY 1, 2),
  total AS (
    SELECT sum(v.value) AS value, array_agg(v.miner_id) AS miner_ids, array_agg(v.address) AS addresses, array_agg(v.work) AS works,
           array_agg(v.value) AS worths
    FROM valued v HAVING count(*) > 0),
  rest AS (SELECT t.*, t.value - div(t.value * s.fee_ppm, 1000000) - div(t.value * s.coherence_ppm, 1000000) AS sats FROM total t, chosen_scheme(at, NULL) s)
  SELECT p.* FROM rest r CROSS JOIN LATERAL unnest(r.miner_ids, r.works, split_by_largest_remainder(r.sats, r.addresses, r.worths)) p;
$$;
COMMENT ON FUNCTION preview_pps(timestamptz) IS
  'What the work at heights above the pool''s last block is worth, less fee and coherence part. Numeric, since on regtest it can be more than there is.';

CREATE FUNCTION payout_preview(at timestamptz DEFAULT NULL, reward_sats bigint DEFAULT NULL)
RETURNS TABLE (address text, pplns_work numeric, pplns_sats bigint, prop_work numeric, prop_sats bigint, pps_work numeric, pps_sats numeric,
               solo_sats bigint)
LANGUAGE plpgsql
STABLE
AS $$
#variable_conflict use_column
DECLARE
  moment timestamptz := coalesce(at, now());
  pplns payout_draft;
  prop payout_draft;
  solo payout_draft;
  solo_finder bigint;
BEGIN
  PERFORM assert_time('payout_preview', moment);
  pplns := preview_draft('pplns', moment, reward_sats);
  prop := preview_draft('prop', moment, reward_sats);
  solo := preview_draft('solo', moment, reward_sats);
  solo_finder := (SELECT i.share_sats FROM unnest(solo.items) i WHERE i.miner_id = 0);
  RETURN QUERY
    SELECT m.address, coalesce(sum(x.work) FILTER (WHERE x.scheme = 'pplns'), 0), coalesce(sum(x.sats) FILTER (WHERE x.scheme = 'pplns'), 0)::bigint,
      coalesce(sum(x.work) FILTER (WHERE x.scheme = 'prop'), 0), coalesce(sum(x.sats) FILTER (WHERE x.scheme = 'prop'), 0)::bigint,
      coalesce(sum(x.work) FILTER (WHERE x.scheme = 'pps'), 0), coalesce(sum(x.sats) FILTER (WHERE x.scheme = 'pps'), 0),
      (solo_finder + coalesce(sum(x.sats) FILTER (WHERE x.scheme = 'solo'), 0))::bigint
    FROM (SELECT 'pplns' AS scheme, i.miner_id, i.work, i.share_sats + i.coherence_sats AS sats FROM unnest(pplns.items) i
          UNION ALL SELECT 'prop', i.miner_id, i.work, i.share_sats + i.coherence_sats FROM unnest(prop.items) i
          UNION ALL SELECT 'pps', v.miner_id, v.work, v.sats FROM preview_pps(moment) v
          UNION ALL SELECT 'solo', i.miner_id, i.work, i.coherence_sats FROM unnest(solo.items) i) x
    JOIN miners m ON m.id = x.miner_id
    GROUP BY m.address
    ORDER BY 3 DESC, m.address COLLATE "C";
END;
$$;
COMMENT ON FUNCTION payout_preview(timestamptz, bigint) IS
  'What if a block were found now (or at a time, or with a reward): what each miner would get, by every scheme side by side, with the fee, coherence part and window in force. Reward and difficulty are those of the newest height. solo_sats: if the miner found it. pps_sats: what its work since the pool''s last block is worth, whether one is found or not.';

CREATE FUNCTION miner_statement(wanted_address text, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (transaction_id bigint, at timestamptz, kind text, account text, amount_sats bigint, balance_sats bigint, run_id bigint,
               payment_id bigint, note text)
LANGUAGE plpgsql
STABLE
AS $$
#variable_conflict use_column
DECLARE
  miner bigint := (SELECT id FROM miners WHERE address = wanted_address);
BEGIN
  IF miner IS NULL THEN
    RAISE EXCEPTION 'address %: no share of it was ever accepted', coalesce(quote_literal(wanted_address), 'null')
      USING ERRCODE = 'PH112', HINT = 'Write it as in miners.address: bech32 addresses in lower case, without a worker''s name.';
  END IF;
  PERFORM assert_time('from_time', from_time);
  PERFORM assert_time('to_time', to_time);
  IF from_time > to_time THEN
    RAISE EXCEPTION 'miner_statement: from % to %', from_time, to_time USING ERRCODE = 'PH111', HINT = 'The first time must not be after the second.';
  END IF;
  RETURN QUERY
    SELECT x.* FROM (
      SELECT t.id, t.time, t.kind, l.account, l.amount_sats, (sum(l.amount_sats) OVER (PARTITION BY l.account ORDER BY l.transaction_id, l.id))::bigint,
        t.run_id, t.payment_id, t.note
      FROM ledger l JOIN ledger_transactions t ON t.id = l.transaction_id WHERE l.miner_id = miner) AS x (id, at)
    WHERE x.at >= from_time AND x.at < to_time ORDER BY 1, 4;
END;
$$;
COMMENT ON FUNCTION miner_statement(text, timestamptz, timestamptz) IS
  'What the ledger says of an address from one time up to another: each entry, and the account''s balance after it.';

-- ---------------------------------------------------------------- rights

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_payouts') THEN
    BEGIN
      CREATE ROLE phasepool_payouts NOLOGIN;
      COMMENT ON ROLE phasepool_payouts IS 'Phasepool: divides rewards and pays them.';
    EXCEPTION
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'role phasepool_payouts was not made: % may not create roles', current_user;
      WHEN duplicate_object OR unique_violation THEN
        NULL;  -- made meanwhile, by a migration of another database
    END;
  END IF;
END;
$$;

REVOKE EXECUTE ON FUNCTION note_payout_scheme(timestamptz, text, numeric, bigint, bigint, bigint), update_ledger(),
  accept_scheme_change(bigint), add_to_balances(), assert_sums_to_zero(), note_late_work(), note_pending_heights() FROM PUBLIC;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool') THEN
    GRANT EXECUTE ON FUNCTION note_payout_scheme(timestamptz, text, numeric, bigint, bigint, bigint), update_ledger() TO phasepool;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_payouts') THEN
    GRANT EXECUTE ON FUNCTION update_ledger(), accept_scheme_change(bigint), retire_journal(integer) TO phasepool_payouts;
    GRANT SELECT ON miners, workers, shares, blocks, journal_positions, share_sums, height_sums, heights, coherence_proofs, coherence_sums,
      payout_schemes, payout_runs, payout_run_journals, payout_run_heights, payout_items, pps_credits, pps_pending, payout_late_work,
      payout_problems, ledger_transactions, ledger, account_balances, miner_balances TO phasepool_payouts;
    GRANT INSERT ON payout_runs, payout_run_journals, payout_run_heights, payout_items, pps_credits, ledger_transactions, ledger
      TO phasepool_payouts;
    GRANT UPDATE ON payout_runs TO phasepool_payouts;  -- of which the triggers allow state alone
    GRANT INSERT, UPDATE, DELETE ON pps_pending TO phasepool_payouts;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT ON payout_schemes, payout_runs, payout_run_journals, payout_run_heights, payout_items, pps_credits, pps_pending,
      payout_late_work, payout_problems, ledger_transactions, ledger, account_balances, miner_balances TO phasepool_web;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_reports') THEN
    GRANT SELECT ON payout_schemes, payout_runs, payout_run_journals, payout_run_heights, payout_items, pps_credits, pps_pending,
      payout_late_work, payout_problems, ledger_transactions, ledger, account_balances, miner_balances TO phasepool_reports;
  END IF;
END;
$$;
