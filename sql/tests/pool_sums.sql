-- What all workers did together: the triggers of share_sums keep it, whatever is added there and how.
BEGIN;
SELECT plan(9);
SELECT worker_id FROM ensure_workers(ARRAY['bcrt1qa', 'bcrt1qb', 'bcrt1qb'], ARRAY['', 'one', 'two'], now()) ORDER BY 1 LIMIT 1 \gset
SELECT ensure_share_sum_partitions('2021-05-01', '2021-05-02') AS made \gset

CREATE FUNCTION pg_temp.differences() RETURNS SETOF record LANGUAGE sql AS $$
  (SELECT span, start, journal, shares::numeric, work FROM pool_sums
   EXCEPT SELECT span, start, journal, sum(shares), sum(work) FROM share_sums GROUP BY 1, 2, 3)
  UNION ALL
  (SELECT span, start, journal, sum(shares), sum(work) FROM share_sums GROUP BY 1, 2, 3
   EXCEPT SELECT span, start, journal, shares::numeric, work FROM pool_sums)
$$;

SELECT add_share_sums(1, 'minute', ARRAY[timestamptz '2021-05-01T10:00:00Z', '2021-05-01T10:00:00Z', '2021-05-01T10:01:00Z'],
                      ARRAY[:worker_id, :worker_id + 1, :worker_id]::bigint[], ARRAY[1, 2, 3]::bigint[], ARRAY[100, trunc(2::numeric ^ 200), 300], ARRAY[1, 2, 3]::float8[]);
SELECT results_eq($$SELECT start, journal, shares, work FROM pool_sums ORDER BY 1$$,
  $$VALUES (timestamptz '2021-05-01T10:00:00Z', 1, 3::bigint, 100 + trunc(2::numeric ^ 200)), ('2021-05-01T10:01:00Z', 1, 3, 300)$$, 'new sums are added up, exactly');
SELECT add_share_sums(1, 'minute', ARRAY[timestamptz '2021-05-01T10:00:00Z', '2021-05-01T10:00:00Z'], ARRAY[:worker_id, :worker_id + 2]::bigint[],
                      ARRAY[10, 20]::bigint[], ARRAY[1000, 2000]::numeric[], ARRAY[1, 1]::float8[]);
SELECT results_eq($$SELECT shares, work FROM pool_sums WHERE start = '2021-05-01T10:00:00Z'$$, $$VALUES (33::bigint, 3100 + trunc(2::numeric ^ 200))$$,
  'a batch that adds to rows and makes new ones counts once');
SELECT add_share_sums(2, 'minute', ARRAY[timestamptz '2021-05-01T10:00:00Z'], ARRAY[:worker_id]::bigint[], ARRAY[5]::bigint[], ARRAY[5]::numeric[], ARRAY[1]::float8[]);
SELECT add_share_sums(1, 'hour', ARRAY[timestamptz '2021-05-01T10:00:00Z'], ARRAY[:worker_id]::bigint[], ARRAY[7]::bigint[], ARRAY[7]::numeric[], ARRAY[1]::float8[]);
SELECT add_share_sums(1, 'day', ARRAY[timestamptz '2021-05-01T00:00:00Z'], ARRAY[:worker_id]::bigint[], ARRAY[7]::bigint[], ARRAY[7]::numeric[], ARRAY[1]::float8[]);
SELECT is((SELECT count(*) FROM pool_sums), 5::bigint, 'each journal and span has rows of its own');
SELECT is_empty($$SELECT * FROM pg_temp.differences() AS d (span text, start timestamptz, journal int, shares numeric, work numeric)$$, 'they are what share_sums adds up to');
UPDATE share_sums SET work = work + 1;
SELECT is_empty($$SELECT * FROM pg_temp.differences() AS d (span text, start timestamptz, journal int, shares numeric, work numeric)$$, 'an update of many rows too');
SELECT throws_ok($$SET LOCAL ROLE phasepool; UPDATE pool_sums SET work = 0$$, '42501', NULL, 'nobody writes there');
RESET ROLE;
SET LOCAL ROLE phasepool;
SELECT add_share_sums(1, 'minute', ARRAY[timestamptz '2021-05-01T10:05:00Z'], ARRAY[:worker_id]::bigint[], ARRAY[5]::bigint[], ARRAY[5]::numeric[], ARRAY[1]::float8[]);
RESET ROLE;
SELECT is((SELECT work FROM pool_sums WHERE start = '2021-05-01T10:05:00Z'), 5::numeric, 'but the trigger, when the pool adds sums');
SELECT drop_days('minutes', '2021-05-02', '{}') AS dropped \gset
SELECT is((SELECT count(*) FROM pool_sums WHERE span = 'minute'), 0::bigint, 'minutes are dropped with the others');
SELECT is((SELECT count(*) FROM pool_sums), 2::bigint, 'hours and days stay');
SELECT * FROM finish();
ROLLBACK;
