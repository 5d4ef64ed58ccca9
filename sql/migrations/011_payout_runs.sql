-- Runs: each division of a reward, with everything it came from, and its canonical text.

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
