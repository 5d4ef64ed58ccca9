-- How what is owed is sent: payments, step by step.
--
-- planned -> funded -> signed -> sent -> settled, and cancelled on the way. What a later step relies on
-- is in the database before that step is taken: the inputs before anything is signed, the signed bytes
-- before they are sent. So a command that is killed anywhere goes on from what stands here.

CREATE TABLE payments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  state text NOT NULL DEFAULT 'planned'
    CHECK (state IN ('planned', 'funded', 'signed', 'sent', 'settled', 'cancelled')),
  wallet text NOT NULL,
  node text NOT NULL,
  amount_sats bigint NOT NULL CHECK (amount_sats > 0),
  created_at timestamptz NOT NULL DEFAULT now(),
  state_since timestamptz NOT NULL DEFAULT now(),
  funded_tx bytea,
  funded_tip bytea CHECK (octet_length(funded_tip) = 32),
  inputs jsonb CHECK (jsonb_typeof(inputs) = 'array'),
  fee_sats bigint CHECK (fee_sats >= 0),
  signed_tx bytea,
  txid bytea UNIQUE CHECK (octet_length(txid) = 32),
  settled_txid bytea UNIQUE CHECK (octet_length(settled_txid) = 32),
  settled_fee_sats bigint CHECK (settled_fee_sats >= 0),
  settled_block bytea CHECK (octet_length(settled_block) = 32),
  conflict_txid bytea CHECK (octet_length(conflict_txid) = 32),
  CHECK ((funded_tx IS NULL) = (inputs IS NULL) AND (funded_tx IS NULL) = (fee_sats IS NULL)
         AND (funded_tx IS NULL) = (funded_tip IS NULL)),
  CHECK ((signed_tx IS NULL) = (txid IS NULL) AND (signed_tx IS NULL OR funded_tx IS NOT NULL)),
  CHECK (state = 'planned' OR state = 'cancelled' OR funded_tx IS NOT NULL),
  CHECK (state NOT IN ('planned', 'funded') OR signed_tx IS NULL),
  CHECK (state NOT IN ('signed', 'sent', 'settled') OR signed_tx IS NOT NULL),
  CHECK ((state = 'settled') = (settled_txid IS NOT NULL)
         AND (settled_txid IS NULL) = (settled_fee_sats IS NULL)
         AND (settled_txid IS NULL) = (settled_block IS NULL)),
  CHECK (conflict_txid IS NULL OR (state = 'cancelled' AND signed_tx IS NOT NULL))
);
CREATE INDEX payments_open ON payments (id) WHERE state NOT IN ('settled', 'cancelled');
COMMENT ON TABLE payments IS
  'One transaction each that pays miners: what was decided, and how far it has come.';
COMMENT ON COLUMN payments.id IS 'What `phasepool payout` calls it.';
COMMENT ON COLUMN payments.state IS 'planned: the amounts are set aside; funded: with inputs and a fee; signed: with its bytes and txid, before any node has seen them; sent: a node took it; settled: deep enough in the chain; cancelled: the amounts went back.';
COMMENT ON COLUMN payments.wallet IS 'The node''s wallet that pays.';
COMMENT ON COLUMN payments.node IS 'The node that was asked when it was planned.';
COMMENT ON COLUMN payments.amount_sats IS 'What the miners get together, in satoshis; the fee comes on top.';
COMMENT ON COLUMN payments.created_at IS 'When it was planned.';
COMMENT ON COLUMN payments.state_since IS 'When the state last changed.';
COMMENT ON COLUMN payments.funded_tx IS 'The transaction without signatures.';
COMMENT ON COLUMN payments.funded_tip IS 'The chain''s tip when it was funded, in display order: no conflicting spend is older.';
COMMENT ON COLUMN payments.inputs IS 'What it spends: [{"txid", "vout", "sats"}], in the transaction''s order.';
COMMENT ON COLUMN payments.fee_sats IS 'Inputs less outputs.';
COMMENT ON COLUMN payments.signed_tx IS 'The bytes that are sent, and sent again; no others ever are.';
COMMENT ON COLUMN payments.txid IS 'Their transaction id in display order: encode(txid, ''hex'') is what a node shows.';
COMMENT ON COLUMN payments.settled_txid IS 'The transaction in the chain: `txid`, unless somebody replaced it by one that pays the same outputs with another fee.';
COMMENT ON COLUMN payments.settled_fee_sats IS 'The fee of the transaction in the chain, borne by the reserve.';
COMMENT ON COLUMN payments.settled_block IS 'The block that held it when it was settled, in display order.';
COMMENT ON COLUMN payments.conflict_txid IS 'For one that was cancelled after it was signed: the transaction that spent an input of it.';

CREATE TABLE payment_outputs (
  payment_id bigint NOT NULL REFERENCES payments (id),
  miner_id bigint NOT NULL REFERENCES miners (id),
  address text NOT NULL,
  amount_sats bigint NOT NULL CHECK (amount_sats > 0),
  PRIMARY KEY (payment_id, miner_id),
  UNIQUE (payment_id, address)
);
CREATE INDEX payment_outputs_by_miner ON payment_outputs (miner_id);
COMMENT ON TABLE payment_outputs IS 'Who gets how much of a payment; never changed.';
COMMENT ON COLUMN payment_outputs.payment_id IS 'The payment.';
COMMENT ON COLUMN payment_outputs.miner_id IS 'The miner.';
COMMENT ON COLUMN payment_outputs.address IS 'Where to, as it was when the payment was planned.';
COMMENT ON COLUMN payment_outputs.amount_sats IS 'Satoshis.';

CREATE TABLE payment_steps (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  payment_id bigint NOT NULL REFERENCES payments (id),
  time timestamptz NOT NULL DEFAULT clock_timestamp(),
  step text NOT NULL,
  detail text NOT NULL DEFAULT ''
);
CREATE INDEX payment_steps_by_payment ON payment_steps (payment_id, id);
COMMENT ON TABLE payment_steps IS 'What was done for each payment, in order; never changed.';
COMMENT ON COLUMN payment_steps.id IS 'In the order they were recorded.';
COMMENT ON COLUMN payment_steps.payment_id IS 'The payment.';
COMMENT ON COLUMN payment_steps.time IS 'When it was recorded.';
COMMENT ON COLUMN payment_steps.step IS 'planned, funded, taken back, locked, signed, sent, sent again, settled, unlocked, cancelled.';
COMMENT ON COLUMN payment_steps.detail IS 'One line for the operator.';

ALTER TABLE ledger_transactions ADD FOREIGN KEY (payment_id) REFERENCES payments (id);

-- What the record is worth rests on nobody changing it, not even in psql.
CREATE FUNCTION refuse_payment_change()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: what was done for a payment is never changed', lower(TG_OP), TG_TABLE_NAME
    USING ERRCODE = 'PH306', HINT = 'phasepool payout cancel gives a payment''s amounts back.';
END;
$$;
COMMENT ON FUNCTION refuse_payment_change() IS 'Trigger: refuses what would change the record of a payment.';

CREATE TRIGGER payment_outputs_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_outputs
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_payment_change();
CREATE TRIGGER payment_steps_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON payment_steps
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_payment_change();
CREATE TRIGGER payments_stay BEFORE DELETE OR TRUNCATE ON payments
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_payment_change();

CREATE FUNCTION check_payment_change()
RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
  outputs_sats numeric;
BEGIN
  IF (OLD.state, NEW.state) NOT IN (
      ('planned', 'funded'), ('funded', 'planned'), ('funded', 'signed'), ('signed', 'sent'),
      ('signed', 'settled'), ('sent', 'settled'), ('planned', 'cancelled'), ('funded', 'cancelled'),
      ('signed', 'cancelled'), ('sent', 'cancelled')) THEN
    RAISE EXCEPTION 'payment % is %, and can''t become %', OLD.id, OLD.state, NEW.state
      USING ERRCODE = 'PH302', HINT = format('Look at it: phasepool payout show %s.', OLD.id);
  END IF;
  IF (NEW.id, NEW.wallet, NEW.node, NEW.amount_sats, NEW.created_at)
       IS DISTINCT FROM (OLD.id, OLD.wallet, OLD.node, OLD.amount_sats, OLD.created_at)
     OR OLD.signed_tx IS NOT NULL
       AND (NEW.funded_tx, NEW.funded_tip, NEW.inputs, NEW.fee_sats, NEW.signed_tx, NEW.txid)
         IS DISTINCT FROM (OLD.funded_tx, OLD.funded_tip, OLD.inputs, OLD.fee_sats, OLD.signed_tx, OLD.txid) THEN
    RAISE EXCEPTION 'payment %: what it pays, and what was signed, is never changed', OLD.id
      USING ERRCODE = 'PH306', HINT = 'Plan another payment.';
  END IF;
  SELECT sum(o.amount_sats) INTO outputs_sats FROM payment_outputs o WHERE o.payment_id = OLD.id;
  IF outputs_sats IS DISTINCT FROM OLD.amount_sats THEN
    RAISE EXCEPTION 'payment % is over % sats, but its outputs are % sats', OLD.id, OLD.amount_sats,
        coalesce(outputs_sats, 0)
      USING ERRCODE = 'PH306', HINT = 'Somebody changed its rows; restore them from a backup.';
  END IF;
  NEW.state_since := clock_timestamp();
  RETURN NEW;
END;
$$;
COMMENT ON FUNCTION check_payment_change() IS
  'Trigger: a payment changes state along the known ways only, and neither its outputs nor what was signed ever changes.';

CREATE TRIGGER payments_change BEFORE UPDATE ON payments
  FOR EACH ROW EXECUTE FUNCTION check_payment_change();

CREATE FUNCTION payments_lock_key()
RETURNS bigint
LANGUAGE sql
IMMUTABLE
AS $$ SELECT 5783001584930542675 $$;
COMMENT ON FUNCTION payments_lock_key() IS
  'The advisory lock that a payout command holds while it runs: "PAYMENTS" in ASCII.';

CREATE FUNCTION note_payment_step(payment bigint, new_step text, new_detail text)
RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO payment_steps (payment_id, step, detail) VALUES (payment, new_step, new_detail);
$$;
COMMENT ON FUNCTION note_payment_step(bigint, text, text) IS 'Adds to the list of what was done for a payment.';

CREATE FUNCTION locked_payment(payment bigint)
RETURNS payments
LANGUAGE plpgsql
AS $$
DECLARE
  found payments;
BEGIN
  SELECT * INTO found FROM payments p WHERE p.id = payment FOR UPDATE;
  IF found.id IS NULL THEN
    RAISE EXCEPTION 'there is no payment %', payment
      USING ERRCODE = 'PH301', HINT = 'phasepool payout show lists them.';
  END IF;
  RETURN found;
END;
$$;
COMMENT ON FUNCTION locked_payment(bigint) IS 'The payment''s row, locked until the transaction ends.';

-- Each miner's part of the payment from one account to another, as one ledger transaction.
CREATE FUNCTION move_payment(payment bigint, new_kind text, from_account text, to_account text,
                             network_fee_sats bigint, new_note text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM post_to_ledger(new_kind, NULL, payment, new_note, array_agg(r.account), array_agg(r.miner_id), array_agg(r.amount))
    FROM (
      SELECT from_account AS account, o.miner_id, -o.amount_sats AS amount FROM payment_outputs o WHERE o.payment_id = payment
      UNION ALL
      SELECT to_account, o.miner_id, o.amount_sats FROM payment_outputs o WHERE o.payment_id = payment
      UNION ALL
      VALUES ('reserve', NULL::bigint, -network_fee_sats), ('network_fees', NULL, network_fee_sats)) r;
END;
$$;
COMMENT ON FUNCTION move_payment(bigint, text, text, text, bigint, text) IS
  'Books a payment''s outputs from one account of each miner to another, and the network fee, which the reserve bears.';

CREATE FUNCTION plan_payment(from_wallet text, at_node text, miner_ids bigint[], amounts bigint[])
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
  planned bigint;
  wrong record;
BEGIN
  IF coalesce(cardinality(miner_ids), 0) = 0 OR cardinality(miner_ids) <> coalesce(cardinality(amounts), 0) THEN
    RAISE EXCEPTION 'a payment needs miners and an amount for each: got % miners and % amounts',
        coalesce(cardinality(miner_ids), 0), coalesce(cardinality(amounts), 0)
      USING ERRCODE = 'PH304', HINT = 'Give two arrays of the same length.';
  END IF;
  -- Two plans at once would set the same balance aside twice.
  PERFORM pg_advisory_xact_lock(payments_lock_key());
  PERFORM lock_payouts();
  SELECT p.miner_id, p.amount, b.balance_sats INTO wrong
    FROM unnest(miner_ids, amounts) AS p (miner_id, amount)
    LEFT JOIN miner_balances b ON b.miner_id = p.miner_id
    WHERE p.miner_id IS NULL OR p.amount IS NULL OR p.amount <= 0 OR b.balance_sats IS NULL OR p.amount > b.balance_sats
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'miner % is to get % sats, but % sats are owed', wrong.miner_id, wrong.amount,
        coalesce(wrong.balance_sats, 0)
      USING ERRCODE = 'PH303', HINT = 'Balances have changed, or the amount is not above 0: plan again.';
  END IF;
  INSERT INTO payments (wallet, node, amount_sats)
    SELECT from_wallet, at_node, sum(amount) FROM unnest(amounts) AS amount
    RETURNING id INTO planned;
  INSERT INTO payment_outputs (payment_id, miner_id, address, amount_sats)
    SELECT planned, p.miner_id, m.address, p.amount
    FROM unnest(miner_ids, amounts) AS p (miner_id, amount) JOIN miners m ON m.id = p.miner_id;
  PERFORM move_payment(planned, 'plan', 'miners', 'in_transit', 0, format('payment %s', planned));
  PERFORM note_payment_step(planned, 'planned', format('%s outputs from wallet "%s"', cardinality(miner_ids), from_wallet));
  RETURN planned;
END;
$$;
COMMENT ON FUNCTION plan_payment(text, text, bigint[], bigint[]) IS
  'Records a payment and sets its amounts aside: miners to in_transit. Nobody gets more than is owed. Returns its id.';

CREATE FUNCTION record_payment_funded(payment bigint, tx bytea, tip bytea, new_inputs jsonb, fee bigint)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM locked_payment(payment);
  UPDATE payments SET state = 'funded', funded_tx = tx, funded_tip = tip, inputs = new_inputs, fee_sats = fee
    WHERE id = payment;
  PERFORM note_payment_step(payment, 'funded',
                            format('%s inputs, fee %s sats', jsonb_array_length(new_inputs), fee));
END;
$$;
COMMENT ON FUNCTION record_payment_funded(bigint, bytea, bytea, jsonb, bigint) IS
  'Notes the transaction that is to be signed, before its inputs are locked.';

CREATE FUNCTION take_back_payment_funding(payment bigint, why text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM locked_payment(payment);
  UPDATE payments SET state = 'planned', funded_tx = NULL, funded_tip = NULL, inputs = NULL, fee_sats = NULL
    WHERE id = payment;
  PERFORM note_payment_step(payment, 'taken back', why);
END;
$$;
COMMENT ON FUNCTION take_back_payment_funding(bigint, text) IS
  'Forgets a transaction of which no signature was recorded, so that it can be funded anew.';

CREATE FUNCTION record_payment_signed(payment bigint, tx bytea, new_txid bytea)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM locked_payment(payment);
  UPDATE payments SET state = 'signed', signed_tx = tx, txid = new_txid WHERE id = payment;
  PERFORM note_payment_step(payment, 'signed', encode(new_txid, 'hex'));
END;
$$;
COMMENT ON FUNCTION record_payment_signed(bigint, bytea, bytea) IS
  'Notes the signed bytes, before any node is given them.';

CREATE FUNCTION record_payment_sent(payment bigint, detail text)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM locked_payment(payment);
  UPDATE payments SET state = 'sent' WHERE id = payment;
  PERFORM note_payment_step(payment, 'sent', detail);
END;
$$;
COMMENT ON FUNCTION record_payment_sent(bigint, text) IS 'Notes that a node took the signed bytes.';

CREATE FUNCTION settle_payment(payment bigint, by_txid bytea, fee bigint, block_hash bytea, confirmations integer)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  before payments;
BEGIN
  before := locked_payment(payment);
  IF fee IS NULL OR fee < 0 OR (by_txid = before.txid AND fee <> before.fee_sats) THEN
    RAISE EXCEPTION 'payment %: a fee of % sats, but % were recorded', payment, fee, before.fee_sats
      USING ERRCODE = 'PH304', HINT = 'The fee is what the transaction''s inputs have more than its outputs.';
  END IF;
  UPDATE payments SET state = 'settled', settled_txid = by_txid, settled_fee_sats = fee, settled_block = block_hash
    WHERE id = payment;
  PERFORM move_payment(payment, 'settle', 'in_transit', 'paid', fee, format('payment %s', payment));
  PERFORM note_payment_step(payment, 'settled',
                            format('%s confirmations of %s', confirmations, encode(by_txid, 'hex')));
END;
$$;
COMMENT ON FUNCTION settle_payment(bigint, bytea, bigint, bytea, integer) IS
  'The transaction is deep enough in the chain: in_transit to paid, and its fee from the reserve.';

CREATE FUNCTION cancel_payment(payment bigint, by_conflict bytea, confirmations integer, why text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  before payments;
BEGIN
  before := locked_payment(payment);
  IF before.state IN ('signed', 'sent')
     AND (by_conflict IS NULL OR by_conflict = before.txid OR coalesce(confirmations, 0) < 100) THEN
    RAISE EXCEPTION 'payment % is %: what was signed may still be mined, so that it can''t be given back',
        payment, before.state
      USING ERRCODE = 'PH305',
        HINT = 'Spend one of its inputs in another transaction and wait for 100 confirmations of that.';
  END IF;
  UPDATE payments SET state = 'cancelled',
      conflict_txid = CASE WHEN before.signed_tx IS NOT NULL THEN by_conflict END
    WHERE id = payment;
  PERFORM move_payment(payment, 'cancel', 'in_transit', 'miners', 0, format('payment %s', payment));
  PERFORM note_payment_step(payment, 'cancelled', why);
END;
$$;
COMMENT ON FUNCTION cancel_payment(bigint, bytea, integer, text) IS
  'Gives the amounts back: in_transit to miners. After it was signed only with a conflicting spend that has 100 confirmations.';

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_payouts') THEN
    GRANT SELECT, INSERT, UPDATE ON payments TO phasepool_payouts;
    GRANT SELECT, INSERT ON payment_outputs, payment_steps TO phasepool_payouts;
    GRANT SELECT ON schema_migrations TO phasepool_payouts;  -- `phasepool payout` looks whether it fits
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_reports') THEN
    GRANT SELECT ON payments, payment_outputs, payment_steps TO phasepool_reports;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT ON payments, payment_outputs TO phasepool_web;
  END IF;
END;
$$;
