-- Accepted shares, a partition for each UTC day.

CREATE TABLE shares (
  time timestamptz NOT NULL,
  journal integer NOT NULL,
  sequence bigint NOT NULL,
  worker_id bigint NOT NULL,
  height integer NOT NULL,
  job_id numeric(20, 0) NOT NULL,
  difficulty double precision NOT NULL,
  share_difficulty double precision NOT NULL,
  work numeric(78, 0) NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (time, journal, sequence)
) PARTITION BY RANGE (time);
COMMENT ON TABLE shares IS 'Accepted shares, in the order (time, journal, sequence). Rows come by COPY only, so worker_id and journal carry no foreign key: the store is the only writer, and looks both up in the same transaction.';
COMMENT ON COLUMN shares.time IS 'When the pool accepted it; microseconds.';
COMMENT ON COLUMN shares.journal IS 'Which journal it came through: journal_positions.id.';
COMMENT ON COLUMN shares.sequence IS 'Its number in that journal.';
COMMENT ON COLUMN shares.worker_id IS 'Who found it: workers.id.';
COMMENT ON COLUMN shares.height IS 'Height of the block that was worked on.';
COMMENT ON COLUMN shares.job_id IS 'The pool''s job, an unsigned 64-bit number; Stratum shows it in hex.';
COMMENT ON COLUMN shares.difficulty IS 'Assigned difficulty, for people. Payouts use work.';
COMMENT ON COLUMN shares.share_difficulty IS 'Difficulty that the hash happened to meet.';
COMMENT ON COLUMN shares.work IS 'Weight of the share: expected hashes of its assigned target, 2^256 / (target + 1) rounded down. Exact.';
COMMENT ON COLUMN shares.hash IS 'The header''s hash in display order: encode(hash, ''hex'') is what a node shows.';

CREATE TABLE shares_default PARTITION OF shares DEFAULT;
COMMENT ON TABLE shares_default IS 'Shares of days that have no partition, so that none is ever refused. Normally empty.';

CREATE FUNCTION ensure_share_partitions(from_day date, to_day date)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  day date := from_day;
  partition text;
  created integer := 0;
BEGIN
  IF to_day - from_day > 400 THEN
    RAISE EXCEPTION 'ensure_share_partitions: % to % is more than 400 days', from_day, to_day;
  END IF;
  WHILE day <= to_day LOOP
    partition := 'shares_' || to_char(day, 'YYYYMMDD');
    IF to_regclass(partition) IS NULL THEN
      PERFORM pg_advisory_xact_lock(hashtext('ensure_share_partitions'));
      IF to_regclass(partition) IS NULL THEN
        -- ATTACH lets readers and COPY go on in the other partitions, where CREATE ... PARTITION OF
        -- would not; but it takes the default partition for itself (ACCESS EXCLUSIVE), to see that
        -- no row there belongs into the new one. So it waits for a pg_dump, and all who want to read
        -- shares wait behind it: call this with a short lock_timeout.
        EXECUTE format('CREATE TABLE %I (LIKE shares INCLUDING ALL)', partition);
        EXECUTE format(
          'WITH moved AS (DELETE FROM shares_default WHERE time >= %1$L AND time < %2$L RETURNING *)
           INSERT INTO %3$I SELECT * FROM moved',
          day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC', partition);
        EXECUTE format('ALTER TABLE shares ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
          partition, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
        EXECUTE format('COMMENT ON TABLE %I IS %L', partition, 'Shares of ' || day || ', UTC.');
        created := created + 1;
      END IF;
    END IF;
    day := day + 1;
  END LOOP;
  RETURN created;
END;
$$;
COMMENT ON FUNCTION ensure_share_partitions(date, date) IS
  'Makes the partitions of shares from one UTC day to another, both included, where they are missing; returns how many were made. Shares that the default partition already holds move into them. Locks the default partition: set a short lock_timeout first.';

SELECT ensure_share_partitions((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + 2);
