-- What the API shows of the proof chain, as one JSON value. Whoever keeps heights and hashes from it is a witness: a chain that is changed later
-- has another hash at some of these heights.

CREATE FUNCTION page_coherence(count_max integer)
RETURNS json
LANGUAGE sql
STABLE
AS $$
  SELECT coalesce(json_agg(json_build_object(
    'height', c.height,
    'hash', encode(c.hash, 'hex'),
    'prev_hash', encode(c.prev_hash, 'hex'),
    'time', extract(epoch FROM c.time)::bigint,
    'bits', lpad(to_hex(c.bits), 8, '0'),
    'level', c.level,
    'bitcoin_tip', encode(c.bitcoin_tip, 'hex')) ORDER BY c.height DESC), '[]'::json)
  FROM (SELECT * FROM coherence_chain ORDER BY height DESC LIMIT least(count_max, 1000)) c;
$$;
COMMENT ON FUNCTION page_coherence(integer) IS
  'The newest blocks of the proof chain first: an array of {height, hash, prev_hash, time, bits, level, bitcoin_tip}; times in seconds since 1970, hashes as in the table.';
