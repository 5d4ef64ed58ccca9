-- The work in a window: where it begins, and whose it is. From sums of days, hours and minutes, and from single shares
-- in the minutes of which only a part counts.

CREATE FUNCTION span_cover(from_minute timestamptz, to_minute timestamptz)
RETURNS TABLE (span text, lo timestamptz, hi timestamptz)
LANGUAGE sql
IMMUTABLE
AS $$
  SELECT c.span, c.lo, c.hi
  FROM (SELECT date_trunc('hour', from_minute + interval '59 min', 'UTC') AS h1, date_trunc('hour', to_minute, 'UTC') AS h2,
               date_trunc('day', from_minute + interval '23 h 59 min', 'UTC') AS d1, date_trunc('day', to_minute, 'UTC') AS d2) t
  CROSS JOIN LATERAL (VALUES
    ('minute', from_minute, least(h1, to_minute)),
    ('hour', h1, least(d1, h2)),
    ('day', d1, d2),
    ('hour', greatest(d1, d2), h2),
    ('minute', greatest(h1, h2), to_minute)) AS c (span, lo, hi)
  -- Where no whole day (hour) lies between, the first piece reaches to the end, and the others are empty.
  WHERE c.lo < c.hi;
$$;
COMMENT ON FUNCTION span_cover(timestamptz, timestamptz) IS
  'The fewest days, hours and minutes that make up a time from one whole minute up to another, of UTC; from may be -infinity.';

CREATE FUNCTION assert_edge_is_whole(what text, at timestamptz, why text)
RETURNS void
LANGUAGE plpgsql
STABLE
SET datestyle = 'ISO'
AS $$
DECLARE
  sums text := CASE what WHEN 'shares' THEN 'share_sums' ELSE 'coherence_sums' END;
  finer text := 'single';
  coarser text;
  start timestamptz;
  parts numeric;
  whole numeric;
BEGIN
  FOREACH coarser IN ARRAY ARRAY['minute', 'hour', 'day'] LOOP
    start := date_trunc(coarser, at, 'UTC');
    EXECUTE format('SELECT sum(work) FROM %I WHERE span = %L AND start = %L', sums, coarser, start) INTO whole;
    IF finer = 'single' THEN
      EXECUTE format('SELECT sum(work) FROM %I WHERE time >= %L AND time < %L', CASE what WHEN 'shares' THEN 'shares' ELSE 'coherence_proofs' END,
                     start, start + interval '1 min') INTO parts;
    ELSE
      EXECUTE format('SELECT sum(work) FROM %I WHERE span = %L AND start >= %L AND start < %L', sums, finer, start, start + ('1 ' || coarser)::interval)
        INTO parts;
    END IF;
    IF parts IS DISTINCT FROM whole THEN
      RAISE EXCEPTION '% of the % of %: % of it is there in %s, its sum is %: %', what, coarser, start, coalesce(parts, 0), finer, coalesce(whole, 0), why
        USING ERRCODE = 'PH113', HINT = 'They were dropped, or stored without sums. Keep the days that share_days_needed() names; a past run can be checked by phasepool verify payout from the journal.';
    END IF;
    finer := coarser;
  END LOOP;
END;
$$;
COMMENT ON FUNCTION assert_edge_is_whole(text, timestamptz, text) IS
  'PH113 unless what a window''s edge needs is all there: the single shares (or proofs: what = ''coherence'') of its minute, the minutes of its hour, the hours of its day; that is, each adds up to its sum.';

CREATE FUNCTION window_work(what text, head_time timestamptz, head_journal integer, head_sequence bigint,
                            whole_from timestamptz, end_time timestamptz)
RETURNS TABLE (miner_id bigint, work numeric, edge_work numeric)
LANGUAGE plpgsql
STABLE
SET datestyle = 'ISO'
AS $$
DECLARE
  single text := CASE what WHEN 'shares' THEN 'shares' ELSE 'coherence_proofs' END;
  sums text := CASE what WHEN 'shares' THEN 'share_sums' ELSE 'coherence_sums' END;
  last_minute timestamptz := date_trunc('minute', end_time, 'UTC');
  query text;
BEGIN
  -- Times are written into the query (as ISO has them: with their offset), so that it is planned for the partitions that hold them.
  query := format('SELECT worker_id, sum(work) AS work, sum(work) AS edge FROM %I WHERE time >= %L AND time <= %L GROUP BY 1',
                  single, greatest(last_minute, whole_from), end_time);
  IF head_time IS NOT NULL THEN
    query := query || format(' UNION ALL SELECT worker_id, sum(work), sum(work) FROM %1$I
        WHERE time >= %2$L AND time < %3$L AND time <= %4$L AND (time, journal, sequence) > (%2$L, %5$L, %6$L) GROUP BY 1',
      single, head_time, whole_from, end_time, head_journal, head_sequence);
  END IF;
  SELECT concat(query, string_agg(format(
      ' UNION ALL SELECT worker_id, sum(work), 0 FROM %I WHERE span = %L AND start >= %L AND start < %L GROUP BY 1',
      sums, c.span, c.lo, c.hi), ''))
    INTO query FROM span_cover(whole_from, last_minute) c;
  RETURN QUERY EXECUTE format(
    'SELECT w.miner_id, sum(x.work), sum(x.edge) FROM (%s) x JOIN workers w ON w.id = x.worker_id GROUP BY 1 HAVING sum(x.work) > 0',
    query);
END;
$$;
COMMENT ON FUNCTION window_work(text, timestamptz, integer, bigint, timestamptz, timestamptz) IS
  'Work of each miner (what: shares or coherence) behind (head_time, head_journal, head_sequence) up to end_time, inclusive. Single shares are read in the minute of end_time and from head_time to whole_from, which is the beginning of a minute; all between comes from sums. edge_work is what came from single shares. Without a head: from whole_from on.';

CREATE TYPE window_start AS (kind text, at timestamptz, journal integer, sequence bigint, work numeric);
COMMENT ON TYPE window_start IS 'Where a window begins: start_kind and the columns after it in payout_runs.';
COMMENT ON COLUMN window_start.kind IS 'payout_runs.start_kind.';
COMMENT ON COLUMN window_start.at IS 'payout_runs.start_time.';
COMMENT ON COLUMN window_start.journal IS 'payout_runs.start_journal.';
COMMENT ON COLUMN window_start.sequence IS 'payout_runs.start_sequence.';
COMMENT ON COLUMN window_start.work IS 'payout_runs.start_work.';

CREATE FUNCTION walk_shares_back(from_time timestamptz, to_time timestamptz, want numeric)
RETURNS window_start
LANGUAGE sql
STABLE
AS $$
  -- through: work of this share and all after it. The newest share at which it reaches want is the window's first.
  SELECT 'share', s.time, s.journal, s.sequence, want - (s.through - s.work)
  FROM (SELECT time, journal, sequence, work, sum(work) OVER (ORDER BY time DESC, journal DESC, sequence DESC) AS through
        FROM shares WHERE time >= from_time AND time <= to_time) s
  WHERE s.through >= want
  ORDER BY s.time DESC, s.journal DESC, s.sequence DESC LIMIT 1;
$$;
COMMENT ON FUNCTION walk_shares_back(timestamptz, timestamptz, numeric) IS
  'Goes back over single shares until their work reaches want: the share at which it does.';

CREATE FUNCTION walk_sums_back(of_span text, lo timestamptz, hi timestamptz, want numeric,
                               OUT at timestamptz, OUT own numeric, OUT later numeric)
LANGUAGE plpgsql
STABLE
SET datestyle = 'ISO'  -- times are written into the query, for its plan
AS $$
BEGIN
  EXECUTE format(
    'WITH s AS (SELECT start, sum(work) AS work FROM share_sums WHERE span = %L AND start >= %L AND start < %L GROUP BY 1),
          t AS (SELECT start, work, sum(work) OVER (ORDER BY start DESC) AS through FROM s)
     SELECT start, work, through - work FROM t WHERE through >= $1 ORDER BY start DESC LIMIT 1', of_span, lo, hi)
    INTO at, own, later USING want;
  IF at IS NULL THEN
    EXECUTE format('SELECT coalesce(sum(work), 0) FROM share_sums WHERE span = %L AND start >= %L AND start < %L', of_span, lo, hi) INTO later;
  END IF;
END;
$$;
COMMENT ON FUNCTION walk_sums_back(text, timestamptz, timestamptz, numeric) IS
  'Goes back over minutes, hours or days from hi to lo until their work reaches want: the one at which it does, its own work, and that of all later ones. at is null where it does not, and later is then the work of all.';

CREATE FUNCTION descend_to_start(of_span text, at timestamptz, own numeric, want numeric)
RETURNS window_start
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  span text := of_span;
  length interval;
  finer text;
  step record;
BEGIN
  LOOP
    length := ('1 ' || span)::interval;
    IF span = 'minute' THEN
      IF own = (SELECT sum(work) FROM shares WHERE time >= at AND time < at + length) THEN
        RETURN walk_shares_back(at, at + length - interval '1 microsecond', want);
      END IF;
      EXIT;
    END IF;
    finer := CASE span WHEN 'day' THEN 'hour' ELSE 'minute' END;
    EXIT WHEN own IS DISTINCT FROM (SELECT sum(s.work) FROM share_sums s WHERE s.span = finer AND s.start >= at AND s.start < at + length);
    step := walk_sums_back(finer, at, at + length, want);
    span := finer;
    at := step.at;
    own := step.own;
    want := want - step.later;
  END LOOP;
  RETURN ROW(span, at, NULL, NULL, want)::window_start;  -- what is finer was dropped: so much of its work counts, in proportion
END;
$$;
COMMENT ON FUNCTION descend_to_start(text, timestamptz, numeric, numeric) IS
  'From the day, hour or minute (its own work: own) in which the window reaches want to the share, or as near as what was not dropped tells.';

CREATE FUNCTION find_window_start(end_time timestamptz, want numeric)
RETURNS window_start
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  minute timestamptz := date_trunc('minute', end_time, 'UTC');
  hour timestamptz := date_trunc('hour', end_time, 'UTC');
  day timestamptz := date_trunc('day', end_time, 'UTC');
  first_day timestamptz := (SELECT min(start) FROM share_sums WHERE span = 'day');
  result window_start;
  step record;
  hi timestamptz := day;
BEGIN
  result := walk_shares_back(minute, end_time, want);
  IF (result).kind IS NOT NULL THEN
    RETURN result;
  END IF;
  want := want - coalesce((SELECT sum(work) FROM shares WHERE time >= minute AND time <= end_time), 0);
  step := walk_sums_back('minute', hour, minute, want);
  IF step.at IS NOT NULL THEN
    RETURN descend_to_start('minute', step.at, step.own, want - step.later);
  END IF;
  want := want - step.later;
  step := walk_sums_back('hour', day, hour, want);
  IF step.at IS NOT NULL THEN
    RETURN descend_to_start('hour', step.at, step.own, want - step.later);
  END IF;
  want := want - step.later;
  WHILE hi > first_day LOOP  -- a month at a time, so that a short window need not read all of history
    step := walk_sums_back('day', hi - interval '30 d', hi, want);
    IF step.at IS NOT NULL THEN
      RETURN descend_to_start('day', step.at, step.own, want - step.later);
    END IF;
    want := want - step.later;
    -- On to the next day that there is: one that a wrong clock dated centuries ago is not walked to.
    hi := (SELECT max(start) + interval '1 d' FROM share_sums WHERE span = 'day' AND start < hi - interval '30 d');
  END LOOP;
  RETURN ROW('all', NULL, NULL, NULL, NULL)::window_start;
END;
$$;
COMMENT ON FUNCTION find_window_start(timestamptz, numeric) IS
  'Where the window begins that ends at end_time, inclusive, and holds want of work: with a share that counts in part, or with all there is.';

CREATE FUNCTION start_element_parts(origin window_start)
RETURNS TABLE (miner_id bigint, work numeric, edge_work numeric)
LANGUAGE sql
STABLE
AS $$
  SELECT m.id, (origin).work, (origin).work
  FROM shares s JOIN workers w ON w.id = s.worker_id JOIN miners m ON m.id = w.miner_id
  WHERE (origin).kind = 'share' AND s.time = (origin).at AND s.journal = (origin).journal AND s.sequence = (origin).sequence
  UNION ALL
  SELECT p.miner_id, p.part, p.part
  FROM (SELECT array_agg(g.miner_id) AS miner_ids, split_by_largest_remainder((origin).work, array_agg(g.address), array_agg(g.work)) AS parts
        FROM (SELECT w.miner_id, m.address, sum(s.work) AS work
              FROM share_sums s JOIN workers w ON w.id = s.worker_id JOIN miners m ON m.id = w.miner_id
              WHERE (origin).kind IN ('minute', 'hour', 'day') AND s.span = (origin).kind AND s.start = (origin).at
              GROUP BY 1, 2) g
        HAVING count(*) > 0) a
  CROSS JOIN LATERAL unnest(a.miner_ids, a.parts) AS p (miner_id, part);
$$;
COMMENT ON FUNCTION start_element_parts(window_start) IS
  'What counts of the share that a window begins with; or of each miner''s work in the minute, hour or day, where those are all that is left: in proportion, by largest remainder.';

CREATE FUNCTION window_items(draft payout_runs)
RETURNS payout_items[]
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  start window_start := ROW(draft.start_kind, draft.start_time, draft.start_journal, draft.start_sequence, draft.start_work);
  whole timestamptz := CASE
    WHEN start.kind = 'all' THEN '-infinity'
    WHEN start.kind IN ('minute', 'hour', 'day') THEN start.at + ('1 ' || start.kind)::interval
    ELSE date_trunc('minute', start.at, 'UTC') + interval '1 min' END;
  -- Behind which share the whole ones begin; 'after' a time: behind all that have it.
  journal integer := CASE start.kind WHEN 'share' THEN start.journal ELSE 2147483647 END;
  sequence bigint := CASE start.kind WHEN 'share' THEN start.sequence ELSE 9223372036854775807 END;
  head timestamptz := CASE WHEN start.kind IN ('share', 'after') THEN start.at END;
BEGIN
  IF draft.scheme = 'prop' THEN  -- for PPLNS set_window_start() has looked
    PERFORM assert_edge_is_whole('shares', draft.end_time, 'the window''s end can''t be found');
    IF start.kind = 'after' THEN
      PERFORM assert_edge_is_whole('shares', start.at, 'the window''s start can''t be found');
    END IF;
  END IF;
  IF draft.coherence_ppm > 0 THEN
    PERFORM assert_edge_is_whole('coherence', draft.end_time, 'the window''s end can''t be found');
    IF start.kind IN ('share', 'after') THEN
      PERFORM assert_edge_is_whole('coherence', start.at, 'the window''s start can''t be found');
    END IF;
  END IF;
  RETURN ARRAY(
    SELECT ROW(NULL, m.id, m.address, sum(x.work), sum(x.edge), sum(x.coherence), sum(x.coherence_edge), 0, 0, 0, 0)::payout_items
    FROM (
      SELECT w.miner_id, w.work, w.edge_work AS edge, 0::numeric AS coherence, 0::numeric AS coherence_edge
      FROM window_work('shares', head, journal, sequence, whole, draft.end_time) w
      WHERE draft.scheme IN ('pplns', 'prop') AND draft.kind = 'block'
      UNION ALL
      SELECT p.miner_id, p.work, p.edge_work, 0, 0 FROM start_element_parts(start) p
      UNION ALL
      SELECT draft.finder_id, 1, 1, 0, 0 WHERE draft.scheme = 'solo'
      UNION ALL
      -- Proofs have no part: all count from the window's first moment.
      SELECT w.miner_id, 0, 0, w.work, w.edge_work
      FROM window_work('coherence', head, CASE start.kind WHEN 'after' THEN journal ELSE -1 END,
                       CASE start.kind WHEN 'after' THEN sequence ELSE -1 END,
                       CASE WHEN start.kind IN ('minute', 'hour', 'day') THEN start.at ELSE whole END, draft.end_time) w
      WHERE draft.coherence_ppm > 0) x
    JOIN miners m ON m.id = x.miner_id
    GROUP BY m.id, m.address HAVING sum(x.work) > 0 OR sum(x.coherence) > 0
    ORDER BY m.address COLLATE "C");
END;
$$;
COMMENT ON FUNCTION window_items(payout_runs) IS
  'Work of each miner in the window that the columns start_* and end_time of a run describe, as items without amounts.';

CREATE FUNCTION divide_reward(run payout_runs, journals payout_run_journals[], items payout_items[],
                              heights payout_run_heights[], credits pps_credits[])
RETURNS payout_draft
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  draft payout_draft;
  rest numeric;
  shared numeric[];
  coherent numeric[];
BEGIN
  SELECT coalesce(sum(i.work), 0), coalesce(sum(i.coherence_work), 0) INTO run.work, run.coherence_work FROM unnest(items) i;
  -- Blocks under PPS go to the reserve whole: fee and coherence part come off when shares are credited.
  IF run.kind = 'block' AND run.scheme = 'pps' THEN
    run.fee_sats := 0;
    run.coherence_sats := 0;
    run.reserve_sats := run.reward_sats;
  ELSE
    run.fee_sats := div(run.reward_sats::numeric * run.fee_ppm, 1000000);
    run.coherence_sats := CASE WHEN run.coherence_work > 0 THEN div(run.reward_sats::numeric * run.coherence_ppm, 1000000) ELSE 0 END;
    run.reserve_sats := 0;
  END IF;
  rest := run.reward_sats - run.fee_sats - run.coherence_sats - run.reserve_sats;
  IF rest > 0 OR run.coherence_sats > 0 THEN
    IF rest > 0 AND run.work = 0 THEN
      RAISE EXCEPTION '% of height %: no work in the window up to %', run.scheme, coalesce(run.height, run.to_height), run.end_time
        USING ERRCODE = 'PH114', HINT = 'Are its shares stored? A run with another scheme (SOLO, say) divides the reward nevertheless.';
    END IF;
    SELECT split_by_largest_remainder(rest, array_agg(i.address), array_agg(CASE run.kind WHEN 'pps' THEN i.value_sats ELSE i.work END)),
           split_by_largest_remainder(run.coherence_sats, array_agg(i.address), array_agg(i.coherence_work))
      INTO shared, coherent FROM unnest(items) i;
    items := ARRAY(
      SELECT ROW(NULL, i.miner_id, i.address, i.work, i.edge_work, i.coherence_work, i.coherence_edge_work, i.value_sats, i.share, i.coherent,
                 NULL)::payout_items
      FROM (SELECT t.*, shared[t.place] AS share, coherent[t.place] AS coherent FROM unnest(items) WITH ORDINALITY
              AS t (run_id, miner_id, address, work, edge_work, coherence_work, coherence_edge_work, value_sats, s, c, a, place)) i
      ORDER BY i.place);
  END IF;
  draft.run := run;
  draft.journals := journals;
  draft.items := items;
  draft.heights := heights;
  draft.credits := credits;
  RETURN draft;
END;
$$;
COMMENT ON FUNCTION divide_reward(payout_runs, payout_run_journals[], payout_items[], payout_run_heights[], pps_credits[]) IS
  'Fills in the amounts: fee and coherence part come off first, the rest goes by work (for pps by value).';

CREATE FUNCTION journals_now()
RETURNS payout_run_journals[]
LANGUAGE sql
STABLE
AS $$
  SELECT coalesce(array_agg(ROW(NULL, id, journal, sequence)::payout_run_journals ORDER BY id), '{}') FROM journal_positions;
$$;
COMMENT ON FUNCTION journals_now() IS 'How far each journal is stored, as a run notes it.';

CREATE FUNCTION set_scheme(run payout_runs, chosen payout_schemes)
RETURNS payout_runs
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
  run.scheme_id := chosen.id;
  run.scheme := chosen.scheme;
  run.pplns_window := chosen.pplns_window;
  run.fee_ppm := chosen.fee_ppm;
  run.coherence_ppm := chosen.coherence_ppm;
  RETURN run;
END;
$$;
COMMENT ON FUNCTION set_scheme(payout_runs, payout_schemes) IS 'Copies a scheme into a run.';

CREATE FUNCTION set_window_start(run payout_runs, after_time timestamptz)
RETURNS payout_runs
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  start window_start;
BEGIN
  run.window_work := NULL;
  IF run.scheme = 'pplns' AND run.kind = 'block' THEN
    run.window_work := floor(run.pplns_window * nbits_work(run.nbits));
    IF run.window_work < 1 THEN
      RAISE EXCEPTION 'window % of the network''s work % is less than one hash', run.pplns_window, nbits_work(run.nbits)
        USING ERRCODE = 'PH111', HINT = 'Set a larger pplns_window.';
    END IF;
    PERFORM assert_edge_is_whole('shares', run.end_time, 'the window''s end can''t be found');
    start := find_window_start(run.end_time, run.window_work);
  ELSIF after_time IS NULL THEN
    start.kind := 'all';
  ELSE
    start.kind := 'after';
    start.at := after_time;
  END IF;
  run.start_kind := start.kind;
  run.start_time := start.at;
  run.start_journal := start.journal;
  run.start_sequence := start.sequence;
  run.start_work := start.work;
  RETURN run;
END;
$$;
COMMENT ON FUNCTION set_window_start(payout_runs, timestamptz) IS
  'Fills in where a run''s window begins: PPLNS by the work it is to hold; the others behind a time, or null: at the beginning.';
