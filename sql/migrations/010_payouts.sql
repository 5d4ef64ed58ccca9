-- How rewards are divided: schemes, runs, and the ledger. docs/payouts.md explains each scheme with an example.
--
-- Everything is counted in integers: satoshis are bigint, work is numeric without a fraction, and where something
-- must be divided it is by div(), whose remainders split_by_largest_remainder() gives out. A run is computed by STABLE
-- functions, which see one snapshot of the database however many questions they ask: shares, sums and the journals'
-- positions agree in it, because the store moves all three in one transaction.
--
-- Errors: class PH1, listed in sql/README.md.

-- ---------------------------------------------------------------- exact arithmetic

CREATE FUNCTION nbits_target(nbits bigint)
RETURNS numeric
LANGUAGE plpgsql
IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
  size integer := nbits >> 24;
  mantissa bigint := nbits & 8388607;  -- 0x7fffff
  target numeric;
BEGIN
  IF nbits BETWEEN 1 AND 4294967295 AND nbits & 8388608 = 0 THEN  -- 0x800000 is the sign
    target := CASE WHEN size <= 3 THEN mantissa >> (8 * (3 - size)) ELSE mantissa * trunc(256::numeric ^ (size - 3)) END;
  END IF;
  IF coalesce(target, 0) < 1 OR target >= trunc(2::numeric ^ 256) THEN
    RAISE EXCEPTION 'nbits %: not a target between 1 and 2^256 - 1', nbits
      USING ERRCODE = 'PH117', HINT = 'Give the compact target of a block header, as an unsigned 32-bit number.';
  END IF;
  RETURN target;
END;
$$;
COMMENT ON FUNCTION nbits_target(bigint) IS 'The target that a header''s nbits stand for, exactly.';

CREATE FUNCTION target_work(target numeric)
RETURNS numeric
LANGUAGE sql
IMMUTABLE STRICT PARALLEL SAFE
RETURN div(trunc(2::numeric ^ 256), target + 1);
COMMENT ON FUNCTION target_work(numeric) IS 'Expected hashes to meet a target: 2^256 / (target + 1), rounded down.';

CREATE FUNCTION nbits_work(nbits bigint)
RETURNS numeric
LANGUAGE sql
IMMUTABLE STRICT PARALLEL SAFE
RETURN target_work(nbits_target(nbits));
COMMENT ON FUNCTION nbits_work(bigint) IS 'Expected hashes for a block at these nbits: the network''s work.';

CREATE FUNCTION header_nbits(header bytea)
RETURNS bigint
LANGUAGE sql
IMMUTABLE STRICT PARALLEL SAFE
RETURN get_byte(header, 72) + (get_byte(header, 73)::bigint << 8) + (get_byte(header, 74)::bigint << 16)
  + (get_byte(header, 75)::bigint << 24);
COMMENT ON FUNCTION header_nbits(bytea) IS 'The nbits of an 80-byte block header.';

CREATE FUNCTION split_by_largest_remainder(amount numeric, keys text[], weights numeric[])
RETURNS numeric[]
LANGUAGE plpgsql
IMMUTABLE
AS $$
DECLARE
  total numeric;
  wrong text;
BEGIN
  SELECT CASE
      WHEN amount IS NULL OR amount < 0 OR amount >= 'infinity' OR amount <> trunc(amount) THEN format('amount %s', coalesce(amount::text, 'null'))
      WHEN cardinality(keys) IS DISTINCT FROM cardinality(weights) THEN
        format('%s keys for %s weights', coalesce(cardinality(keys), 0), coalesce(cardinality(weights), 0))
      WHEN count(*) > count(DISTINCT t.key) THEN format('%s keys, of which %s are different', count(*), count(DISTINCT t.key))
      WHEN count(*) > count(t.weight) OR min(t.weight) < 0 OR max(t.weight) >= 'infinity' OR bool_or(t.weight <> trunc(t.weight)) THEN
        format('weights from %s to %s', coalesce(min(t.weight)::text, 'null'), coalesce(max(t.weight)::text, 'null'))
    END, coalesce(sum(t.weight), 0)
    INTO wrong, total
    FROM unnest(keys, weights) AS t (key, weight);
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'split_by_largest_remainder: %', wrong
      USING ERRCODE = 'PH118', HINT = 'Amount and weights are integers from 0, and each weight has a key of its own.';
  END IF;
  IF total = 0 AND amount > 0 THEN
    RAISE EXCEPTION 'split_by_largest_remainder: % among weights that are all 0', amount
      USING ERRCODE = 'PH114', HINT = 'There is no work to divide by.';
  END IF;
  RETURN ARRAY(
    SELECT p.part + CASE WHEN p.place <= amount - p.parts THEN 1 ELSE 0 END
    FROM (SELECT q.i, q.part, sum(q.part) OVER () AS parts,
            row_number() OVER (ORDER BY q.product - q.part * total DESC, q.key COLLATE "C") AS place
          FROM (SELECT t.i, t.key, amount * t.weight AS product, coalesce(div(amount * t.weight, nullif(total, 0)), 0) AS part
                FROM unnest(keys, weights) WITH ORDINALITY AS t (key, weight, i)) q) p
    ORDER BY p.i);
END;
$$;
COMMENT ON FUNCTION split_by_largest_remainder(numeric, text[], numeric[]) IS
  'Divides an integer amount by integer weights: each gets amount * weight / total rounded down, and what is left goes one each to the largest remainders; of equal ones to the key that comes first in byte order. The parts add up to amount, in the order of the keys.';

CREATE FUNCTION micros(at timestamptz)
RETURNS bigint
LANGUAGE sql
IMMUTABLE STRICT PARALLEL SAFE
RETURN (extract(epoch FROM at) * 1000000)::bigint;
COMMENT ON FUNCTION micros(timestamptz) IS 'A time in microseconds since 1970: the unit of the journal.';

-- ---------------------------------------------------------------- which scheme when

CREATE TABLE payout_schemes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  valid_from timestamptz NOT NULL,
  last_noted timestamptz NOT NULL,
  scheme text NOT NULL CHECK (scheme IN ('pplns', 'prop', 'pps', 'solo')),
  pplns_window numeric NOT NULL CHECK (pplns_window > 0 AND pplns_window < 1e12 AND scale(pplns_window) <= 18),
  fee_ppm integer NOT NULL CHECK (fee_ppm >= 0),
  coherence_ppm integer NOT NULL CHECK (coherence_ppm >= 0),
  minimum_sats bigint NOT NULL CHECK (minimum_sats BETWEEN 0 AND 2100000000000000),
  open_windows boolean NOT NULL DEFAULT false,
  CHECK (fee_ppm::bigint + coherence_ppm <= 1000000),
  CHECK (last_noted >= valid_from)
);
CREATE INDEX payout_schemes_by_time ON payout_schemes (valid_from, id);
COMMENT ON TABLE payout_schemes IS 'How rewards were to be divided from when on, as the pools'' configurations said.';
COMMENT ON COLUMN payout_schemes.id IS 'Short name of the scheme; a run names the one it used.';
COMMENT ON COLUMN payout_schemes.valid_from IS 'In force from here to the next row''s valid_from.';
COMMENT ON COLUMN payout_schemes.last_noted IS 'When a pool last started with it.';
COMMENT ON COLUMN payout_schemes.scheme IS 'pplns, prop, pps or solo.';
COMMENT ON COLUMN payout_schemes.pplns_window IS 'PPLNS: the window as a multiple of the network''s work at the block. Exact.';
COMMENT ON COLUMN payout_schemes.fee_ppm IS 'The pool''s part of each reward, in millionths.';
COMMENT ON COLUMN payout_schemes.coherence_ppm IS 'The part of each reward that coherence work divides, in millionths.';
COMMENT ON COLUMN payout_schemes.minimum_sats IS 'Balances below it are carried, not paid.';
COMMENT ON COLUMN payout_schemes.open_windows IS 'Whether it may also divide windows that began under another scheme: see accept_scheme_change().';

CREATE FUNCTION scheme_at(at timestamptz)
RETURNS payout_schemes
LANGUAGE sql
STABLE
AS $$
  SELECT * FROM payout_schemes WHERE valid_from <= at ORDER BY valid_from DESC, id DESC LIMIT 1;
$$;
COMMENT ON FUNCTION scheme_at(timestamptz) IS 'The scheme in force at a time; nulls before the first.';

CREATE FUNCTION note_payout_scheme(at timestamptz, new_scheme text, new_window numeric, new_fee_ppm bigint,
                                   new_coherence_ppm bigint, new_minimum_sats bigint)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
  since timestamptz := least(at, clock_timestamp());  -- a clock that is ahead must not hold back what comes next
  before payout_schemes;
  new_id bigint;
BEGIN
  IF since IS NULL OR since < '2009-01-03Z' OR new_scheme IS NULL OR new_scheme NOT IN ('pplns', 'prop', 'pps', 'solo')
     OR coalesce(new_window <= 0 OR new_window >= 1e12 OR scale(new_window) > 18, true)
     OR coalesce(least(new_fee_ppm, new_coherence_ppm) < 0 OR new_fee_ppm + new_coherence_ppm > 1000000, true)
     OR coalesce(new_minimum_sats NOT BETWEEN 0 AND 2100000000000000, true) THEN
    RAISE EXCEPTION 'payout scheme % from %, window %, fee % ppm, coherence % ppm, minimum % sats: not one that can be',
        new_scheme, at, new_window, new_fee_ppm, new_coherence_ppm, new_minimum_sats
      USING ERRCODE = 'PH111', HINT = 'pplns, prop, pps or solo; a window above 0 and below 10^12 with at most 18 decimals; parts from 0, together at most 1000000 ppm; a minimum from 0 to 21 million bitcoins.';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('phasepool payout_schemes'));
  before := scheme_at(since);
  IF (before.scheme, before.pplns_window, before.fee_ppm, before.coherence_ppm, before.minimum_sats)
     IS NOT DISTINCT FROM (new_scheme, new_window, new_fee_ppm, new_coherence_ppm, new_minimum_sats) THEN
    UPDATE payout_schemes SET last_noted = since WHERE id = before.id AND last_noted < since;
    RETURN before.id;
  END IF;
  IF before.last_noted > since THEN
    -- A record that comes late, from another journal: what was noted after it goes on being in force after it.
    INSERT INTO payout_schemes (valid_from, last_noted, scheme, pplns_window, fee_ppm, coherence_ppm, minimum_sats, open_windows)
    VALUES (before.last_noted, before.last_noted, before.scheme, before.pplns_window, before.fee_ppm,
            before.coherence_ppm, before.minimum_sats, before.open_windows);
    UPDATE payout_schemes SET last_noted = valid_from WHERE id = before.id;
  END IF;
  INSERT INTO payout_schemes (valid_from, last_noted, scheme, pplns_window, fee_ppm, coherence_ppm, minimum_sats)
  VALUES (since, since, new_scheme, new_window, new_fee_ppm, new_coherence_ppm, new_minimum_sats)
  RETURNING id INTO new_id;
  RETURN new_id;
END;
$$;
COMMENT ON FUNCTION note_payout_scheme(timestamptz, text, numeric, bigint, bigint, bigint) IS
  'Notes what a pool''s configuration says at its start: a new row where it differs from what is in force at that time; returns the row''s id. A time ahead of this server''s counts as now.';

CREATE FUNCTION accept_scheme_change(wanted_scheme_id bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  UPDATE payout_schemes SET open_windows = true WHERE id = wanted_scheme_id;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'payout scheme %: there is none', wanted_scheme_id
      USING ERRCODE = 'PH107', HINT = 'SELECT * FROM payout_schemes shows them.';
  END IF;
END;
$$;
COMMENT ON FUNCTION accept_scheme_change(bigint) IS
  'The operator''s word that a scheme may divide windows that began under another one. Without it such blocks wait for a run with an explicit scheme.';

-- ---------------------------------------------------------------- runs

CREATE TABLE payout_runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('block', 'pps')),
  state text NOT NULL DEFAULT 'applied' CHECK (state IN ('applied', 'reversed', 'withdrawn')),
  created_at timestamptz NOT NULL DEFAULT now(),
  block_hash bytea REFERENCES blocks (hash),
  height integer,
  end_time timestamptz NOT NULL,
  scheme_id bigint NOT NULL REFERENCES payout_schemes (id),
  scheme text NOT NULL CHECK (scheme IN ('pplns', 'prop', 'pps', 'solo')),
  pplns_window numeric NOT NULL,
  fee_ppm integer NOT NULL,
  coherence_ppm integer NOT NULL,
  reward_sats bigint NOT NULL CHECK (reward_sats >= 0),
  direct_sats bigint NOT NULL CHECK (direct_sats >= 0),
  nbits bigint,
  window_work numeric,
  finder_id bigint REFERENCES miners (id),
  start_kind text NOT NULL CHECK (start_kind IN ('all', 'share', 'minute', 'hour', 'day', 'after')),
  start_time timestamptz CHECK ((start_time IS NULL) = (start_kind = 'all')),
  start_journal integer CHECK ((start_journal IS NULL) = (start_kind <> 'share')),
  start_sequence bigint CHECK ((start_sequence IS NULL) = (start_kind <> 'share')),
  start_work numeric CHECK ((start_work IS NULL) = (start_kind IN ('all', 'after'))),
  from_height integer,
  to_height integer,
  work numeric NOT NULL CHECK (work >= 0),
  coherence_work numeric NOT NULL CHECK (coherence_work >= 0),
  fee_sats bigint NOT NULL CHECK (fee_sats >= 0),
  coherence_sats bigint NOT NULL CHECK (coherence_sats >= 0),
  reserve_sats bigint NOT NULL CHECK (reserve_sats >= 0),
  digest bytea NOT NULL CHECK (octet_length(digest) = 32),
  CHECK ((kind = 'block') = (block_hash IS NOT NULL AND height IS NOT NULL AND nbits IS NOT NULL AND finder_id IS NOT NULL)),
  CHECK ((kind = 'pps') = (from_height IS NOT NULL AND to_height IS NOT NULL))
);
CREATE UNIQUE INDEX payout_runs_of_block ON payout_runs (block_hash) WHERE state <> 'withdrawn';
CREATE INDEX payout_runs_by_time ON payout_runs (end_time);
COMMENT ON TABLE payout_runs IS 'Each division of a reward, with everything it came from. Only state ever changes.';
COMMENT ON COLUMN payout_runs.id IS 'Short name of the run.';
COMMENT ON COLUMN payout_runs.kind IS 'block: a block''s reward. pps: shares are credited at their expected value.';
COMMENT ON COLUMN payout_runs.state IS 'applied; reversed: its block is not confirmed any more, and it is restored when that changes; withdrawn: taken back by the operator, and another may be made.';
COMMENT ON COLUMN payout_runs.created_at IS 'When it was made.';
COMMENT ON COLUMN payout_runs.block_hash IS 'The block in display order; null for pps.';
COMMENT ON COLUMN payout_runs.height IS 'Height of the block; null for pps.';
COMMENT ON COLUMN payout_runs.end_time IS 'The window''s end, inclusive: the block''s time; for pps when work on the height after to_height began.';
COMMENT ON COLUMN payout_runs.scheme_id IS 'Which row of payout_schemes.';
COMMENT ON COLUMN payout_runs.scheme IS 'As that row says.';
COMMENT ON COLUMN payout_runs.pplns_window IS 'As that row says.';
COMMENT ON COLUMN payout_runs.fee_ppm IS 'As that row says.';
COMMENT ON COLUMN payout_runs.coherence_ppm IS 'As that row says.';
COMMENT ON COLUMN payout_runs.reward_sats IS 'What is divided: blocks.pool_sats; for pps the value of the credited work.';
COMMENT ON COLUMN payout_runs.direct_sats IS 'What the coinbase paid to others.';
COMMENT ON COLUMN payout_runs.nbits IS 'The block''s nbits; null for pps.';
COMMENT ON COLUMN payout_runs.window_work IS 'PPLNS: work that the window is to hold: pplns_window * nbits_work(nbits), rounded down. Null otherwise.';
COMMENT ON COLUMN payout_runs.finder_id IS 'Who found the block: miners.id; null for pps.';
COMMENT ON COLUMN payout_runs.start_kind IS 'Where the window begins. all: with the first share there is. share: with a share, of which start_work counts. minute, hour, day: with a minute (hour, day) whose single shares (minutes, hours) were dropped already; start_work of its work counts, in proportion. after: behind start_time.';
COMMENT ON COLUMN payout_runs.start_time IS 'The time of that share; the beginning of that minute, hour or day; or the time behind which the window begins.';
COMMENT ON COLUMN payout_runs.start_journal IS 'The share''s journal.';
COMMENT ON COLUMN payout_runs.start_sequence IS 'The share''s number in it.';
COMMENT ON COLUMN payout_runs.start_work IS 'How much of its work counts, so that the window holds window_work exactly.';
COMMENT ON COLUMN payout_runs.from_height IS 'PPS: first height that was credited.';
COMMENT ON COLUMN payout_runs.to_height IS 'PPS: up to which height, inclusive.';
COMMENT ON COLUMN payout_runs.work IS 'Work that was counted.';
COMMENT ON COLUMN payout_runs.coherence_work IS 'Coherence work that was counted; 0 where coherence_ppm is 0.';
COMMENT ON COLUMN payout_runs.fee_sats IS 'The pool''s fee: reward_sats * fee_ppm / 10^6, rounded down.';
COMMENT ON COLUMN payout_runs.coherence_sats IS 'The coherence part, rounded down; 0 where nobody did coherence work, whereupon it stays with the others.';
COMMENT ON COLUMN payout_runs.reserve_sats IS 'What the operator''s reserve gets: the reward of a block under PPS.';
COMMENT ON COLUMN payout_runs.digest IS 'SHA-256 of the canonical text: payout_text(stored_run(id)).';

CREATE TABLE payout_run_journals (
  run_id bigint NOT NULL REFERENCES payout_runs (id),
  journal integer NOT NULL,
  journal_uuid uuid NOT NULL,
  sequence bigint NOT NULL,
  PRIMARY KEY (run_id, journal)
);
COMMENT ON TABLE payout_run_journals IS 'How far each journal was stored when a run was made: shares behind that came too late for it.';
COMMENT ON COLUMN payout_run_journals.run_id IS 'Which run.';
COMMENT ON COLUMN payout_run_journals.journal IS 'Which journal: journal_positions.id.';
COMMENT ON COLUMN payout_run_journals.journal_uuid IS 'The journal''s own id.';
COMMENT ON COLUMN payout_run_journals.sequence IS 'Number of the last record that was stored.';

CREATE TABLE payout_items (
  run_id bigint NOT NULL REFERENCES payout_runs (id),
  miner_id bigint NOT NULL REFERENCES miners (id),
  address text NOT NULL,
  work numeric NOT NULL CHECK (work >= 0),
  edge_work numeric NOT NULL CHECK (edge_work BETWEEN 0 AND work),
  coherence_work numeric NOT NULL CHECK (coherence_work >= 0),
  coherence_edge_work numeric NOT NULL CHECK (coherence_edge_work BETWEEN 0 AND coherence_work),
  value_sats numeric NOT NULL CHECK (value_sats BETWEEN 0 AND 2100000000000000),
  share_sats bigint NOT NULL CHECK (share_sats >= 0),
  coherence_sats bigint NOT NULL CHECK (coherence_sats >= 0),
  amount_sats bigint GENERATED ALWAYS AS (share_sats + coherence_sats) STORED,
  PRIMARY KEY (run_id, miner_id)
);
CREATE INDEX payout_items_by_miner ON payout_items (miner_id, run_id);
COMMENT ON TABLE payout_items IS 'What each miner gets of a run, and for what.';
COMMENT ON COLUMN payout_items.run_id IS 'Which run.';
COMMENT ON COLUMN payout_items.miner_id IS 'Who.';
COMMENT ON COLUMN payout_items.address IS 'The miner''s address, of which the canonical text is made.';
COMMENT ON COLUMN payout_items.work IS 'The miner''s work in the window; 1 for SOLO''s finder; for pps what is newly credited.';
COMMENT ON COLUMN payout_items.edge_work IS 'Part of work that lies in minutes of which not all counts, and which sums of minutes can''t tell: kept, so that a run can be recomputed without the shares.';
COMMENT ON COLUMN payout_items.coherence_work IS 'The miner''s coherence work in the window.';
COMMENT ON COLUMN payout_items.coherence_edge_work IS 'As edge_work.';
COMMENT ON COLUMN payout_items.value_sats IS 'PPS: expected value of the newly credited work before fees; 0 otherwise.';
COMMENT ON COLUMN payout_items.share_sats IS 'For shares.';
COMMENT ON COLUMN payout_items.coherence_sats IS 'For coherence work.';
COMMENT ON COLUMN payout_items.amount_sats IS 'Both.';

CREATE TABLE payout_run_heights (
  run_id bigint NOT NULL REFERENCES payout_runs (id),
  height integer NOT NULL,
  nbits bigint NOT NULL,
  subsidy_sats bigint NOT NULL,
  work numeric NOT NULL CHECK (work >= 0),
  value_sats numeric NOT NULL CHECK (value_sats BETWEEN 0 AND 2100000000000000),
  PRIMARY KEY (run_id, height)
);
CREATE INDEX payout_run_heights_by_height ON payout_run_heights (height);
COMMENT ON TABLE payout_run_heights IS 'The heights that a PPS run credits, and at what price.';
COMMENT ON COLUMN payout_run_heights.run_id IS 'Which run.';
COMMENT ON COLUMN payout_run_heights.height IS 'Height that was worked on.';
COMMENT ON COLUMN payout_run_heights.nbits IS 'What the network asked there: heights.nbits.';
COMMENT ON COLUMN payout_run_heights.subsidy_sats IS 'What it paid: heights.subsidy_sats.';
COMMENT ON COLUMN payout_run_heights.work IS 'Work that is newly credited.';
COMMENT ON COLUMN payout_run_heights.value_sats IS 'Its value.';

CREATE TABLE pps_credits (
  height integer NOT NULL,
  miner_id bigint NOT NULL,
  run_id bigint NOT NULL,
  before_work numeric NOT NULL CHECK (before_work >= 0),
  work numeric NOT NULL CHECK (work > 0),
  value_sats numeric NOT NULL CHECK (value_sats BETWEEN 0 AND 2100000000000000),
  PRIMARY KEY (height, miner_id, run_id)
);
COMMENT ON TABLE pps_credits IS 'Work that PPS runs have credited, by height and miner. Rows come by store_run() only, a million and more at a time, so they carry no foreign keys.';
COMMENT ON COLUMN pps_credits.height IS 'Height that was worked on.';
COMMENT ON COLUMN pps_credits.miner_id IS 'Whose work.';
COMMENT ON COLUMN pps_credits.run_id IS 'Which run; those that were withdrawn do not count.';
COMMENT ON COLUMN pps_credits.before_work IS 'What earlier runs had credited of it.';
COMMENT ON COLUMN pps_credits.work IS 'What this run adds.';
COMMENT ON COLUMN pps_credits.value_sats IS 'Value of both together, rounded down, less that of before_work, rounded down: so the sum is the same however often runs are made.';

CREATE TABLE pps_pending (
  height integer NOT NULL,
  journal integer NOT NULL,
  changes bigint NOT NULL DEFAULT 1,
  PRIMARY KEY (height, journal)
);
COMMENT ON TABLE pps_pending IS 'Heights at which shares were stored that no PPS run has looked at. By journal, so that pools never wait for each other''s rows.';
COMMENT ON COLUMN pps_pending.height IS 'Height that was worked on.';
COMMENT ON COLUMN pps_pending.journal IS 'Which journal the shares came through.';
COMMENT ON COLUMN pps_pending.changes IS 'Counts batches: a run takes the row away only if none has come since it looked.';

INSERT INTO pps_pending (height, journal) SELECT DISTINCT height, journal FROM height_sums;

CREATE FUNCTION note_pending_heights()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
  INSERT INTO pps_pending AS p (height, journal) SELECT DISTINCT a.height, a.journal FROM added a ORDER BY 1, 2
    ON CONFLICT (height, journal) DO UPDATE SET changes = p.changes + 1;
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION note_pending_heights() IS 'Trigger of height_sums: fills pps_pending.';
CREATE TRIGGER pending_heights_inserted AFTER INSERT ON height_sums REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION note_pending_heights();
CREATE TRIGGER pending_heights_updated AFTER UPDATE ON height_sums REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION note_pending_heights();

CREATE TYPE payout_draft AS (
  run payout_runs,
  journals payout_run_journals[],
  items payout_items[],
  heights payout_run_heights[],
  credits pps_credits[]
);
COMMENT ON TYPE payout_draft IS 'A run as it is or would be stored: the rows of each table.';
COMMENT ON COLUMN payout_draft.run IS 'Row of payout_runs; id, created_at and state may be null.';
COMMENT ON COLUMN payout_draft.journals IS 'Rows of payout_run_journals.';
COMMENT ON COLUMN payout_draft.items IS 'Rows of payout_items.';
COMMENT ON COLUMN payout_draft.heights IS 'Rows of payout_run_heights.';
COMMENT ON COLUMN payout_draft.credits IS 'Rows of pps_credits.';

CREATE FUNCTION payout_text(draft payout_draft)
RETURNS text
LANGUAGE sql
STABLE
AS $$
  SELECT concat(
    E'phasepool-payout 1\n',
    'kind ', r.kind, E'\n',
    'block ', coalesce(encode(r.block_hash, 'hex'), '-'), E'\n',
    'height ', coalesce(r.height::text, '-'), E'\n',
    'end ', micros(r.end_time), E'\n',
    'scheme ', r.scheme, E'\n',
    'pplns_window ', trim_scale(r.pplns_window), E'\n',
    'fee_ppm ', r.fee_ppm, E'\n',
    'coherence_ppm ', r.coherence_ppm, E'\n',
    'reward_sats ', r.reward_sats, E'\n',
    'nbits ', coalesce(lpad(to_hex(r.nbits), 8, '0'), '-'), E'\n',
    'window_work ', coalesce(r.window_work::text, '-'), E'\n',
    'start ', r.start_kind, ' ', coalesce(micros(r.start_time)::text, '-'), ' ', coalesce(r.start_journal::text, '-'), ' ',
      coalesce(r.start_sequence::text, '-'), ' ', coalesce(r.start_work::text, '-'), E'\n',
    'work ', r.work, E'\n',
    'coherence_work ', r.coherence_work, E'\n',
    'fee_sats ', r.fee_sats, E'\n',
    'coherence_sats ', r.coherence_sats, E'\n',
    'reserve_sats ', r.reserve_sats, E'\n',
    (SELECT string_agg(format(E'journal %s %s %s\n', j.journal, j.journal_uuid, j.sequence), '' ORDER BY j.journal)
     FROM unnest((draft).journals) j),
    (SELECT string_agg(format(E'credit %s %s %s %s %s\n', h.height, lpad(to_hex(h.nbits), 8, '0'), h.subsidy_sats, h.work, h.value_sats),
                       '' ORDER BY h.height)
     FROM unnest((draft).heights) h),
    (SELECT string_agg(format(E'miner %s %s %s %s %s %s\n', i.address, i.work, i.coherence_work, i.value_sats, i.share_sats,
                              i.coherence_sats), '' ORDER BY i.address COLLATE "C")
     FROM unnest((draft).items) i))
  FROM (SELECT ((draft).run).*) r;
$$;
COMMENT ON FUNCTION payout_text(payout_draft) IS
  'The canonical text of a run, of which digest is the SHA-256: all that was divided, by what, among whom. docs/payouts.md describes it byte for byte.';

-- ---------------------------------------------------------------- the work in a window

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

-- ---------------------------------------------------------------- drafts of runs

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

-- ---------------------------------------------------------------- the ledger

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

-- ---------------------------------------------------------------- recomputation

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

-- ---------------------------------------------------------------- questions

CREATE FUNCTION assert_time(name text, at timestamptz)
RETURNS void
LANGUAGE plpgsql
STABLE
AS $$
BEGIN
  IF at IS NULL OR at NOT BETWEEN '2009-01-03Z' AND now() + interval '1 day' THEN
    RAISE EXCEPTION '%: % is not a time that the pool can know', name, coalesce(at::text, 'null')
      USING ERRCODE = 'PH111', HINT = 'Give one from 2009-01-03 on, up to now.';
  END IF;
END;
$$;
COMMENT ON FUNCTION assert_time(text, timestamptz) IS 'PH111 unless a time lies between Bitcoin''s first day and tomorrow.';

CREATE FUNCTION preview_draft(of_scheme text, at timestamptz, new_reward_sats bigint)
RETURNS payout_draft
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  chosen payout_schemes := chosen_scheme(at, NULL);
  newest heights;
  last_block blocks;
  run payout_runs;
  items payout_items[];
BEGIN
  SELECT * INTO newest FROM heights ORDER BY height DESC LIMIT 1;
  IF newest.height IS NULL THEN
    RAISE EXCEPTION 'payout_preview: heights is empty' USING ERRCODE = 'PH110', HINT = 'No template was stored yet: is the pool running, and its node in sync?';
  ELSIF new_reward_sats < 0 THEN
    RAISE EXCEPTION 'payout_preview: reward % sats', new_reward_sats USING ERRCODE = 'PH111', HINT = 'Give a reward from 0, or none.';
  END IF;
  SELECT b.* INTO last_block FROM blocks b WHERE b.time < at AND b.status NOT IN ('rejected', 'orphaned') ORDER BY b.time DESC, b.id DESC LIMIT 1;
  chosen.scheme := of_scheme;
  run := set_scheme(run, chosen);
  run.kind := 'block';
  run.height := newest.height;
  run.end_time := at;
  run.reward_sats := coalesce(new_reward_sats, newest.coinbase_value_sats);
  run.direct_sats := 0;
  run.nbits := newest.nbits;
  run := set_window_start(run, last_block.time);
  items := window_items(run);
  IF of_scheme = 'solo' THEN  -- nobody has found it: what would be left for whoever does
    items := ARRAY(SELECT i FROM unnest(items) i WHERE i.miner_id IS NOT NULL)
             || ARRAY[ROW(NULL, 0, '', 1, 0, 0, 0, 0, 0, 0, 0)::payout_items];
  ELSIF (SELECT coalesce(sum(i.work), 0) FROM unnest(items) i) = 0 THEN
    RETURN NULL;
  END IF;
  RETURN divide_reward(run, '{}', items, '{}', '{}');
END;
$$;
COMMENT ON FUNCTION preview_draft(text, timestamptz, bigint) IS
  'The run that a block found at a time would lead to, by a scheme with the parts in force; null where nobody worked. Not for pps. solo: miner 0 stands for the finder.';

CREATE FUNCTION preview_pps(at timestamptz)
RETURNS TABLE (miner_id bigint, work numeric, sats numeric)
LANGUAGE sql
STABLE
AS $$
  WITH worked AS (
    SELECT w.miner_id, m.address, s.height, sum(s.work) AS work
    FROM height_sums s JOIN workers w ON w.id = s.worker_id JOIN miners m ON m.id = w.miner_id
    WHERE s.height > coalesce((SELECT b.height FROM blocks b WHERE b.time < at AND b.status NOT IN ('rejected', 'orphaned')
                               ORDER BY b.time DESC, b.id DESC LIMIT 1), -1)
    GROUP BY 1, 2, 3 HAVING sum(s.work) > 0),
  valued AS (
    SELECT w.miner_id, w.address, sum(w.work) AS work, sum(div(w.work * h.subsidy_sats, h.network_work)) AS value
    FROM worked w JOIN (SELECT height, subsidy_sats::numeric, nbits_work(nbits) AS network_work FROM heights OFFSET 0) h ON h.height = w.height GROUP BY 1, 2),
  total AS (
    SELECT sum(v.value) AS value, array_agg(v.miner_id) AS miner_ids, array_agg(v.address) AS addresses, array_agg(v.work) AS works,
           array_agg(v.value) AS worths
    FROM valued v HAVING count(*) > 0),
  rest AS (SELECT t.*, t.value - div(t.value * s.fee_ppm, 1000000) - div(t.value * s.coherence_ppm, 1000000) AS sats FROM total t, chosen_scheme(at, NULL) s)
  SELECT p.* FROM rest r CROSS JOIN LATERAL unnest(r.miner_ids, r.works, split_by_largest_remainder(r.sats, r.addresses, r.worths)) p;
$$;
COMMENT ON FUNCTION preview_pps(timestamptz) IS
  'What the work at heights above the pool''s last block is worth, less fee and coherence part. Numeric, since on regtest it can be more than there is.';

CREATE FUNCTION payout_preview(at timestamptz DEFAULT NULL, reward_sats bigint DEFAULT NULL)
RETURNS TABLE (address text, pplns_work numeric, pplns_sats bigint, prop_work numeric, prop_sats bigint, pps_work numeric, pps_sats numeric,
               solo_sats bigint)
LANGUAGE plpgsql
STABLE
AS $$
#variable_conflict use_column
DECLARE
  moment timestamptz := coalesce(at, now());
  pplns payout_draft;
  prop payout_draft;
  solo payout_draft;
  solo_finder bigint;
BEGIN
  PERFORM assert_time('payout_preview', moment);
  pplns := preview_draft('pplns', moment, reward_sats);
  prop := preview_draft('prop', moment, reward_sats);
  solo := preview_draft('solo', moment, reward_sats);
  solo_finder := (SELECT i.share_sats FROM unnest(solo.items) i WHERE i.miner_id = 0);
  RETURN QUERY
    SELECT m.address, coalesce(sum(x.work) FILTER (WHERE x.scheme = 'pplns'), 0), coalesce(sum(x.sats) FILTER (WHERE x.scheme = 'pplns'), 0)::bigint,
      coalesce(sum(x.work) FILTER (WHERE x.scheme = 'prop'), 0), coalesce(sum(x.sats) FILTER (WHERE x.scheme = 'prop'), 0)::bigint,
      coalesce(sum(x.work) FILTER (WHERE x.scheme = 'pps'), 0), coalesce(sum(x.sats) FILTER (WHERE x.scheme = 'pps'), 0),
      (solo_finder + coalesce(sum(x.sats) FILTER (WHERE x.scheme = 'solo'), 0))::bigint
    FROM (SELECT 'pplns' AS scheme, i.miner_id, i.work, i.share_sats + i.coherence_sats AS sats FROM unnest(pplns.items) i
          UNION ALL SELECT 'prop', i.miner_id, i.work, i.share_sats + i.coherence_sats FROM unnest(prop.items) i
          UNION ALL SELECT 'pps', v.miner_id, v.work, v.sats FROM preview_pps(moment) v
          UNION ALL SELECT 'solo', i.miner_id, i.work, i.coherence_sats FROM unnest(solo.items) i) x
    JOIN miners m ON m.id = x.miner_id
    GROUP BY m.address
    ORDER BY 3 DESC, m.address COLLATE "C";
END;
$$;
COMMENT ON FUNCTION payout_preview(timestamptz, bigint) IS
  'What if a block were found now (or at a time, or with a reward): what each miner would get, by every scheme side by side, with the fee, coherence part and window in force. Reward and difficulty are those of the newest height. solo_sats: if the miner found it. pps_sats: what its work since the pool''s last block is worth, whether one is found or not.';

CREATE FUNCTION miner_statement(wanted_address text, from_time timestamptz, to_time timestamptz)
RETURNS TABLE (transaction_id bigint, at timestamptz, kind text, account text, amount_sats bigint, balance_sats bigint, run_id bigint,
               payment_id bigint, note text)
LANGUAGE plpgsql
STABLE
AS $$
#variable_conflict use_column
DECLARE
  miner bigint := (SELECT id FROM miners WHERE address = wanted_address);
BEGIN
  IF miner IS NULL THEN
    RAISE EXCEPTION 'address %: no share of it was ever accepted', coalesce(quote_literal(wanted_address), 'null')
      USING ERRCODE = 'PH112', HINT = 'Write it as in miners.address: bech32 addresses in lower case, without a worker''s name.';
  END IF;
  PERFORM assert_time('from_time', from_time);
  PERFORM assert_time('to_time', to_time);
  IF from_time > to_time THEN
    RAISE EXCEPTION 'miner_statement: from % to %', from_time, to_time USING ERRCODE = 'PH111', HINT = 'The first time must not be after the second.';
  END IF;
  RETURN QUERY
    SELECT x.* FROM (
      SELECT t.id, t.time, t.kind, l.account, l.amount_sats, (sum(l.amount_sats) OVER (PARTITION BY l.account ORDER BY l.transaction_id, l.id))::bigint,
        t.run_id, t.payment_id, t.note
      FROM ledger l JOIN ledger_transactions t ON t.id = l.transaction_id WHERE l.miner_id = miner) AS x (id, at)
    WHERE x.at >= from_time AND x.at < to_time ORDER BY 1, 4;
END;
$$;
COMMENT ON FUNCTION miner_statement(text, timestamptz, timestamptz) IS
  'What the ledger says of an address from one time up to another: each entry, and the account''s balance after it.';

-- ---------------------------------------------------------------- rights

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_payouts') THEN
    BEGIN
      CREATE ROLE phasepool_payouts NOLOGIN;
      COMMENT ON ROLE phasepool_payouts IS 'Phasepool: divides rewards and pays them.';
    EXCEPTION
      WHEN insufficient_privilege THEN
        RAISE NOTICE 'role phasepool_payouts was not made: % may not create roles', current_user;
      WHEN duplicate_object OR unique_violation THEN
        NULL;  -- made meanwhile, by a migration of another database
    END;
  END IF;
END;
$$;

REVOKE EXECUTE ON FUNCTION note_payout_scheme(timestamptz, text, numeric, bigint, bigint, bigint), update_ledger(),
  accept_scheme_change(bigint), add_to_balances(), assert_sums_to_zero(), note_late_work(), note_pending_heights() FROM PUBLIC;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool') THEN
    GRANT EXECUTE ON FUNCTION note_payout_scheme(timestamptz, text, numeric, bigint, bigint, bigint), update_ledger() TO phasepool;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_payouts') THEN
    GRANT EXECUTE ON FUNCTION update_ledger(), accept_scheme_change(bigint), retire_journal(integer) TO phasepool_payouts;
    GRANT SELECT ON miners, workers, shares, blocks, journal_positions, share_sums, height_sums, heights, coherence_proofs, coherence_sums,
      payout_schemes, payout_runs, payout_run_journals, payout_run_heights, payout_items, pps_credits, pps_pending, payout_late_work,
      payout_problems, ledger_transactions, ledger, account_balances, miner_balances TO phasepool_payouts;
    GRANT INSERT ON payout_runs, payout_run_journals, payout_run_heights, payout_items, pps_credits, ledger_transactions, ledger
      TO phasepool_payouts;
    GRANT UPDATE ON payout_runs TO phasepool_payouts;  -- of which the triggers allow state alone
    GRANT INSERT, UPDATE, DELETE ON pps_pending TO phasepool_payouts;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT ON payout_schemes, payout_runs, payout_run_journals, payout_run_heights, payout_items, pps_credits, pps_pending,
      payout_late_work, payout_problems, ledger_transactions, ledger, account_balances, miner_balances TO phasepool_web;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_reports') THEN
    GRANT SELECT ON payout_schemes, payout_runs, payout_run_journals, payout_run_heights, payout_items, pps_credits, pps_pending,
      payout_late_work, payout_problems, ledger_transactions, ledger, account_balances, miner_balances TO phasepool_reports;
  END IF;
END;
$$;
