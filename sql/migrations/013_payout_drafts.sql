-- Drafts: the run that would be made of a block, or of the heights that PPS credits, or why there can be none.

CREATE FUNCTION behind_journals(at timestamptz)
RETURNS uuid[]
LANGUAGE sql
STABLE
AS $$
  SELECT array_agg(journal ORDER BY journal) FROM journal_positions
  WHERE retired_at IS NULL AND stored_to < at AND stored_to > at - interval '14 days';
$$;
COMMENT ON FUNCTION behind_journals(timestamptz) IS
  'Journals that are stored only up to before a time: it may be that they have shares of before it which are not stored yet. A pool that lives writes records at every new tip. One that was not heard of for 14 days, or is retired, is not waited for. Null: none.';

CREATE FUNCTION refuse_scheme_change(run payout_runs)
RETURNS void
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  other payout_schemes;
BEGIN
  IF (SELECT open_windows FROM payout_schemes WHERE id = run.scheme_id) THEN
    RETURN;
  END IF;
  -- Whatever was in force at any moment of the window; what was before the first row nobody knows.
  SELECT s.* INTO other
    FROM (SELECT *, lead(valid_from) OVER (ORDER BY valid_from, id) AS until FROM payout_schemes) x
    JOIN payout_schemes s ON s.id = x.id
    WHERE x.valid_from <= run.end_time AND coalesce(x.until > greatest(run.start_time, x.valid_from), true)
      AND (s.scheme, CASE s.scheme WHEN 'pplns' THEN s.pplns_window END, s.fee_ppm, s.coherence_ppm) IS DISTINCT FROM
          (run.scheme, CASE run.scheme WHEN 'pplns' THEN run.pplns_window END, run.fee_ppm, run.coherence_ppm)
    ORDER BY x.valid_from DESC LIMIT 1;
  IF other.id IS NOT NULL THEN
    RAISE EXCEPTION 'the window from % to % began under scheme % (% fee % ppm, coherence % ppm, window %), but scheme % was in force at its end',
        coalesce(run.start_time::text, 'the first share'), run.end_time, other.id, other.scheme, other.fee_ppm, other.coherence_ppm,
        other.pplns_window, run.scheme_id
      USING ERRCODE = 'PH108', HINT = format('Decide: create_block_run(block, scheme id) for this block alone, or accept_scheme_change(%s) for all that follow.', run.scheme_id);
  END IF;
END;
$$;
COMMENT ON FUNCTION refuse_scheme_change(payout_runs) IS
  'PH108 if another scheme was in force at any moment of a run''s window, and the operator has not accepted it. A minimum may change at any time.';

CREATE FUNCTION chosen_scheme(at timestamptz, wanted_scheme_id bigint)
RETURNS payout_schemes
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  chosen payout_schemes;
BEGIN
  IF wanted_scheme_id IS NULL THEN
    chosen := scheme_at(at);
  ELSE
    SELECT * INTO chosen FROM payout_schemes WHERE id = wanted_scheme_id;
  END IF;
  IF chosen.id IS NULL THEN
    RAISE EXCEPTION 'payout scheme %: there is none', coalesce(wanted_scheme_id::text, format('in force at %s', at))
      USING ERRCODE = 'PH107', HINT = 'A pool notes its scheme when it starts. SELECT * FROM payout_schemes shows all; give the id of one.';
  END IF;
  RETURN chosen;
END;
$$;
COMMENT ON FUNCTION chosen_scheme(timestamptz, bigint) IS 'The scheme with an id; without one, that in force at a time. PH107: there is none.';

CREATE FUNCTION payable_block(wanted_hash bytea)
RETURNS blocks
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  block blocks;
BEGIN
  SELECT * INTO block FROM blocks WHERE hash = wanted_hash;
  IF block.id IS NULL THEN
    RAISE EXCEPTION 'block %: there is none in blocks', coalesce(encode(wanted_hash, 'hex'), 'null')
      USING ERRCODE = 'PH101', HINT = 'Give its hash in display order: decode(''0000…'', ''hex'').';
  ELSIF block.status = 'orphaned' THEN
    RAISE EXCEPTION 'block % of height %: is orphaned', encode(wanted_hash, 'hex'), block.height
      USING ERRCODE = 'PH103', HINT = 'It brought nothing. If the chain comes back to it, it will be confirmed again.';
  ELSIF block.status <> 'confirmed' THEN
    RAISE EXCEPTION 'block % of height %: is %, not confirmed', encode(wanted_hash, 'hex'), block.height, block.status
      USING ERRCODE = 'PH102', HINT = 'Its coinbase can be spent after 100 confirmations; until then see payout_preview().';
  ELSIF block.pool_sats IS NULL THEN
    RAISE EXCEPTION 'block % of height %: pool_sats is not known', encode(wanted_hash, 'hex'), block.height
      USING ERRCODE = 'PH111', HINT = 'Its coinbase could not be read: set blocks.pool_sats to what its first output pays.';
  ELSIF block.time NOT BETWEEN '2009-01-03Z' AND clock_timestamp() + interval '2 hours' THEN
    RAISE EXCEPTION 'block % of height %: time % can''t be', encode(wanted_hash, 'hex'), block.height, block.time
      USING ERRCODE = 'PH111', HINT = 'The pool''s clock, or the database server''s, was wrong. Set blocks.time to when its share was stored.';
  END IF;
  RETURN block;
END;
$$;
COMMENT ON FUNCTION payable_block(bytea) IS 'The row of a block that a run can be made for; else an error that says why not.';

CREATE FUNCTION draft_block_run(wanted_hash bytea, wanted_scheme_id bigint, incomplete_ok boolean)
RETURNS payout_draft
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  block blocks := payable_block(wanted_hash);
  run payout_runs;
  before blocks;
  behind uuid[] := behind_journals(block.time);
  has_window boolean;
  overlapping bigint;
BEGIN
  run := set_scheme(run, chosen_scheme(block.time, wanted_scheme_id));
  run.kind := 'block';
  run.block_hash := block.hash;
  run.height := block.height;
  run.end_time := block.time;
  run.reward_sats := block.pool_sats;
  run.direct_sats := block.reward - block.pool_sats;
  run.nbits := header_nbits(block.header);
  run.finder_id := (SELECT miner_id FROM workers WHERE id = block.worker_id);
  SELECT b.* INTO before FROM blocks b WHERE (b.time, b.id) < (block.time, block.id) AND b.status NOT IN ('rejected', 'orphaned')
    ORDER BY b.time DESC, b.id DESC LIMIT 1;
  run := set_window_start(run, before.time);
  has_window := run.scheme IN ('pplns', 'prop') OR run.scheme = 'solo' AND run.coherence_ppm > 0;
  IF wanted_scheme_id IS NULL AND has_window THEN
    PERFORM refuse_scheme_change(run);
  END IF;
  IF incomplete_ok IS NOT TRUE AND has_window AND behind IS NOT NULL THEN
    RAISE EXCEPTION 'block % of height %: journals % are stored only up to before it', encode(wanted_hash, 'hex'), block.height, behind
      USING ERRCODE = 'PH109', HINT = 'Wait until they are; or, if those pools have nothing left to send, create_block_run(block, incomplete_ok => true).';
  END IF;
  IF run.scheme = 'prop' THEN
    IF incomplete_ok IS NOT TRUE AND before.status IN ('submitted', 'accepted') THEN
      RAISE EXCEPTION 'block % of height %: the one before, % of height %, is % and not decided yet', encode(wanted_hash, 'hex'),
          block.height, encode(before.hash, 'hex'), before.height, before.status
        USING ERRCODE = 'PH109', HINT = 'PROP divides by the work since then. Wait; or, if it counts as a block, create_block_run(block, incomplete_ok => true).';
    END IF;
    SELECT r.id INTO overlapping FROM payout_runs r WHERE r.kind = 'block' AND r.scheme = 'prop' AND r.state = 'applied'
      AND r.block_hash <> block.hash AND r.end_time > coalesce(run.start_time, '-infinity')
      AND coalesce(r.start_time, '-infinity') < run.end_time ORDER BY 1 LIMIT 1;
    IF overlapping IS NOT NULL THEN
      RAISE EXCEPTION 'block % of height %: work from % to % was divided in part by run % already', encode(wanted_hash, 'hex'), block.height,
          coalesce(run.start_time::text, 'the first share'), run.end_time, overlapping
        USING ERRCODE = 'PH106', HINT = 'Blocks whose times are not in their order overlap. Give another scheme for this block, or withdraw that run first.';
    END IF;
  END IF;
  RETURN divide_reward(run, journals_now(), CASE run.scheme WHEN 'pps' THEN '{}' ELSE window_items(run) END, '{}', '{}');
END;
$$;
COMMENT ON FUNCTION draft_block_run(bytea, bigint, boolean) IS
  'The run that create_block_run() would store, which has the same arguments; or the error it would end with.';

CREATE FUNCTION sum_credits(run payout_runs, journals payout_run_journals[], credits pps_credits[], coherence payout_items[])
RETURNS payout_draft
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  heights payout_run_heights[];
  items payout_items[];
  worth numeric;
BEGIN
  heights := ARRAY(
    SELECT ROW(NULL, h.height, h.nbits, h.subsidy_sats, sum(c.work), sum(c.value_sats))::payout_run_heights
    FROM unnest(credits) c JOIN public.heights h ON h.height = c.height GROUP BY h.height ORDER BY h.height);
  items := ARRAY(
    SELECT ROW(NULL, m.id, m.address, sum(x.work), 0, sum(x.coherence), sum(x.edge), sum(x.value), 0, 0, 0)::payout_items
    FROM (SELECT c.miner_id, c.work, c.value_sats AS value, 0::numeric AS coherence, 0::numeric AS edge FROM unnest(credits) c
          UNION ALL
          SELECT i.miner_id, 0, 0, i.coherence_work, i.coherence_edge_work FROM unnest(coherence) i) x
    JOIN miners m ON m.id = x.miner_id GROUP BY m.id, m.address ORDER BY m.address COLLATE "C");
  worth := coalesce((SELECT sum(c.value_sats) FROM unnest(credits) c), 0);
  IF worth > 2100000000000000 THEN
    RAISE EXCEPTION 'PPS from height % to %: the work is worth % sats, more than there can be', run.from_height, run.to_height, worth
      USING ERRCODE = 'PH111', HINT = 'Where the network asks for next to no work, as on regtest, shares can''t be paid by their expected value: choose another scheme.';
  END IF;
  run.reward_sats := worth;
  RETURN divide_reward(run, journals, items, heights, credits);
END;
$$;
COMMENT ON FUNCTION sum_credits(payout_runs, payout_run_journals[], pps_credits[], payout_items[]) IS
  'A PPS run of the credits, and the items for coherence work, that it is made of.';

CREATE FUNCTION uncredited_work(first_height integer, last_height integer)
RETURNS pps_credits[]
LANGUAGE sql
STABLE
AS $$
  WITH prices AS MATERIALIZED (
    SELECT h.height, h.subsidy_sats::numeric AS sats, nbits_work(h.nbits) AS network_work
    FROM (SELECT DISTINCT p.height FROM pps_pending p WHERE p.height BETWEEN first_height AND last_height) p JOIN heights h USING (height)),
  worked AS (
    SELECT s.height, w.miner_id, sum(s.work) AS work FROM prices p JOIN height_sums s USING (height) JOIN workers w ON w.id = s.worker_id GROUP BY 1, 2),
  credited AS (
    SELECT c.height, c.miner_id, sum(c.work) AS work
    FROM prices p JOIN pps_credits c USING (height) JOIN payout_runs r ON r.id = c.run_id AND r.state <> 'withdrawn' GROUP BY 1, 2)
  SELECT ARRAY(
    SELECT ROW(w.height, w.miner_id, NULL, t.before, w.work - t.before,
               div(w.work * p.sats, p.network_work) - div(t.before * p.sats, p.network_work))::pps_credits
    FROM worked w JOIN prices p ON p.height = w.height
    LEFT JOIN credited c ON c.height = w.height AND c.miner_id = w.miner_id
    CROSS JOIN LATERAL (SELECT coalesce(c.work, 0) AS before) t
    WHERE w.work > t.before
    ORDER BY w.height, w.miner_id);
$$;
COMMENT ON FUNCTION uncredited_work(integer, integer) IS
  'Work at pending heights that no PPS run has credited, and its value: that of all the miner''s work there, rounded down, less that of what was credited, rounded down.';

CREATE FUNCTION draft_pps_run(last_height integer, wanted_scheme_id bigint, first_height integer, incomplete_ok boolean)
RETURNS payout_draft
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  run payout_runs;
  chosen payout_schemes;
  credits pps_credits[];
  lowest integer := first_height;
  highest integer := last_height;
  wrong text;
  earlier payout_runs;
  behind uuid[];
BEGIN
  IF highest < 0 OR lowest < 0 OR lowest > highest THEN
    RAISE EXCEPTION 'PPS from height % to %', lowest, highest
      USING ERRCODE = 'PH111', HINT = 'Heights are from 0, the first not above the last.';
  END IF;
  -- The end: when work on the next height began. Before that the last height still gets shares.
  highest := coalesce(highest, (SELECT max(height) FROM heights) - 1);
  run.end_time := (SELECT time FROM heights WHERE height > highest ORDER BY height LIMIT 1);
  IF run.end_time IS NULL THEN
    RAISE EXCEPTION 'PPS up to height %: heights has no row above it', highest
      USING ERRCODE = 'PH110', HINT = 'A height is credited when work on the next one has begun. Give a lower one, or none.';
  END IF;
  chosen := chosen_scheme((SELECT time FROM heights WHERE height <= highest ORDER BY height DESC LIMIT 1), wanted_scheme_id);
  IF chosen.scheme <> 'pps' THEN
    RAISE EXCEPTION 'PPS up to height %: scheme % is %', highest, chosen.id, chosen.scheme
      USING ERRCODE = 'PH107', HINT = 'Give a height that was worked on under PPS, or the id of a PPS scheme and a first height.';
  ELSIF wanted_scheme_id IS NOT NULL AND lowest IS NULL THEN
    RAISE EXCEPTION 'PPS with scheme %: from which height?', wanted_scheme_id
      USING ERRCODE = 'PH111', HINT = 'With an explicit scheme, give first_height too: earlier heights were divided otherwise.';
  END IF;
  run := set_scheme(run, chosen);
  run.kind := 'pps';
  run.direct_sats := 0;
  -- Without a first height: back to where PPS with these parts began. Heights before were divided otherwise.
  IF lowest IS NULL THEN
    lowest := (SELECT min(h.height) FROM heights h WHERE h.height <= highest AND h.time >= (
      SELECT coalesce(max(x.until), '-infinity') FROM (
        SELECT s.*, lead(s.valid_from) OVER (ORDER BY s.valid_from, s.id) AS until FROM payout_schemes s) x
      WHERE x.valid_from <= chosen.valid_from AND (x.scheme, x.fee_ppm, x.coherence_ppm) IS DISTINCT FROM (chosen.scheme, chosen.fee_ppm, chosen.coherence_ppm)
        AND x.until IS NOT NULL));
  END IF;
  SELECT string_agg(q.height::text, ', ' ORDER BY q.height) INTO wrong FROM (
    SELECT DISTINCT p.height FROM pps_pending p LEFT JOIN heights h ON h.height = p.height
    WHERE p.height BETWEEN lowest AND highest AND h.height IS NULL LIMIT 10) q;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'PPS from height % to %: shares at heights without a row in heights: %', lowest, highest, wrong
      USING ERRCODE = 'PH110', HINT = 'What the network asked there is not known: no template came. Add the row by hand: add_height(height, previous hash, nbits, subsidy, coinbase value, time), from the node''s getblockheader.';
  END IF;
  credits := uncredited_work(lowest, highest);
  SELECT r.* INTO earlier FROM payout_runs r WHERE r.kind = 'pps' AND r.state <> 'withdrawn' ORDER BY r.end_time DESC, r.id DESC LIMIT 1;
  IF cardinality(credits) = 0 THEN
    RAISE EXCEPTION 'PPS from height % to %: nothing that was not credited already%', lowest, highest,
        CASE WHEN earlier.id IS NULL THEN '' ELSE format('; run %s went up to %s', earlier.id, earlier.to_height) END
      USING ERRCODE = 'PH106', HINT = 'Give a higher last height; overlapping runs credit only what is new.';
  END IF;
  run.from_height := coalesce(lowest, highest);
  run.to_height := highest;
  -- Coherence work since the last run's end. A run that only picks up what came late has none.
  run.start_kind := 'after';
  run.start_time := coalesce(earlier.end_time, (SELECT h.time FROM heights h WHERE h.height = lowest), run.end_time);
  run.end_time := greatest(run.end_time, run.start_time);
  behind := behind_journals(run.end_time);
  IF incomplete_ok IS NOT TRUE AND behind IS NOT NULL AND run.coherence_ppm > 0 THEN
    RAISE EXCEPTION 'PPS up to height %: journals % are stored only up to before %', highest, behind, run.end_time
      USING ERRCODE = 'PH109', HINT = 'Coherence work is divided by time. Wait until they are stored; or, if those pools have nothing left to send, create_pps_run(…, incomplete_ok => true).';
  END IF;
  RETURN sum_credits(run, journals_now(), credits, CASE WHEN run.coherence_ppm > 0 THEN window_items(run) ELSE '{}' END);
END;
$$;
COMMENT ON FUNCTION draft_pps_run(integer, bigint, integer, boolean) IS
  'The run that create_pps_run() would store, which has the same arguments; or the error it would end with.';
