-- Coherence work: the proof chain, which several pools extend and nobody changes; what each pool's journal has come to; proofs and
-- their sums. docs/coherence.md says what the work is, section by section.
--
-- Hashes of this work (coherence_chain.hash and prev_hash, coherence_proofs.work_hash and cert_hash, heads) are as SHA-256 gives them, which
-- is how headers hold them. Bitcoin's hashes are in display order, as everywhere.
--
-- How a pool uses it (thread `chain`; the store thread calls append_coherence_block() by itself):
--
--   LISTEN coherence_chain;                                           -- first; a payload is the new tip's height, or 'rules'
--   SELECT * FROM begin_coherence_chain(420, 123, 504889344, NULL);   -- once at its start: the rules in force, which may be another pool's;
--                                                                     -- times are seconds; NULL: a chain that begins now begins at this second
--   SELECT * FROM coherence_state('<own journal id>');                -- at the start, at each notification, and about once a second for the heads
--   SELECT publish_coherence_head(1, '<own journal id>', 4711, '\x…');  -- about once a second, when its newest durable record has changed
--
-- coherence_state() has a row for each journal: the own one (first), and every one that has a head. The columns before `pool` are the same in all.
-- A block that is built on its answer commits, of each row with head_sequence > committed_sequence, to the stretch from committed_sequence + 1 to
-- head_sequence (of the own journal, to what is durable here), ordered by pool, and of each pool to one journal.

CREATE FUNCTION le32_at(bytes bytea, place integer)
RETURNS bigint
LANGUAGE sql
IMMUTABLE STRICT PARALLEL SAFE
RETURN get_byte(bytes, place) + (get_byte(bytes, place + 1)::bigint << 8) + (get_byte(bytes, place + 2)::bigint << 16)
  + (get_byte(bytes, place + 3)::bigint << 24);
COMMENT ON FUNCTION le32_at(bytea, integer) IS 'The unsigned 32-bit integer, little-endian, at a place (from 0) in some bytes.';

-- Not a text that is read when it runs: checks call it while a dump is restored, under an empty search_path.
CREATE FUNCTION le256(bytes bytea)
RETURNS numeric
LANGUAGE sql
IMMUTABLE STRICT PARALLEL SAFE
RETURN ((((((le32_at(bytes, 28)::numeric * 4294967296 + le32_at(bytes, 24)) * 4294967296 + le32_at(bytes, 20)) * 4294967296
  + le32_at(bytes, 16)) * 4294967296 + le32_at(bytes, 12)) * 4294967296 + le32_at(bytes, 8)) * 4294967296 + le32_at(bytes, 4)) * 4294967296
  + le32_at(bytes, 0);
COMMENT ON FUNCTION le256(bytea) IS '32 bytes as an unsigned integer, little-endian: how a work hash is compared with a target.';

-- ---------------------------------------------------------------- proofs
-- No program before this version stored any.

ALTER TABLE coherence_proofs
  ADD COLUMN extranonce numeric(20, 0) NOT NULL CHECK (extranonce >= 0 AND extranonce <= 18446744073709551615),
  ADD COLUMN params bigint NOT NULL CHECK (params BETWEEN 65536 AND 65541),
  ADD COLUMN target bytea NOT NULL CHECK (octet_length(target) = 32),
  ADD CHECK (attempt >= 0 AND attempt <= 18446744073709551615),
  ADD CHECK (octet_length(header) = 92),
  ADD CHECK (octet_length(certificate) = 332),
  ADD CHECK (sha256(certificate) = cert_hash),
  ADD CHECK (bloom_start = le32_at(certificate, 0) AND bloom_end = le32_at(certificate, 4)),
  ADD CHECK (r_q BETWEEN 0 AND 65535 AND psi_q BETWEEN 0 AND 65535),
  ADD UNIQUE (work_hash);
COMMENT ON COLUMN coherence_proofs.header IS 'The 92 bytes that were hashed: the job''s header (76), nonce, r, psi, number of oscillators.';
COMMENT ON COLUMN coherence_proofs.extranonce IS 'Of the connection, an unsigned 64-bit number.';
COMMENT ON COLUMN coherence_proofs.params IS '65536 + level.';
COMMENT ON COLUMN coherence_proofs.target IS 'That it was held to: a numeral of 256 bits, its first digit first.';
COMMENT ON COLUMN coherence_proofs.bloom_start IS 'First of the seven coherent states.';
COMMENT ON COLUMN coherence_proofs.bloom_end IS 'Last of them: so many rounds the attempt took.';
COMMENT ON COLUMN coherence_proofs.r_q IS 'Order parameter of that state, in 1/65536.';
COMMENT ON COLUMN coherence_proofs.psi_q IS 'Mean phase of that state, in 1/65536 turn.';
COMMENT ON COLUMN coherence_proofs.cert_hash IS 'SHA-256 of the certificate.';
COMMENT ON COLUMN coherence_proofs.work_hash IS 'Hash that met the target, as a little-endian integer. None is stored twice: a proof is paid for once.';
COMMENT ON COLUMN coherence_proofs.certificate IS 'The certificate: with header, extranonce, attempt and params enough to verify the proof with nothing else.';
COMMENT ON TABLE coherence_proofs IS 'Accepted coherence proofs, each with its whole certificate. Kept as long as shares; those that made a block of the proof chain for ever. Not partitioned: work_hash must be unique over all days, and blocks of the chain refer to single rows.';

CREATE FUNCTION add_coherence_sums(of_journal integer, after_sequence bigint, to_sequence bigint)
RETURNS void
LANGUAGE sql
AS $$
  INSERT INTO coherence_sums AS s (span, start, worker_id, journal, proofs, work)
  SELECT x.span, date_trunc(x.span, p.time, 'UTC'), p.worker_id, p.journal, count(*), sum(p.work)
  FROM coherence_proofs p CROSS JOIN unnest(ARRAY['minute', 'hour', 'day']) AS x (span)
  WHERE p.journal = of_journal AND p.sequence > after_sequence AND p.sequence <= to_sequence
  GROUP BY 1, 2, 3, 4
  ON CONFLICT (span, start, worker_id, journal) DO UPDATE SET proofs = s.proofs + excluded.proofs, work = s.work + excluded.work;
$$;
COMMENT ON FUNCTION add_coherence_sums(integer, bigint, bigint) IS
  'Adds the proofs of a journal''s records, after one and up to another, to coherence_sums: once, in the transaction that stores them.';

-- ---------------------------------------------------------------- the chain's rules

CREATE TABLE coherence_rules (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  block_seconds integer NOT NULL CHECK (block_seconds > 0),
  retarget_blocks integer NOT NULL CHECK (retarget_blocks > 0),
  initial_bits bigint NOT NULL CHECK (nbits_target(initial_bits) > 0),
  start_time timestamptz NOT NULL CHECK (start_time >= '1970-01-01Z' AND start_time < '2106-02-07Z' AND start_time = date_trunc('second', start_time))
);
COMMENT ON TABLE coherence_rules IS 'What the proof chain is run with: one row, set by the first pool that starts, and the same for the chain''s life.';
COMMENT ON COLUMN coherence_rules.only_row IS 'True: there is one row.';
COMMENT ON COLUMN coherence_rules.block_seconds IS 'How long a block is meant to take.';
COMMENT ON COLUMN coherence_rules.retarget_blocks IS 'After how many blocks the target follows the time that they took.';
COMMENT ON COLUMN coherence_rules.initial_bits IS 'Target of the first blocks in its compact form.';
COMMENT ON COLUMN coherence_rules.start_time IS 'What the first block''s time is counted from, a whole second.';

CREATE FUNCTION begin_coherence_chain(wanted_block_seconds integer, wanted_retarget_blocks integer, wanted_initial_bits bigint, wanted_start_time bigint)
RETURNS TABLE (block_seconds integer, retarget_blocks integer, initial_bits bigint, start_time bigint)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO coherence_rules (block_seconds, retarget_blocks, initial_bits, start_time)
    SELECT wanted_block_seconds, wanted_retarget_blocks, wanted_initial_bits, coalesce(to_timestamp(wanted_start_time), date_trunc('second', now()))
    WHERE NOT EXISTS (SELECT FROM coherence_rules)
    ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT r.block_seconds, r.retarget_blocks, r.initial_bits, extract(epoch FROM r.start_time)::bigint FROM coherence_rules r;
END;
$$;
COMMENT ON FUNCTION begin_coherence_chain(integer, integer, bigint, bigint) IS
  'Sets the proof chain''s rules, if no pool has yet; returns those in force. Times are seconds since 1970; without a start time it is now.';

-- ---------------------------------------------------------------- the chain

-- The first column: the height before, which together with prev_hash must be a block that is here. Of the first block it is null.
ALTER TABLE coherence_chain
  ADD COLUMN prev_height integer GENERATED ALWAYS AS (nullif(height, 0) - 1) STORED,
  ADD COLUMN header bytea NOT NULL CHECK (octet_length(header) = 76),
  ADD COLUMN params bigint NOT NULL,
  ADD COLUMN appended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ADD UNIQUE (height, hash),
  ADD UNIQUE (proof_id),
  ADD FOREIGN KEY (prev_height, prev_hash) REFERENCES coherence_chain (height, hash),
  ADD FOREIGN KEY (proof_id) REFERENCES coherence_proofs (id),
  ADD FOREIGN KEY (hash) REFERENCES coherence_proofs (work_hash),
  ADD CHECK (height > 0 OR prev_hash = decode(repeat('00', 32), 'hex')),
  ADD CHECK (le32_at(header, 0) = 1),
  ADD CHECK (substr(header, 5, 32) = prev_hash),
  ADD CHECK (substr(header, 37, 32) = merkle_root),
  ADD CHECK (le32_at(header, 68) = extract(epoch FROM time)),
  ADD CHECK (le32_at(header, 72) = bits),
  ADD CHECK (level BETWEEN 0 AND 5 AND params = 65536 + level),
  ADD CHECK (le256(hash) < nbits_target(bits));
COMMENT ON TABLE coherence_chain IS 'The proof chain: each block commits to the one before, to the Bitcoin tip and to what each pool''s journal has come to since. Heights have no gaps, prev_hash is a block of the height before, the hash meets bits, and rows are only added: the table''s constraints see to it, whoever writes. Through append_coherence_block().';
COMMENT ON COLUMN coherence_chain.prev_height IS 'Height of the block before; null in the first.';
COMMENT ON COLUMN coherence_chain.header IS 'The job''s header (76 bytes), of which prev_hash, merkle_root, time and bits are parts.';
COMMENT ON COLUMN coherence_chain.params IS '65536 + level.';
COMMENT ON COLUMN coherence_chain.appended_at IS 'When it became the tip.';
COMMENT ON COLUMN coherence_chain.merkle_root IS 'Merkle root over the Bitcoin tip and the block''s rows of coherence_stretches.';

CREATE TABLE coherence_stretches (
  height integer NOT NULL REFERENCES coherence_chain (height),
  pool bigint NOT NULL CHECK (pool >= 0 AND pool < 4294967296),
  journal uuid NOT NULL,
  first_sequence bigint NOT NULL CHECK (first_sequence > 0),
  last_sequence bigint NOT NULL CHECK (last_sequence >= first_sequence),
  head bytea NOT NULL CHECK (octet_length(head) = 32),
  PRIMARY KEY (height, pool),
  UNIQUE (journal, last_sequence)
);
COMMENT ON TABLE coherence_stretches IS 'What each block of the proof chain commits to of each journal: records that came since the block before that committed to that journal. Each journal''s stretches follow each other without a gap.';
COMMENT ON COLUMN coherence_stretches.height IS 'The block: coherence_chain.height.';
COMMENT ON COLUMN coherence_stretches.pool IS 'The pool''s instance number.';
COMMENT ON COLUMN coherence_stretches.journal IS 'The journal''s id, as in journal_positions.journal and in its segments'' headers.';
COMMENT ON COLUMN coherence_stretches.first_sequence IS 'Its first record.';
COMMENT ON COLUMN coherence_stretches.last_sequence IS 'Its last record.';
COMMENT ON COLUMN coherence_stretches.head IS 'SHA-256 of the segment''s file from its start to the end of that record: what stood before can''t be changed any more.';

CREATE FUNCTION refuse_chain_change()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION '% on %: the proof chain is only added to', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'PH115', HINT = 'Blocks that are there stay. A chain with other rules needs another database.';
END;
$$;
COMMENT ON FUNCTION refuse_chain_change() IS 'Trigger of the proof chain''s tables: nothing in them is changed or deleted.';
CREATE TRIGGER coherence_rules_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON coherence_rules FOR EACH STATEMENT EXECUTE FUNCTION refuse_chain_change();
CREATE TRIGGER coherence_chain_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON coherence_chain FOR EACH STATEMENT EXECUTE FUNCTION refuse_chain_change();
CREATE TRIGGER coherence_stretches_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON coherence_stretches
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_chain_change();

CREATE FUNCTION tell_coherence_chain()
RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
  PERFORM pg_notify('coherence_chain', CASE TG_TABLE_NAME WHEN 'coherence_chain' THEN to_jsonb(NEW) ->> 'height' ELSE 'rules' END);
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION tell_coherence_chain() IS 'Trigger: NOTIFY coherence_chain with the new tip''s height, or with "rules" when the chain has begun.';
CREATE TRIGGER coherence_tip_is_told AFTER INSERT ON coherence_chain FOR EACH ROW EXECUTE FUNCTION tell_coherence_chain();
CREATE TRIGGER coherence_rules_are_told AFTER INSERT ON coherence_rules FOR EACH ROW EXECUTE FUNCTION tell_coherence_chain();

CREATE FUNCTION coherence_stretches_flaw(pools bigint[], journals uuid[], firsts bigint[], lasts bigint[], heads bytea[])
RETURNS text
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  stretch record;
BEGIN
  FOR stretch IN
    SELECT u.*, lag(u.pool) OVER (ORDER BY u.place) AS pool_before, count(*) OVER (PARTITION BY u.journal) AS of_journal,
           (SELECT max(s.last_sequence) FROM coherence_stretches s WHERE s.journal = u.journal) AS committed
    FROM unnest(pools, journals, firsts, lasts, heads) WITH ORDINALITY AS u (pool, journal, first, last, head, place)
    ORDER BY u.place
  LOOP
    IF stretch.journal IS NULL OR (stretch.pool BETWEEN 0 AND 4294967295 AND stretch.first > 0 AND stretch.last >= stretch.first
                                   AND octet_length(stretch.head) = 32) IS NOT TRUE THEN
      RETURN format('its stretch %s of pool %s, journal %s, from record %s to %s, is none', stretch.place, stretch.pool, stretch.journal, stretch.first,
                    stretch.last);
    ELSIF stretch.pool <= stretch.pool_before THEN
      RETURN format('its stretch of pool %s comes after that of pool %s, expected one of each in their order', stretch.pool, stretch.pool_before);
    ELSIF stretch.of_journal > 1 THEN
      RETURN format('it has %s stretches of journal %s, expected one', stretch.of_journal, stretch.journal);
    ELSIF stretch.first <> stretch.committed + 1 THEN
      RETURN format('its stretch of journal %s begins with record %s, expected %s', stretch.journal, stretch.first, stretch.committed + 1);
    END IF;
  END LOOP;
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION coherence_stretches_flaw(bigint[], uuid[], bigint[], bigint[], bytea[]) IS
  'What is wrong with the stretches of a block that would follow the tip, in words; null: nothing.';

CREATE FUNCTION coherence_block_flaw(tip coherence_chain, new_height bigint, new_header bytea, new_params bigint, new_hash bytea)
RETURNS text
LANGUAGE plpgsql
STABLE
AS $$
DECLARE
  rules coherence_rules;
BEGIN
  SELECT * INTO rules FROM coherence_rules;
  IF rules.only_row IS NULL THEN
    RETURN 'no chain was begun';
  ELSIF octet_length(new_header) <> 76 OR octet_length(new_hash) <> 32 THEN
    RETURN format('header of %s bytes and hash of %s, expected 76 and 32', octet_length(new_header), octet_length(new_hash));
  ELSIF NOT EXISTS (SELECT FROM coherence_proofs p WHERE p.work_hash = new_hash) THEN
    RETURN 'its proof is not stored';
  ELSIF NOT EXISTS (SELECT FROM coherence_proofs p WHERE p.work_hash = new_hash AND substr(p.header, 1, 76) = new_header AND p.params = new_params) THEN
    RETURN 'header or params are not those of its proof';
  ELSIF tip.height IS NULL AND le32_at(new_header, 72) <> rules.initial_bits THEN
    RETURN format('bits %s, expected the initial %s', le32_at(new_header, 72), rules.initial_bits);
  ELSIF le32_at(new_header, 0) <> 1 THEN
    RETURN format('version %s, expected 1', le32_at(new_header, 0));
  -- All later blocks must have later times: one from far ahead would make epochs look short, and each target lower, until its time has come.
  ELSIF le32_at(new_header, 68) > extract(epoch FROM clock_timestamp()) + 7200 THEN
    RETURN format('time %s is more than 7200 s after the database''s clock, %s', le32_at(new_header, 68), extract(epoch FROM clock_timestamp())::bigint);
  ELSIF le32_at(new_header, 68) <= extract(epoch FROM tip.time) THEN
    RETURN format('time %s is not after %s of the block before', le32_at(new_header, 68), extract(epoch FROM tip.time)::bigint);
  ELSIF new_height % rules.retarget_blocks <> 0 AND (le32_at(new_header, 72), new_params) <> (tip.bits, tip.params) THEN
    RETURN format('bits %s and params %s, expected %s and %s, which change only every %s blocks', le32_at(new_header, 72), new_params, tip.bits,
                  tip.params, rules.retarget_blocks);
  ELSIF le256(new_hash) >= nbits_target(le32_at(new_header, 72)) THEN
    RETURN format('its hash does not meet bits %s', le32_at(new_header, 72));
  END IF;
  RETURN NULL;
END;
$$;
COMMENT ON FUNCTION coherence_block_flaw(coherence_chain, bigint, bytea, bigint, bytea) IS
  'What is wrong with a block that would follow a tip (all null: the first block), its stretches aside, in words; null: nothing. What a retarget gives is not checked here: phasepool verify chain does.';

CREATE TABLE coherence_waiting (
  hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
  height integer NOT NULL CHECK (height > 0),
  "time" timestamptz NOT NULL,
  header bytea NOT NULL CHECK (octet_length(header) = 76),
  params bigint NOT NULL,
  bitcoin_tip bytea NOT NULL,
  pools bigint[] NOT NULL,
  journals uuid[] NOT NULL,
  firsts bigint[] NOT NULL,
  lasts bigint[] NOT NULL,
  heads bytea[] NOT NULL
);
CREATE INDEX coherence_waiting_by_height ON coherence_waiting (height);
COMMENT ON TABLE coherence_waiting IS 'Blocks that came before those they follow: after a database was restored from an older copy, each pool brings again what the database lacks, in its own order. They become the chain''s when what is before them has.';
COMMENT ON COLUMN coherence_waiting.hash IS 'As in coherence_chain.';
COMMENT ON COLUMN coherence_waiting.height IS 'As in coherence_chain; no further than 10000 blocks ahead of it.';
COMMENT ON COLUMN coherence_waiting.time IS 'When its pool found it.';
COMMENT ON COLUMN coherence_waiting.header IS 'As in coherence_chain.';
COMMENT ON COLUMN coherence_waiting.params IS 'As in coherence_chain.';
COMMENT ON COLUMN coherence_waiting.bitcoin_tip IS 'As in coherence_chain.';
COMMENT ON COLUMN coherence_waiting.pools IS 'Its stretches: coherence_stretches.pool of each.';
COMMENT ON COLUMN coherence_waiting.journals IS 'coherence_stretches.journal of each.';
COMMENT ON COLUMN coherence_waiting.firsts IS 'coherence_stretches.first_sequence of each.';
COMMENT ON COLUMN coherence_waiting.lasts IS 'coherence_stretches.last_sequence of each.';
COMMENT ON COLUMN coherence_waiting.heads IS 'coherence_stretches.head of each.';

-- Under append_coherence_block()'s lock.
CREATE FUNCTION place_coherence_block(at timestamptz, new_height bigint, new_hash bytea, new_header bytea, new_params bigint, new_bitcoin_tip bytea,
                                       pools bigint[], journals uuid[], firsts bigint[], lasts bigint[], heads bytea[])
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
  tip coherence_chain;
  flaw text;
  follows boolean;
BEGIN
  SELECT * INTO tip FROM coherence_chain ORDER BY height DESC LIMIT 1;
  IF EXISTS (SELECT FROM coherence_chain c WHERE c.hash = new_hash) THEN
    RETURN 'known';
  END IF;
  follows := new_height = coalesce(tip.height + 1, 0) AND substr(new_header, 5, 32) = coalesce(tip.hash, decode(repeat('00', 32), 'hex'));
  IF follows THEN
    flaw := coalesce(coherence_block_flaw(tip, new_height, new_header, new_params, new_hash),
                     coherence_stretches_flaw(pools, journals, firsts, lasts, heads));
    IF flaw IS NOT NULL THEN
      PERFORM record_event(at, 'high', 'coherence', format('block %s of the proof chain is wrong: %s', new_height, flaw),
                           json_build_object('height', new_height, 'hash', encode(new_hash, 'hex'), 'header', encode(new_header, 'hex'))::text);
      RETURN 'wrong';
    END IF;
    INSERT INTO coherence_chain (height, hash, prev_hash, time, bits, level, merkle_root, bitcoin_tip, proof_id, header, params)
      SELECT new_height, new_hash, substr(new_header, 5, 32), to_timestamp(le32_at(new_header, 68)), le32_at(new_header, 72), new_params - 65536,
             substr(new_header, 37, 32), new_bitcoin_tip, p.id, new_header, new_params
      FROM coherence_proofs p WHERE p.work_hash = new_hash;
    INSERT INTO coherence_stretches (height, pool, journal, first_sequence, last_sequence, head)
      SELECT new_height, s.* FROM unnest(pools, journals, firsts, lasts, heads) s;
    RETURN 'appended';
  ELSIF new_height > coalesce(tip.height + 1, 0) AND new_height <= coalesce(tip.height, 0) + 10000
        AND octet_length(new_header) = 76 AND EXISTS (SELECT FROM coherence_proofs p WHERE p.work_hash = new_hash) THEN
    INSERT INTO coherence_waiting VALUES (new_hash, new_height, at, new_header, new_params, new_bitcoin_tip, pools, journals, firsts, lasts, heads)
      ON CONFLICT DO NOTHING;
    RETURN 'waiting';
  END IF;
  PERFORM record_event(at, 'low', 'coherence',
    format('block %s of the proof chain came too late: the tip is %s; its proof is credited all the same', new_height,
           coalesce('at height ' || tip.height, 'none yet')),
    json_build_object('height', new_height, 'hash', encode(new_hash, 'hex'), 'prev_hash', encode(substr(new_header, 5, 32), 'hex'),
                      'tip_height', tip.height, 'tip_hash', encode(tip.hash, 'hex'))::text);
  RETURN 'late';
END;
$$;
COMMENT ON FUNCTION place_coherence_block(timestamptz, bigint, bytea, bytea, bigint, bytea, bigint[], uuid[], bigint[], bigint[], bytea[]) IS
  'append_coherence_block() for one block, without those that wait for it.';

CREATE FUNCTION append_coherence_block(at timestamptz, new_height bigint, new_hash bytea, new_header bytea, new_params bigint, new_bitcoin_tip bytea,
                                       pools bigint[], journals uuid[], firsts bigint[], lasts bigint[], heads bytea[])
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
  answer text;
  tip coherence_chain;
  waiting coherence_waiting;
BEGIN
  -- Another pool may be here with another block at this moment: whoever comes second waits for the other's transaction, and then sees its block.
  PERFORM pg_advisory_xact_lock(hashtext('phasepool coherence_chain'));
  answer := place_coherence_block(at, new_height, new_hash, new_header, new_params, new_bitcoin_tip, pools, journals, firsts, lasts, heads);
  WHILE answer = 'appended' LOOP
    -- Of several for one height, the one that others were built on, else the earliest. Those that can't follow any more are late.
    SELECT * INTO tip FROM coherence_chain ORDER BY height DESC LIMIT 1;
    SELECT w.* INTO waiting FROM coherence_waiting w WHERE w.height <= tip.height + 1
      ORDER BY w.height, substr(w.header, 5, 32) = tip.hash DESC,
               EXISTS (SELECT FROM coherence_waiting c WHERE c.height = w.height + 1 AND substr(c.header, 5, 32) = w.hash) DESC, w.time, w.hash LIMIT 1;
    EXIT WHEN NOT FOUND;
    DELETE FROM coherence_waiting w WHERE w.hash = waiting.hash;
    PERFORM place_coherence_block(waiting.time, waiting.height, waiting.hash, waiting.header, waiting.params, waiting.bitcoin_tip, waiting.pools, waiting.journals, waiting.firsts,
                                  waiting.lasts, waiting.heads);
  END LOOP;
  RETURN answer;
END;
$$;
COMMENT ON FUNCTION append_coherence_block(timestamptz, bigint, bytea, bytea, bigint, bytea, bigint[], uuid[], bigint[], bigint[], bytea[]) IS
  'Adds a block to the proof chain if it follows the tip: appended. Its proof must be stored before. late: the tip is another, and an event (low) says so; wrong: it follows, but is not as the rules say (event, high); known: it is there; waiting: blocks before it are missing, and it is tried again when they come. Never an error for coming second. Call it last in a transaction: whoever comes second waits for the first to commit.';

CREATE FUNCTION coherence_tip()
RETURNS TABLE (height integer, hash bytea, "time" timestamptz, bits bigint, level integer, epoch_start_time timestamptz)
LANGUAGE sql
STABLE
AS $$
  SELECT c.height, c.hash, c.time, c.bits, c.level,
         coalesce((SELECT e.time FROM coherence_chain e WHERE e.height = c.height / r.retarget_blocks * r.retarget_blocks - 1), r.start_time)
  FROM (SELECT * FROM coherence_chain ORDER BY height DESC LIMIT 1) c CROSS JOIN coherence_rules r;
$$;
COMMENT ON FUNCTION coherence_tip() IS
  'The last block of the proof chain; no row before the first. epoch_start_time: time of the last block before the tip''s epoch, the chain''s start in the first.';

-- ---------------------------------------------------------------- the journals' heads

CREATE TABLE coherence_heads (
  pool bigint PRIMARY KEY CHECK (pool >= 0 AND pool < 4294967296),
  journal uuid NOT NULL UNIQUE,
  sequence bigint NOT NULL CHECK (sequence > 0),
  head bytea NOT NULL CHECK (octet_length(head) = 32),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE coherence_heads IS 'How far each pool''s journal is durable, as it last told: what the next block of the proof chain commits to. A pool with a new data_dir has another journal; one with a new number takes its journal along.';
COMMENT ON COLUMN coherence_heads.pool IS 'The pool''s instance number.';
COMMENT ON COLUMN coherence_heads.journal IS 'Its journal''s id.';
COMMENT ON COLUMN coherence_heads.sequence IS 'The newest durable record.';
COMMENT ON COLUMN coherence_heads.head IS 'SHA-256 of the segment''s file from its start to the end of that record.';
COMMENT ON COLUMN coherence_heads.updated_at IS 'When it told.';

CREATE FUNCTION publish_coherence_head(of_pool bigint, of_journal uuid, new_sequence bigint, new_head bytea)
RETURNS void
LANGUAGE sql
AS $$
  DELETE FROM coherence_heads WHERE journal = of_journal AND pool <> of_pool;
  INSERT INTO coherence_heads AS h (pool, journal, sequence, head) VALUES (of_pool, of_journal, new_sequence, new_head)
  ON CONFLICT (pool) DO UPDATE
    SET journal = excluded.journal, sequence = excluded.sequence, head = excluded.head, updated_at = excluded.updated_at
    WHERE h.journal <> excluded.journal OR h.sequence < excluded.sequence;
$$;
COMMENT ON FUNCTION publish_coherence_head(bigint, uuid, bigint, bytea) IS
  'Tells how far a pool''s journal is durable. What is not further than what stands there changes nothing. A journal that another number told of has this one now.';

CREATE FUNCTION coherence_state(own_journal uuid)
RETURNS TABLE (block_seconds integer, retarget_blocks integer, initial_bits bigint, start_time bigint,
               tip_height integer, tip_hash text, tip_time bigint, tip_bits bigint, tip_level integer, epoch_start_time bigint,
               pool bigint, journal text, committed_sequence bigint, head_sequence bigint, head text, head_age_seconds double precision)
LANGUAGE sql
STABLE
AS $$
  SELECT r.block_seconds, r.retarget_blocks, r.initial_bits, extract(epoch FROM r.start_time)::bigint,
         t.height, encode(t.hash, 'hex'), extract(epoch FROM t.time)::bigint, t.bits, t.level, extract(epoch FROM t.epoch_start_time)::bigint,
         j.pool, replace(j.journal::text, '-', ''),
         coalesce((SELECT max(s.last_sequence) FROM coherence_stretches s WHERE s.journal = j.journal), 0),
         j.sequence, encode(j.head, 'hex'), extract(epoch FROM clock_timestamp() - j.updated_at)::double precision
  FROM coherence_rules r
  LEFT JOIN coherence_tip() t ON true
  CROSS JOIN (SELECT h.pool, h.journal, h.sequence, h.head, h.updated_at FROM coherence_heads h
              UNION ALL
              SELECT NULL, own_journal, NULL, NULL, NULL WHERE NOT EXISTS (SELECT FROM coherence_heads h WHERE h.journal = own_journal)) j
  ORDER BY j.journal <> own_journal, j.pool;
$$;
COMMENT ON FUNCTION coherence_state(uuid) IS
  'All that a pool needs to know of the proof chain, at one moment: rules, tip (null before the first block), and for each journal how far the chain has committed to it and how far it is durable. The own journal comes first, with nulls where it has told no head. No row: no chain was begun. Times in seconds since 1970, hashes in hex.';

-- ---------------------------------------------------------------- retention

ALTER TABLE retention_marks DROP CONSTRAINT retention_marks_what_check;
ALTER TABLE retention_marks ADD CONSTRAINT retention_marks_what_check
  CHECK (what IN ('shares', 'proofs', 'minutes', 'rejects', 'events', 'chain_tips', 'journal_segments'));
COMMENT ON COLUMN retention_marks.what IS 'shares; proofs: coherence_proofs that made no block of the proof chain; minutes: share_sums of span minute, and coherence_sums; rejects: single ones; events; chain_tips; journal_segments.';

CREATE OR REPLACE FUNCTION drop_days(what_text text, before date, keep datemultirange)
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
    WHEN 'proofs' THEN
      DELETE FROM coherence_proofs p WHERE p.time < before_time AND NOT (p.time AT TIME ZONE 'UTC')::date <@ keep
        AND NOT EXISTS (SELECT FROM coherence_chain c WHERE c.proof_id = p.id);
      GET DIAGNOSTICS dropped = ROW_COUNT;
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
  'Drops shares, coherence proofs, or minutes (sums of them), of the days before a UTC day that are not to be kept; returns how many partitions (of proofs: rows) went. Proofs that made a block of the proof chain stay. For the owner.';

CREATE OR REPLACE FUNCTION days_kept_for(what_text text, before date, keep datemultirange)
RETURNS text
LANGUAGE sql
STABLE
AS $$
  SELECT CASE WHEN count(*) > 0 THEN
      format('%s older days are kept: %s', count(*),
             (SELECT n.reason FROM shares_needed() n WHERE n.first_day < before ORDER BY n.first_day, n.reason LIMIT 1)) ELSE '' END
  FROM (SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE what_text <> 'proofs' AND c.relname ~ '_[0-9]{8}$'
          AND i.inhparent = CASE what_text WHEN 'shares' THEN 'shares'::regclass ELSE 'share_sums_minute'::regclass END
        UNION
        SELECT (p.time AT TIME ZONE 'UTC')::date FROM coherence_proofs p
        WHERE what_text = 'proofs' AND p.time < before::timestamp AT TIME ZONE 'UTC'
          AND NOT EXISTS (SELECT FROM coherence_chain c WHERE c.proof_id = p.id)) d
  WHERE d.day < before AND d.day <@ keep;
$$;
COMMENT ON FUNCTION days_kept_for(text, date, datemultirange) IS
  'How many days of shares, coherence proofs or minutes are kept though they are older, and for what; empty where none is.';

CREATE OR REPLACE FUNCTION drop_days_before(what_text text, day date)
RETURNS integer
LANGUAGE plpgsql
AS $$
DECLARE
  needed record;
BEGIN
  IF what_text IS NULL OR what_text NOT IN ('shares', 'proofs', 'minutes') OR day IS NULL OR day > (now() AT TIME ZONE 'UTC')::date THEN
    RAISE EXCEPTION 'drop_days_before: % before %', coalesce(what_text, 'null'), coalesce(day::text, 'null')
      USING ERRCODE = 'PH402', HINT = 'Give shares, proofs or minutes, and a day that is not after today''s, UTC.';
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
  'Drops shares, coherence proofs, or minutes (sums of them), of all days before a UTC day; returns how many partitions (of proofs: rows) went. Refuses (PH401) where payouts need one of the days. By hand, for the owner.';

CREATE OR REPLACE FUNCTION share_days_needed()
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
  FROM (SELECT time FROM blocks WHERE status NOT IN ('rejected', 'orphaned') ORDER BY time DESC, id DESC LIMIT 1) b
  UNION
  -- Behind the last PPS run the coherence work of the next one begins, however long ago that was.
  SELECT (r.end_time AT TIME ZONE 'UTC')::date
  FROM (SELECT end_time FROM payout_runs WHERE kind = 'pps' AND state <> 'withdrawn' ORDER BY end_time DESC, id DESC LIMIT 1) r
  WHERE EXISTS (SELECT FROM scheme_at(now()) s WHERE s.scheme = 'pps' AND s.coherence_ppm > 0);
$$;
COMMENT ON FUNCTION share_days_needed() IS
  'UTC days whose single shares or proofs a run will still need: those of blocks that have none yet, of the newest block, behind which PROP and coherence work begin, and of the last PPS run''s end, behind which the coherence work of the next begins. Retention leaves them.';

CREATE OR REPLACE FUNCTION run_retention(keep_shares_days integer, keep_minutes_days integer, keep_events_days integer)
RETURNS TABLE (what text, dropped bigint, kept_from timestamptz, note text)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = public, pg_temp
SET lock_timeout = '2s'
AS $$
DECLARE
  -- By the server's clock and the pools': where one of them jumped ahead, nothing is dropped for it.
  today date := least((now() AT TIME ZONE 'UTC')::date,
                      (SELECT (max(s.start) AT TIME ZONE 'UTC')::date + 2
                       FROM (SELECT max(start) AS start FROM share_sums WHERE span = 'day'
                             UNION ALL SELECT max(start) FROM coherence_sums WHERE span = 'day') s));
  keep datemultirange := needed_days();
  wanted record;
BEGIN
  PERFORM check_keep_days('keep_shares_days', keep_shares_days);
  PERFORM check_keep_days('keep_minutes_days', keep_minutes_days);
  PERFORM check_keep_days('keep_events_days', keep_events_days);
  -- The partitions last: from their dropping to the end of the transaction, shares can't be stored.
  FOR wanted IN SELECT * FROM (VALUES ('events', keep_events_days), ('chain_tips', keep_events_days),
      ('journal_segments', keep_events_days), ('rejects', keep_minutes_days), ('proofs', keep_shares_days), ('minutes', keep_minutes_days),
      ('shares', keep_shares_days)) AS w (what, days)
  LOOP
    what := wanted.what;
    dropped := 0;
    note := '';
    -- Whoever reads shares for long (a report, pg_dump) holds the lock that dropping needs: the next time will do.
    BEGIN
      IF what IN ('shares', 'proofs', 'minutes') THEN
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
  'The pool calls it daily: drops shares and coherence proofs, sums of minutes (and single rejects) and events (and chain tips, journal segments) older than so many days, days being UTC''s. Days that payouts still need are kept, and an event says so; so are proofs that made a block of the proof chain; what is locked is left for the next time. A row for each kind: partitions or rows dropped, from when on all rows are there, and why not more.';

-- ---------------------------------------------------------------- rights

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool') THEN
    GRANT SELECT, INSERT ON coherence_rules, coherence_stretches TO phasepool;
    GRANT SELECT, INSERT, UPDATE, DELETE ON coherence_heads TO phasepool;
    GRANT SELECT, INSERT, DELETE ON coherence_waiting TO phasepool;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT ON coherence_rules, coherence_stretches, coherence_heads, coherence_waiting TO phasepool_web;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_reports') THEN
    GRANT SELECT ON coherence_rules, coherence_stretches, coherence_heads, coherence_waiting TO phasepool_reports;
  END IF;
END;
$$;
