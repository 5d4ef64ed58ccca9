-- What becomes of a block after it was sent: each node's answer, the chain's word, confirmations.

CREATE TABLE block_submissions (
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  node text NOT NULL,
  answer text NOT NULL
    CHECK (answer IN ('accepted', 'duplicate', 'inconclusive', 'rejected', 'unreachable')),
  detail text NOT NULL,
  time timestamptz NOT NULL,
  PRIMARY KEY (hash, node)
);
COMMENT ON TABLE block_submissions IS
  'The last answer of each node to each block. A hash may stand here before its row in blocks: records come in the order of the journal, in which a candidate can follow.';
COMMENT ON COLUMN block_submissions.hash IS 'Block hash in display order, as in blocks.';
COMMENT ON COLUMN block_submissions.node IS 'The node as the pool calls it: host and port.';
COMMENT ON COLUMN block_submissions.answer IS 'accepted: in its best chain; duplicate: it had it; inconclusive: on another branch, or no verdict yet; rejected; unreachable: no answer.';
COMMENT ON COLUMN block_submissions.detail IS 'The node''s reason, or the failure.';
COMMENT ON COLUMN block_submissions.time IS 'When it so answered.';

CREATE FUNCTION set_block_submission(block_hash bytea, from_node text, new_answer text,
                                     new_detail text, at timestamptz)
RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO block_submissions (hash, node, answer, detail, time)
  VALUES (block_hash, from_node, new_answer, new_detail, at)
  ON CONFLICT (hash, node) DO UPDATE
    SET answer = excluded.answer, detail = excluded.detail, time = excluded.time;
$$;
COMMENT ON FUNCTION set_block_submission(bytea, text, text, text, timestamptz) IS
  'Notes a node''s answer to a block; the last one counts, in the journal''s order.';

CREATE TABLE chain_tips (
  hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
  prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
  height integer NOT NULL CHECK (height >= 0),
  time timestamptz NOT NULL
);
CREATE INDEX chain_tips_by_time ON chain_tips (time DESC, height DESC);
COMMENT ON TABLE chain_tips IS
  'Blocks, of the pool or not, that were the tip of the node in use while the pool ran. Those between two looks at the node are not here.';
COMMENT ON COLUMN chain_tips.hash IS 'Block hash in display order.';
COMMENT ON COLUMN chain_tips.prev_hash IS 'Hash of the block before it.';
COMMENT ON COLUMN chain_tips.height IS 'Height of the block.';
COMMENT ON COLUMN chain_tips.time IS 'When it last became the tip: again, where the chain came back to it.';

CREATE FUNCTION add_chain_tip(tip_hash bytea, tip_prev_hash bytea, tip_height integer, at timestamptz)
RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO chain_tips (hash, prev_hash, height, time)
  VALUES (tip_hash, tip_prev_hash, tip_height, least(at, clock_timestamp()))
  ON CONFLICT (hash) DO UPDATE SET time = greatest(chain_tips.time, excluded.time);
$$;
COMMENT ON FUNCTION add_chain_tip(bytea, bytea, integer, timestamptz) IS
  'Notes a new tip. A time ahead of this server''s counts as now: a pool whose clock was once in the future must not hold the newest tip until then.';

CREATE VIEW newest_chain_tip AS
  SELECT hash, height, time FROM chain_tips ORDER BY time DESC, height DESC LIMIT 1;
COMMENT ON VIEW newest_chain_tip IS 'The tip as last heard; no row before the first.';
COMMENT ON COLUMN newest_chain_tip.hash IS 'Block hash in display order.';
COMMENT ON COLUMN newest_chain_tip.height IS 'Height of the block.';
COMMENT ON COLUMN newest_chain_tip.time IS 'When it became the tip.';

CREATE TABLE block_states (
  hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
  state text NOT NULL CHECK (state IN ('in_chain', 'orphaned', 'confirmed')),
  height integer NOT NULL CHECK (height >= 0),
  time timestamptz NOT NULL
);
COMMENT ON TABLE block_states IS
  'Where the chain has left each of the pool''s blocks. Apart from blocks for the same reason as block_submissions: a hash may stand here before its row there.';
COMMENT ON COLUMN block_states.hash IS 'Block hash in display order, as in blocks.';
COMMENT ON COLUMN block_states.state IS 'in_chain; orphaned: the best chain goes another way; confirmed: in the chain with 100 confirmations.';
COMMENT ON COLUMN block_states.height IS 'Height of the block.';
COMMENT ON COLUMN block_states.time IS 'When the state last changed.';

CREATE FUNCTION apply_block_state(block_hash bytea)
RETURNS void
LANGUAGE sql
AS $$
  UPDATE blocks b
    SET status = CASE s.state WHEN 'in_chain' THEN 'accepted' ELSE s.state END,
        detail = '', outcome_time = s.time
    FROM block_states s
    WHERE s.hash = block_hash AND b.hash = block_hash
      AND b.status <> CASE s.state WHEN 'in_chain' THEN 'accepted' ELSE s.state END;
$$;
COMMENT ON FUNCTION apply_block_state(bytea) IS
  'Brings blocks.status in line with what the chain said, where both are known: its word is the last.';

CREATE FUNCTION set_block_state(block_hash bytea, new_state text, block_height integer, at timestamptz)
RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
  INSERT INTO block_states (hash, state, height, time)
  VALUES (block_hash, new_state, block_height, at)
  ON CONFLICT (hash) DO UPDATE
    SET state = excluded.state, height = excluded.height, time = excluded.time
    WHERE block_states.state <> excluded.state;
  PERFORM apply_block_state(block_hash);
END;
$$;
COMMENT ON FUNCTION set_block_state(bytea, text, integer, timestamptz) IS
  'Notes a change of a block''s state; the same once more changes nothing.';

CREATE OR REPLACE FUNCTION set_block_outcome(block_hash bytea, new_status text, new_detail text, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE blocks SET status = new_status, detail = new_detail, outcome_time = at
    WHERE hash = block_hash AND status IN ('submitted', 'rejected')
      AND NOT EXISTS (SELECT FROM block_states WHERE hash = block_hash);
  RETURN FOUND OR EXISTS (SELECT FROM blocks WHERE hash = block_hash);
END;
$$;
COMMENT ON FUNCTION set_block_outcome(bytea, text, text, timestamptz) IS
  'Notes what the nodes said of a candidate. What a node has accepted stays so, whatever another says later, and the chain''s word stands above theirs. False: no such candidate.';
COMMENT ON COLUMN blocks.status IS 'submitted: no node has answered; accepted, rejected: what the nodes said; later what the chain said: accepted: in the best chain; confirmed: with 100 confirmations; orphaned.';

CREATE VIEW block_confirmations AS
  SELECT b.hash, b.height, b.status, c.confirmations,
         CASE WHEN s.state = 'confirmed' THEN 0
              WHEN c.confirmations IS NOT NULL THEN greatest(0, 100 - c.confirmations)
         END AS matures_in
  FROM blocks b
  LEFT JOIN block_states s ON s.hash = b.hash AND s.state <> 'orphaned'
  LEFT JOIN newest_chain_tip t ON true
  -- The block was seen in the chain: a tip that was noted before it says less.
  CROSS JOIN LATERAL (SELECT CASE WHEN s.hash IS NOT NULL AND t.hash IS NOT NULL
                               THEN greatest(1, t.height - b.height + 1) END AS confirmations) c;
COMMENT ON VIEW block_confirmations IS
  'How deep each block is in the chain, by the newest tip: one row per row of blocks.';
COMMENT ON COLUMN block_confirmations.hash IS 'Block hash in display order, as in blocks.';
COMMENT ON COLUMN block_confirmations.height IS 'Height of the block.';
COMMENT ON COLUMN block_confirmations.status IS 'As in blocks.';
COMMENT ON COLUMN block_confirmations.confirmations IS '1 for the tip itself; null while the block is not known to be in the chain.';
COMMENT ON COLUMN block_confirmations.matures_in IS 'Blocks until its coinbase can be spent, which takes 100 confirmations; null while the block is not known to be in the chain.';

CREATE OR REPLACE FUNCTION page_blocks(count_max integer)
RETURNS json
LANGUAGE plpgsql  -- which plans for the limit it is given: without it, whole tables are joined
STABLE
AS $$
BEGIN
  RETURN (SELECT coalesce(json_agg(json_build_object(
      'hash', encode(b.hash, 'hex'),
      'height', b.height,
      'time', to_char(b.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'address', m.address,
      'worker', w.name,
      'reward_sats', b.reward,
      'network_difficulty', b.network_difficulty,
      'share_difficulty', b.share_difficulty,
      'status', b.status,
      'detail', b.detail,
      'state', s.state,
      'confirmations', c.confirmations,
      'matures_in', c.matures_in,
      'submissions', (SELECT coalesce(json_agg(json_build_object(
          'node', a.node,
          'answer', a.answer,
          'detail', a.detail,
          'time', to_char(a.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
          ORDER BY a.node), '[]'::json)
        FROM (SELECT * FROM block_submissions WHERE hash = b.hash ORDER BY node LIMIT 100) a))
      ORDER BY b.time DESC, b.id DESC), '[]'::json)
    FROM (SELECT * FROM blocks ORDER BY time DESC, id DESC LIMIT least(count_max, 1000)) b
    JOIN workers w ON w.id = b.worker_id
    JOIN miners m ON m.id = w.miner_id
    JOIN block_confirmations c ON c.hash = b.hash
    LEFT JOIN block_states s ON s.hash = b.hash);
END;
$$;
COMMENT ON FUNCTION page_blocks(integer) IS
  'The newest candidates first: an array of {hash, height, time, address, worker, reward_sats, network_difficulty, share_difficulty, status, detail, state, confirmations, matures_in, submissions: [{node, answer, detail, time}]}.';

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool') THEN
    GRANT SELECT, INSERT, UPDATE ON block_submissions, block_states, chain_tips TO phasepool;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT ON block_submissions, block_states, chain_tips, newest_chain_tip,
      block_confirmations TO phasepool_web;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_reports') THEN
    GRANT SELECT ON block_submissions, block_states, chain_tips, newest_chain_tip,
      block_confirmations TO phasepool_reports;
  END IF;
END;
$$;
