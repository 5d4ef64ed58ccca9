-- Where windows begin and what they hold, from sums, against the single shares: over minutes, hours, days and months.
BEGIN;
SELECT plan(16);

SELECT count(*) AS made FROM ensure_workers(ARRAY['bcrt1qa', 'bcrt1qb'], ARRAY['', ''], now()) \gset
INSERT INTO journal_positions (journal, sequence) VALUES ('11111111-1111-4111-8111-111111111111', 1000);
CREATE FUNCTION pg_temp.fill(step interval, times integer) RETURNS void LANGUAGE sql AS $$
  TRUNCATE shares, share_sums;
  INSERT INTO shares SELECT '2024-03-31T23:59:30.5Z'::timestamptz - (n - 1) * step, 1, 1000 - n, w.id, 1, 0, 1, 1, 3, '\x00'
    FROM generate_series(1, times) n JOIN workers w ON w.miner_id = (SELECT min(id) + n % 2 FROM miners);
  INSERT INTO share_sums SELECT s.span, date_trunc(s.span, time, 'UTC'), worker_id, journal, count(*), sum(work), 1
    FROM shares CROSS JOIN unnest(ARRAY['minute', 'hour', 'day']) AS s (span) GROUP BY 1, 2, 3, 4;
$$;
-- Each window from one piece of work to all there is and more: it begins with the right share, and with the right part of it.
CREATE FUNCTION pg_temp.wrong_starts(later interval) RETURNS SETOF numeric LANGUAGE sql AS $$
  SELECT x.want FROM (SELECT generate_series(1, 3 * count(*) + 2)::numeric AS want, count(*) AS shares FROM shares) x
  CROSS JOIN LATERAL find_window_start((SELECT max(time) FROM shares) + later, x.want) f
  WHERE (f.kind, f.sequence, f.work) IS DISTINCT FROM (CASE WHEN x.want > 3 * x.shares THEN ('all'::text, NULL::bigint, NULL::numeric)
    ELSE ('share'::text, 1000 - div(x.want + 2, 3)::bigint, x.want - 3 * (div(x.want + 2, 3) - 1)) END)
$$;
SELECT pg_temp.fill('17 hours 13 minutes 7 seconds', 130) AS x \gset
SELECT is_empty($$SELECT pg_temp.wrong_starts('0')$$, 'over three months');
SELECT is_empty($$SELECT pg_temp.wrong_starts('40 days')$$, 'after a month without shares');
SELECT is_empty($$SELECT pg_temp.wrong_starts('29.5 seconds')$$, 'from midnight');
DELETE FROM share_sums WHERE span = 'minute';
SELECT is((SELECT (kind, at, work) FROM find_window_start('2024-03-31T23:59:30.5Z', 50)), ('hour'::text, '2024-03-20T12:00:00Z'::timestamptz, 2::numeric),
  'where minutes were dropped, with the hour');
DELETE FROM share_sums WHERE span = 'hour' AND start < '2024-03-31Z';
SELECT is((SELECT (kind, at, work) FROM find_window_start('2024-03-31T23:59:30.5Z', 50)), ('day'::text, '2024-03-20T00:00:00Z'::timestamptz, 2::numeric),
  'where hours were, with the day');
SELECT throws_ok($$SELECT assert_edge_is_whole('shares', '2024-03-31T23:59:30.5Z', 'x')$$, 'PH113', NULL, 'at the end they must all be there: minutes');
SELECT pg_temp.fill('17 hours 13 minutes 7 seconds', 130) AS x \gset
DELETE FROM share_sums WHERE span = 'hour' AND start >= '2024-03-31Z' AND start < '2024-03-31T12:00Z';
SELECT throws_ok($$SELECT assert_edge_is_whole('shares', '2024-03-31T23:59:30.5Z', 'x')$$, 'PH113', NULL, 'and hours');

SELECT pg_temp.fill('43 minutes 11 seconds', 120) AS x \gset
SELECT is_empty($$SELECT pg_temp.wrong_starts('0')$$, 'over days');
SELECT is_empty($$SELECT pg_temp.wrong_starts('7 hours 20 minutes')$$, 'hours later');
DELETE FROM shares WHERE time < '2024-03-31T12:00Z';
SELECT is((SELECT (kind, at, work) FROM find_window_start('2024-03-31T23:59:30.5Z', 70)), ('minute'::text, '2024-03-31T07:26:00Z'::timestamptz, 1::numeric),
  'where shares were dropped, with the minute');
SELECT pg_temp.fill('17.25 seconds', 240) AS x \gset
SELECT is_empty($$SELECT pg_temp.wrong_starts('0')$$, 'over minutes');
SELECT is_empty($$SELECT pg_temp.wrong_starts('31 seconds')$$, 'half a minute later');
SAVEPOINT lost;
DELETE FROM shares WHERE sequence = 978;
SELECT is((SELECT (kind, at, work) FROM find_window_start('2024-03-31T23:59:30.5Z', 62)), ('minute'::text, '2024-03-31T23:53:00Z'::timestamptz, 2::numeric),
  'a minute of which a single share is lost counts like one whose shares are');
ROLLBACK TO lost;

-- All at once, which only journal and sequence tell apart; and one more of the same moment through another journal.
UPDATE shares SET time = '2024-03-31T12:00:00Z';
TRUNCATE share_sums;
INSERT INTO share_sums SELECT s.span, date_trunc(s.span, time, 'UTC'), worker_id, journal, count(*), sum(work), 1
  FROM shares CROSS JOIN unnest(ARRAY['minute', 'hour', 'day']) AS s (span) GROUP BY 1, 2, 3, 4;
SELECT is_empty($$SELECT pg_temp.wrong_starts('0')$$, 'all in one moment');
SELECT is_empty($$SELECT pg_temp.wrong_starts('2 days')$$, 'days later');

-- The fewest spans make up a time exactly, and those between lie without gap or overlap.
SELECT is_empty(
  $$SELECT a, b FROM generate_series(0, 60, 7) x, generate_series(0, 90, 4) y,
      LATERAL (SELECT '2024-02-28T00:00Z'::timestamptz + x * interval '53 minutes' AS a, '2024-02-28T00:00Z'::timestamptz + y * interval '61 minutes' AS b) t
    WHERE (SELECT coalesce(array_agg(s.m ORDER BY s.m), '{}') FROM span_cover(a, b) c, generate_series(c.lo, c.hi - interval '1 minute', '1 minute') AS s (m))
      IS DISTINCT FROM (SELECT coalesce(array_agg(s.m), '{}') FROM generate_series(a, b - interval '1 minute', '1 minute') AS s (m))
      OR EXISTS (SELECT FROM span_cover(a, b) c WHERE c.lo <> date_trunc(c.span, c.lo, 'UTC') OR c.hi <> date_trunc(c.span, c.hi, 'UTC'))$$,
  'span_cover: each minute once');

SELECT * FROM finish();
ROLLBACK;
