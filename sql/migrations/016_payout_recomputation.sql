-- A past run, once more: from single shares or from sums, to the same bytes.

CREATE TABLE payout_late_work (
  run_id bigint NOT NULL REFERENCES payout_runs (id),
  what text NOT NULL CHECK (what IN ('shares', 'coherence')),
  miner_id bigint NOT NULL REFERENCES miners (id),
  work numeric NOT NULL CHECK (work > 0),
  PRIMARY KEY (run_id, what, miner_id)
);
COMMENT ON TABLE payout_late_work IS 'Work that was stored after a run whose window it belongs to: it is in the sums, but the run did not count it.';
COMMENT ON COLUMN payout_late_work.run_id IS 'Which run.';
COMMENT ON COLUMN payout_late_work.what IS 'shares or coherence.';
COMMENT ON COLUMN payout_late_work.miner_id IS 'Whose.';
COMMENT ON COLUMN payout_late_work.work IS 'How much came late, in the minutes that the run took from sums.';

CREATE FUNCTION whole_minutes_from(run payout_runs, what text)
RETURNS timestamptz
LANGUAGE sql
IMMUTABLE
AS $$
  SELECT CASE
    WHEN run.start_kind = 'all' THEN '-infinity'
    WHEN run.start_kind IN ('share', 'after') THEN date_trunc('minute', run.start_time, 'UTC') + interval '1 min'
    WHEN what = 'coherence' THEN run.start_time
    ELSE run.start_time + ('1 ' || run.start_kind)::interval END;
$$;
COMMENT ON FUNCTION whole_minutes_from(payout_runs, text) IS 'The first minute of a run''s window that counts whole, and so is taken from sums.';

CREATE FUNCTION add_late_work(of_what text, starts timestamptz[], worker_ids bigint[], works numeric[])
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  first_start timestamptz := (SELECT min(s) FROM unnest(starts) s);
  last_start timestamptz := (SELECT max(s) FROM unnest(starts) s);
BEGIN
  -- A run that is being made has not seen this batch, and this batch does not see the run: one waits for the other.
  PERFORM pg_advisory_xact_lock_shared(hashtext('phasepool payouts'));
  -- The few runs whose windows these minutes can lie in come first (OFFSET 0 keeps the planner from undoing that): after an
  -- outage there are thousands of minutes, and in the end thousands of runs.
  INSERT INTO payout_late_work AS l (run_id, what, miner_id, work)
    SELECT r.id, of_what, w.miner_id, sum(a.work)
    FROM (SELECT p.id, date_trunc('minute', p.end_time, 'UTC') AS ends, whole_minutes_from(p, of_what) AS begins
          FROM payout_runs p
          WHERE p.end_time > first_start AND coalesce(p.start_time, '-infinity') <= last_start
            AND CASE of_what WHEN 'shares' THEN p.kind = 'block' AND p.scheme IN ('pplns', 'prop') ELSE p.coherence_ppm > 0 END
          OFFSET 0) r
    JOIN unnest(starts, worker_ids, works) AS a (start, worker_id, work) ON a.start < r.ends AND a.start >= r.begins
    JOIN workers w ON w.id = a.worker_id
    GROUP BY 1, 3 HAVING sum(a.work) > 0 ORDER BY 1, 3
    ON CONFLICT (run_id, what, miner_id) DO UPDATE SET work = l.work + excluded.work;
END;
$$;
COMMENT ON FUNCTION add_late_work(text, timestamptz[], bigint[], numeric[]) IS
  'Notes work that was added to minutes, for the runs that took those minutes from sums already.';
REVOKE EXECUTE ON FUNCTION add_late_work(text, timestamptz[], bigint[], numeric[]) FROM PUBLIC;

CREATE FUNCTION note_late_work()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  of_what text := CASE TG_TABLE_NAME WHEN 'share_sums' THEN 'shares' ELSE 'coherence' END;
  -- Blocks are divided when 100 more have come, but for test networks and what operators do by hand.
  late_before timestamptz := greatest(now() - interval '1 hour', (SELECT max(end_time) FROM payout_runs));
BEGIN
  IF NOT EXISTS (SELECT FROM added a WHERE a.span = 'minute' AND a.start < late_before) THEN
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    PERFORM add_late_work(of_what, array_agg(a.start), array_agg(a.worker_id), array_agg(a.work))
      FROM added a WHERE a.span = 'minute' AND a.start < late_before;
  ELSE
    PERFORM add_late_work(of_what, array_agg(a.start), array_agg(a.worker_id), array_agg(a.work - r.work))
      FROM added a JOIN replaced r USING (span, start, worker_id, journal) WHERE a.span = 'minute' AND a.start < late_before;
  END IF;
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION note_late_work() IS 'Trigger of share_sums and coherence_sums: fills payout_late_work.';
CREATE TRIGGER late_shares_inserted AFTER INSERT ON share_sums REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION note_late_work();
CREATE TRIGGER late_shares_updated AFTER UPDATE ON share_sums REFERENCING NEW TABLE AS added OLD TABLE AS replaced
  FOR EACH STATEMENT EXECUTE FUNCTION note_late_work();
CREATE TRIGGER late_proofs_inserted AFTER INSERT ON coherence_sums REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION note_late_work();
CREATE TRIGGER late_proofs_updated AFTER UPDATE ON coherence_sums REFERENCING NEW TABLE AS added OLD TABLE AS replaced
  FOR EACH STATEMENT EXECUTE FUNCTION note_late_work();

CREATE FUNCTION stored_run(wanted_run_id bigint)
RETURNS payout_draft
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  draft payout_draft;
  run payout_runs;
BEGIN
  SELECT * INTO run FROM payout_runs WHERE id = wanted_run_id;
  IF run.id IS NULL THEN
    RAISE EXCEPTION 'run %: there is none', coalesce(wanted_run_id::text, 'null') USING ERRCODE = 'PH105', HINT = 'SELECT * FROM payout_runs shows them.';
  END IF;
  draft.run := run;
  draft.journals := ARRAY(SELECT j FROM payout_run_journals j WHERE j.run_id = run.id);
  draft.items := ARRAY(SELECT i FROM payout_items i WHERE i.run_id = run.id ORDER BY i.address COLLATE "C");
  draft.heights := ARRAY(SELECT h FROM payout_run_heights h WHERE h.run_id = run.id);
  draft.credits := ARRAY(SELECT c FROM payout_run_heights h JOIN pps_credits c ON c.height = h.height AND c.run_id = h.run_id WHERE h.run_id = run.id);
  RETURN draft;
END;
$$;
COMMENT ON FUNCTION stored_run(bigint) IS 'A run''s rows, as they are stored.';

CREATE FUNCTION single_work(what text, head_time timestamptz, head_journal integer, head_sequence bigint, before_time timestamptz,
                            end_time timestamptz, journals payout_run_journals[])
RETURNS TABLE (miner_id bigint, work numeric)
LANGUAGE plpgsql
STABLE
SET datestyle = 'ISO'
AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT w.miner_id, sum(x.work)
     FROM (SELECT s.worker_id, sum(s.work) AS work FROM %1$I s JOIN unnest($1) j ON j.journal = s.journal
           WHERE s.sequence <= j.sequence AND s.time >= %2$L AND s.time < %3$L AND s.time <= %4$L
             AND (s.time, s.journal, s.sequence) > (%2$L, %5$L, %6$L) GROUP BY 1) x
     JOIN workers w ON w.id = x.worker_id GROUP BY 1 HAVING sum(x.work) > 0',
    CASE what WHEN 'shares' THEN 'shares' ELSE 'coherence_proofs' END, coalesce(head_time, '-infinity'), coalesce(before_time, 'infinity'),
    end_time, coalesce(head_journal, -1), coalesce(head_sequence, -1))
    USING journals;
END;
$$;
COMMENT ON FUNCTION single_work(text, timestamptz, integer, bigint, timestamptz, timestamptz, payout_run_journals[]) IS
  'Work of each miner by single shares or proofs alone: behind (head_time, head_journal, head_sequence), before before_time, up to end_time; of each journal only what was stored then.';

CREATE FUNCTION singles_are_there(run payout_runs, what text)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET datestyle = 'ISO'
AS $$
DECLARE
  lo timestamptz := CASE WHEN run.start_kind IN ('share', 'after') THEN date_trunc('minute', run.start_time, 'UTC') ELSE coalesce(run.start_time, '-infinity') END;
  hi timestamptz := date_trunc('minute', run.end_time, 'UTC') + interval '1 min';
  single numeric;
  summed numeric;
BEGIN
  EXECUTE format('SELECT sum(work) FROM %I WHERE time >= %L AND time < %L', CASE what WHEN 'shares' THEN 'shares' ELSE 'coherence_proofs' END, lo, hi)
    INTO single;
  EXECUTE (SELECT 'SELECT sum(work) FROM (' || string_agg(format('SELECT work FROM %I WHERE span = %L AND start >= %L AND start < %L',
        CASE what WHEN 'shares' THEN 'share_sums' ELSE 'coherence_sums' END, c.span, c.lo, c.hi), ' UNION ALL ') || ') x'
      FROM span_cover(lo, hi) c)
    INTO summed;
  RETURN coalesce(single, 0) = coalesce(summed, 0);
END;
$$;
COMMENT ON FUNCTION singles_are_there(payout_runs, text) IS
  'Whether none of the shares (or proofs) of a run''s window was dropped: they add up to the sums.';

CREATE FUNCTION items_of_singles(draft payout_draft, OUT items payout_items[], OUT start_work numeric, OUT problem text)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  run payout_runs := draft.run;
  head_time timestamptz := CASE WHEN run.start_kind IN ('minute', 'hour', 'day') THEN run.start_time + ('1 ' || run.start_kind)::interval ELSE run.start_time END;
  -- Like window_items(): behind the share; behind all that have the time; or from a minute's first on.
  journal integer := CASE run.start_kind WHEN 'share' THEN run.start_journal WHEN 'after' THEN 2147483647 ELSE -1 END;
  sequence bigint := CASE run.start_kind WHEN 'share' THEN run.start_sequence WHEN 'after' THEN 9223372036854775807 ELSE -1 END;
  by_work boolean := run.kind = 'block' AND run.scheme IN ('pplns', 'prop');
  miner_ids bigint[] := '{}';
  works numeric[] := '{}';
  first_ids bigint[];
  first_works numeric[];
  later numeric;
BEGIN
  IF by_work THEN
    SELECT array_agg(w.miner_id), array_agg(w.work) INTO miner_ids, works
      FROM single_work('shares', head_time, journal, sequence, NULL, run.end_time, draft.journals) w;
    later := coalesce((SELECT sum(w) FROM unnest(works) w), 0);
  END IF;
  IF run.scheme = 'pplns' AND by_work AND run.start_kind = 'all' THEN
    problem := CASE WHEN later >= run.window_work THEN 'the window begins with the first share, though less would fill it' END;
  ELSIF run.start_kind IN ('share', 'minute', 'hour', 'day') THEN
    -- What the window begins with must fill it, and not have been filled before.
    start_work := run.window_work - later;
    IF run.start_kind = 'share' THEN
      SELECT array_agg(w.miner_id), array_agg(s.work) INTO first_ids, first_works
        FROM shares s JOIN workers w ON w.id = s.worker_id JOIN unnest(draft.journals) j ON j.journal = s.journal AND s.sequence <= j.sequence
        WHERE s.time = run.start_time AND s.journal = run.start_journal AND s.sequence = run.start_sequence;
    ELSE
      SELECT array_agg(w.miner_id), array_agg(w.work) INTO first_ids, first_works
        FROM single_work('shares', run.start_time, -1, -1, head_time, run.end_time, draft.journals) w;
    END IF;
    IF start_work <= 0 OR start_work > coalesce((SELECT sum(w) FROM unnest(first_works) w), 0) THEN
      problem := 'the window does not begin where it should';
      start_work := greatest(start_work, 0);
    ELSE
      miner_ids := miner_ids || first_ids;
      works := works || split_by_largest_remainder(start_work,
        (SELECT array_agg(m.address ORDER BY f.place) FROM unnest(first_ids) WITH ORDINALITY AS f (id, place) JOIN miners m ON m.id = f.id), first_works);
    END IF;
  ELSIF run.scheme = 'solo' THEN
    miner_ids := ARRAY[run.finder_id];
    works := ARRAY[1];
  END IF;
  items := ARRAY(
    SELECT ROW(NULL, m.id, m.address, sum(x.work), 0, sum(x.coherence), 0, 0, 0, 0, 0)::payout_items
    FROM (SELECT f.id AS miner_id, f.work, 0::numeric AS coherence FROM unnest(miner_ids, works) AS f (id, work)
          UNION ALL
          SELECT w.miner_id, 0, w.work
          FROM single_work('coherence', run.start_time, CASE run.start_kind WHEN 'after' THEN journal END,
                           CASE run.start_kind WHEN 'after' THEN sequence END, NULL, run.end_time, draft.journals) w
          WHERE run.coherence_ppm > 0 AND (run.kind = 'pps' OR run.scheme <> 'pps')) x
    JOIN miners m ON m.id = x.miner_id
    GROUP BY m.id, m.address HAVING sum(x.work) > 0 OR sum(x.coherence) > 0 ORDER BY m.address COLLATE "C");
END;
$$;
COMMENT ON FUNCTION items_of_singles(payout_draft) IS
  'A run''s items anew, from single shares and proofs alone, and how much of the first share must have counted. problem: what can''t be so.';

CREATE FUNCTION items_of_sums(draft payout_draft)
RETURNS payout_items[]
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  run payout_runs := draft.run;
  last_minute timestamptz := date_trunc('minute', run.end_time, 'UTC');
BEGIN
  RETURN ARRAY(
    SELECT ROW(NULL, m.id, m.address, sum(x.work), 0, sum(x.coherence), 0, 0, 0, 0, 0)::payout_items
    FROM (SELECT w.miner_id, w.work - w.edge_work AS work, 0::numeric AS coherence
          FROM window_work('shares', NULL, NULL, NULL, whole_minutes_from(run, 'shares'), last_minute) w
          WHERE run.kind = 'block' AND run.scheme IN ('pplns', 'prop')
          UNION ALL
          SELECT w.miner_id, 0, w.work - w.edge_work
          FROM window_work('coherence', NULL, NULL, NULL, whole_minutes_from(run, 'coherence'), last_minute) w
          WHERE run.coherence_ppm > 0 AND (run.kind = 'pps' OR run.scheme <> 'pps')
          UNION ALL
          SELECT l.miner_id, CASE l.what WHEN 'shares' THEN -l.work ELSE 0 END, CASE l.what WHEN 'coherence' THEN -l.work ELSE 0 END
          FROM payout_late_work l WHERE l.run_id = run.id
          UNION ALL
          SELECT i.miner_id, i.edge_work, i.coherence_edge_work FROM unnest(draft.items) i) x
    JOIN miners m ON m.id = x.miner_id
    GROUP BY m.id, m.address HAVING sum(x.work) <> 0 OR sum(x.coherence) <> 0 ORDER BY m.address COLLATE "C");
END;
$$;
COMMENT ON FUNCTION items_of_sums(payout_draft) IS
  'A run''s items anew, where shares were dropped: whole minutes from the sums, less what came late; the minutes at the edges as the run noted them.';

CREATE FUNCTION credits_anew(draft payout_draft, from_singles boolean, OUT credits pps_credits[], OUT problem text)
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
  credits := ARRAY(
    SELECT ROW(c.height, c.miner_id, NULL, c.before_work, t.work,
               div((c.before_work + t.work) * h.subsidy_sats, nbits_work(h.nbits)) - div(c.before_work * h.subsidy_sats, nbits_work(h.nbits)))::pps_credits
    FROM unnest(draft.credits) c JOIN heights h ON h.height = c.height
    LEFT JOIN (SELECT s.height, w.miner_id, sum(s.work) AS work
               FROM shares s JOIN unnest(draft.journals) j ON j.journal = s.journal AND s.sequence <= j.sequence JOIN workers w ON w.id = s.worker_id
               WHERE from_singles AND s.height BETWEEN (draft.run).from_height AND (draft.run).to_height
               GROUP BY 1, 2) s ON s.height = c.height AND s.miner_id = c.miner_id
    CROSS JOIN LATERAL (SELECT CASE WHEN from_singles THEN coalesce(s.work, 0) - c.before_work ELSE c.work END AS work) t);
  IF NOT from_singles AND EXISTS (
      SELECT FROM unnest(draft.credits) c LEFT JOIN (SELECT s.height, w.miner_id, sum(s.work) AS work FROM height_sums s
          JOIN workers w ON w.id = s.worker_id JOIN unnest(draft.heights) h ON h.height = s.height GROUP BY 1, 2) s
        ON s.height = c.height AND s.miner_id = c.miner_id
      WHERE c.before_work + c.work > coalesce(s.work, 0)) THEN
    problem := 'more work was credited than the sums hold';
  END IF;
END;
$$;
COMMENT ON FUNCTION credits_anew(payout_draft, boolean) IS
  'A PPS run''s credits anew: from the shares, or where those were dropped from what the run noted, held against the sums.';

CREATE FUNCTION recompute_run(wanted_run_id bigint, OUT source text, OUT equal boolean, OUT problem text, OUT digest bytea,
                              OUT stored_digest bytea, OUT canonical text)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  stored payout_draft := stored_run(wanted_run_id);
  run payout_runs := stored.run;
  draft payout_draft;
  singles boolean := true;
  anew record;
  credited record;
  items payout_items[];
BEGIN
  IF run.kind = 'block' AND run.scheme IN ('pplns', 'prop') THEN
    singles := singles_are_there(run, 'shares');
  ELSIF run.kind = 'pps' THEN
    singles := (SELECT coalesce(sum(s.work), 0) FROM shares s WHERE s.height IN (SELECT h.height FROM unnest(stored.heights) h))
             = (SELECT coalesce(sum(s.work), 0) FROM height_sums s WHERE s.height IN (SELECT h.height FROM unnest(stored.heights) h));
  END IF;
  IF run.coherence_ppm > 0 AND (run.kind = 'pps' OR run.scheme <> 'pps') THEN
    singles := singles AND singles_are_there(run, 'coherence');
  END IF;
  source := CASE WHEN singles THEN 'shares' ELSE 'sums' END;
  IF singles THEN
    SELECT * INTO anew FROM items_of_singles(stored);
    items := anew.items;
    run.start_work := anew.start_work;
    problem := anew.problem;
  ELSE
    items := items_of_sums(stored);
  END IF;
  IF run.kind = 'pps' THEN
    SELECT * INTO credited FROM credits_anew(stored, singles);
    problem := coalesce(problem, credited.problem);
    draft := sum_credits(run, stored.journals, credited.credits, items);
  ELSE
    draft := divide_reward(run, stored.journals, items, '{}', '{}');
  END IF;
  canonical := payout_text(draft);
  digest := sha256(convert_to(canonical, 'UTF8'));
  stored_digest := run.digest;
  IF digest <> stored_digest THEN
    problem := coalesce(problem, 'what is computed anew differs from the run');
  ELSIF sha256(convert_to(payout_text(stored), 'UTF8')) <> stored_digest THEN
    problem := 'the stored rows are not those of the digest';
  END IF;
  equal := problem IS NULL;
END;
$$;
COMMENT ON FUNCTION recompute_run(bigint) IS
  'Computes a past run anew and compares. source: shares, where all single shares of its window are still there; else sums. equal: the canonical text has the stored digest, and so have the stored rows; otherwise problem says what is wrong.';

CREATE FUNCTION share_days_needed()
RETURNS SETOF date
LANGUAGE sql
STABLE
AS $$
  SELECT DISTINCT (b.time AT TIME ZONE 'UTC')::date
  FROM blocks b
  WHERE (b.status IN ('accepted', 'confirmed') OR (b.status = 'submitted' AND b.time > now() - interval '14 days')) AND NOT EXISTS (SELECT FROM payout_runs r WHERE r.block_hash = b.hash AND r.state <> 'withdrawn')
    AND b.time >= (SELECT min(valid_from) FROM payout_schemes)
  UNION
  SELECT (b.time AT TIME ZONE 'UTC')::date
  FROM (SELECT time FROM blocks WHERE status NOT IN ('rejected', 'orphaned') ORDER BY time DESC, id DESC LIMIT 1) b;
$$;
COMMENT ON FUNCTION share_days_needed() IS
  'UTC days whose single shares a run will still need: those of blocks that have none yet, and of the newest block, behind which PROP and coherence work begin. Retention leaves them.';
