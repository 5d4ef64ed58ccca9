-- Who may do what. Roles belong to the whole cluster: where the migrating role may not make them, they
-- are left out, and its owner's rights are all there is.

DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['phasepool', 'phasepool_web', 'phasepool_reports'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXECUTE format('COMMENT ON ROLE %I IS %L', role_name, CASE role_name
          WHEN 'phasepool' THEN 'Phasepool: stores what the journal brings.'
          WHEN 'phasepool_web' THEN 'Phasepool: reads what the stats page shows.'
          ELSE 'Phasepool: reads everything, for reports.' END);
      EXCEPTION
        WHEN insufficient_privilege THEN
          RAISE NOTICE 'role % was not made: % may not create roles', role_name, current_user;
        WHEN duplicate_object OR unique_violation THEN
          NULL;  -- made meanwhile, by a migration of another database
      END;
    END IF;
  END LOOP;
END;
$$;

REVOKE EXECUTE ON FUNCTION ensure_share_partitions(date, date) FROM PUBLIC;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool') THEN
    GRANT SELECT, INSERT ON miners, workers, shares, events TO phasepool;
    GRANT SELECT, INSERT, UPDATE ON blocks, journal_positions TO phasepool;
    GRANT SELECT ON schema_migrations TO phasepool;
    GRANT EXECUTE ON FUNCTION ensure_share_partitions(date, date) TO phasepool;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_web') THEN
    GRANT SELECT ON miners, workers, shares, blocks, journal_positions, schema_migrations
      TO phasepool_web;
    -- So that the pool can lay its rights down before it answers the page.
    BEGIN
      EXECUTE format('GRANT phasepool_web TO %I', current_user);
    EXCEPTION
      WHEN insufficient_privilege OR invalid_grant_operation THEN
        RAISE NOTICE 'role phasepool_web was not granted to %', current_user;
    END;
  END IF;
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'phasepool_reports') THEN
    GRANT SELECT ON miners, workers, shares, blocks, events, journal_positions, schema_migrations
      TO phasepool_reports;
  END IF;
END;
$$;
