-- The ledger: double entry, never changed, and its balances.

CREATE TABLE ledger_transactions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  time timestamptz NOT NULL DEFAULT now(),
  kind text NOT NULL CHECK (kind IN ('run', 'reversal', 'restoral', 'plan', 'settle', 'cancel', 'adjustment')),
  run_id bigint REFERENCES payout_runs (id),
  payment_id bigint,
  note text NOT NULL,
  CHECK ((kind IN ('run', 'reversal', 'restoral')) = (run_id IS NOT NULL)),
  CHECK ((kind IN ('plan', 'settle', 'cancel')) = (payment_id IS NOT NULL))
);
CREATE INDEX ledger_transactions_by_run ON ledger_transactions (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX ledger_transactions_by_payment ON ledger_transactions (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX ledger_transactions_by_time ON ledger_transactions (time);
COMMENT ON TABLE ledger_transactions IS 'Double entry: each transaction moves satoshis between accounts, and its rows in ledger add up to 0. Never changed: a mistake is reversed.';
COMMENT ON COLUMN ledger_transactions.id IS 'In the order they were made.';
COMMENT ON COLUMN ledger_transactions.time IS 'When.';
COMMENT ON COLUMN ledger_transactions.kind IS 'run, reversal, restoral: of payout runs; plan, settle, cancel: of payments; adjustment: by the operator, the reserve''s paying in and out.';
COMMENT ON COLUMN ledger_transactions.run_id IS 'Which run; null for others.';
COMMENT ON COLUMN ledger_transactions.payment_id IS 'Which payment; null for others.';
COMMENT ON COLUMN ledger_transactions.note IS 'Why, for people.';

CREATE TABLE ledger (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transaction_id bigint NOT NULL REFERENCES ledger_transactions (id),
  account text NOT NULL
    CHECK (account IN ('rewards', 'direct', 'fees', 'reserve', 'miners', 'in_transit', 'paid', 'network_fees')),
  miner_id bigint REFERENCES miners (id) CHECK ((miner_id IS NOT NULL) = (account IN ('miners', 'in_transit', 'paid'))),
  amount_sats bigint NOT NULL CHECK (amount_sats <> 0)
);
CREATE INDEX ledger_by_transaction ON ledger (transaction_id, id);
CREATE INDEX ledger_by_miner ON ledger (miner_id, transaction_id) WHERE miner_id IS NOT NULL;
COMMENT ON TABLE ledger IS 'The rows of the transactions. All of them add up to 0.';
COMMENT ON COLUMN ledger.id IS 'In the order they were made.';
COMMENT ON COLUMN ledger.transaction_id IS 'Part of which transaction.';
COMMENT ON COLUMN ledger.account IS 'rewards: what blocks brought, negative; direct: what their coinbases paid to others; fees: the pool''s; reserve: the operator''s, which PPS is paid from; miners: what is owed to a miner, minimum or not; in_transit: planned to be paid, not settled; paid; network_fees: of payments, borne by the reserve.';
COMMENT ON COLUMN ledger.miner_id IS 'Whose, in miners, in_transit and paid; null in the others.';
COMMENT ON COLUMN ledger.amount_sats IS 'What the account gains, or loses where negative.';

CREATE TABLE account_balances (
  account text NOT NULL,
  miner_id bigint REFERENCES miners (id),
  balance_sats bigint NOT NULL,
  UNIQUE NULLS NOT DISTINCT (account, miner_id)
);
CREATE INDEX account_balances_by_miner ON account_balances (miner_id) WHERE miner_id IS NOT NULL;
COMMENT ON TABLE account_balances IS 'Sum of the ledger for each account and miner, kept by the ledger''s trigger.';
COMMENT ON COLUMN account_balances.account IS 'ledger.account.';
COMMENT ON COLUMN account_balances.miner_id IS 'ledger.miner_id.';
COMMENT ON COLUMN account_balances.balance_sats IS 'Sum of ledger.amount_sats.';

CREATE FUNCTION add_to_balances()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  INSERT INTO account_balances AS b (account, miner_id, balance_sats)
    SELECT a.account, a.miner_id, sum(a.amount_sats) FROM added a GROUP BY 1, 2 ORDER BY 1, 2  -- one order: no deadlock
    ON CONFLICT (account, miner_id) DO UPDATE SET balance_sats = b.balance_sats + excluded.balance_sats;
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION add_to_balances() IS 'Trigger of ledger: keeps account_balances. As its owner, so that nobody else need be able to write there.';
CREATE TRIGGER ledger_balances AFTER INSERT ON ledger REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION add_to_balances();

CREATE FUNCTION assert_sums_to_zero()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  total numeric;
BEGIN
  -- Called for each row; the transaction's last one looks.
  IF EXISTS (SELECT FROM ledger WHERE transaction_id = NEW.transaction_id AND id > NEW.id) THEN
    RETURN NULL;
  END IF;
  SELECT sum(amount_sats) INTO total FROM ledger WHERE transaction_id = NEW.transaction_id;
  IF total <> 0 THEN
    RAISE EXCEPTION 'ledger transaction %: its rows add up to % sats, not to 0', NEW.transaction_id, total
      USING ERRCODE = 'PH116', HINT = 'What one account gains another loses: use post_to_ledger().';
  END IF;
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION assert_sums_to_zero() IS 'Constraint trigger of ledger, when the database''s transaction commits: PH116 unless the ledger transaction adds up to 0.';
CREATE CONSTRAINT TRIGGER ledger_sums_to_zero AFTER INSERT ON ledger DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION assert_sums_to_zero();

CREATE FUNCTION refuse_change()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION '% on %: its rows are never changed or deleted', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'PH115', HINT = 'Post a transaction that reverses it.';
END;
$$;
COMMENT ON FUNCTION refuse_change() IS 'Trigger of what is only ever added to.';
CREATE TRIGGER ledger_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transactions_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transactions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_items_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_items FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_run_journals_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_run_journals
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_run_heights_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON payout_run_heights
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER pps_credits_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON pps_credits FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_runs_are_kept BEFORE DELETE OR TRUNCATE ON payout_runs FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payout_runs_keep_what_they_say BEFORE UPDATE OF id, kind, created_at, block_hash, height, end_time, scheme_id, scheme, pplns_window,
    fee_ppm, coherence_ppm, reward_sats, direct_sats, nbits, window_work, finder_id, start_kind, start_time, start_journal, start_sequence,
    start_work, from_height, to_height, work, coherence_work, fee_sats, coherence_sats, reserve_sats, digest ON payout_runs
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION post_to_ledger(new_kind text, new_run_id bigint, new_payment_id bigint, new_note text,
                               accounts text[], miner_ids bigint[], amounts bigint[])
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
  new_id bigint;
  total numeric := coalesce((SELECT sum(a) FROM unnest(amounts) a), 0);
BEGIN
  IF total <> 0 OR cardinality(accounts) IS DISTINCT FROM cardinality(amounts) OR cardinality(miner_ids) IS DISTINCT FROM cardinality(amounts)
     OR array_position(amounts, NULL) IS NOT NULL THEN
    RAISE EXCEPTION 'ledger transaction %: % amounts for % accounts and % miners add up to % sats, not to 0', new_kind,
        cardinality(amounts), cardinality(accounts), cardinality(miner_ids), total
      USING ERRCODE = 'PH116', HINT = 'What one account gains another loses; give an account and a miner (or null) for each amount.';
  END IF;
  PERFORM lock_payouts();  -- whoever writes several transactions would else meet another's balances in another order
  INSERT INTO ledger_transactions (kind, run_id, payment_id, note) VALUES (new_kind, new_run_id, new_payment_id, new_note) RETURNING id INTO new_id;
  INSERT INTO ledger (transaction_id, account, miner_id, amount_sats)
    SELECT new_id, t.account, t.miner_id, t.amount
    FROM unnest(accounts, miner_ids, amounts) WITH ORDINALITY AS t (account, miner_id, amount, place)
    WHERE t.amount <> 0 ORDER BY t.place;
  RETURN new_id;
END;
$$;
COMMENT ON FUNCTION post_to_ledger(text, bigint, bigint, text, text[], bigint[], bigint[]) IS
  'Adds a ledger transaction: amounts[i] to accounts[i] of miner_ids[i] (null where the account is nobody''s). Amounts of 0 are left out. Returns its id.';

CREATE FUNCTION adjust_reserve(amount_sats bigint, reason text)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
  IF amount_sats IS NULL OR amount_sats = 0 OR coalesce(trim(reason), '') = '' THEN
    RAISE EXCEPTION 'adjust_reserve: % sats from fees, because ''%''', amount_sats, reason
      USING ERRCODE = 'PH111', HINT = 'An amount that is not 0 (negative: back to fees), and a reason.';
  END IF;
  RETURN post_to_ledger('adjustment', NULL, NULL, reason, ARRAY['reserve', 'fees'], ARRAY[NULL, NULL]::bigint[], ARRAY[amount_sats, -amount_sats]);
END;
$$;
COMMENT ON FUNCTION adjust_reserve(bigint, text) IS 'Moves satoshis from the pool''s fees to the operator''s reserve, or back where negative.';

CREATE VIEW miner_balances AS
  SELECT m.id AS miner_id, m.address,
    coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'miners'), 0)::bigint AS balance_sats,
    coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'in_transit'), 0)::bigint AS in_transit_sats,
    coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'paid'), 0)::bigint AS paid_sats,
    (SELECT s.minimum_sats FROM scheme_at(now()) s) AS minimum_sats
  FROM miners m LEFT JOIN account_balances b ON b.miner_id = m.id
  GROUP BY m.id, m.address;
COMMENT ON VIEW miner_balances IS 'What is owed to each miner, on its way, and paid.';
COMMENT ON COLUMN miner_balances.miner_id IS 'miners.id.';
COMMENT ON COLUMN miner_balances.address IS 'Payout address.';
COMMENT ON COLUMN miner_balances.balance_sats IS 'Owed and not planned to be paid. Negative where a block was orphaned after its reward was paid: later rewards fill it up.';
COMMENT ON COLUMN miner_balances.in_transit_sats IS 'In payments that are not settled.';
COMMENT ON COLUMN miner_balances.paid_sats IS 'Paid so far.';
COMMENT ON COLUMN miner_balances.minimum_sats IS 'Balances below it are carried: the minimum of the scheme in force; null before the first.';
