-- The pool's own sums beside its workers', and indexes by worker: what the API asks must not take longer where more machines mine.

-- Batches under way are stored first; those after it meet the triggers.
LOCK TABLE share_sums IN SHARE ROW EXCLUSIVE MODE;

CREATE TABLE pool_sums (
  span text NOT NULL CHECK (span IN ('minute', 'hour', 'day')),
  start timestamptz NOT NULL,
  journal integer NOT NULL,
  shares bigint NOT NULL CHECK (shares >= 0),
  work numeric NOT NULL CHECK (work >= 0),
  PRIMARY KEY (span, start, journal)
);
COMMENT ON TABLE pool_sums IS 'Accepted shares of all workers together per minute, hour and day: what share_sums adds up to, kept by its triggers. Minutes go when those of share_sums go.';
COMMENT ON COLUMN pool_sums.span IS 'minute, hour or day (UTC).';
COMMENT ON COLUMN pool_sums.start IS 'Beginning of the minute, hour or day.';
COMMENT ON COLUMN pool_sums.journal IS 'Which journal they came through: journal_positions.id. In the key so that pools never wait for each other''s rows.';
COMMENT ON COLUMN pool_sums.shares IS 'How many.';
COMMENT ON COLUMN pool_sums.work IS 'Sum of shares.work: exact.';

INSERT INTO pool_sums (span, start, journal, shares, work)
SELECT s.span, s.start, s.journal, sum(s.shares), sum(s.work) FROM share_sums s GROUP BY 1, 2, 3;

CREATE FUNCTION note_pool_sums()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO pool_sums AS p (span, start, journal, shares, work)
      SELECT a.span, a.start, a.journal, sum(a.shares), sum(a.work) FROM added a GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
      ON CONFLICT (span, start, journal) DO UPDATE SET shares = p.shares + excluded.shares, work = p.work + excluded.work;
  ELSE
    -- The row is there: what is replaced was added once.
    UPDATE pool_sums p SET shares = p.shares + d.shares, work = p.work + d.work
      FROM (SELECT c.span, c.start, c.journal, sum(c.shares) AS shares, sum(c.work) AS work
            FROM (SELECT a.span, a.start, a.journal, a.shares, a.work FROM added a
                  UNION ALL SELECT r.span, r.start, r.journal, -r.shares, -r.work FROM replaced r) c
            GROUP BY 1, 2, 3) d
      WHERE p.span = d.span AND p.start = d.start AND p.journal = d.journal;
  END IF;
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION note_pool_sums() IS 'Trigger of share_sums: keeps pool_sums. As its owner, so that nobody else need be able to write there.';
REVOKE EXECUTE ON FUNCTION note_pool_sums() FROM PUBLIC;
CREATE TRIGGER pool_sums_inserted AFTER INSERT ON share_sums REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION note_pool_sums();
CREATE TRIGGER pool_sums_updated AFTER UPDATE ON share_sums REFERENCING NEW TABLE AS added OLD TABLE AS replaced
  FOR EACH STATEMENT EXECUTE FUNCTION note_pool_sums();

CREATE INDEX share_sums_by_worker ON share_sums (worker_id, start);
CREATE INDEX reject_sums_by_worker ON reject_sums (worker_id, start);

-- As before, but that whole minutes come from pool_sums: a round's work in a millisecond, whoever mines.
CREATE OR REPLACE FUNCTION pool_work(from_time timestamptz, to_time timestamptz)
RETURNS TABLE (shares bigint, work numeric, exact boolean)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  from_minute timestamptz;
  to_minute timestamptz;
  has_minutes boolean;
BEGIN
  exact := least(from_time, to_time) >= dropped_before('shares');
  -- Where single shares are gone, times are moved back to a whole minute, or to a whole hour where minutes are gone as
  -- well: so that periods that follow each other still count each share once.
  from_time := CASE WHEN from_time < dropped_before('minutes') THEN date_trunc('hour', from_time, 'UTC')
                    WHEN from_time < dropped_before('shares') THEN date_trunc('minute', from_time, 'UTC') ELSE from_time END;
  to_time := CASE WHEN to_time < dropped_before('minutes') THEN date_trunc('hour', to_time, 'UTC')
                  WHEN to_time < dropped_before('shares') THEN date_trunc('minute', to_time, 'UTC') ELSE to_time END;
  from_minute := date_trunc('minute', from_time + interval '59.999999 seconds', 'UTC');
  to_minute := date_trunc('minute', to_time, 'UTC');
  has_minutes := from_minute < to_minute;
  IF from_minute > to_minute THEN  -- within one minute
    from_minute := to_time;
    to_minute := to_time;
  END IF;
  SELECT coalesce(sum(p.n), 0)::bigint, coalesce(sum(p.w), 0) INTO shares, work
  FROM (SELECT count(*) AS n, sum(s.work) AS w FROM shares s WHERE s.time >= from_time AND s.time < from_minute
        UNION ALL
        SELECT sum(s.shares), sum(s.work)
        FROM span_cover(from_minute, to_minute) c JOIN pool_sums s ON s.span = c.span AND s.start >= c.lo AND s.start < c.hi
        WHERE has_minutes
        UNION ALL
        SELECT count(*), sum(s.work) FROM shares s WHERE s.time >= to_minute AND s.time < to_time) p;
  RETURN NEXT;
END;
$$;

CREATE OR REPLACE FUNCTION drop_days(what_text text, before date, keep datemultirange)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
  before_time timestamptz := before::timestamp AT TIME ZONE 'UTC';
  dropped integer;
BEGIN
  CASE what_text
    WHEN 'shares' THEN
      dropped := drop_day_partitions('shares', before, keep);
      DELETE FROM shares_default WHERE time < before_time AND NOT (time AT TIME ZONE 'UTC')::date <@ keep;
    WHEN 'proofs' THEN
      DELETE FROM coherence_proofs p WHERE p.time < before_time AND NOT (p.time AT TIME ZONE 'UTC')::date <@ keep
        AND NOT EXISTS (SELECT FROM coherence_chain c WHERE c.proof_id = p.id);
      GET DIAGNOSTICS dropped = ROW_COUNT;
    WHEN 'minutes' THEN
      dropped := drop_day_partitions('share_sums_minute', before, keep);
      DELETE FROM share_sums_minute_default WHERE start < before_time AND NOT (start AT TIME ZONE 'UTC')::date <@ keep;
      DELETE FROM coherence_sums WHERE span = 'minute' AND start < before_time AND NOT (start AT TIME ZONE 'UTC')::date <@ keep;
      DELETE FROM pool_sums WHERE span = 'minute' AND start < before_time AND NOT (start AT TIME ZONE 'UTC')::date <@ keep;
  END CASE;
  PERFORM set_dropped_before(what_text, before_time);
  RETURN dropped;
END;
$$;

-- ---------------------------------------------------------------- rights

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool') THEN
    GRANT SELECT ON pool_sums TO phasepool;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT ON pool_sums TO phasepool_web;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_reports') THEN
    GRANT SELECT ON pool_sums TO phasepool_reports;
  END IF;
END;
$$;
