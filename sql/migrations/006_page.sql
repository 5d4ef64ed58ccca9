-- What the stats page asks of the database, each as one JSON value.

CREATE FUNCTION page_totals()
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT json_build_object(
    'shares_stored', (SELECT coalesce(sum(shares_total), 0)::bigint FROM journal_positions),
    'miners', (SELECT count(*) FROM miners),
    'workers', (SELECT count(*) FROM workers),
    'blocks', (SELECT json_object_agg(s.status, coalesce(b.n, 0) ORDER BY s.place)
               FROM unnest(ARRAY['submitted', 'accepted', 'rejected', 'confirmed', 'orphaned'])
                 WITH ORDINALITY AS s (status, place)
               LEFT JOIN (SELECT status, count(*) AS n FROM blocks GROUP BY status) b USING (status)));
$$;
COMMENT ON FUNCTION page_totals() IS
  '{"shares_stored", "miners", "workers", "blocks": {status: count}}; shares_stored counts dropped partitions too.';

CREATE FUNCTION page_blocks(count_max integer)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT coalesce(json_agg(json_build_object(
    'hash', encode(b.hash, 'hex'),
    'height', b.height,
    'time', to_char(b.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'address', m.address,
    'worker', w.name,
    'reward_sats', b.reward,
    'network_difficulty', b.network_difficulty,
    'share_difficulty', b.share_difficulty,
    'status', b.status,
    'detail', b.detail) ORDER BY b.time DESC, b.id DESC), '[]'::json)
  FROM (SELECT * FROM blocks ORDER BY time DESC, id DESC LIMIT least(count_max, 1000)) b
  JOIN workers w ON w.id = b.worker_id
  JOIN miners m ON m.id = w.miner_id;
$$;
COMMENT ON FUNCTION page_blocks(integer) IS
  'The newest candidates first: an array of {hash, height, time, address, worker, reward_sats, network_difficulty, share_difficulty, status, detail}.';
