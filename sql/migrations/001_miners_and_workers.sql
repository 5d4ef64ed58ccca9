-- Who mines: a payout address, and the machines that mine to it.

COMMENT ON TABLE schema_migrations IS 'Migrations applied to this database, one row each. Written by phasepool migrate alone.';
COMMENT ON COLUMN schema_migrations.version IS 'The number at the start of the migration''s file name.';
COMMENT ON COLUMN schema_migrations.name IS 'The file''s name without its number and ending.';
COMMENT ON COLUMN schema_migrations.sha256 IS 'SHA-256 of the text that was applied, in hex.';
COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied.';

CREATE TABLE miners (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  address text NOT NULL UNIQUE,
  first_seen timestamptz NOT NULL
);
COMMENT ON TABLE miners IS 'Payout addresses that shares were accepted for.';
COMMENT ON COLUMN miners.id IS 'Short name of the miner in other tables.';
COMMENT ON COLUMN miners.address IS 'The address in its canonical form (bech32 in lower case).';
COMMENT ON COLUMN miners.first_seen IS 'Time of the first accepted share.';

CREATE TABLE workers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  miner_id bigint NOT NULL REFERENCES miners (id),
  name text NOT NULL,
  first_seen timestamptz NOT NULL,
  UNIQUE (miner_id, name)
);
COMMENT ON TABLE workers IS 'A miner''s workers: what follows the first dot of the Stratum user name.';
COMMENT ON COLUMN workers.id IS 'Short name of the worker in shares and blocks.';
COMMENT ON COLUMN workers.miner_id IS 'Whose worker it is.';
COMMENT ON COLUMN workers.name IS 'As the miner gave it; empty where the user name was an address alone. Bytes that are not UTF-8 stand as \xNN.';
COMMENT ON COLUMN workers.first_seen IS 'Time of the first accepted share.';

CREATE FUNCTION ensure_workers(addresses text[], names text[], seen timestamptz)
RETURNS TABLE (address text, name text, worker_id bigint)
LANGUAGE plpgsql
AS $$
BEGIN
  -- In one order everywhere, so that two pools that meet here wait for each other, not deadlock.
  INSERT INTO miners AS m (address, first_seen)
    SELECT DISTINCT t.a, seen FROM unnest(addresses) AS t (a) ORDER BY t.a
    ON CONFLICT DO NOTHING;
  INSERT INTO workers AS w (miner_id, name, first_seen)
    SELECT DISTINCT m.id, t.n, seen
    FROM unnest(addresses, names) AS t (a, n) JOIN miners m ON m.address = t.a
    ORDER BY m.id, t.n
    ON CONFLICT DO NOTHING;
  RETURN QUERY
    SELECT DISTINCT t.a, t.n, w.id
    FROM unnest(addresses, names) AS t (a, n)
    JOIN miners m ON m.address = t.a
    JOIN workers w ON w.miner_id = m.id AND w.name = t.n;
END;
$$;
COMMENT ON FUNCTION ensure_workers(text[], text[], timestamptz) IS
  'Ids of the workers (addresses[i], names[i]), made where they are new; seen is then their first_seen.';
