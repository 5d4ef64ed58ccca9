-- How rewards are divided (010 to 017): exact arithmetic, and which scheme was in force when. docs/payouts.md explains
-- each scheme with an example.
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
