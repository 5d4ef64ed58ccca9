-- Retention, and what the reports ask.

-- ---------------------------------------------------------------- retention: what is gone

CREATE TABLE retention_marks (
  what text PRIMARY KEY CHECK (what IN ('shares', 'minutes', 'rejects', 'events', 'chain_tips', 'journal_segments')),
  dropped_before timestamptz NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE retention_marks IS 'Up to when rows were dropped, so that nobody takes what is missing for what never was. Sums of hours, days and heights are never dropped.';
COMMENT ON COLUMN retention_marks.what IS 'shares; minutes: share_sums of span minute, and coherence_sums; rejects: single ones; events; chain_tips; journal_segments.';
COMMENT ON COLUMN retention_marks.dropped_before IS 'Rows from before this time are gone; one may be back, where it came late.';
COMMENT ON COLUMN retention_marks.changed_at IS 'When the mark last moved.';

CREATE FUNCTION dropped_before(what_text text)
RETURNS timestamptz
LANGUAGE sql
STABLE
AS $$
  SELECT coalesce((SELECT m.dropped_before FROM retention_marks m WHERE m.what = what_text), '-infinity');
$$;
COMMENT ON FUNCTION dropped_before(text) IS 'Up to when rows of this kind were dropped; -infinity where none ever was.';

CREATE FUNCTION set_dropped_before(what_text text, before timestamptz)
RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO retention_marks AS m (what, dropped_before) VALUES (what_text, before)
  ON CONFLICT (what) DO UPDATE SET dropped_before = excluded.dropped_before, changed_at = now()
    WHERE excluded.dropped_before > m.dropped_before;
$$;
COMMENT ON FUNCTION set_dropped_before(text, timestamptz) IS 'Moves a mark of retention_marks; never back.';

-- ---------------------------------------------------------------- retention: what is still needed

CREATE FUNCTION window_day(ends_at timestamptz, window_work numeric)
RETURNS date
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  total numeric := 0;
  day record;
BEGIN
  -- Backwards, and no further than needed: years of days lie before. The day of ends_at itself does not count, so
  -- that what comes out is a day too early rather than too late.
  FOR day IN SELECT s.start, sum(s.work) AS work FROM share_sums s
             WHERE s.span = 'day' AND s.start < date_trunc('day', ends_at, 'UTC')
             GROUP BY s.start ORDER BY s.start DESC LOOP
    total := total + day.work;
    IF total >= window_work THEN
      RETURN (day.start AT TIME ZONE 'UTC')::date;
    END IF;
  END LOOP;
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION window_day(timestamptz, numeric) IS
  'A UTC day no later than the one in which a window of so much work begins that ends at a time; null where all work before is not enough.';

CREATE FUNCTION shares_needed()
RETURNS TABLE (first_day date, last_day date, reason text)
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
  -- A run needs single shares where its window begins and ends; between there are sums. A PPLNS window that is open now begins
  -- later with every block, so that all its days may come to be its first. One that all work does not fill has no first share to look for.
  -- A block that no node took, or that the chain left, can come back for a while. What was found before there were schemes is not
  -- paid by itself.
  RETURN QUERY
    WITH open AS (
      SELECT b.time, nbits_work(header_nbits(b.header)) AS network, s.scheme, s.pplns_window,
             format('block %s at height %s is %s and has no payout run', encode(b.hash, 'hex'), b.height, b.status) AS why
      FROM blocks b CROSS JOIN LATERAL scheme_at(b.time) s
      WHERE s.id IS NOT NULL
        AND NOT EXISTS (SELECT FROM payout_runs r WHERE r.block_hash = b.hash AND r.state <> 'withdrawn')
        AND (b.status IN ('accepted', 'confirmed')
             OR b.status IN ('submitted', 'orphaned') AND coalesce(b.outcome_time, b.time) > now() - interval '14 days')
      UNION ALL
      SELECT now(), nbits_work(h.nbits), s.scheme, s.pplns_window, 'a block may be found now'
      FROM scheme_at(now()) s CROSS JOIN (SELECT nbits FROM heights ORDER BY height DESC LIMIT 1) h
      WHERE s.id IS NOT NULL)
    SELECT d.first_day, (o.time AT TIME ZONE 'UTC')::date, format('%s (%s)', o.why, o.scheme)
    FROM open o CROSS JOIN LATERAL (
      SELECT coalesce(CASE WHEN o.scheme = 'pplns' THEN window_day(o.time, floor(o.pplns_window * o.network)) END,
                      (o.time AT TIME ZONE 'UTC')::date) AS first_day) d
    UNION ALL
    -- The block before, behind which a round begins, and coherence work.
    SELECT p.day, p.day, format('%s, and a block of that day stands before it (%s)', o.why, o.scheme)
    FROM open o CROSS JOIN LATERAL (
      SELECT (max(b.time) AT TIME ZONE 'UTC')::date AS day FROM blocks b
      WHERE b.time < o.time AND b.status NOT IN ('rejected', 'orphaned')) p
    WHERE p.day IS NOT NULL;
  RETURN QUERY
    SELECT n.day, n.day, 'share_days_needed() names it' FROM share_days_needed() AS n (day);
  RETURN QUERY
    SELECT (min(h.time) AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date,
           format('heights from %s on are not yet credited (pps)', min(h.height))
    FROM scheme_at(now()) s JOIN heights h ON h.time >= s.valid_from
    WHERE s.scheme = 'pps' AND h.height IN (SELECT p.height FROM pps_pending p)
    HAVING count(*) > 0;
END;
$$;
COMMENT ON FUNCTION shares_needed() IS
  'UTC days of which payouts need the single shares and sums of minutes, both days included, and for what.';

CREATE FUNCTION needed_days()
RETURNS datemultirange
LANGUAGE sql
STABLE
AS $$
  SELECT coalesce(range_agg(daterange(n.first_day, n.last_day, '[]')), '{}') FROM shares_needed() n;
$$;
COMMENT ON FUNCTION needed_days() IS 'The days of shares_needed(), together.';

-- ---------------------------------------------------------------- retention: dropping

CREATE FUNCTION drop_day_partitions(parent regclass, before date, keep datemultirange)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
  partition text;
  dropped integer := 0;
BEGIN
  FOR partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = parent AND c.relname ~ '_[0-9]{8}$'
      AND to_date(right(c.relname, 8), 'YYYYMMDD') < before AND NOT to_date(right(c.relname, 8), 'YYYYMMDD') <@ keep
    ORDER BY c.relname
  LOOP
    EXECUTE format('DROP TABLE %I', partition);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END;
$$;
COMMENT ON FUNCTION drop_day_partitions(regclass, date, datemultirange) IS
  'Drops the partitions of the days before a UTC day that are not to be kept; returns how many. Takes the whole table for itself: set a short lock_timeout first.';

CREATE FUNCTION drop_days(what_text text, before date, keep datemultirange)
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
    WHEN 'minutes' THEN
      dropped := drop_day_partitions('share_sums_minute', before, keep);
      DELETE FROM share_sums_minute_default WHERE start < before_time AND NOT (start AT TIME ZONE 'UTC')::date <@ keep;
      DELETE FROM coherence_sums WHERE span = 'minute' AND start < before_time AND NOT (start AT TIME ZONE 'UTC')::date <@ keep;
  END CASE;
  PERFORM set_dropped_before(what_text, before_time);
  RETURN dropped;
END;
$$;
COMMENT ON FUNCTION drop_days(text, date, datemultirange) IS
  'Drops shares, or minutes (sums of them), of the days before a UTC day that are not to be kept; returns how many partitions went. For the owner.';

CREATE FUNCTION drop_days_before(what_text text, day date)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
  needed record;
BEGIN
  IF what_text IS NULL OR what_text NOT IN ('shares', 'minutes') OR day IS NULL OR day > (now() AT TIME ZONE 'UTC')::date THEN
    RAISE EXCEPTION 'drop_days_before: % before %', coalesce(what_text, 'null'), coalesce(day::text, 'null')
      USING ERRCODE = 'PH402', HINT = 'Give shares or minutes, and a day that is not after today''s, UTC.';
  END IF;
  SELECT n.first_day, n.reason INTO needed FROM shares_needed() n WHERE n.first_day < day ORDER BY n.first_day, n.reason LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% before % can''t be dropped: those of % are needed: %', what_text, day, needed.first_day, needed.reason
      USING ERRCODE = 'PH401',
        HINT = 'SELECT * FROM shares_needed() lists which days are needed for what; SELECT update_ledger() makes the runs that can be made; run_retention() drops the days between.';
  END IF;
  RETURN drop_days(what_text, day, '{}');
END;
$$;
COMMENT ON FUNCTION drop_days_before(text, date) IS
  'Drops shares, or minutes (sums of them), of all days before a UTC day; returns how many partitions went. Refuses (PH401) where payouts need one of the days. By hand, for the owner.';

CREATE FUNCTION drop_old_rows(what_text text, before date)
RETURNS bigint
LANGUAGE plpgsql
AS $$
DECLARE
  before_time timestamptz := before::timestamp AT TIME ZONE 'UTC';
  dropped bigint;
BEGIN
  CASE what_text
    WHEN 'rejects' THEN
      DELETE FROM rejects WHERE time < before_time;
    WHEN 'events' THEN
      DELETE FROM events WHERE time < before_time;
    WHEN 'chain_tips' THEN  -- confirmations are counted from the newest
      DELETE FROM chain_tips t WHERE t.time < before_time AND t.hash NOT IN (SELECT n.hash FROM newest_chain_tip n);
    WHEN 'journal_segments' THEN  -- the newest of each says how the chain goes on
      DELETE FROM journal_segments s
        WHERE s.stored_at < before_time
          AND s.segment < (SELECT max(n.segment) FROM journal_segments n WHERE n.journal = s.journal);
  END CASE;
  GET DIAGNOSTICS dropped = ROW_COUNT;
  PERFORM set_dropped_before(what_text, before_time);
  RETURN dropped;
END;
$$;
COMMENT ON FUNCTION drop_old_rows(text, date) IS
  'Deletes rejects, events, chain tips or journal segments of the days before a UTC day; returns how many. The newest tip and each journal''s newest segment stay.';

CREATE FUNCTION check_keep_days(name text, days integer)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
AS $$
BEGIN
  IF days IS NULL OR days < 1 OR days > 36500 THEN
    RAISE EXCEPTION 'run_retention: % = %; expected 1 to 36500 days', name, coalesce(days::text, 'null')
      USING ERRCODE = 'PH402', HINT = 'How long rows are kept is said in pool.json.';
  END IF;
END;
$$;
COMMENT ON FUNCTION check_keep_days(text, integer) IS 'Error PH402 where a number of days to keep is absurd.';

CREATE FUNCTION days_kept_for(what_text text, before date, keep datemultirange)
RETURNS text
LANGUAGE sql
STABLE
AS $$
  SELECT CASE WHEN count(*) > 0 THEN
      format('%s older days are kept: %s', count(*),
             (SELECT n.reason FROM shares_needed() n WHERE n.first_day < before ORDER BY n.first_day, n.reason LIMIT 1)) ELSE '' END
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = CASE what_text WHEN 'shares' THEN 'shares'::regclass ELSE 'share_sums_minute'::regclass END
    AND c.relname ~ '_[0-9]{8}$' AND to_date(right(c.relname, 8), 'YYYYMMDD') < before AND to_date(right(c.relname, 8), 'YYYYMMDD') <@ keep;
$$;
COMMENT ON FUNCTION days_kept_for(text, date, datemultirange) IS
  'How many days of shares or minutes are kept though they are older, and for what; empty where none is.';

CREATE FUNCTION run_retention(keep_shares_days integer, keep_minutes_days integer, keep_events_days integer)
RETURNS TABLE (what text, dropped bigint, kept_from timestamptz, note text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  -- By the server's clock and the pools': where one of them jumped ahead, nothing is dropped for it.
  today date := least((now() AT TIME ZONE 'UTC')::date,
                      (SELECT (max(start) AT TIME ZONE 'UTC')::date + 2 FROM share_sums WHERE span = 'day'));
  keep datemultirange := needed_days();
  wanted record;
BEGIN
  PERFORM check_keep_days('keep_shares_days', keep_shares_days);
  PERFORM check_keep_days('keep_minutes_days', keep_minutes_days);
  PERFORM check_keep_days('keep_events_days', keep_events_days);
  -- The partitions last: from their dropping to the end of the transaction, shares can't be stored.
  FOR wanted IN SELECT * FROM (VALUES ('events', keep_events_days), ('chain_tips', keep_events_days),
      ('journal_segments', keep_events_days), ('rejects', keep_minutes_days), ('minutes', keep_minutes_days),
      ('shares', keep_shares_days)) AS w (what, days)
  LOOP
    what := wanted.what;
    dropped := 0;
    note := '';
    -- Whoever reads shares for long (a report, pg_dump) holds the lock that dropping needs: the next time will do.
    BEGIN
      IF what IN ('shares', 'minutes') THEN
        dropped := drop_days(what, today - wanted.days, keep);
        note := days_kept_for(what, today - wanted.days, keep);
      ELSE
        dropped := drop_old_rows(what, today - wanted.days);
      END IF;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      note := 'locked by others; left for the next time';
    END;
    IF note <> '' THEN
      PERFORM record_event(clock_timestamp(), 'low', 'retention', format('%s: %s', what, note),
                           json_build_object('what', what, 'days', wanted.days)::text);
    END IF;
    kept_from := dropped_before(what);
    RETURN NEXT;
  END LOOP;
END;
$$;
COMMENT ON FUNCTION run_retention(integer, integer, integer) IS
  'The pool calls it daily: drops shares, sums of minutes (and single rejects) and events (and chain tips, journal segments) older than so many days, days being UTC''s. Days that payouts still need are kept, and an event says so; what is locked is left for the next time. A row for each kind: partitions or rows dropped, from when on all rows are there, and why not more.';

-- ---------------------------------------------------------------- sums over any period

CREATE FUNCTION worker_sums(from_time timestamptz, to_time timestamptz)
RETURNS TABLE (worker_id bigint, shares bigint, work numeric, best_share_difficulty double precision)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  from_hour timestamptz := date_trunc('hour', from_time + interval '59 minutes 59.999999 seconds', 'UTC');
  to_hour timestamptz := date_trunc('hour', to_time, 'UTC');
  from_day timestamptz := date_trunc('day', from_time + interval '23 hours 59 minutes 59.999999 seconds', 'UTC');
  to_day timestamptz := date_trunc('day', to_time, 'UTC');
BEGIN
  -- Days where they fit, hours beside them, minutes at the ends: each row is read for the longest span it can stand for.
  IF from_hour > to_hour THEN
    from_hour := to_time;
    to_hour := to_time;
  END IF;
  IF from_day > to_day THEN
    from_day := to_hour;
    to_day := to_hour;
  END IF;
  RETURN QUERY
    SELECT p.worker_id, sum(p.shares)::bigint, sum(p.work), max(p.best_share_difficulty)
    FROM (SELECT * FROM share_sums s WHERE s.span = 'minute' AND s.start >= from_time AND s.start < from_hour
          UNION ALL
          SELECT * FROM share_sums s WHERE s.span = 'hour' AND s.start >= from_hour AND s.start < from_day
          UNION ALL
          SELECT * FROM share_sums s WHERE s.span = 'day' AND s.start >= from_day AND s.start < to_day
          UNION ALL
          SELECT * FROM share_sums s WHERE s.span = 'hour' AND s.start >= to_day AND s.start < to_hour
          UNION ALL
          SELECT * FROM share_sums s WHERE s.span = 'minute' AND s.start >= to_hour AND s.start < to_time) p
    GROUP BY p.worker_id;
END;
$$;
COMMENT ON FUNCTION worker_sums(timestamptz, timestamptz) IS
  'Each worker''s accepted shares between two whole minutes, the second excluded. Exact, unless minutes there were dropped (retention_marks): use whole hours then.';

CREATE FUNCTION pool_work(from_time timestamptz, to_time timestamptz)
RETURNS TABLE (shares bigint, work numeric, exact boolean)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  from_minute timestamptz;
  to_minute timestamptz;
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
  IF from_minute > to_minute THEN  -- within one minute
    from_minute := to_time;
    to_minute := to_time;
  END IF;
  SELECT coalesce(sum(p.n), 0)::bigint, coalesce(sum(p.w), 0) INTO shares, work
  FROM (SELECT count(*) AS n, sum(s.work) AS w FROM shares s WHERE s.time >= from_time AND s.time < from_minute
        UNION ALL
        SELECT sum(s.shares), sum(s.work) FROM worker_sums(from_minute, to_minute) s
        UNION ALL
        SELECT count(*), sum(s.work) FROM shares s WHERE s.time >= to_minute AND s.time < to_time) p;
  RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION pool_work(timestamptz, timestamptz) IS
  'The pool''s accepted shares between two times, the second excluded, to the microsecond; exact is false where single shares were dropped and a bound was moved back to a whole minute or hour.';

CREATE FUNCTION round_before(at timestamptz)
RETURNS TABLE (began timestamptz, shares bigint, work numeric, exact boolean)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  previous timestamptz := (SELECT max(b.time) FROM blocks b WHERE b.time < at AND b.status NOT IN ('rejected', 'orphaned'));
BEGIN
  began := coalesce(previous, (SELECT min(s.start) FROM share_sums s WHERE s.span = 'day'));
  SELECT p.shares, p.work, p.exact INTO round_before.shares, round_before.work, round_before.exact
    FROM pool_work(coalesce(previous + interval '1 microsecond', '-infinity'), at + interval '1 microsecond') p;
  RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION round_before(timestamptz) IS
  'The round that ends at a time, with shares of that very microsecond: since the pool''s last block before that was neither rejected nor orphaned, or since the first share (began is its day then).';

-- ---------------------------------------------------------------- what the reports take

CREATE FUNCTION report_time(name text, value text)
RETURNS timestamptz
LANGUAGE plpgsql
STABLE
SET TimeZone = 'UTC'
SET DateStyle = 'ISO, YMD'
AS $$
DECLARE
  result timestamptz;
BEGIN
  BEGIN
    result := value::timestamptz;
  EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format OR invalid_parameter_value THEN
    RAISE EXCEPTION '%: "%" is not a time', name, value
      USING ERRCODE = 'PH411', HINT = 'Write 2026-11-21 or 2026-11-21T18:00:00Z; without a zone it is UTC.';
  END;
  IF result < '2009-01-03T00:00:00Z' OR result > now() + interval '2 days' THEN
    RAISE EXCEPTION '%: % is not between 2009-01-03 and the day after tomorrow', name, value
      USING ERRCODE = 'PH411', HINT = 'Before lies no block of Bitcoin''s, behind it no share.';
  END IF;
  RETURN result;
END;
$$;
COMMENT ON FUNCTION report_time(text, text) IS 'A report''s variable as a time, UTC where it says no other; error PH411 where it is none, or absurd.';

CREATE FUNCTION report_period(from_text text, to_text text, default_span interval)
RETURNS TABLE (from_time timestamptz, to_time timestamptz)
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
  to_time := CASE WHEN to_text = '' THEN date_trunc('minute', now(), 'UTC') + interval '1 minute' ELSE report_time('to', to_text) END;
  from_time := CASE WHEN from_text = '' THEN to_time - default_span ELSE report_time('from', from_text) END;
  IF from_time >= to_time THEN
    RAISE EXCEPTION 'from = %, to = %: the period has no length', from_time AT TIME ZONE 'UTC', to_time AT TIME ZONE 'UTC'
      USING ERRCODE = 'PH412', HINT = 'The period goes from `from`, included, to `to`, excluded; without `to` it ends now.';
  END IF;
  RETURN NEXT;
END;
$$;
COMMENT ON FUNCTION report_period(text, text, interval) IS
  'A report''s period, the end excluded: the texts where they are not empty, else up to now and a usual span before. Errors PH411, PH412.';

CREATE FUNCTION report_miner(address_text text)
RETURNS bigint
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  result bigint;
BEGIN
  IF address_text = '' THEN
    RETURN NULL;
  END IF;
  SELECT m.id INTO result FROM miners m WHERE m.address IN (address_text, lower(address_text))
    ORDER BY m.address = address_text DESC LIMIT 1;
  IF result IS NULL THEN
    RAISE EXCEPTION 'address: "%" is not known', address_text
      USING ERRCODE = 'PH413', HINT = 'No share was ever accepted for it. SELECT address FROM miners lists those that are known.';
  END IF;
  RETURN result;
END;
$$;
COMMENT ON FUNCTION report_miner(text) IS 'The miner with an address; null for the empty text, which means all. Error PH413 where there is none.';

CREATE FUNCTION report_choice(name text, value text, choices text[])
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
AS $$
BEGIN
  IF lower(value) <> ALL (choices) THEN
    RAISE EXCEPTION '%: "%" is not one of %', name, value, array_to_string(choices, ', ')
      USING ERRCODE = 'PH414', HINT = format('Give it as -v %s=%s.', name, choices[1]);
  END IF;
  RETURN lower(value);
END;
$$;
COMMENT ON FUNCTION report_choice(text, text, text[]) IS 'A report''s variable that is one of a few words. Error PH414 where it is another.';

CREATE FUNCTION report_number(name text, value text, least_value numeric, most_value numeric)
RETURNS numeric
LANGUAGE plpgsql
IMMUTABLE
AS $$
DECLARE
  result numeric;
BEGIN
  BEGIN
    result := value::numeric;
  EXCEPTION WHEN invalid_text_representation OR numeric_value_out_of_range THEN
    result := 'NaN';
  END;
  IF result = 'NaN' OR result < least_value OR result > most_value THEN
    RAISE EXCEPTION '%: "%" is not a number from % to %', name, value, least_value, most_value
      USING ERRCODE = 'PH415', HINT = format('Give it as -v %s=%s.', name, least_value);
  END IF;
  RETURN result;
END;
$$;
COMMENT ON FUNCTION report_number(text, text, numeric, numeric) IS 'A report''s variable that is a number. Error PH415 where it is none, or out of bounds.';

-- ---------------------------------------------------------------- rights

REVOKE EXECUTE ON FUNCTION run_retention(integer, integer, integer) FROM PUBLIC;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool') THEN
    GRANT SELECT ON retention_marks TO phasepool;
    -- The stats page, where the pool's login is no member of phasepool_web.
    GRANT SELECT ON newest_chain_tip, block_confirmations TO phasepool;
    GRANT EXECUTE ON FUNCTION run_retention(integer, integer, integer) TO phasepool;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT ON retention_marks TO phasepool_web;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_reports') THEN
    GRANT SELECT ON retention_marks TO phasepool_reports;
  END IF;
END;
$$;
