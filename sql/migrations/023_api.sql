-- What the API asks (web/openapi.json), each as one JSON value with the members that it answers; null: there is no such thing.
--
-- They run as phasepool_web (as phasepool, where the pool's login is no member of that), read-only and within a time limit. Lists are bounded by
-- their arguments, which the pool has checked, and here once more. Instants are microseconds since 1970, work is decimal text.

-- ---------------------------------------------------------------- sums of some workers

CREATE FUNCTION sums_of_workers(ids bigint[], from_time timestamptz, to_time timestamptz)
RETURNS TABLE (worker_id bigint, shares bigint, work numeric, best_share_difficulty double precision)
LANGUAGE plpgsql
STABLE
SET datestyle = 'ISO'
AS $$
DECLARE
  query text;
BEGIN
  -- Times are written into the query, so that it is planned for the partitions that hold them.
  SELECT string_agg(format('SELECT worker_id, shares, work, best_share_difficulty FROM share_sums
        WHERE span = %L AND worker_id = ANY ($1) AND start >= %L AND start < %L', c.span, c.lo, c.hi), ' UNION ALL ')
    INTO query FROM span_cover(from_time, to_time) c;
  IF query IS NOT NULL THEN
    RETURN QUERY EXECUTE format('SELECT worker_id, sum(shares)::bigint, sum(work), max(best_share_difficulty) FROM (%s) x GROUP BY 1', query) USING ids;
  END IF;
END;
$$;
COMMENT ON FUNCTION sums_of_workers(bigint[], timestamptz, timestamptz) IS
  'As worker_sums(), of some workers alone, by their index; from may be -infinity.';

CREATE FUNCTION last_minutes(ids bigint[], from_time timestamptz)
RETURNS TABLE (worker_id bigint, start timestamptz)
LANGUAGE sql
STABLE
AS $$
  -- One step back from the end of each worker's part of the index, however many minutes there are.
  SELECT i.id, s.start FROM unnest(ids) i (id)
  CROSS JOIN LATERAL (SELECT m.start FROM share_sums m WHERE m.span = 'minute' AND m.worker_id = i.id AND m.start >= from_time
                      ORDER BY m.start DESC LIMIT 1) s;
$$;
COMMENT ON FUNCTION last_minutes(bigint[], timestamptz) IS 'The newest minute in which each of some workers had a share, from a time on; no row for one that had none.';

CREATE FUNCTION api_minute()
RETURNS timestamptz
LANGUAGE sql
STABLE
AS $$ SELECT date_trunc('minute', now(), 'UTC') $$;
COMMENT ON FUNCTION api_minute() IS 'The beginning of the running minute. What came in it is counted too: who has just begun to mine sees it.';

CREATE FUNCTION api_now()
RETURNS timestamptz
LANGUAGE sql
STABLE
AS $$ SELECT api_minute() + interval '1 minute' $$;
COMMENT ON FUNCTION api_now() IS 'The end of the running minute, up to which sums are counted.';

CREATE FUNCTION api_windows()
RETURNS TABLE (name text, from_time timestamptz)
LANGUAGE sql
STABLE
AS $$
  SELECT v.name, api_minute() - v.length
  FROM (VALUES ('1m', interval '1 minute'), ('5m', '5 minutes'), ('1h', '1 hour'), ('1d', '1 day'), ('7d', '7 days')) AS v (name, length);
$$;
COMMENT ON FUNCTION api_windows() IS 'The windows of rates, each to api_now(): as long as its name says, and the running minute.';

CREATE FUNCTION api_rates(work_1m numeric, work_5m numeric, work_1h numeric, work_1d numeric, work_7d numeric)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_build_object('1m', (coalesce(work_1m, 0) / (60 + s.running))::float8, '5m', (coalesce(work_5m, 0) / (300 + s.running))::float8,
                           '1h', (coalesce(work_1h, 0) / (3600 + s.running))::float8, '1d', (coalesce(work_1d, 0) / (86400 + s.running))::float8,
                           '7d', (coalesce(work_7d, 0) / (604800 + s.running))::float8)
  FROM (SELECT extract(epoch FROM now() - api_minute()) AS running) s;
$$;
COMMENT ON FUNCTION api_rates(numeric, numeric, numeric, numeric, numeric) IS
  'Hashes per second by window of api_windows(), of the work in each and the seconds that it has lasted: openapi.json, Rates.';

-- ---------------------------------------------------------------- the pool

CREATE FUNCTION api_block_brief(b blocks)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_build_object('height', b.height, 'hash', encode(b.hash, 'hex'), 'time_us', micros(b.time), 'status', b.status,
    'effort', (SELECT round(r.work / nbits_work(header_nbits(b.header)), 6) FROM round_before(b.time) r));
$$;
COMMENT ON FUNCTION api_block_brief(blocks) IS 'openapi.json, BlockBrief.';

CREATE FUNCTION api_round()
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_build_object(
    'round', (SELECT json_build_object(
        'began_us', (SELECT micros(max(b.time)) FROM blocks b WHERE b.time < now() AND b.status NOT IN ('rejected', 'orphaned')),
        'shares', r.shares, 'work', r.work::text, 'network_work', n.work::text, 'effort', round(r.work / n.work, 6), 'exact', r.exact)
      FROM round_before(now()) r
      CROSS JOIN (SELECT nbits_work(h.nbits) AS work FROM heights h ORDER BY h.height DESC LIMIT 1) n),
    'last_block', (SELECT api_block_brief(b) FROM blocks b WHERE b.status NOT IN ('rejected', 'orphaned') ORDER BY b.time DESC, b.id DESC LIMIT 1));
$$;
COMMENT ON FUNCTION api_round() IS 'The current round and the newest block: {round, last_block} of openapi.json, Pool; null before there is any.';

CREATE FUNCTION api_luck_of(efforts numeric[])
RETURNS json
LANGUAGE sql
IMMUTABLE
AS $$
  SELECT json_build_object('blocks', count(*), 'expected', round(coalesce(sum(e), 0), 6), 'luck', round(count(*) / nullif(sum(e), 0), 6)) FROM unnest(efforts) e;
$$;
COMMENT ON FUNCTION api_luck_of(numeric[]) IS 'openapi.json, Luck, of the efforts of some rounds.';

CREATE FUNCTION api_luck()
RETURNS json
LANGUAGE sql
STABLE
AS $$
  WITH rounds AS (
    SELECT array_agg(r.work / nbits_work(header_nbits(b.header)) ORDER BY b.time DESC, b.id DESC) AS efforts
    FROM (SELECT * FROM blocks WHERE status NOT IN ('rejected', 'orphaned') ORDER BY time DESC, id DESC LIMIT 100) b
    CROSS JOIN LATERAL round_before(b.time) r)
  SELECT json_build_object('last_10', api_luck_of(efforts[1:10]), 'last_100', api_luck_of(efforts)) FROM rounds;
$$;
COMMENT ON FUNCTION api_luck() IS 'Blocks found against blocks expected over the last closed rounds: {last_10, last_100}.';

-- ---------------------------------------------------------------- over time

CREATE FUNCTION api_span(name text, of_miner boolean, OUT step interval, OUT source text, OUT from_time timestamptz, OUT to_time timestamptz)
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  length interval;
BEGIN
  -- A miner's week is made of hours: it would take 60 times as many minutes, of each of its workers.
  SELECT s.length, s.step, s.source INTO length, step, source
    FROM (VALUES ('6h', interval '6 hours', interval '1 minute', 'minute'), ('1d', '24 hours', '5 minutes', 'minute'),
                 ('7d', '168 hours', CASE WHEN of_miner THEN interval '1 hour' ELSE '30 minutes' END, CASE WHEN of_miner THEN 'hour' ELSE 'minute' END),
                 ('30d', '720 hours', '2 hours', 'hour'), ('1y', '8760 hours', '24 hours', 'day')) AS s (name, length, step, source)
    WHERE s.name = api_span.name;
  to_time := date_bin(step, now() - interval '5 seconds', '1970-01-01Z');
  from_time := to_time - length;
END;
$$;
COMMENT ON FUNCTION api_span(text, boolean) IS
  'A span of time that charts show, of the pool or of one miner: 6h, 1d, 7d, 30d, 1y; its steps, and which sums they are made of. Nulls for any other.';

CREATE FUNCTION api_series(name text, step interval, starts timestamptz[], shares bigint[], works numeric[])
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_build_object('span', name, 'step_seconds', extract(epoch FROM step)::bigint,
    'start', (SELECT coalesce(json_agg(extract(epoch FROM s)::bigint ORDER BY i), '[]') FROM unnest(starts) WITH ORDINALITY AS t (s, i)),
    'shares', array_to_json(shares),
    'work', (SELECT coalesce(json_agg(w::text ORDER BY i), '[]') FROM unnest(works) WITH ORDINALITY AS t (w, i)),
    'hashrate', (SELECT coalesce(json_agg((w / extract(epoch FROM step))::float8 ORDER BY i), '[]') FROM unnest(works) WITH ORDINALITY AS t (w, i)));
$$;
COMMENT ON FUNCTION api_series(text, interval, timestamptz[], bigint[], numeric[]) IS 'openapi.json, Series.';

CREATE FUNCTION api_history(span_name text)
RETURNS json
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  wanted record;
  first_start timestamptz;
  answer json;
BEGIN
  SELECT * INTO wanted FROM api_span(span_name, false);
  IF wanted.step IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT min(s.start) INTO first_start FROM pool_sums s WHERE s.span = wanted.source;
  WITH steps AS (SELECT g AS start FROM generate_series(wanted.from_time, wanted.to_time - wanted.step, wanted.step) g),
  mined AS (SELECT date_bin(wanted.step, s.start, '1970-01-01Z') AS start, sum(s.shares)::bigint AS shares, sum(s.work) AS work FROM pool_sums s
            WHERE s.span = wanted.source AND s.start >= wanted.from_time AND s.start < wanted.to_time GROUP BY 1),
  proven AS (SELECT date_bin(wanted.step, s.start, '1970-01-01Z') AS start, sum(s.work) AS work FROM coherence_sums s
             WHERE s.span = wanted.source AND s.start >= wanted.from_time AND s.start < wanted.to_time GROUP BY 1),
  filled AS (SELECT t.start, CASE WHEN t.start + wanted.step > first_start THEN coalesce(m.shares, 0) END AS shares,
                    CASE WHEN t.start + wanted.step > first_start THEN coalesce(m.work, 0) END AS work,
                    CASE WHEN t.start + wanted.step > first_start THEN coalesce(p.work, 0) END AS proven
             FROM steps t LEFT JOIN mined m USING (start) LEFT JOIN proven p USING (start))
  SELECT json_build_object(
      'series', api_series(span_name, wanted.step, array_agg(f.start ORDER BY f.start), array_agg(f.shares ORDER BY f.start), array_agg(f.work ORDER BY f.start)),
      'coherence_work', json_agg(f.proven::text ORDER BY f.start),
      'blocks', (SELECT coalesce(json_agg(api_block_brief(x.b) ORDER BY (x.b).time, (x.b).id), '[]')
                 FROM (SELECT b FROM blocks b WHERE b.time >= wanted.from_time ORDER BY b.time DESC, b.id DESC LIMIT 100) x))
    INTO answer FROM filled f;
  RETURN answer;
END;
$$;
COMMENT ON FUNCTION api_history(text) IS 'openapi.json, History: the pool''s work over a span, and the newest 100 blocks within it.';

CREATE FUNCTION api_miner_history(wanted_address text, wanted_worker text, span_name text)
RETURNS json
LANGUAGE plpgsql
STABLE
SET datestyle = 'ISO'
AS $$
DECLARE
  wanted record;
  miner miners;
  ids bigint[];
  answer json;
BEGIN
  SELECT * INTO wanted FROM api_span(span_name, true);
  SELECT * INTO miner FROM miners WHERE address = wanted_address;
  ids := ARRAY(SELECT w.id FROM workers w WHERE w.miner_id = miner.id AND (wanted_worker IS NULL OR w.name = wanted_worker));
  IF wanted.step IS NULL OR cardinality(ids) = 0 THEN
    RETURN NULL;
  END IF;
  EXECUTE format(
    $query$
    WITH steps AS (SELECT g AS start FROM generate_series(%L::timestamptz, %L::timestamptz - %L::interval, %3$L) g),
    mined AS (SELECT date_bin(%3$L, s.start, '1970-01-01Z') AS start, sum(s.shares)::bigint AS shares, sum(s.work) AS work FROM share_sums s
              WHERE s.span = %4$L AND s.worker_id = ANY ($1) AND s.start >= %1$L AND s.start < %2$L GROUP BY 1),
    refused AS (SELECT date_bin(%3$L, s.start, '1970-01-01Z') AS start, sum(s.rejects)::bigint AS rejects FROM reject_sums s
                WHERE %3$L::interval >= interval '1 hour' AND s.worker_id = ANY ($1) AND s.start >= %1$L AND s.start < %2$L GROUP BY 1),
    filled AS (SELECT t.start, CASE WHEN t.start + %3$L > $2 THEN coalesce(m.shares, 0) END AS shares, CASE WHEN t.start + %3$L > $2 THEN coalesce(m.work, 0) END AS work,
                      CASE WHEN t.start + %3$L > $2 AND %3$L::interval >= interval '1 hour' THEN coalesce(r.rejects, 0) END AS rejects
               FROM steps t LEFT JOIN mined m USING (start) LEFT JOIN refused r USING (start))
    SELECT json_build_object('address', $3, 'worker', $4,
      'series', api_series($5, %3$L, array_agg(f.start ORDER BY f.start), array_agg(f.shares ORDER BY f.start), array_agg(f.work ORDER BY f.start)),
      'rejected', json_agg(f.rejects ORDER BY f.start)) FROM filled f
    $query$, wanted.from_time, wanted.to_time, wanted.step, wanted.source)
    INTO answer USING ids, (SELECT min(w.first_seen) FROM workers w WHERE w.id = ANY (ids)), miner.address, wanted_worker, span_name;
  RETURN answer;
END;
$$;
COMMENT ON FUNCTION api_miner_history(text, text, text) IS 'openapi.json, MinerHistory; worker null: all of them. Null: no such miner or worker.';

-- ---------------------------------------------------------------- miners

CREATE FUNCTION api_miners(page integer, per_page integer)
RETURNS json
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  at timestamptz := api_now();
  size integer := least(greatest(per_page, 1), 200);
  skipped bigint := (greatest(page, 1) - 1)::bigint * size;
  total bigint;
  shown bigint[];
  ids bigint[];
  answer json;
BEGIN
  WITH busy AS (SELECT w.miner_id, sum(s.work) AS work FROM worker_sums(api_minute() - interval '1 day', at) s JOIN workers w ON w.id = s.worker_id GROUP BY 1),
  ranked AS (SELECT b.miner_id, row_number() OVER (ORDER BY b.work DESC, m.address COLLATE "C") AS place FROM busy b JOIN miners m ON m.id = b.miner_id)
  SELECT count(*), array_agg(r.miner_id ORDER BY r.place) FILTER (WHERE r.place > skipped AND r.place <= skipped + size) INTO total, shown FROM ranked r;
  ids := ARRAY(SELECT w.id FROM workers w WHERE w.miner_id = ANY (shown));
  WITH sums AS (
    SELECT w.miner_id, count(*) FILTER (WHERE x.name = '1d') AS workers, sum(x.shares) FILTER (WHERE x.name = '1d') AS shares_1d,
           sum(x.work) FILTER (WHERE x.name = '1m') AS m1, sum(x.work) FILTER (WHERE x.name = '5m') AS m5, sum(x.work) FILTER (WHERE x.name = '1h') AS h1,
           sum(x.work) FILTER (WHERE x.name = '1d') AS d1, sum(x.work) FILTER (WHERE x.name = '7d') AS d7
    FROM (SELECT v.name, s.* FROM api_windows() v CROSS JOIN LATERAL sums_of_workers(ids, v.from_time, at) s) x
    JOIN workers w ON w.id = x.worker_id GROUP BY 1),
  ever AS (SELECT w.miner_id, max(s.best_share_difficulty) AS best FROM share_sums s JOIN workers w ON w.id = s.worker_id
           WHERE s.span = 'day' AND s.worker_id = ANY (ids) GROUP BY 1),
  last AS (SELECT w.miner_id, max(s.start) AS start FROM last_minutes(ids, api_minute() - interval '1 day') s JOIN workers w ON w.id = s.worker_id GROUP BY 1)
  SELECT json_build_object('time_us', micros(now()), 'page', greatest(page, 1), 'per_page', size, 'total', total,
      'next', CASE WHEN skipped + size < total THEN greatest(page, 1) + 1 END,
      'miners', coalesce(json_agg(json_build_object('address', m.address, 'workers', s.workers, 'hashrate', api_rates(s.m1, s.m5, s.h1, s.d1, s.d7),
        'shares_1d', s.shares_1d, 'best_share_difficulty', e.best, 'last_share_us', micros(coalesce(l.start, api_minute() - interval '1 day')), 'first_seen_us', micros(m.first_seen))
        ORDER BY d.place), '[]'))
    INTO answer
    FROM unnest(shown) WITH ORDINALITY AS d (miner_id, place) JOIN miners m ON m.id = d.miner_id JOIN sums s USING (miner_id) JOIN ever e USING (miner_id)
    LEFT JOIN last l USING (miner_id);
  RETURN answer;
END;
$$;
COMMENT ON FUNCTION api_miners(integer, integer) IS 'openapi.json, Miners: addresses with work in the last day, the most work first.';

CREATE FUNCTION api_worker_list(ids bigint[])
RETURNS json
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  at timestamptz := api_now();
  answer json;
BEGIN
  WITH sums AS (
    SELECT x.worker_id, sum(x.shares) FILTER (WHERE x.name = '1d') AS shares_1d, sum(x.work) FILTER (WHERE x.name = '1m') AS m1,
           sum(x.work) FILTER (WHERE x.name = '5m') AS m5, sum(x.work) FILTER (WHERE x.name = '1h') AS h1, sum(x.work) FILTER (WHERE x.name = '1d') AS d1,
           sum(x.work) FILTER (WHERE x.name = '7d') AS d7
    FROM (SELECT v.name, s.* FROM api_windows() v CROSS JOIN LATERAL sums_of_workers(ids, v.from_time, at) s) x
    GROUP BY 1),
  ever AS (SELECT s.worker_id, max(s.best_share_difficulty) AS best, max(s.start) AS day FROM share_sums s WHERE s.span = 'day' AND s.worker_id = ANY (ids) GROUP BY 1),
  recent AS (SELECT s.worker_id, s.start FROM last_minutes(ids, api_minute() - interval '1 day') s),
  refused AS (SELECT r.worker_id, sum(r.rejects)::bigint AS rejects, json_object_agg(r.reason, r.rejects ORDER BY r.reason) AS by_reason
              FROM (SELECT s.worker_id, s.reason, sum(s.rejects)::bigint AS rejects FROM reject_sums s
                    WHERE s.worker_id = ANY (ids) AND s.start >= date_trunc('hour', api_minute() - interval '1 day', 'UTC') GROUP BY 1, 2) r GROUP BY 1)
  SELECT coalesce(json_agg(json_build_object('name', w.name, 'hashrate', api_rates(s.m1, s.m5, s.h1, s.d1, s.d7), 'shares_1d', coalesce(s.shares_1d, 0),
      'rejected_1d', coalesce(r.rejects, 0), 'rejects_1d', coalesce(r.by_reason, '{}'), 'best_share_difficulty', coalesce(e.best, 0),
      'last_share_us', micros(coalesce(c.start, e.day)), 'first_seen_us', micros(w.first_seen), 'live', NULL) ORDER BY d.place), '[]')
    INTO answer
    FROM unnest(ids) WITH ORDINALITY AS d (id, place) JOIN workers w ON w.id = d.id LEFT JOIN sums s ON s.worker_id = d.id LEFT JOIN ever e ON e.worker_id = d.id
    LEFT JOIN recent c ON c.worker_id = d.id LEFT JOIN refused r ON r.worker_id = d.id;
  RETURN answer;
END;
$$;
COMMENT ON FUNCTION api_worker_list(bigint[]) IS 'openapi.json, Worker, of each of some workers in that order; `live` is filled in by the pool.';

CREATE FUNCTION api_busiest_workers(of_miner bigint, skipped bigint, wanted bigint)
RETURNS bigint[]
LANGUAGE sql
STABLE
AS $$
  SELECT ARRAY(
    SELECT w.id FROM workers w
    LEFT JOIN sums_of_workers(ARRAY(SELECT v.id FROM workers v WHERE v.miner_id = of_miner), api_minute() - interval '1 day', api_now()) s ON s.worker_id = w.id
    WHERE w.miner_id = of_miner ORDER BY coalesce(s.work, 0) DESC, w.name COLLATE "C" OFFSET skipped LIMIT wanted);
$$;
COMMENT ON FUNCTION api_busiest_workers(bigint, bigint, bigint) IS 'A page of a miner''s workers, those with the most work in the last day first.';

CREATE FUNCTION api_workers(wanted_address text, page integer, per_page integer)
RETURNS json
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  miner miners;
  size integer := least(greatest(per_page, 1), 200);
  skipped bigint := (greatest(page, 1) - 1)::bigint * size;
  total bigint;
BEGIN
  SELECT * INTO miner FROM miners WHERE address = wanted_address;
  IF miner.id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT count(*) INTO total FROM workers w WHERE w.miner_id = miner.id;
  RETURN json_build_object('time_us', micros(now()), 'address', miner.address, 'page', greatest(page, 1), 'per_page', size, 'total', total,
    'next', CASE WHEN skipped + size < total THEN greatest(page, 1) + 1 END, 'workers', api_worker_list(api_busiest_workers(miner.id, skipped, size)));
END;
$$;
COMMENT ON FUNCTION api_workers(text, integer, integer) IS 'openapi.json, Workers; null: no such miner.';

-- ---------------------------------------------------------------- a miner's money

CREATE FUNCTION api_miner_balance(of_miner bigint)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_build_object(
    'balance_sats', coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'miners'), 0)::bigint,
    'in_transit_sats', coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'in_transit'), 0)::bigint,
    'paid_sats', coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'paid'), 0)::bigint,
    'minimum_sats', (SELECT s.minimum_sats FROM scheme_at(now()) s),
    'payments', (SELECT count(*) FROM payment_outputs o JOIN payments p ON p.id = o.payment_id WHERE o.miner_id = of_miner AND p.state = 'settled'),
    'earned_sats', (SELECT coalesce(sum(i.amount_sats), 0)::bigint FROM payout_items i JOIN payout_runs r ON r.id = i.run_id
                    WHERE i.miner_id = of_miner AND r.state = 'applied'))
  FROM account_balances b WHERE b.miner_id = of_miner;
$$;
COMMENT ON FUNCTION api_miner_balance(bigint) IS 'What the ledger says of a miner: openapi.json, Miner.balance.';

CREATE FUNCTION api_miner_payouts(of_miner bigint)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT coalesce(json_agg(json_build_object('run', r.id, 'time_us', micros(r.end_time), 'kind', r.kind, 'state', r.state, 'scheme', r.scheme, 'height', r.height,
    'block', encode(r.block_hash, 'hex'), 'work', i.work::text, 'run_work', r.work::text, 'share_sats', i.share_sats, 'coherence_sats', i.coherence_sats,
    'sats', i.amount_sats) ORDER BY r.id DESC), '[]')
  FROM (SELECT * FROM payout_items WHERE miner_id = of_miner ORDER BY run_id DESC LIMIT 20) i JOIN payout_runs r ON r.id = i.run_id;
$$;
COMMENT ON FUNCTION api_miner_payouts(bigint) IS 'A miner''s parts of the newest 20 runs that it is in: openapi.json, MinerPayout.';

CREATE FUNCTION api_miner_payments(of_miner bigint)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT coalesce(json_agg(json_build_object('payment', p.id, 'state', p.state, 'created_us', micros(p.created_at), 'changed_us', micros(p.state_since),
    'sats', o.amount_sats, 'txid', encode(coalesce(p.settled_txid, p.txid), 'hex')) ORDER BY p.id DESC), '[]')
  FROM (SELECT * FROM payment_outputs WHERE miner_id = of_miner ORDER BY payment_id DESC LIMIT 20) o JOIN payments p ON p.id = o.payment_id;
$$;
COMMENT ON FUNCTION api_miner_payments(bigint) IS 'The newest 20 payments to a miner: openapi.json, MinerPayment.';

CREATE FUNCTION api_miner_days(of_miner bigint)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_agg(json_build_object('day', d.day::text, 'sats', coalesce(e.sats, 0)) ORDER BY d.day)
  FROM (SELECT (now() AT TIME ZONE 'UTC')::date - n AS day FROM generate_series(0, 13) n) d
  LEFT JOIN (SELECT (r.end_time AT TIME ZONE 'UTC')::date AS day, sum(i.amount_sats)::bigint AS sats
             FROM payout_runs r JOIN payout_items i ON i.run_id = r.id AND i.miner_id = of_miner
             WHERE r.state = 'applied' AND r.end_time >= date_trunc('day', now(), 'UTC') - interval '13 days' GROUP BY 1) e USING (day);
$$;
COMMENT ON FUNCTION api_miner_days(bigint) IS 'What runs of the last 14 days, UTC, brought a miner.';

CREATE FUNCTION api_pending_blocks()
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT coalesce(json_agg(json_build_object('hash', encode(b.hash, 'hex'), 'height', b.height, 'time_us', micros(b.time), 'status', b.status,
    'matures_in', c.matures_in, 'sats', NULL) ORDER BY b.time DESC, b.id DESC), '[]')
  FROM (SELECT * FROM blocks b WHERE b.status IN ('submitted', 'accepted', 'confirmed') AND b.pool_sats IS NOT NULL
          AND b.time >= greatest((SELECT min(s.valid_from) FROM payout_schemes s), now() - interval '30 days')
          AND NOT EXISTS (SELECT FROM payout_runs r WHERE r.block_hash = b.hash)
        ORDER BY b.time DESC, b.id DESC LIMIT 20) b
  JOIN block_confirmations c ON c.hash = b.hash;
$$;
COMMENT ON FUNCTION api_pending_blocks() IS 'The newest 20 blocks of the last 30 days that may be divided and have not been: openapi.json, Pending; `sats` is filled in by the pool.';

CREATE FUNCTION workers_work(ids bigint[], from_time timestamptz, to_time timestamptz)
RETURNS numeric
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  from_minute timestamptz := date_trunc('minute', from_time + interval '59.999999 seconds', 'UTC');
  to_minute timestamptz := greatest(date_trunc('minute', to_time, 'UTC'), from_minute);
BEGIN
  RETURN (SELECT coalesce(sum(x.work), 0)
          FROM (SELECT s.work FROM shares s WHERE s.time >= from_time AND s.time < least(from_minute, to_time) AND s.worker_id = ANY (ids)
                UNION ALL
                SELECT s.work FROM sums_of_workers(ids, from_minute, to_minute) s
                UNION ALL
                SELECT s.work FROM shares s WHERE s.time >= to_minute AND s.time < to_time AND s.worker_id = ANY (ids)) x);
END;
$$;
COMMENT ON FUNCTION workers_work(bigint[], timestamptz, timestamptz) IS
  'Work of some workers between two times, the second excluded, to the microsecond where single shares are there; from may be -infinity.';

CREATE FUNCTION api_miner(wanted_address text)
RETURNS json
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  at timestamptz := api_now();
  miner miners;
  ids bigint[];
  latest record;
  round_began timestamptz;
BEGIN
  SELECT * INTO miner FROM miners WHERE address = wanted_address;
  IF miner.id IS NULL THEN
    RETURN NULL;
  END IF;
  ids := ARRAY(SELECT w.id FROM workers w WHERE w.miner_id = miner.id);
  SELECT sum(x.work) FILTER (WHERE x.name = '1m') AS m1, sum(x.work) FILTER (WHERE x.name = '5m') AS m5, sum(x.work) FILTER (WHERE x.name = '1h') AS h1,
         sum(x.work) FILTER (WHERE x.name = '1d') AS d1, sum(x.work) FILTER (WHERE x.name = '7d') AS d7,
         coalesce(sum(x.shares) FILTER (WHERE x.name = '1d'), 0) AS shares_1d, count(*) FILTER (WHERE x.name = '1d') AS workers_1d
    INTO latest
    FROM (SELECT v.name, s.* FROM api_windows() v CROSS JOIN LATERAL sums_of_workers(ids, v.from_time, at) s) x;
  SELECT max(b.time) + interval '1 microsecond' INTO round_began FROM blocks b WHERE b.time < now() AND b.status NOT IN ('rejected', 'orphaned');
  RETURN json_build_object('time_us', micros(now()), 'address', miner.address, 'first_seen_us', micros(miner.first_seen),
    'hashrate', api_rates(latest.m1, latest.m5, latest.h1, latest.d1, latest.d7), 'workers_total', cardinality(ids), 'workers_1d', latest.workers_1d,
    'workers_online', (SELECT count(DISTINCT s.worker_id) FROM share_sums s
                       WHERE s.span = 'minute' AND s.start >= api_minute() - interval '15 minutes' AND s.worker_id = ANY (ids)), 'shares_1d', latest.shares_1d,
    'shares_total', (SELECT coalesce(sum(s.shares), 0)::bigint FROM share_sums s WHERE s.span = 'day' AND s.worker_id = ANY (ids)),
    'work_total', (SELECT coalesce(sum(s.work), 0)::text FROM share_sums s WHERE s.span = 'day' AND s.worker_id = ANY (ids)),
    'rejected_1d', (SELECT coalesce(sum(s.rejects), 0)::bigint FROM reject_sums s WHERE s.worker_id = ANY (ids) AND s.start >= date_trunc('hour', api_minute() - interval '1 day', 'UTC')),
    'rejects_1d', (SELECT coalesce(json_object_agg(r.reason, r.rejects ORDER BY r.reason), '{}')
                   FROM (SELECT s.reason, sum(s.rejects)::bigint AS rejects FROM reject_sums s
                         WHERE s.worker_id = ANY (ids) AND s.start >= date_trunc('hour', api_minute() - interval '1 day', 'UTC') GROUP BY 1) r),
    'best_share_difficulty', (SELECT coalesce(max(s.best_share_difficulty), 0) FROM share_sums s WHERE s.span = 'day' AND s.worker_id = ANY (ids)),
    'best_shares', (SELECT coalesce(json_agg(json_build_object('difficulty', b.best, 'worker', b.name, 'day', b.day::text) ORDER BY b.best DESC, b.day, b.name), '[]')
                    FROM (SELECT s.best_share_difficulty AS best, w.name, (s.start AT TIME ZONE 'UTC')::date AS day FROM share_sums s JOIN workers w ON w.id = s.worker_id
                          WHERE s.span = 'day' AND s.worker_id = ANY (ids) ORDER BY 1 DESC, 3, 2 LIMIT 5) b),
    'balance', api_miner_balance(miner.id), 'pending', api_pending_blocks(), 'pending_sats', NULL, 'if_block_now', NULL,
    'round', (SELECT json_build_object('work', workers_work(ids, coalesce(round_began, '-infinity'), now())::text, 'total_work', r.work::text) FROM round_before(now()) r),
    'days', api_miner_days(miner.id), 'payouts', api_miner_payouts(miner.id), 'payments', api_miner_payments(miner.id),
    'workers', api_worker_list(api_busiest_workers(miner.id, 0, 100)),
    'blocks', (SELECT coalesce(json_agg(api_block_brief(x.b) ORDER BY (x.b).time DESC, (x.b).id DESC), '[]')
               FROM (SELECT b FROM blocks b WHERE b.worker_id = ANY (ids) ORDER BY b.time DESC, b.id DESC LIMIT 20) x));
END;
$$;
COMMENT ON FUNCTION api_miner(text) IS 'openapi.json, Miner; what others know (`live`, pending sats, if_block_now) is filled in by the pool. Null: no such miner.';

CREATE FUNCTION api_ckpool_user(wanted_address text)
RETURNS json
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  miner miners;
  ids bigint[];
BEGIN
  SELECT * INTO miner FROM miners WHERE address = wanted_address;
  IF miner.id IS NULL THEN
    RETURN NULL;
  END IF;
  ids := api_busiest_workers(miner.id, 0, 1000);
  RETURN (
    SELECT json_build_object('address', miner.address, 'authorised', extract(epoch FROM miner.first_seen)::bigint,
      'shares', (SELECT div(coalesce(sum(d.work), 0), 4295032833)::text FROM share_sums d JOIN workers w ON w.id = d.worker_id WHERE d.span = 'day' AND w.miner_id = miner.id),
      'worker', (SELECT coalesce(json_agg(json_build_object('name', x.w ->> 'name', 'hashrate', x.w -> 'hashrate', 'best', x.w -> 'best_share_difficulty',
                   'lastshare', coalesce((x.w ->> 'last_share_us')::bigint, 0) / 1000000,
                   'shares', (SELECT div(coalesce(sum(d.work), 0), 4295032833)::text FROM share_sums d WHERE d.span = 'day' AND d.worker_id = ids[x.place])) ORDER BY x.place), '[]')
                 FROM json_array_elements(api_worker_list(ids)) WITH ORDINALITY AS x (w, place))));
END;
$$;
COMMENT ON FUNCTION api_ckpool_user(text) IS 'What ckpool''s users/ADDRESS is made of: its 1000 busiest workers, shares in units of difficulty 1 (of 2^256 / (0xffff * 2^208 + 1) hashes), rounded down.';

-- ---------------------------------------------------------------- blocks

CREATE FUNCTION api_block(b blocks)
RETURNS jsonb
LANGUAGE sql
STABLE
AS $$
  SELECT jsonb_build_object('id', b.id, 'height', b.height, 'hash', encode(b.hash, 'hex'), 'status', b.status, 'detail', b.detail,
    'time', to_char(b.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'time_us', micros(b.time), 'address', m.address, 'worker', w.name,
    'reward_sats', b.reward, 'pool_sats', b.pool_sats, 'network_difficulty', b.network_difficulty, 'share_difficulty', b.share_difficulty,
    'state', s.state, 'confirmations', c.confirmations, 'matures_in', c.matures_in, 'round_shares', r.shares, 'round_work', r.work::text,
    'network_work', n.work::text, 'effort', round(r.work / n.work, 6), 'effort_exact', r.exact,
    'run', (SELECT p.id FROM payout_runs p WHERE p.block_hash = b.hash AND p.state <> 'withdrawn'),
    'submissions', (SELECT coalesce(jsonb_agg(jsonb_build_object('node', a.node, 'answer', a.answer, 'detail', a.detail,
                      'time', to_char(a.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ORDER BY a.node), '[]')
                    FROM (SELECT * FROM block_submissions WHERE hash = b.hash ORDER BY node LIMIT 100) a))
  FROM workers w JOIN miners m ON m.id = w.miner_id
  JOIN block_confirmations c ON c.hash = b.hash
  LEFT JOIN block_states s ON s.hash = b.hash
  CROSS JOIN LATERAL round_before(b.time) r
  CROSS JOIN LATERAL (SELECT nbits_work(header_nbits(b.header)) AS work) n
  WHERE w.id = b.worker_id;
$$;
COMMENT ON FUNCTION api_block(blocks) IS 'openapi.json, Block, but that nodes are still called by host and port.';

CREATE FUNCTION api_blocks(before bigint, wanted integer)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  WITH shown AS (SELECT b FROM blocks b WHERE before IS NULL OR b.id < before ORDER BY b.id DESC LIMIT least(greatest(wanted, 1), 200))
  SELECT json_build_object('time_us', micros(now()),
    'by_status', page_totals() -> 'blocks',
    'next', (SELECT min((s.b).id) FROM shown s HAVING EXISTS (SELECT FROM blocks o WHERE o.id < min((s.b).id))),
    'blocks', (SELECT coalesce(json_agg(api_block(s.b) ORDER BY (s.b).id DESC), '[]') FROM shown s));
$$;
COMMENT ON FUNCTION api_blocks(bigint, integer) IS 'openapi.json, Blocks: those with a smaller id, the newest first; before null: the newest.';

CREATE FUNCTION api_block_detail(wanted_hash bytea)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT (api_block(b) || jsonb_build_object('header', encode(b.header, 'hex'), 'coinbase', encode(b.coinbase, 'hex'),
    'merkle_branch', (SELECT coalesce(jsonb_agg(encode(h, 'hex') ORDER BY i), '[]') FROM unnest(b.merkle_branch) WITH ORDINALITY AS x (h, i))))::json
  FROM blocks b WHERE b.hash = wanted_hash;
$$;
COMMENT ON FUNCTION api_block_detail(bytea) IS 'openapi.json, BlockDetail; null: no such block.';

CREATE FUNCTION api_block_proof(wanted_hash bytea)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_build_object('type', 'block_proof', 'version', 1, 'hash', encode(b.hash, 'hex'), 'height', b.height, 'time_us', micros(b.time),
    'header', encode(b.header, 'hex'), 'coinbase', encode(b.coinbase, 'hex'),
    'merkle_branch', (SELECT coalesce(json_agg(encode(h, 'hex') ORDER BY i), '[]') FROM unnest(b.merkle_branch) WITH ORDINALITY AS x (h, i)),
    'reward_sats', b.reward, 'address', m.address, 'worker', w.name)
  FROM blocks b JOIN workers w ON w.id = b.worker_id JOIN miners m ON m.id = w.miner_id WHERE b.hash = wanted_hash;
$$;
COMMENT ON FUNCTION api_block_proof(bytea) IS 'openapi.json, BlockProof: what verifies a block offline; null: no such block.';

-- ---------------------------------------------------------------- payouts

CREATE FUNCTION api_run(r payout_runs)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_build_object('run', r.id, 'kind', r.kind, 'state', r.state, 'time_us', micros(r.end_time), 'created_us', micros(r.created_at), 'scheme', r.scheme,
    'height', r.height, 'block', encode(r.block_hash, 'hex'), 'from_height', r.from_height, 'to_height', r.to_height, 'reward_sats', r.reward_sats,
    'fee_sats', r.fee_sats, 'coherence_sats', r.coherence_sats, 'reserve_sats', r.reserve_sats,
    'miners', (SELECT count(*) FROM payout_items i WHERE i.run_id = r.id), 'work', r.work::text, 'coherence_work', r.coherence_work::text,
    'digest', encode(r.digest, 'hex'));
$$;
COMMENT ON FUNCTION api_run(payout_runs) IS 'openapi.json, Run.';

CREATE FUNCTION api_payout_totals()
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_build_object(
    'owed_sats', coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'miners'), 0)::bigint,
    'in_transit_sats', coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'in_transit'), 0)::bigint,
    'paid_sats', coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'paid'), 0)::bigint,
    'fees_sats', coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'fees'), 0)::bigint,
    'miners_owed', count(*) FILTER (WHERE b.account = 'miners' AND b.balance_sats > 0),
    'payable_sats', coalesce(sum(b.balance_sats) FILTER (WHERE b.account = 'miners' AND b.balance_sats > 0
                               AND b.balance_sats >= coalesce((SELECT s.minimum_sats FROM scheme_at(now()) s), 0)), 0)::bigint)
  FROM account_balances b;
$$;
COMMENT ON FUNCTION api_payout_totals() IS 'openapi.json, Payouts.totals.';

CREATE FUNCTION api_payouts(before bigint, wanted integer)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  WITH shown AS (SELECT r FROM payout_runs r WHERE before IS NULL OR r.id < before ORDER BY r.id DESC LIMIT least(greatest(wanted, 1), 200))
  SELECT json_build_object('time_us', micros(now()),
    'scheme', (SELECT json_build_object('scheme', s.scheme, 'pplns_window', trim_scale(s.pplns_window)::text, 'fee_ppm', s.fee_ppm, 'coherence_ppm', s.coherence_ppm,
                 'minimum_sats', s.minimum_sats, 'since_us', micros(s.valid_from)) FROM scheme_at(now()) s WHERE s.id IS NOT NULL),
    'totals', api_payout_totals(),
    'next', (SELECT min((s.r).id) FROM shown s HAVING EXISTS (SELECT FROM payout_runs o WHERE o.id < min((s.r).id))),
    'runs', (SELECT coalesce(json_agg(api_run(s.r) ORDER BY (s.r).id DESC), '[]') FROM shown s),
    'payments', (SELECT coalesce(json_agg(json_build_object('payment', p.id, 'state', p.state, 'created_us', micros(p.created_at), 'changed_us', micros(p.state_since),
                   'sats', p.amount_sats, 'miners', (SELECT count(*) FROM payment_outputs o WHERE o.payment_id = p.id),
                   'fee_sats', coalesce(p.settled_fee_sats, p.fee_sats), 'txid', encode(coalesce(p.settled_txid, p.txid), 'hex')) ORDER BY p.id DESC), '[]')
                 FROM (SELECT * FROM payments ORDER BY id DESC LIMIT 20) p));
$$;
COMMENT ON FUNCTION api_payouts(bigint, integer) IS 'openapi.json, Payouts: runs with a smaller number, the newest first; before null: the newest.';

CREATE FUNCTION api_payout(wanted_run bigint, page integer, per_page integer)
RETURNS json
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  found payout_runs;
  size integer := least(greatest(per_page, 1), 200);
  skipped bigint := (greatest(page, 1) - 1)::bigint * size;
  total bigint;
BEGIN
  SELECT * INTO found FROM payout_runs WHERE id = wanted_run;
  IF found.id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT count(*) INTO total FROM payout_items i WHERE i.run_id = wanted_run;
  RETURN json_build_object('run', api_run(found), 'page', greatest(page, 1), 'per_page', size, 'total', total,
    'next', CASE WHEN skipped + size < total THEN greatest(page, 1) + 1 END,
    'items', (SELECT coalesce(json_agg(json_build_object('address', i.address, 'work', i.work::text, 'coherence_work', i.coherence_work::text, 'share_sats', i.share_sats,
                'coherence_sats', i.coherence_sats, 'sats', i.amount_sats) ORDER BY i.amount_sats DESC, i.address COLLATE "C"), '[]')
              FROM (SELECT * FROM payout_items WHERE run_id = wanted_run ORDER BY amount_sats DESC, address COLLATE "C" OFFSET skipped LIMIT size) i));
END;
$$;
COMMENT ON FUNCTION api_payout(bigint, integer, integer) IS 'openapi.json, RunDetail; null: no such run.';

CREATE FUNCTION api_preview()
RETURNS json
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  scheme payout_schemes := scheme_at(now());
  newest heights;
  answer json;
BEGIN
  SELECT * INTO newest FROM heights ORDER BY height DESC LIMIT 1;
  IF newest.height IS NULL OR scheme.id IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT json_build_object('time_us', micros(now()), 'scheme', scheme.scheme, 'height', newest.height, 'reward_sats', newest.coinbase_value_sats,
      'fee_ppm', scheme.fee_ppm, 'coherence_ppm', scheme.coherence_ppm, 'network_work', nbits_work(newest.nbits)::text,
      'pplns_work', sum(p.pplns_work)::text, 'prop_work', sum(p.prop_work)::text,
      'rows', json_agg(json_build_array(p.address, p.pplns_sats::text, p.pplns_work::text, p.prop_sats::text, p.prop_work::text, p.pps_sats::text, p.pps_work::text,
                                        p.solo_sats::text)))
    INTO answer FROM payout_preview() p HAVING count(*) > 0;
  RETURN answer;
EXCEPTION WHEN OTHERS THEN
  -- Whatever keeps a payout from being computed (class PH) is told by payout_problems; here it is unknown.
  IF SQLSTATE LIKE 'PH%' THEN
    RETURN NULL;
  END IF;
  RAISE;
END;
$$;
COMMENT ON FUNCTION api_preview() IS 'If a block were found now, everybody by every scheme in the order of payout_preview(): the members of openapi.json, PreviewAll, and rows of [address, pplns_sats, pplns_work, prop_sats, prop_work, pps_sats, pps_work, solo_sats] as texts. Null: nobody worked, or it can''t be computed.';

CREATE FUNCTION api_expected_parts(wanted_hash bytea)
RETURNS json
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  block blocks;
  run payout_runs;
  before timestamptz;
  draft payout_draft;
BEGIN
  SELECT * INTO block FROM blocks WHERE hash = wanted_hash AND status NOT IN ('rejected', 'orphaned') AND pool_sats IS NOT NULL;
  IF block.id IS NULL THEN
    RETURN NULL;
  END IF;
  run := set_scheme(run, chosen_scheme(block.time, NULL));
  run.kind := 'block';
  run.height := block.height;
  run.end_time := block.time;
  run.reward_sats := block.pool_sats;
  run.direct_sats := block.reward - block.pool_sats;
  run.nbits := header_nbits(block.header);
  run.finder_id := (SELECT miner_id FROM workers WHERE id = block.worker_id);
  SELECT b.time INTO before FROM blocks b WHERE (b.time, b.id) < (block.time, block.id) AND b.status NOT IN ('rejected', 'orphaned')
    ORDER BY b.time DESC, b.id DESC LIMIT 1;
  run := set_window_start(run, before);
  draft := divide_reward(run, '{}', CASE run.scheme WHEN 'pps' THEN '{}' ELSE window_items(run) END, '{}', '{}');
  RETURN (SELECT coalesce(json_agg(json_build_array(i.address, (i.share_sats + i.coherence_sats)::text)), '[]') FROM unnest(draft.items) i);
EXCEPTION WHEN OTHERS THEN
  IF SQLSTATE LIKE 'PH%' THEN
    RETURN NULL;
  END IF;
  RAISE;
END;
$$;
COMMENT ON FUNCTION api_expected_parts(bytea) IS
  'What a block that was not divided yet would bring each miner, by the scheme in force when it was found: rows of [address, sats] as texts, as draft_block_run() divides it once it is confirmed. Null: no such block, or it can''t be computed.';

-- ---------------------------------------------------------------- the proof chain

CREATE FUNCTION coherence_rounds_per_bloom(level integer)
RETURNS bigint
LANGUAGE sql
IMMUTABLE STRICT PARALLEL SAFE
RETURN (ARRAY[1346, 3085, 13312, 110500, 1162000, 15100000])[level + 1];
COMMENT ON FUNCTION coherence_rounds_per_bloom(integer) IS 'Rounds that a bloom takes on average at a level from 0 to 5, as docs/coherence.md has them.';

CREATE FUNCTION numeral_hex(value numeric)
RETURNS text
LANGUAGE sql
IMMUTABLE STRICT PARALLEL SAFE
RETURN lpad(to_hex(div(value, 4294967296)::bigint), 8, '0') || lpad(to_hex(mod(value, 4294967296)::bigint), 8, '0');
COMMENT ON FUNCTION numeral_hex(numeric) IS 'An unsigned 64-bit number as 16 hex digits.';

CREATE FUNCTION api_chain_block(c coherence_chain)
RETURNS jsonb
LANGUAGE sql
STABLE
AS $$
  SELECT jsonb_build_object('height', c.height, 'hash', encode(c.hash, 'hex'), 'prev_hash', encode(c.prev_hash, 'hex'), 'time', extract(epoch FROM c.time)::bigint,
    'bits', lpad(to_hex(c.bits), 8, '0'), 'level', c.level, 'bitcoin_tip', encode(c.bitcoin_tip, 'hex'), 'appended_us', micros(c.appended_at),
    'attempt', p.attempt::text, 'bloom_start', p.bloom_start, 'bloom_end', p.bloom_end, 'work', p.work::text,
    'expected_work', div(coherence_rounds_per_bloom(c.level) * trunc(2::numeric ^ 256), nbits_target(c.bits))::text, 'seconds', p.seconds,
    'address', m.address, 'worker', w.name, 'stretches', (SELECT count(*) FROM coherence_stretches s WHERE s.height = c.height))
  FROM coherence_proofs p JOIN workers w ON w.id = p.worker_id JOIN miners m ON m.id = w.miner_id WHERE p.id = c.proof_id;
$$;
COMMENT ON FUNCTION api_chain_block(coherence_chain) IS 'openapi.json, ChainEntry.';

CREATE FUNCTION api_chain(before bigint, wanted integer)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  WITH shown AS (SELECT c FROM coherence_chain c WHERE before IS NULL OR c.height < before ORDER BY c.height DESC LIMIT least(greatest(wanted, 1), 200))
  SELECT json_build_object('next', (SELECT min((s.c).height) FROM shown s HAVING min((s.c).height) > 0),
                           'blocks', (SELECT coalesce(json_agg(api_chain_block(s.c) ORDER BY (s.c).height DESC), '[]') FROM shown s));
$$;
COMMENT ON FUNCTION api_chain(bigint, integer) IS 'openapi.json, Chain: blocks of a lower height, the newest first; before null: the newest.';

CREATE FUNCTION api_epochs(wanted integer)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  WITH epochs AS (
    SELECT c.height / r.retarget_blocks AS epoch, c.height, c.bits, c.level, c.time, t.height AS tip, r.retarget_blocks, r.start_time
    FROM coherence_rules r CROSS JOIN coherence_tip() t
    CROSS JOIN LATERAL generate_series(greatest(t.height / r.retarget_blocks - least(greatest(wanted, 1), 200) + 1, 0), t.height / r.retarget_blocks) e
    JOIN coherence_chain c ON c.height = e * r.retarget_blocks),
  timed AS (
    SELECT e.*, least(e.retarget_blocks, e.tip - e.height + 1) AS blocks, coalesce(f.time, e.start_time) AS began, l.time AS ended
    FROM epochs e LEFT JOIN coherence_chain f ON f.height = e.height - 1
    JOIN coherence_chain l ON l.height = least(e.height + e.retarget_blocks - 1, e.tip))
  SELECT json_build_object('retarget_blocks', r.retarget_blocks, 'block_seconds', r.block_seconds,
    'epochs', (SELECT coalesce(json_agg(json_build_object('epoch', t.epoch, 'height', t.height, 'blocks', t.blocks, 'bits', lpad(to_hex(t.bits), 8, '0'), 'level', t.level,
        'time', extract(epoch FROM t.time)::bigint, 'expected_blooms', (2::numeric ^ 256 / nbits_target(t.bits))::float8,
        'expected_work', div(coherence_rounds_per_bloom(t.level) * trunc(2::numeric ^ 256), nbits_target(t.bits))::text,
        'mean_seconds', round(extract(epoch FROM t.ended - t.began) / t.blocks, 3)) ORDER BY t.epoch), '[]') FROM timed t))
  FROM coherence_rules r;
$$;
COMMENT ON FUNCTION api_epochs(integer) IS 'openapi.json, Epochs: the newest so many, the oldest first; null: no chain was begun.';

CREATE FUNCTION api_chain_block_detail(wanted_height bigint)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT (api_chain_block(c) || jsonb_build_object('header', encode(c.header, 'hex'), 'merkle_root', encode(c.merkle_root, 'hex'), 'params', lpad(to_hex(c.params), 8, '0'),
    'stretches', (SELECT coalesce(jsonb_agg(jsonb_build_object('pool', s.pool, 'journal', replace(s.journal::text, '-', ''), 'first', s.first_sequence,
                    'last', s.last_sequence, 'head', encode(s.head, 'hex')) ORDER BY s.pool), '[]') FROM coherence_stretches s WHERE s.height = c.height),
    'proof', jsonb_build_object('type', 'coherence', 'header92', encode(p.header, 'hex'), 'extranonce', numeral_hex(p.extranonce), 'attempt', numeral_hex(p.attempt),
               'params', lpad(to_hex(p.params), 8, '0'), 'target', encode(p.target, 'hex'), 'certificate', encode(p.certificate, 'hex'),
               'work_hash', encode(p.work_hash, 'hex')),
    'cert_hash', encode(p.cert_hash, 'hex'), 'r_q', p.r_q, 'psi_q', p.psi_q))::json
  FROM coherence_chain c JOIN coherence_proofs p ON p.id = c.proof_id WHERE c.height = wanted_height;
$$;
COMMENT ON FUNCTION api_chain_block_detail(bigint) IS 'openapi.json, ChainBlockDetail; null: no such block.';

-- ---------------------------------------------------------------- events

CREATE FUNCTION public_event_message(component text, message text)
RETURNS text
LANGUAGE sql
IMMUTABLE
AS $$
  -- What follows the first colon of these is the system's or the library's own word, which may name files, hosts and users.
  SELECT CASE WHEN component IN ('coherence', 'payouts', 'retention') THEN message
              ELSE regexp_replace(split_part(message, ': ', 1), '(^|\s)/\S+', '\1…', 'g') END;
$$;
COMMENT ON FUNCTION public_event_message(text, text) IS 'An event''s message as anybody may read it.';

CREATE FUNCTION api_events(before bigint, wanted integer, least_severity text)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  WITH severities AS (SELECT ARRAY['critical', 'high', 'medium', 'low', 'info'] AS names),
  shown AS (
    SELECT e.id, e.time, e.severity, e.component, e.message FROM events e CROSS JOIN severities s
    WHERE (before IS NULL OR e.id < before) AND e.severity = ANY (s.names[:array_position(s.names, least_severity)])
    ORDER BY e.id DESC LIMIT least(greatest(wanted, 1), 200))
  SELECT json_build_object('next', (SELECT CASE WHEN count(*) = least(greatest(wanted, 1), 200) THEN min(s.id) END FROM shown s),
    'events', (SELECT coalesce(json_agg(json_build_object('id', s.id, 'time_us', micros(s.time), 'severity', s.severity, 'component', s.component,
                 'message', public_event_message(s.component, s.message)) ORDER BY s.id DESC), '[]') FROM shown s));
$$;
COMMENT ON FUNCTION api_events(bigint, integer, text) IS 'openapi.json, Events: those with a smaller id that are at least so severe, the newest first; before null: the newest.';

-- ---------------------------------------------------------------- rights

DO $$
BEGIN
  -- What anybody may read, by whoever answers the page: where the pool's login is no member of phasepool_web, that is phasepool.
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool') THEN
    GRANT SELECT ON payout_schemes, payout_runs, payout_items, account_balances, payments, payment_outputs TO phasepool;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT (id, time, severity, component, message) ON events TO phasepool_web;
  END IF;
END;
$$;
