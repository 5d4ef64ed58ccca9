-- A clock that jumps ahead drops nothing, and one that was centuries behind holds no run up.
BEGIN;
SELECT plan(4);
CREATE FUNCTION pg_temp.day(back integer) RETURNS timestamptz LANGUAGE sql AS
  $$SELECT date_trunc('day', now(), 'UTC') - back * interval '1 day'$$;
SELECT worker_id FROM ensure_workers(ARRAY['bcrt1qa'], ARRAY['rig'], now()) \gset
INSERT INTO journal_positions (journal) VALUES ('00000000-0000-4000-8000-000000000001');
SELECT ensure_share_partitions(pg_temp.day(100)::date, pg_temp.day(100)::date) AS made \gset
INSERT INTO shares VALUES (pg_temp.day(100), 1, 1, :worker_id, 1, 0, 1, 1, 1000, '\x00');
INSERT INTO share_sums SELECT s.span, date_trunc(s.span, time, 'UTC'), worker_id, journal, count(*), sum(work), max(share_difficulty)
  FROM shares CROSS JOIN unnest(ARRAY['minute', 'hour', 'day']) AS s (span) GROUP BY 1, 2, 3, 4;

-- The newest share is of a hundred days ago: for all that the pools say, it is then now.
SELECT is((SELECT sum(dropped) FROM run_retention(35, 35, 400)), 0::numeric, 'where only the server''s clock says that it is old, a share stays');
INSERT INTO share_sums VALUES ('day', pg_temp.day(0), :worker_id, 1, 1, 1000, 1);
SELECT is((SELECT dropped FROM run_retention(35, 35, 400) WHERE what = 'shares'), 1::bigint, 'where shares say so too, it goes');

INSERT INTO share_sums VALUES ('day', '0001-01-01Z', :worker_id, 1, 1, 1, 1);
SET LOCAL statement_timeout = '3s';  -- day by day, or month by month, it takes much longer
SELECT is((find_window_start(now(), 1000000)).kind, 'all', 'a window that all work does not fill takes all');
SELECT is((find_window_start(now(), 1001)).kind, 'day', 'and one that is just filled begins with the first');

SELECT * FROM finish();
ROLLBACK;
