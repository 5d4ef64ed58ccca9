-- What is counted beside the shares themselves: sums, heights, rejects, the journal's closed segments,
-- coherence work. Whatever counts shares is written in the transaction that stores them, so it is exact at every moment,
-- and stays so when partitions of shares are dropped.

-- Batches under way are stored first; what a pool of before sends behind them is refused below.
LOCK TABLE shares IN ACCESS EXCLUSIVE MODE;

CREATE FUNCTION refuse_shares_without_sums()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  IF current_setting('application_name') = 'phasepool_store'
     AND current_setting('phasepool.writes_sums', true) IS DISTINCT FROM 'on' THEN
    RAISE EXCEPTION 'shares are stored here together with their sums, which this phasepool does not know of'
      USING ERRCODE = 'PH002', HINT = 'It is older than the database''s schema: stop it and start the new one. Its journal keeps the shares.';
  END IF;
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION refuse_shares_without_sums() IS
  'Trigger of shares, once for each COPY: a pool from before there were sums, which still runs on an open connection, would store shares that no sum counts.';
CREATE TRIGGER shares_have_sums BEFORE INSERT ON shares FOR EACH STATEMENT EXECUTE FUNCTION refuse_shares_without_sums();

-- ---------------------------------------------------------------- sums of shares

CREATE TABLE share_sums (
  span text NOT NULL CHECK (span IN ('minute', 'hour', 'day')),
  start timestamptz NOT NULL,
  worker_id bigint NOT NULL,
  journal integer NOT NULL,
  shares bigint NOT NULL CHECK (shares > 0),
  work numeric NOT NULL CHECK (work >= 0),
  best_share_difficulty double precision NOT NULL,
  PRIMARY KEY (span, start, worker_id, journal)
) PARTITION BY LIST (span);
COMMENT ON TABLE share_sums IS 'Accepted shares of a worker per minute, hour and day, by shares.time: the three spans each count every share. The journal is in the key so that pools that share a database never wait for each other''s rows.';
COMMENT ON COLUMN share_sums.span IS 'minute, hour or day (UTC).';
COMMENT ON COLUMN share_sums.start IS 'Beginning of the minute, hour or day.';
COMMENT ON COLUMN share_sums.worker_id IS 'Who found them: workers.id.';
COMMENT ON COLUMN share_sums.journal IS 'Which journal they came through: journal_positions.id.';
COMMENT ON COLUMN share_sums.shares IS 'How many.';
COMMENT ON COLUMN share_sums.work IS 'Sum of shares.work: exact.';
COMMENT ON COLUMN share_sums.best_share_difficulty IS 'Highest shares.share_difficulty.';

CREATE TABLE share_sums_minute PARTITION OF share_sums FOR VALUES IN ('minute') PARTITION BY RANGE (start);
COMMENT ON TABLE share_sums_minute IS 'Minutes, a partition for each UTC day.';
CREATE TABLE share_sums_minute_default PARTITION OF share_sums_minute DEFAULT;
COMMENT ON TABLE share_sums_minute_default IS 'Minutes of days that have no partition. Normally empty.';
CREATE TABLE share_sums_hour PARTITION OF share_sums FOR VALUES IN ('hour');
COMMENT ON TABLE share_sums_hour IS 'Hours.';
CREATE TABLE share_sums_day PARTITION OF share_sums FOR VALUES IN ('day');
COMMENT ON TABLE share_sums_day IS 'Days, UTC.';

CREATE FUNCTION ensure_share_sum_partitions(from_day date, to_day date)
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
    RAISE EXCEPTION 'ensure_share_sum_partitions: % to % is more than 400 days', from_day, to_day
      USING ERRCODE = 'PH001', HINT = 'Give days that lie at most 400 days apart.';
  END IF;
  WHILE day <= to_day LOOP
    partition := 'share_sums_minute_' || to_char(day, 'YYYYMMDD');
    IF to_regclass(partition) IS NULL THEN
      PERFORM pg_advisory_xact_lock(hashtext('ensure_share_partitions'));
      IF to_regclass(partition) IS NULL THEN
        -- As in ensure_share_partitions(): ATTACH lets the others go on, but for the default partition.
        EXECUTE format('CREATE TABLE %I (LIKE share_sums INCLUDING ALL)', partition);
        EXECUTE format(
          'WITH moved AS (DELETE FROM share_sums_minute_default WHERE start >= %1$L AND start < %2$L RETURNING *)
           INSERT INTO %3$I SELECT * FROM moved',
          day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC', partition);
        EXECUTE format('ALTER TABLE share_sums_minute ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
          partition, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
        EXECUTE format('COMMENT ON TABLE %I IS %L', partition, 'Minutes of ' || day || ', UTC.');
        created := created + 1;
      END IF;
    END IF;
    day := day + 1;
  END LOOP;
  RETURN created;
END;
$$;
COMMENT ON FUNCTION ensure_share_sum_partitions(date, date) IS
  'Makes the partitions of share_sums_minute from one UTC day to another, both included, where they are missing; returns how many were made. Locks the default partition: set a short lock_timeout first.';

SELECT ensure_share_sum_partitions((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + 2);

CREATE TABLE height_sums (
  height integer NOT NULL CHECK (height >= 0),
  worker_id bigint NOT NULL,
  journal integer NOT NULL,
  shares bigint NOT NULL CHECK (shares > 0),
  work numeric NOT NULL CHECK (work >= 0),
  PRIMARY KEY (height, worker_id, journal)
);
COMMENT ON TABLE height_sums IS 'Accepted shares of a worker per height that was worked on: what PPS pays for.';
COMMENT ON COLUMN height_sums.height IS 'Height of the block that was worked on.';
COMMENT ON COLUMN height_sums.worker_id IS 'Who found them: workers.id.';
COMMENT ON COLUMN height_sums.journal IS 'Which journal they came through: journal_positions.id.';
COMMENT ON COLUMN height_sums.shares IS 'How many.';
COMMENT ON COLUMN height_sums.work IS 'Sum of shares.work: exact.';

CREATE FUNCTION add_share_sums(from_journal integer, of_span text, starts timestamptz[], worker_ids bigint[],
                               counts bigint[], works numeric[], bests double precision[])
RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO share_sums AS s (span, start, worker_id, journal, shares, work, best_share_difficulty)
  SELECT of_span, t.start, t.worker_id, from_journal, t.shares, t.work, t.best
  FROM unnest(starts, worker_ids, counts, works, bests) AS t (start, worker_id, shares, work, best)
  ON CONFLICT (span, start, worker_id, journal) DO UPDATE
    SET shares = s.shares + excluded.shares,
        work = s.work + excluded.work,
        best_share_difficulty = greatest(s.best_share_difficulty, excluded.best_share_difficulty);
$$;
COMMENT ON FUNCTION add_share_sums(integer, text, timestamptz[], bigint[], bigint[], numeric[], double precision[]) IS
  'Adds a batch''s shares to share_sums: element i of each array is one sum. No (start, worker) may come twice.';

CREATE FUNCTION add_height_sums(from_journal integer, new_heights integer[], worker_ids bigint[],
                                counts bigint[], works numeric[])
RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO height_sums AS s (height, worker_id, journal, shares, work)
  SELECT t.height, t.worker_id, from_journal, t.shares, t.work
  FROM unnest(new_heights, worker_ids, counts, works) AS t (height, worker_id, shares, work)
  ON CONFLICT (height, worker_id, journal) DO UPDATE
    SET shares = s.shares + excluded.shares, work = s.work + excluded.work;
$$;
COMMENT ON FUNCTION add_height_sums(integer, integer[], bigint[], bigint[], numeric[]) IS
  'Adds a batch''s shares to height_sums: element i of each array is one sum. No (height, worker) may come twice.';

-- Shares that were stored before there were sums.
SELECT ensure_share_sum_partitions(d.day, d.day)
FROM (SELECT DISTINCT (time AT TIME ZONE 'UTC')::date AS day FROM shares) d;
INSERT INTO share_sums (span, start, worker_id, journal, shares, work, best_share_difficulty)
SELECT 'minute', date_trunc('minute', time, 'UTC'), worker_id, journal, count(*), sum(work), max(share_difficulty)
FROM shares GROUP BY 2, 3, 4;
INSERT INTO share_sums (span, start, worker_id, journal, shares, work, best_share_difficulty)
SELECT s.span, date_trunc(s.span, m.start, 'UTC'), m.worker_id, m.journal, sum(m.shares), sum(m.work),
       max(m.best_share_difficulty)
FROM share_sums_minute m CROSS JOIN unnest(ARRAY['hour', 'day']) AS s (span)
GROUP BY 1, 2, 3, 4;
INSERT INTO height_sums (height, worker_id, journal, shares, work)
SELECT height, worker_id, journal, count(*), sum(work) FROM shares GROUP BY 1, 2, 3;

-- ---------------------------------------------------------------- what the network asks and pays

CREATE TABLE heights (
  height integer PRIMARY KEY CHECK (height >= 0),
  prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
  nbits bigint NOT NULL CHECK (nbits > 0 AND nbits < 4294967296),
  subsidy_sats bigint NOT NULL CHECK (subsidy_sats >= 0),
  coinbase_value_sats bigint NOT NULL CHECK (coinbase_value_sats >= subsidy_sats),
  time timestamptz NOT NULL
);
COMMENT ON TABLE heights IS 'What the network asked and paid at each height that the pool worked on, from its first work there. The first one stored stands: a reorganisation changes nothing that payouts count.';
COMMENT ON COLUMN heights.height IS 'Height of the block that was worked on.';
COMMENT ON COLUMN heights.prev_hash IS 'The block it was built on, in display order.';
COMMENT ON COLUMN heights.nbits IS 'The network''s target in its compact form, an unsigned 32-bit number.';
COMMENT ON COLUMN heights.subsidy_sats IS 'The block subsidy, without fees.';
COMMENT ON COLUMN heights.coinbase_value_sats IS 'Subsidy and the fees of the first complete template; the subsidy alone until there is one.';
COMMENT ON COLUMN heights.time IS 'When the template came.';

CREATE FUNCTION add_height(new_height integer, new_prev_hash bytea, new_nbits bigint,
                           new_subsidy_sats bigint, new_coinbase_value_sats bigint, at timestamptz)
RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO heights (height, prev_hash, nbits, subsidy_sats, coinbase_value_sats, time)
  VALUES (new_height, new_prev_hash, new_nbits, new_subsidy_sats, new_coinbase_value_sats, at)
  ON CONFLICT (height) DO UPDATE SET coinbase_value_sats = excluded.coinbase_value_sats
    WHERE heights.prev_hash = excluded.prev_hash AND heights.coinbase_value_sats = heights.subsidy_sats
      AND heights.subsidy_sats = excluded.subsidy_sats;
$$;
COMMENT ON FUNCTION add_height(integer, bytea, bigint, bigint, bigint, timestamptz) IS
  'Notes what the network asks and pays at a height. The first for a height stands, but that the fees of the first complete template replace empty work''s none.';

-- ---------------------------------------------------------------- blocks: what reaches the pool

ALTER TABLE blocks ADD COLUMN pool_sats bigint CHECK (pool_sats >= 0 AND pool_sats <= reward);
COMMENT ON COLUMN blocks.pool_sats IS 'What the coinbase''s first output pays, to the pool''s own address: the part of reward that is divided. The rest went straight to other outputs (coinbase_outputs). Null where the coinbase could not be read, and in blocks from before it was.';

-- ---------------------------------------------------------------- rejects

CREATE TABLE reject_sums (
  start timestamptz NOT NULL,
  worker_id bigint NOT NULL,
  reason text NOT NULL,
  journal integer NOT NULL,
  rejects bigint NOT NULL CHECK (rejects > 0),
  PRIMARY KEY (start, worker_id, reason, journal)
);
COMMENT ON TABLE reject_sums IS 'Rejected shares of a worker per hour and reason. Workers that never had a share accepted have no row in workers: they are counted together, as worker 0, so that nobody can fill the database with names.';
COMMENT ON COLUMN reject_sums.start IS 'Beginning of the hour, UTC.';
COMMENT ON COLUMN reject_sums.worker_id IS 'Whose: workers.id; 0 for all that have no row there.';
COMMENT ON COLUMN reject_sums.reason IS 'The reason as the miner was told it, in short: stale, duplicate, low_difficulty, …';
COMMENT ON COLUMN reject_sums.journal IS 'Which journal they came through: journal_positions.id.';
COMMENT ON COLUMN reject_sums.rejects IS 'How many.';

CREATE TABLE rejects (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  time timestamptz NOT NULL,
  worker_id bigint NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  user_agent text NOT NULL,
  job_id text NOT NULL,
  height integer,
  stale_ms bigint,
  difficulty double precision,
  share_difficulty double precision,
  hash bytea CHECK (octet_length(hash) = 32),
  ntime bigint,
  nonce bigint,
  version_bits bigint
);
CREATE INDEX rejects_by_worker ON rejects (worker_id, time DESC, id DESC);
CREATE INDEX rejects_by_time ON rejects (time);
COMMENT ON TABLE rejects IS 'The last rejected shares of each worker with all that is needed to understand them. At most a few a minute are kept of one worker; reject_sums counts all.';
COMMENT ON COLUMN rejects.id IS 'Order of arrival.';
COMMENT ON COLUMN rejects.time IS 'When it was refused.';
COMMENT ON COLUMN rejects.worker_id IS 'Whose it was: workers.id.';
COMMENT ON COLUMN rejects.reason IS 'As in reject_sums.';
COMMENT ON COLUMN rejects.detail IS 'What more the miner was told; may be empty.';
COMMENT ON COLUMN rejects.user_agent IS 'What the miner calls itself.';
COMMENT ON COLUMN rejects.job_id IS 'The job as the miner named it.';
COMMENT ON COLUMN rejects.height IS 'Height of that job; null where it is unknown.';
COMMENT ON COLUMN rejects.stale_ms IS 'For how long the job had been stale; null where it was not.';
COMMENT ON COLUMN rejects.difficulty IS 'Assigned difficulty; null where the share was not hashed.';
COMMENT ON COLUMN rejects.share_difficulty IS 'Difficulty that its hash met; null where it was not hashed.';
COMMENT ON COLUMN rejects.hash IS 'The header''s hash in display order; null where it was not hashed.';
COMMENT ON COLUMN rejects.ntime IS 'Submitted ntime, seconds since 1970.';
COMMENT ON COLUMN rejects.nonce IS 'Submitted nonce.';
COMMENT ON COLUMN rejects.version_bits IS 'Submitted version bits; null where there were none.';

CREATE FUNCTION add_rejects(from_journal integer, starts timestamptz[], addresses text[], names text[],
                            reasons text[], counts bigint[])
RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO reject_sums AS s (start, worker_id, reason, journal, rejects)
  SELECT t.start, coalesce(w.id, 0), t.reason, from_journal, sum(t.rejects)
  FROM unnest(starts, addresses, names, reasons, counts) AS t (start, address, name, reason, rejects)
  LEFT JOIN miners m ON m.address = t.address
  LEFT JOIN workers w ON w.miner_id = m.id AND w.name = t.name
  GROUP BY 1, 2, 3
  ON CONFLICT (start, worker_id, reason, journal) DO UPDATE SET rejects = s.rejects + excluded.rejects;
$$;
COMMENT ON FUNCTION add_rejects(integer, timestamptz[], text[], text[], text[], bigint[]) IS
  'Adds counts of rejects to reject_sums: element i of each array is one count; starts are hours.';

CREATE FUNCTION add_reject(address_text text, name_text text, at timestamptz, new_reason text,
                           new_detail text, agent text, job text, job_height integer, stale bigint,
                           assigned double precision, met double precision, share_hash bytea,
                           submitted_ntime bigint, submitted_nonce bigint, submitted_bits bigint,
                           keep integer)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
  worker bigint := (SELECT w.id FROM workers w JOIN miners m ON m.id = w.miner_id
                    WHERE m.address = address_text AND w.name = name_text);
BEGIN
  IF worker IS NULL THEN
    RETURN;  -- a name that nothing was ever accepted for takes no room
  END IF;
  INSERT INTO rejects (time, worker_id, reason, detail, user_agent, job_id, height, stale_ms, difficulty,
                       share_difficulty, hash, ntime, nonce, version_bits)
  VALUES (at, worker, new_reason, new_detail, agent, job, job_height, stale, assigned, met, share_hash,
          submitted_ntime, submitted_nonce, submitted_bits);
  -- Of two pools that have the same workers neither waits for the other here: what one leaves, the next call takes.
  DELETE FROM rejects WHERE id IN
    (SELECT r.id FROM rejects r
     WHERE r.id IN (SELECT o.id FROM rejects o WHERE o.worker_id = worker ORDER BY o.time DESC, o.id DESC OFFSET keep)
     FOR UPDATE SKIP LOCKED);
END;
$$;
COMMENT ON FUNCTION add_reject(text, text, timestamptz, text, text, text, text, integer, bigint, double precision, double precision, bytea, bigint, bigint, bigint, integer) IS
  'Notes a rejected share of a worker that is known, and forgets its oldest ones beyond the number to keep.';

-- ---------------------------------------------------------------- the journals

ALTER TABLE journal_positions ADD COLUMN stored_to timestamptz, ADD COLUMN retired_at timestamptz;
COMMENT ON COLUMN journal_positions.stored_to IS 'Time of the last record that is stored, of whatever kind: a pool that lives writes some at every new tip. Null before the first.';
COMMENT ON COLUMN journal_positions.retired_at IS 'When the operator said that nothing more will come from this journal; null while it may.';
UPDATE journal_positions SET stored_to = updated_at;

CREATE FUNCTION retire_journal(journal_id integer)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  UPDATE journal_positions SET retired_at = now() WHERE id = journal_id AND retired_at IS NULL;
  IF NOT FOUND AND NOT EXISTS (SELECT FROM journal_positions WHERE id = journal_id) THEN
    RAISE EXCEPTION 'journal %: there is none', journal_id
      USING ERRCODE = 'PH003', HINT = 'SELECT id, journal, stored_to FROM journal_positions shows them.';
  END IF;
END;
$$;
COMMENT ON FUNCTION retire_journal(integer) IS
  'The operator''s word that a pool is gone for good, and nothing more will come from its journal: payouts do not wait for it any more. A record that comes all the same takes the word back.';

-- ---------------------------------------------------------------- the journal's segments

CREATE TABLE journal_segments (
  journal integer NOT NULL,
  segment bigint NOT NULL,
  first_sequence bigint NOT NULL,
  last_sequence bigint NOT NULL,
  bytes bigint NOT NULL CHECK (bytes > 0),
  sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
  prev_sha256 bytea NOT NULL CHECK (octet_length(prev_sha256) = 32),
  stored_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (journal, segment)
);
COMMENT ON TABLE journal_segments IS 'The closed segments of each journal, as the header of the next one commits to them. A segment is here once the first record behind it is stored.';
COMMENT ON COLUMN journal_segments.journal IS 'Whose: journal_positions.id.';
COMMENT ON COLUMN journal_segments.segment IS 'Number of the segment: its file is named after it, in 16 hex digits.';
COMMENT ON COLUMN journal_segments.first_sequence IS 'Sequence number that its first record has, or would have.';
COMMENT ON COLUMN journal_segments.last_sequence IS 'Sequence number of its last record; first_sequence - 1 where it has none.';
COMMENT ON COLUMN journal_segments.bytes IS 'How much of the file counts; a torn tail behind it does not.';
COMMENT ON COLUMN journal_segments.sha256 IS 'SHA-256 of those bytes.';
COMMENT ON COLUMN journal_segments.prev_sha256 IS 'The SHA-256 that its own header holds, of the segment before; zeros in the first.';
COMMENT ON COLUMN journal_segments.stored_at IS 'When the row was written.';

-- ---------------------------------------------------------------- coherence work

CREATE TABLE coherence_chain (
  height integer PRIMARY KEY CHECK (height >= 0),
  hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
  time timestamptz NOT NULL,
  bits bigint NOT NULL,
  level integer NOT NULL,
  merkle_root bytea NOT NULL CHECK (octet_length(merkle_root) = 32),
  bitcoin_tip bytea NOT NULL CHECK (octet_length(bitcoin_tip) = 32),
  proof_id bigint NOT NULL
);
COMMENT ON TABLE coherence_chain IS 'The proof chain: each block commits to the one before, to the Bitcoin tip and to the journal''s segments since.';
COMMENT ON COLUMN coherence_chain.height IS 'Height in the proof chain; one block for each.';
COMMENT ON COLUMN coherence_chain.hash IS 'Work hash of the block.';
COMMENT ON COLUMN coherence_chain.prev_hash IS 'Hash of the block before; zeros in the first.';
COMMENT ON COLUMN coherence_chain.time IS 'The block''s own time.';
COMMENT ON COLUMN coherence_chain.bits IS 'Target in its compact form.';
COMMENT ON COLUMN coherence_chain.level IS 'Level of the coherence work.';
COMMENT ON COLUMN coherence_chain.merkle_root IS 'Merkle root over the Bitcoin tip and the journal''s segments since the block before.';
COMMENT ON COLUMN coherence_chain.bitcoin_tip IS 'The Bitcoin block that was the tip, in display order.';
COMMENT ON COLUMN coherence_chain.proof_id IS 'The proof that made the block: coherence_proofs.id.';

CREATE TABLE coherence_proofs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  time timestamptz NOT NULL,
  journal integer NOT NULL,
  sequence bigint NOT NULL,
  worker_id bigint NOT NULL REFERENCES workers (id),
  chain_height integer NOT NULL,
  header bytea NOT NULL,
  attempt numeric(20, 0) NOT NULL,
  bloom_start integer NOT NULL,
  bloom_end integer NOT NULL CHECK (bloom_end >= bloom_start),
  r_q bigint NOT NULL,
  psi_q bigint NOT NULL,
  work numeric NOT NULL CHECK (work >= 0),
  seconds double precision,
  cert_hash bytea NOT NULL CHECK (octet_length(cert_hash) = 32),
  work_hash bytea NOT NULL CHECK (octet_length(work_hash) = 32),
  certificate bytea NOT NULL,
  UNIQUE (journal, sequence)
);
CREATE INDEX coherence_proofs_by_time ON coherence_proofs (time);
CREATE INDEX coherence_proofs_by_worker ON coherence_proofs (worker_id, time DESC);
COMMENT ON TABLE coherence_proofs IS 'Accepted coherence proofs, each with its whole certificate.';
COMMENT ON COLUMN coherence_proofs.id IS 'Short name of the proof.';
COMMENT ON COLUMN coherence_proofs.time IS 'When the pool accepted it.';
COMMENT ON COLUMN coherence_proofs.journal IS 'Which journal it came through: journal_positions.id.';
COMMENT ON COLUMN coherence_proofs.sequence IS 'Its number in that journal.';
COMMENT ON COLUMN coherence_proofs.worker_id IS 'Who found it: workers.id.';
COMMENT ON COLUMN coherence_proofs.chain_height IS 'Height of the proof chain that was worked on.';
COMMENT ON COLUMN coherence_proofs.header IS 'The job''s header as it was hashed.';
COMMENT ON COLUMN coherence_proofs.attempt IS 'Number of the attempt, an unsigned 64-bit number.';
COMMENT ON COLUMN coherence_proofs.bloom_start IS 'Round in which the order parameter rose above its threshold.';
COMMENT ON COLUMN coherence_proofs.bloom_end IS 'Round in which the bloom was complete: rounds that were computed.';
COMMENT ON COLUMN coherence_proofs.r_q IS 'Order parameter at the end, in the certificate''s fixed-point form.';
COMMENT ON COLUMN coherence_proofs.psi_q IS 'Mean phase at the end, in the certificate''s fixed-point form.';
COMMENT ON COLUMN coherence_proofs.work IS 'Weight of the proof: expected rounds at its assigned target. Exact.';
COMMENT ON COLUMN coherence_proofs.seconds IS 'Time that the miner took since its proof before, as the pool measured it; null for the first. For the energy estimate, not for payouts.';
COMMENT ON COLUMN coherence_proofs.cert_hash IS 'Hash of the certificate.';
COMMENT ON COLUMN coherence_proofs.work_hash IS 'Hash that met the target.';
COMMENT ON COLUMN coherence_proofs.certificate IS 'The certificate: enough to verify the proof with nothing else.';

CREATE TABLE coherence_sums (
  span text NOT NULL CHECK (span IN ('minute', 'hour', 'day')),
  start timestamptz NOT NULL,
  worker_id bigint NOT NULL,
  journal integer NOT NULL,
  proofs bigint NOT NULL CHECK (proofs > 0),
  work numeric NOT NULL CHECK (work >= 0),
  PRIMARY KEY (span, start, worker_id, journal)
);
COMMENT ON TABLE coherence_sums IS 'Accepted coherence proofs of a worker per minute, hour and day, as share_sums counts shares.';
COMMENT ON COLUMN coherence_sums.span IS 'minute, hour or day (UTC).';
COMMENT ON COLUMN coherence_sums.start IS 'Beginning of the minute, hour or day.';
COMMENT ON COLUMN coherence_sums.worker_id IS 'Who found them: workers.id.';
COMMENT ON COLUMN coherence_sums.journal IS 'Which journal they came through: journal_positions.id.';
COMMENT ON COLUMN coherence_sums.proofs IS 'How many.';
COMMENT ON COLUMN coherence_sums.work IS 'Sum of coherence_proofs.work: exact.';

-- ---------------------------------------------------------------- rights

REVOKE EXECUTE ON FUNCTION ensure_share_sum_partitions(date, date), retire_journal(integer) FROM PUBLIC;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool') THEN
    GRANT SELECT, INSERT, UPDATE ON share_sums, height_sums, reject_sums, coherence_sums TO phasepool;
    GRANT SELECT, INSERT ON heights, journal_segments, coherence_chain, coherence_proofs TO phasepool;
    GRANT UPDATE (coinbase_value_sats) ON heights TO phasepool;  -- what add_height() changes, and no payout counts
    GRANT SELECT, INSERT, UPDATE, DELETE ON rejects TO phasepool;
    GRANT EXECUTE ON FUNCTION ensure_share_sum_partitions(date, date) TO phasepool;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT ON share_sums, height_sums, reject_sums, rejects, heights, journal_segments,
      coherence_chain, coherence_proofs, coherence_sums TO phasepool_web;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_reports') THEN
    GRANT SELECT ON share_sums, height_sums, reject_sums, rejects, heights, journal_segments,
      coherence_chain, coherence_proofs, coherence_sums TO phasepool_reports;
  END IF;
END;
$$;
