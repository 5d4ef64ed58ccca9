-- Everything in schema public says what it is: \d+ and \df+ in psql are the schema's documentation.
BEGIN;
SELECT plan(6);

CREATE TEMP VIEW commented AS
  SELECT c.oid, c.relname, c.relkind, c.relispartition
  FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f');

SELECT is_empty(
  $$SELECT relname FROM commented WHERE coalesce(obj_description(oid, 'pg_class'), '') = '' ORDER BY 1$$,
  'every table, partition and view has a comment');

-- A partition's columns are its parent's.
SELECT is_empty(
  $$SELECT c.relname, a.attname
    FROM commented c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE NOT c.relispartition AND coalesce(col_description(c.oid, a.attnum), '') = '' ORDER BY 1, 2$$,
  'every column has a comment');

SELECT is_empty(
  $$SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.pronamespace = 'public'::regnamespace AND coalesce(obj_description(p.oid, 'pg_proc'), '') = ''
    ORDER BY 1$$,
  'every function has a comment');

SELECT is_empty(
  $$SELECT t.typname FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace = 'public'::regnamespace AND t.typelem = 0
      AND (t.typtype IN ('d', 'e', 'r') OR c.relkind = 'c')
      AND coalesce(obj_description(t.oid, 'pg_type'), obj_description(c.oid, 'pg_class'), '') = ''$$,
  'every type has a comment');

SELECT is_empty(
  $$SELECT rolname FROM pg_roles
    WHERE rolname LIKE 'phasepool%' AND coalesce(shobj_description(oid, 'pg_authid'), '') = ''$$,
  'every role has a comment');

-- What these tests look at is there.
SELECT cmp_ok((SELECT count(*) FROM commented), '>', 10::bigint, 'there are tables and views');

SELECT * FROM finish();
ROLLBACK;
