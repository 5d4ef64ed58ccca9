-- Every share that met the network's target, and what became of it.

CREATE TABLE blocks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
  height integer NOT NULL,
  time timestamptz NOT NULL,
  worker_id bigint NOT NULL REFERENCES workers (id),
  reward bigint NOT NULL,
  network_difficulty double precision NOT NULL,
  share_difficulty double precision NOT NULL,
  header bytea NOT NULL CHECK (octet_length(header) = 80),
  coinbase bytea NOT NULL,
  merkle_branch bytea[] NOT NULL,
  status text NOT NULL DEFAULT 'submitted'
    CHECK (status IN ('submitted', 'accepted', 'rejected', 'confirmed', 'orphaned')),
  detail text NOT NULL DEFAULT '',
  outcome_time timestamptz
);
CREATE INDEX blocks_by_time ON blocks (time DESC);
COMMENT ON TABLE blocks IS 'Block candidates: everything needed to explain one without the node.';
COMMENT ON COLUMN blocks.id IS 'In the order they reached the database.';
COMMENT ON COLUMN blocks.hash IS 'Block hash in display order: encode(hash, ''hex'') is what a node shows.';
COMMENT ON COLUMN blocks.height IS 'Height of the block.';
COMMENT ON COLUMN blocks.time IS 'When the share came.';
COMMENT ON COLUMN blocks.worker_id IS 'Who found it.';
COMMENT ON COLUMN blocks.reward IS 'Value of the coinbase, in satoshis.';
COMMENT ON COLUMN blocks.network_difficulty IS 'Difficulty of the network''s target.';
COMMENT ON COLUMN blocks.share_difficulty IS 'Difficulty that the hash met.';
COMMENT ON COLUMN blocks.header IS 'The 80 bytes of the header.';
COMMENT ON COLUMN blocks.coinbase IS 'The coinbase transaction, serialised without witness: its double SHA-256 is its txid.';
COMMENT ON COLUMN blocks.merkle_branch IS 'Hashes that fold with the coinbase''s txid to the merkle root, in the order and byte order in which they are hashed.';
COMMENT ON COLUMN blocks.status IS 'submitted: no node has answered; accepted, rejected: what the nodes said; confirmed, orphaned: what the chain said later.';
COMMENT ON COLUMN blocks.detail IS 'The node''s reason where there is one.';
COMMENT ON COLUMN blocks.outcome_time IS 'When the status last changed; null while submitted.';

CREATE FUNCTION set_block_outcome(block_hash bytea, new_status text, new_detail text, at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
  UPDATE blocks SET status = new_status, detail = new_detail, outcome_time = at
    WHERE hash = block_hash AND status IN ('submitted', 'rejected');
  RETURN FOUND OR EXISTS (SELECT FROM blocks WHERE hash = block_hash);
END;
$$;
COMMENT ON FUNCTION set_block_outcome(bytea, text, text, timestamptz) IS
  'Notes what the nodes said of a candidate. What a node has accepted stays so, whatever another says later. False: no such candidate.';
