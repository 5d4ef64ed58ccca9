-- How far each pool's journal is in the database. The position moves in the transaction that stores
-- the records before it, so that no record is counted twice or forgotten.

CREATE TABLE journal_positions (
  journal uuid PRIMARY KEY,
  id integer GENERATED ALWAYS AS IDENTITY UNIQUE,
  segment bigint NOT NULL DEFAULT 0,
  file_offset bigint NOT NULL DEFAULT 0,
  sequence bigint NOT NULL DEFAULT 0,
  shares_total bigint NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE journal_positions IS 'One row for each journal (each data_dir) that ships to this database.';
COMMENT ON COLUMN journal_positions.journal IS 'The journal''s id, as in data_dir/journal/journal_id.';
COMMENT ON COLUMN journal_positions.id IS 'Short name of the journal in shares.';
COMMENT ON COLUMN journal_positions.segment IS 'Number of the segment file that holds the next record.';
COMMENT ON COLUMN journal_positions.file_offset IS 'Where in that file it stands, in bytes.';
COMMENT ON COLUMN journal_positions.sequence IS 'Sequence number of the last record that is stored.';
COMMENT ON COLUMN journal_positions.shares_total IS 'Shares stored from this journal, ever; partitions that were dropped count too.';
COMMENT ON COLUMN journal_positions.updated_at IS 'When the position last moved.';
