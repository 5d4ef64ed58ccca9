-- Runs are made, reversed and restored; update_ledger() does so as the blocks ask for it.

-- ---------------------------------------------------------------- runs: made, reversed, restored

CREATE FUNCTION lock_payouts()
RETURNS void
LANGUAGE sql
AS $$
  SELECT pg_advisory_xact_lock(hashtext('phasepool payouts'));
$$;
COMMENT ON FUNCTION lock_payouts() IS 'Runs are made and changed one at a time; until the transaction ends.';

CREATE FUNCTION store_run(draft payout_draft)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
  run payout_runs := draft.run;
  new_id bigint;
BEGIN
  INSERT INTO payout_runs (kind, block_hash, height, end_time, scheme_id, scheme, pplns_window, fee_ppm, coherence_ppm, reward_sats,
      direct_sats, nbits, window_work, finder_id, start_kind, start_time, start_journal, start_sequence, start_work, from_height, to_height,
      work, coherence_work, fee_sats, coherence_sats, reserve_sats, digest)
    VALUES (run.kind, run.block_hash, run.height, run.end_time, run.scheme_id, run.scheme, run.pplns_window, run.fee_ppm, run.coherence_ppm,
      run.reward_sats, run.direct_sats, run.nbits, run.window_work, run.finder_id, run.start_kind, run.start_time, run.start_journal,
      run.start_sequence, run.start_work, run.from_height, run.to_height, run.work, run.coherence_work, run.fee_sats, run.coherence_sats,
      run.reserve_sats, sha256(convert_to(payout_text(draft), 'UTF8')))
    RETURNING id INTO new_id;
  INSERT INTO payout_run_journals SELECT new_id, j.journal, j.journal_uuid, j.sequence FROM unnest(draft.journals) j;
  INSERT INTO payout_items (run_id, miner_id, address, work, edge_work, coherence_work, coherence_edge_work, value_sats, share_sats, coherence_sats)
    SELECT new_id, i.miner_id, i.address, i.work, i.edge_work, i.coherence_work, i.coherence_edge_work, i.value_sats, i.share_sats, i.coherence_sats
    FROM unnest(draft.items) i;
  INSERT INTO payout_run_heights SELECT new_id, h.height, h.nbits, h.subsidy_sats, h.work, h.value_sats FROM unnest(draft.heights) h;
  INSERT INTO pps_credits SELECT c.height, c.miner_id, new_id, c.before_work, c.work, c.value_sats FROM unnest(draft.credits) c;
  PERFORM post_to_ledger('run', new_id, NULL,
      CASE run.kind WHEN 'block' THEN format('%s of block %s', run.scheme, run.height) ELSE format('pps of heights %s to %s', run.from_height, run.to_height) END,
      array_agg(t.account), array_agg(t.miner_id), array_agg(t.amount))
    FROM (
      SELECT * FROM (VALUES
        ('rewards', NULL::bigint, CASE run.kind WHEN 'block' THEN -run.reward_sats - run.direct_sats ELSE 0 END),
        ('direct', NULL, run.direct_sats),
        ('fees', NULL, run.fee_sats),
        ('reserve', NULL, run.reserve_sats - CASE run.kind WHEN 'pps' THEN run.reward_sats ELSE 0 END)) AS v (account, miner_id, amount)
      UNION ALL
      SELECT 'miners', i.miner_id, i.share_sats + i.coherence_sats FROM unnest(draft.items) i) t;
  RETURN new_id;
END;
$$;
COMMENT ON FUNCTION store_run(payout_draft) IS 'Stores a run and its ledger transaction; returns its id.';

CREATE FUNCTION create_block_run(wanted_hash bytea, wanted_scheme_id bigint DEFAULT NULL, incomplete_ok boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
  existing payout_runs;
BEGIN
  PERFORM lock_payouts();
  SELECT * INTO existing FROM payout_runs WHERE block_hash = wanted_hash AND state <> 'withdrawn';
  IF existing.id IS NOT NULL THEN
    RAISE EXCEPTION 'block % of height %: has run %, which is %', encode(wanted_hash, 'hex'), existing.height, existing.id, existing.state
      USING ERRCODE = 'PH104', HINT = format('To divide it anew, reverse_run(%s, reason) first.', existing.id);
  END IF;
  RETURN store_run(draft_block_run(wanted_hash, wanted_scheme_id, incomplete_ok));
END;
$$;
COMMENT ON FUNCTION create_block_run(bytea, bigint, boolean) IS
  'Divides the reward of a confirmed block, and returns the run''s id. wanted_scheme_id: by this row of payout_schemes, instead of the one in force at the block''s time. incomplete_ok: even though a journal is behind, or (PROP) the block before is not decided.';

CREATE FUNCTION forget_pending(pending pps_pending[], first_height integer, last_height integer)
RETURNS void
LANGUAGE sql
AS $$
  DELETE FROM pps_pending WHERE (height, journal) IN (
    SELECT p.height, p.journal FROM pps_pending p JOIN unnest(pending) n USING (height, journal, changes)
    WHERE p.height BETWEEN first_height AND last_height
    FOR UPDATE OF p SKIP LOCKED);  -- a batch that is being stored holds the lock, and leaves its row behind
$$;
COMMENT ON FUNCTION forget_pending(pps_pending[], integer, integer) IS
  'Takes away the rows of pps_pending at these heights to which nothing was added since they were read.';

CREATE FUNCTION create_pps_run(last_height integer DEFAULT NULL, wanted_scheme_id bigint DEFAULT NULL, first_height integer DEFAULT NULL,
                               incomplete_ok boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
  draft payout_draft;
  run payout_runs;
  run_id bigint;
  pending pps_pending[];
BEGIN
  PERFORM lock_payouts();
  -- What is pending is noted before the sums are read: batches that come in between leave their rows behind.
  pending := ARRAY(SELECT p FROM pps_pending p WHERE last_height IS NULL OR p.height <= last_height);
  draft := draft_pps_run(last_height, wanted_scheme_id, first_height, incomplete_ok);
  run := draft.run;
  run_id := store_run(draft);
  -- Last, since batches with shares of these heights wait from here to the end of the transaction.
  PERFORM forget_pending(pending, run.from_height, run.to_height);
  RETURN run_id;
END;
$$;
COMMENT ON FUNCTION create_pps_run(integer, bigint, integer, boolean) IS
  'Credits the work of all heights up to last_height, at its expected value, less what earlier runs credited, and returns the run''s id. Without a last height: all that are over. wanted_scheme_id and first_height: by that row of payout_schemes, from that height on. incomplete_ok: even though a journal is behind.';

CREATE FUNCTION change_run(wanted_run_id bigint, new_state text, reason text)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
  run payout_runs;
  sign integer := CASE new_state WHEN 'applied' THEN 1 ELSE -1 END;
  later bigint;
BEGIN
  PERFORM lock_payouts();
  SELECT * INTO run FROM payout_runs WHERE id = wanted_run_id;
  IF run.id IS NULL THEN
    RAISE EXCEPTION 'run %: there is none', coalesce(wanted_run_id::text, 'null') USING ERRCODE = 'PH105', HINT = 'SELECT * FROM payout_runs shows them.';
  ELSIF (run.state = 'applied') = (new_state = 'applied') AND run.state <> 'reversed' THEN
    RAISE EXCEPTION 'run %: is % already', run.id, run.state USING ERRCODE = 'PH105', HINT = 'Nothing was changed.';
  END IF;
  IF run.kind = 'pps' THEN
    SELECT min(r.id) INTO later FROM payout_run_heights o JOIN payout_run_heights h ON h.height = o.height AND h.run_id > o.run_id
      JOIN payout_runs r ON r.id = h.run_id AND r.state <> 'withdrawn' WHERE o.run_id = run.id;
    IF later IS NOT NULL THEN
      RAISE EXCEPTION 'run %: run % credited work at the same heights after it', run.id, later
        USING ERRCODE = 'PH106', HINT = format('Reverse run %s first; then create_pps_run() credits everything anew.', later);
    END IF;
    INSERT INTO pps_pending AS p (height, journal) SELECT DISTINCT s.height, s.journal FROM payout_run_heights h JOIN height_sums s USING (height)
      WHERE h.run_id = run.id ORDER BY 1, 2 ON CONFLICT (height, journal) DO UPDATE SET changes = p.changes + 1;
  END IF;
  IF run.state = 'applied' OR new_state = 'applied' THEN
    PERFORM post_to_ledger(CASE new_state WHEN 'applied' THEN 'restoral' ELSE 'reversal' END, run.id, NULL, reason,
        array_agg(l.account), array_agg(l.miner_id), array_agg(sign * l.amount_sats))
      FROM (SELECT l.* FROM ledger l JOIN ledger_transactions t ON t.id = l.transaction_id
            WHERE t.run_id = run.id AND t.kind = 'run' ORDER BY l.id) l;
  END IF;
  UPDATE payout_runs SET state = new_state WHERE id = run.id;
  RETURN run.id;
END;
$$;
COMMENT ON FUNCTION change_run(bigint, text, text) IS
  'Brings a run to another state, and the ledger with it. What reverse_run(), restore_run() and update_ledger() have in common.';

CREATE FUNCTION reverse_run(wanted_run_id bigint, reason text)
RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
  IF coalesce(trim(reason), '') = '' THEN
    RAISE EXCEPTION 'reverse_run: no reason for run %', wanted_run_id
      USING ERRCODE = 'PH111', HINT = 'Say why: it is kept in the ledger.';
  END IF;
  RETURN change_run(wanted_run_id, 'withdrawn', reason);
END;
$$;
COMMENT ON FUNCTION reverse_run(bigint, text) IS
  'The operator takes a run back: its ledger rows are reversed, and another run may be made. A run that was paid already leaves negative balances. Returns the run''s id.';

CREATE FUNCTION restore_run(wanted_run_id bigint, reason text)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
  run payout_runs;
  other bigint;
BEGIN
  PERFORM lock_payouts();
  SELECT * INTO run FROM payout_runs WHERE id = wanted_run_id;
  IF run.kind = 'pps' THEN
    RAISE EXCEPTION 'run %: a PPS run that was reversed is not restored', run.id
      USING ERRCODE = 'PH105', HINT = 'create_pps_run() credits its heights again.';
  ELSIF run.kind = 'block' THEN
    PERFORM payable_block(run.block_hash);
    SELECT r.id INTO other FROM payout_runs r WHERE r.block_hash = run.block_hash AND r.id <> run.id AND r.state <> 'withdrawn';
    IF other IS NOT NULL THEN
      RAISE EXCEPTION 'run %: run % divides the same block', run.id, other
        USING ERRCODE = 'PH104', HINT = format('reverse_run(%s, reason) first.', other);
    END IF;
    SELECT r.id INTO other FROM payout_runs r WHERE run.scheme = 'prop' AND r.kind = 'block' AND r.scheme = 'prop' AND r.state = 'applied'
      AND r.id <> run.id AND r.end_time > coalesce(run.start_time, '-infinity') AND coalesce(r.start_time, '-infinity') < run.end_time LIMIT 1;
    IF other IS NOT NULL THEN
      RAISE EXCEPTION 'run %: run % divides part of the same work', run.id, other
        USING ERRCODE = 'PH106', HINT = format('reverse_run(%s, reason) first.', other);
    END IF;
  END IF;
  RETURN change_run(wanted_run_id, 'applied', coalesce(reason, ''));
END;
$$;
COMMENT ON FUNCTION restore_run(bigint, text) IS
  'Applies a block''s run again that was reversed or withdrawn, exactly as it was; the block must be confirmed. Returns the run''s id.';

-- ---------------------------------------------------------------- the ledger follows the blocks

CREATE TABLE payout_problems (
  block_hash bytea UNIQUE NULLS NOT DISTINCT REFERENCES blocks (hash),
  sqlstate text NOT NULL,
  message text NOT NULL,
  hint text NOT NULL,
  first_time timestamptz NOT NULL,
  last_time timestamptz NOT NULL
);
COMMENT ON TABLE payout_problems IS 'What update_ledger() could not bring into the ledger, and why. A row goes when it could.';
COMMENT ON COLUMN payout_problems.block_hash IS 'Which block; null: crediting shares under PPS.';
COMMENT ON COLUMN payout_problems.sqlstate IS 'The error''s code.';
COMMENT ON COLUMN payout_problems.message IS 'The error.';
COMMENT ON COLUMN payout_problems.hint IS 'What to do.';
COMMENT ON COLUMN payout_problems.first_time IS 'When it was first met.';
COMMENT ON COLUMN payout_problems.last_time IS 'When it was last tried: again ten minutes later.';

CREATE FUNCTION note_payout_problem(hash bytea, state text, why text, what_to_do text)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  known payout_problems;
  at timestamptz := clock_timestamp();
BEGIN
  SELECT * INTO known FROM payout_problems p WHERE p.block_hash IS NOT DISTINCT FROM hash;
  INSERT INTO payout_problems (block_hash, sqlstate, message, hint, first_time, last_time) VALUES (hash, state, why, what_to_do, at, at)
    ON CONFLICT (block_hash) DO UPDATE SET sqlstate = excluded.sqlstate, message = excluded.message, hint = excluded.hint, last_time = at;
  IF (known.sqlstate, known.message) IS DISTINCT FROM (state, why) THEN
    PERFORM record_event(at, 'high', 'payouts', CASE WHEN hash IS NULL THEN 'Shares could not be credited: ' ELSE 'A block''s reward could not be divided: ' END || why,
                         jsonb_build_object('block', encode(hash, 'hex'), 'sqlstate', state, 'hint', what_to_do)::text);
  END IF;
END;
$$;
COMMENT ON FUNCTION note_payout_problem(bytea, text, text, text) IS 'Notes why a block (null: shares under PPS) is not in the ledger; an event where that is news.';

CREATE FUNCTION bring_into_ledger(hash bytea, run_id bigint, new_state text)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
  state text;
  why text;
  what_to_do text;
BEGIN
  IF run_id IS NULL THEN
    PERFORM create_block_run(hash);
  ELSIF new_state = 'applied' THEN
    PERFORM restore_run(run_id, 'the block is confirmed again');
  ELSE
    PERFORM change_run(run_id, new_state, 'the block is not confirmed any more');
  END IF;
  DELETE FROM payout_problems WHERE block_hash = hash;
  RETURN 1;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, why = MESSAGE_TEXT, what_to_do = PG_EXCEPTION_HINT;
  PERFORM note_payout_problem(hash, state, why, what_to_do);
  RETURN 0;
END;
$$;
COMMENT ON FUNCTION bring_into_ledger(bytea, bigint, text) IS
  'One step of update_ledger(): a run for a block, or another state for its run. An error undoes the step alone and is noted. 1 if done.';

CREATE FUNCTION pps_stretches_due()
RETURNS TABLE (scheme_id bigint, first_height integer, last_height integer)
LANGUAGE sql
STABLE
AS $$
  WITH s AS (
    SELECT id, valid_from, scheme, lead(valid_from) OVER w AS until,
      (scheme, fee_ppm, coherence_ppm) IS DISTINCT FROM
        (lag(scheme) OVER w, lag(fee_ppm) OVER w, lag(coherence_ppm) OVER w) AS begins
    FROM payout_schemes WINDOW w AS (ORDER BY valid_from, id)),
  t AS (SELECT s.*, count(*) FILTER (WHERE begins) OVER (ORDER BY valid_from, id) AS stretch FROM s)
  SELECT max(t.id), min(h.height), max(h.height)
  FROM heights h JOIN t ON t.scheme = 'pps' AND h.time >= t.valid_from AND (h.time < t.until OR t.until IS NULL)
  WHERE h.height IN (SELECT height FROM pps_pending) AND h.height < (SELECT max(height) FROM heights)
  GROUP BY t.stretch ORDER BY 2;
$$;
COMMENT ON FUNCTION pps_stretches_due() IS
  'Heights that are over and have work which no PPS run has looked at, for each stretch of time in which PPS with the same parts was in force: its newest row of payout_schemes, and the first and last of those heights. Work of an earlier stretch that is stored late is among them.';

CREATE FUNCTION credit_pps_stretch(scheme_id bigint, first_height integer, last_height integer)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
  pending pps_pending[] := ARRAY(SELECT p FROM pps_pending p WHERE p.height BETWEEN first_height AND last_height);
  state text;
  why text;
  what_to_do text;
BEGIN
  PERFORM create_pps_run(last_height, scheme_id, first_height);
  DELETE FROM payout_problems WHERE block_hash IS NULL;
  RETURN 1;
EXCEPTION
  WHEN SQLSTATE 'PH106' THEN
    PERFORM forget_pending(pending, first_height, last_height);  -- nothing new
    RETURN 0;
  WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, why = MESSAGE_TEXT, what_to_do = PG_EXCEPTION_HINT;
    PERFORM note_payout_problem(NULL, state, why, what_to_do);
    RETURN 0;
END;
$$;
COMMENT ON FUNCTION credit_pps_stretch(bigint, integer, integer) IS
  'One step of credit_pps(): a run over these heights. 1 if done; an error undoes the step alone and is noted.';

CREATE FUNCTION credit_pps()
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
  stretch record;
  done integer := 0;
BEGIN
  IF NOT EXISTS (SELECT FROM payout_schemes WHERE scheme = 'pps')
     OR EXISTS (SELECT FROM payout_runs r WHERE r.kind = 'pps' AND r.created_at > now() - interval '1 hour')
     OR EXISTS (SELECT FROM payout_problems p WHERE p.block_hash IS NULL AND p.last_time > clock_timestamp() - interval '10 min') THEN
    RETURN 0;
  END IF;
  FOR stretch IN SELECT * FROM pps_stretches_due() LOOP
    done := done + credit_pps_stretch(stretch.scheme_id, stretch.first_height, stretch.last_height);
  END LOOP;
  RETURN done;
END;
$$;
COMMENT ON FUNCTION credit_pps() IS
  'One step of update_ledger(): hourly, runs that credit all heights that are over and were worked on under PPS. How many were made.';

CREATE FUNCTION update_ledger()
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  step record;
  done integer := 0;
  retry_before timestamptz := clock_timestamp() - interval '10 min';
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('phasepool payouts')) THEN
    RETURN 0;  -- somebody is at it
  END IF;
  FOR step IN
    SELECT x.* FROM (
      SELECT b.hash, b.time, b.id, r.id AS run_id, CASE WHEN b.status <> 'confirmed' THEN 'reversed' ELSE 'applied' END AS new_state
      FROM blocks b JOIN payout_runs r ON r.block_hash = b.hash
      WHERE (r.state = 'applied' AND b.status <> 'confirmed') OR (r.state = 'reversed' AND b.status = 'confirmed')
      UNION ALL
      SELECT b.hash, b.time, b.id, NULL, 'applied' FROM blocks b
      WHERE b.status = 'confirmed' AND b.time >= (SELECT min(valid_from) FROM payout_schemes)
        AND NOT EXISTS (SELECT FROM payout_runs r WHERE r.block_hash = b.hash)) x
    LEFT JOIN payout_problems p ON p.block_hash = x.hash
    WHERE coalesce(p.last_time < retry_before, true)
    ORDER BY x.new_state = 'applied', x.time, x.id  -- what is reversed makes room for what is applied
    LIMIT 100  -- of a long list the rest another time, so that no lock is held for long
  LOOP
    done := done + bring_into_ledger(step.hash, step.run_id, step.new_state);
  END LOOP;
  RETURN done + credit_pps();
END;
$$;
COMMENT ON FUNCTION update_ledger() IS
  'Brings the ledger in line with the blocks: divides the confirmed ones that have no run, reverses the runs of those that are not confirmed any more, restores those of blocks that came back. Under PPS it credits shares, hourly. Returns how many runs it made or changed; the same again changes nothing. A block that fails is noted in payout_problems and events, and tried again ten minutes later. Blocks from before the first scheme are left alone.';
