-- What the API tells of miners and workers: sums, rates, order, pages, best shares, what ckpool's form is made of.
BEGIN;
SELECT plan(68);
\ir fixtures/api.psql
SELECT extract(epoch FROM now() - date_trunc('minute', now())) AS running \gset

-- A: two rigs at work and one that is idle for days; B: as much work, alone; C: gone for ten days; D: never had a share.
SELECT pg_temp.store(api_minute() - interval '12 days', 'bcrt1qa', 'x', 2000, 900) AS s1, pg_temp.store(api_minute() - interval '3 days', 'bcrt1qa', 'idle', 900, 800) AS s2,
       pg_temp.store(api_minute() - interval '1 day 1 microsecond', 'bcrt1qa', 'y', 8, 1) AS s3, pg_temp.store(api_minute() - interval '1 day', 'bcrt1qa', 'y', 7, 1) AS s4,
       pg_temp.store(api_minute() - interval '20 hours', 'bcrt1qa', 'x', 6, 1) AS s5, pg_temp.store(api_minute() - interval '50 minutes', 'bcrt1qa', 'x', 5, 1, 2) AS s6,
       pg_temp.store(api_minute() - interval '1 minute 1 microsecond', 'bcrt1qa', 'x', 4, 1) AS s7, pg_temp.store(api_minute() - interval '1 minute', 'bcrt1qa', 'x', 30, 50) AS s8,
       pg_temp.store(now(), 'bcrt1qa', 'x', 60, 2) AS s9, pg_temp.store(now(), 'bcrt1qa', 'y', 1, 3) AS s10 \gset
SELECT pg_temp.store(api_minute() - interval '10 minutes', 'bcrt1qb', '', 113, 1) AS s1 \gset
SELECT pg_temp.store(api_minute() - interval '10 days', 'bcrt1qc', 'rig', 5000, 1) AS s1 \gset
SELECT count(*) AS made FROM ensure_workers(ARRAY['bcrt1qd'], ARRAY['new'], now()) \gset
INSERT INTO reject_sums SELECT date_trunc('hour', now() - back, 'UTC'), pg_temp.worker('bcrt1qa', name), reason, 1, n
  FROM (VALUES ('x', interval '0', 'stale', 3), ('x', '5 hours', 'stale', 4), ('y', '1 hour', 'duplicate', 1), ('x', '2 days', 'stale', 100)) AS r (name, back, reason, n);
SELECT array_agg(w.id ORDER BY w.id) AS ids FROM workers w JOIN miners m ON m.id = w.miner_id WHERE m.address = 'bcrt1qa' \gset

-- Sums of some workers: as those of all, for them alone.
CREATE FUNCTION pg_temp.differ(from_time timestamptz, to_time timestamptz) RETURNS SETOF record LANGUAGE sql AS $$
  (SELECT s.worker_id, s.shares, s.work, s.best_share_difficulty FROM sums_of_workers(ARRAY(SELECT id FROM workers), from_time, to_time) s
   EXCEPT SELECT worker_id, count(*), sum(work), max(share_difficulty) FROM shares WHERE time >= from_time AND time < to_time GROUP BY 1)
  UNION ALL
  (SELECT worker_id, count(*), sum(work), max(share_difficulty) FROM shares WHERE time >= from_time AND time < to_time GROUP BY 1
   EXCEPT SELECT s.worker_id, s.shares, s.work, s.best_share_difficulty FROM sums_of_workers(ARRAY(SELECT id FROM workers), from_time, to_time) s)
$$;
SELECT is_empty(format('SELECT * FROM pg_temp.differ(%L, %L) AS d (a bigint, b bigint, c numeric, d float8)', api_minute() - length, api_now()), 'sums are those of the shares: ' || length)
  FROM unnest(ARRAY[interval '0', '1 minute', '59 minutes', '1 hour', '61 minutes', '1 day', '25 hours', '7 days', '11 days 7 hours 3 minutes']) length;
SELECT is_empty(format('SELECT * FROM pg_temp.differ(%L, %L) AS d (a bigint, b bigint, c numeric, d float8)', '-infinity', api_now()), 'from the beginning, too');
SELECT is_empty(format('SELECT * FROM sums_of_workers(%L, %L, %L)', :'ids', api_now(), api_now()), 'of no time there are none');
SELECT is_empty($$SELECT * FROM sums_of_workers('{}', '-infinity', api_now())$$, 'nor of nobody');
SELECT results_eq(format('SELECT worker_id FROM sums_of_workers(%L, %L, %L) ORDER BY 1', :'ids', '-infinity', api_now()), format('SELECT unnest(%L::bigint[]) ORDER BY 1', :'ids'),
  'of others nothing');
SELECT is(workers_work(:'ids', api_minute() - interval '1 day', now()), 60 + 1 + 30 + 4 + 5 + 6 + 7::numeric - 61, 'work up to a microsecond: that one is out');
SELECT is(workers_work(:'ids', api_minute() - interval '1 day', now() + interval '1 microsecond'), 60 + 1 + 30 + 4 + 5 + 6 + 7::numeric, 'and the next is in');
SELECT is(workers_work(:'ids', api_minute() - interval '1 day 1 microsecond', now()), 60::numeric, 'from a microsecond on');
SELECT is(workers_work(:'ids', now(), now() + interval '1 microsecond'), 61::numeric, 'within one minute');
SELECT is(workers_work(:'ids', '-infinity', now()), (SELECT sum(work) FROM shares WHERE worker_id = ANY (:'ids') AND time < now()), 'from the beginning');
SELECT is(workers_work('{}', '-infinity', now()), 0::numeric, 'of nobody: none');
SELECT results_eq(format('SELECT w.name, api_minute() - l.start FROM last_minutes(%L, api_minute() - interval %L) l JOIN workers w ON w.id = l.worker_id ORDER BY 1', :'ids', '1 day'),
  $$VALUES ('x', interval '0'), ('y', interval '0')$$, 'the newest minutes; none for who had none since');

-- All miners.
SELECT is((SELECT array_agg(m ->> 'address') FROM json_array_elements(api_miners(1, 50) -> 'miners') m), '{bcrt1qa,bcrt1qb}', 'miners of the last day; the same work: by address');
SELECT is((api_miners(1, 50) -> 'miners' -> 0)::jsonb, jsonb_build_object('address', 'bcrt1qa', 'workers', 2, 'shares_1d', 7, 'best_share_difficulty', 900,
    'last_share_us', micros(api_minute()), 'first_seen_us', micros((SELECT first_seen FROM miners WHERE address = 'bcrt1qa')),
    'hashrate', api_rates(91, 95, 100, 113, 1021)::jsonb), 'a miner''s figures: from the first microsecond of each window on, best shares from ever');
SELECT is((api_miners(1, 1)::jsonb - 'miners' - 'time_us'), '{"page": 1, "per_page": 1, "total": 2, "next": 2}', 'a page of one');
SELECT is((api_miners(2, 1)::jsonb - 'miners' - 'time_us'), '{"page": 2, "per_page": 1, "total": 2, "next": null}', 'the last page');
SELECT is(api_miners(2, 1) #>> '{miners,0,address}', 'bcrt1qb', 'has the second');
SELECT is((api_miners(3, 1)::jsonb - 'time_us'), '{"page": 3, "per_page": 1, "total": 2, "next": null, "miners": []}', 'behind it there is none');
SELECT is((api_miners(0, 0)::jsonb - 'miners' - 'time_us'), '{"page": 1, "per_page": 1, "total": 2, "next": 2}', 'a page and a size below 1 count as 1');
SELECT is((api_miners(1, 1000) ->> 'per_page'), '200', 'no page is larger than 200');
SELECT is((api_miners(2000000000, 200) ->> 'total'), '2', 'a page far away');
SELECT is((api_miners(1, 50) ->> 'time_us')::bigint, micros(now()), 'as of now');

-- Workers.
SELECT is(api_workers('bcrt1qnobody', 1, 10)::text, NULL, 'nobody''s workers');
SELECT is((SELECT array_agg(w ->> 'name') FROM json_array_elements(api_workers('bcrt1qa', 1, 10) -> 'workers') w), '{x,y,idle}', 'those with the most work in the last day first');
SELECT is((api_workers('bcrt1qa', 1, 2)::jsonb - 'workers' - 'time_us'), '{"address": "bcrt1qa", "page": 1, "per_page": 2, "total": 3, "next": 2}', 'in pages');
SELECT is((SELECT array_agg(w ->> 'name') FROM json_array_elements(api_workers('bcrt1qa', 2, 2) -> 'workers') w), '{idle}', 'of which the last one may be short');
SELECT is((api_workers('bcrt1qa', 1, 10) -> 'workers' -> 0)::jsonb, jsonb_build_object('name', 'x', 'hashrate', api_rates(90, 94, 99, 105, 105)::jsonb, 'shares_1d', 5, 'rejected_1d', 7,
    'rejects_1d', '{"stale": 7}'::jsonb, 'best_share_difficulty', 900, 'last_share_us', micros(api_minute()),
    'first_seen_us', micros((SELECT first_seen FROM workers WHERE id = pg_temp.worker('bcrt1qa', 'x'))), 'live', NULL), 'a worker''s figures; who is connected the pool knows');
SELECT is(api_workers('bcrt1qa', 1, 10) #>> '{workers,2,last_share_us}', micros(date_trunc('day', api_minute() - interval '3 days', 'UTC'))::text, 'who is idle for days: the day of its last share');
SELECT is((api_workers('bcrt1qd', 1, 10) -> 'workers' -> 0)::jsonb - 'first_seen_us', jsonb_build_object('name', 'new', 'hashrate', api_rates(0, 0, 0, 0, 0)::jsonb, 'shares_1d', 0,
    'rejected_1d', 0, 'rejects_1d', '{}'::jsonb, 'best_share_difficulty', 0, 'last_share_us', NULL, 'live', NULL), 'who never had a share is there all the same');
SELECT is(api_worker_list('{}')::text, '[]', 'a list of nobody');
SELECT is((SELECT array_agg(w ->> 'name') FROM json_array_elements(api_worker_list(ARRAY[pg_temp.worker('bcrt1qa', 'y'), pg_temp.worker('bcrt1qb', '')])) w), '{y,""}', 'a list in the order that was asked for');
SELECT is(api_busiest_workers((SELECT id FROM miners WHERE address = 'bcrt1qa'), 1, 1), ARRAY[pg_temp.worker('bcrt1qa', 'y')], 'the second busiest');

-- One miner.
SELECT is(api_miner('bcrt1qnobody')::text, NULL, 'nobody');
SELECT is(api_miner(NULL)::text, NULL, 'nor nothing');
SELECT is(api_miner('bcrt1qa')::jsonb - ARRAY['workers', 'blocks', 'balance', 'pending', 'days', 'payouts', 'payments', 'best_shares', 'round'],
  jsonb_build_object('time_us', micros(now()), 'address', 'bcrt1qa', 'first_seen_us', micros((SELECT first_seen FROM miners WHERE address = 'bcrt1qa')),
    'hashrate', api_rates(91, 95, 100, 113, 1021)::jsonb, 'workers_total', 3, 'workers_1d', 2, 'workers_online', 2, 'shares_1d', 7, 'shares_total', 10, 'work_total', '3021',
    'rejected_1d', 8, 'rejects_1d', '{"stale": 7, "duplicate": 1}'::jsonb, 'best_share_difficulty', 900, 'pending_sats', NULL, 'if_block_now', NULL), 'a miner''s figures');
SELECT is((SELECT array_agg((b ->> 'difficulty') || ' ' || (b ->> 'worker')) FROM json_array_elements(api_miner('bcrt1qa') -> 'best_shares') WITH ORDINALITY AS x (b, i) WHERE i < 4),
  '{900 x,800 idle,50 x}', 'its best shares, one for each worker and day');
SELECT is(json_array_length(api_miner('bcrt1qa') -> 'best_shares'), 5, 'five of them');
SELECT is(api_miner('bcrt1qa') #>> '{best_shares,0,day}', ((api_minute() - interval '12 days') AT TIME ZONE 'UTC')::date::text, 'with their day');
SELECT is((api_miner('bcrt1qa') -> 'round')::jsonb, jsonb_build_object('work', '2960', 'total_work', (SELECT sum(work) FROM shares)::text), 'without a block the round is all there was');
SELECT is(json_array_length(api_miner('bcrt1qa') -> 'workers'), 3, 'with its workers');
SELECT is((api_miner('bcrt1qd')::jsonb #>> '{workers_total}', api_miner('bcrt1qd')::jsonb #>> '{shares_total}', api_miner('bcrt1qd')::jsonb #>> '{work_total}'), ('1'::text, '0'::text, '0'::text),
  'who has just come has nothing yet');
SELECT is(json_array_length(api_miner('bcrt1qd') -> 'days'), 14, 'and fourteen days without anything');
SELECT count(*) AS made FROM (SELECT pg_temp.block('found', api_minute() - interval '40 minutes', 'bcrt1qa', 'x', 100)) b \gset
SELECT is((api_miner('bcrt1qa') -> 'round')::jsonb, jsonb_build_object('work', '34', 'total_work', '208'), 'since the block: what came after it, and now is not over');
SELECT is((SELECT array_agg(b ->> 'height') FROM json_array_elements(api_miner('bcrt1qa') -> 'blocks') b), '{100}', 'its block');
SELECT is(json_array_length(api_miner('bcrt1qb') -> 'blocks'), 0, 'is not another''s');

-- A miner over time.
SELECT is(api_miner_history('bcrt1qnobody', NULL, '1d')::text, NULL, 'nobody''s history');
SELECT is(api_miner_history('bcrt1qa', 'z', '1d')::text, NULL, 'nor of a worker that it has not');
SELECT is(api_miner_history('bcrt1qa', NULL, '2d')::text, NULL, 'nor over a span of another name');
SELECT is((SELECT sum(v::numeric) FROM json_array_elements_text(api_miner_history('bcrt1qa', NULL, s.name) #> '{series,work}') v), s.work, 'history of ' || s.name)
  FROM (SELECT n AS name, (SELECT sum(work) FROM shares, api_span(n, true) p WHERE worker_id = ANY (:'ids') AND time >= p.from_time AND time < p.to_time) AS work
        FROM unnest(ARRAY['1d', '7d', '30d', '1y']) n) s;
SELECT is((SELECT sum(v::numeric) FROM json_array_elements_text(api_miner_history('bcrt1qa', 'idle', '7d') #> '{series,work}') v), 900::numeric, 'of one worker');
SELECT is((SELECT sum(v::bigint) FROM json_array_elements_text(api_miner_history('bcrt1qa', NULL, '7d') -> 'rejected') v),
  (SELECT sum(rejects) FROM reject_sums, api_span('7d', true) p WHERE start < p.to_time), 'refused shares, by hours');
SELECT is((SELECT count(v) FROM json_array_elements_text(api_miner_history('bcrt1qa', NULL, '1d') -> 'rejected') v), 0::bigint, 'of shorter steps nobody knows them');
SELECT is(api_miner_history('bcrt1qb', NULL, '7d') #> '{series,shares}' ->> 0, NULL, 'before its first share nothing is known');

-- As ckpool writes it: shares in units of difficulty 1.
SELECT is(api_ckpool_user('bcrt1qnobody')::text, NULL, 'nobody in ckpool''s form');
SELECT pg_temp.store(now(), 'bcrt1qe', 'rig', 4295032833 * 5 - 1, 7) AS e \gset
SELECT is((api_ckpool_user('bcrt1qe')::jsonb - 'authorised') #- '{worker,0,hashrate}', jsonb_build_object('address', 'bcrt1qe', 'shares', '4',
    'worker', jsonb_build_array(jsonb_build_object('name', 'rig', 'best', 7, 'lastshare', micros(api_minute()) / 1000000, 'shares', '4'))), 'rounded down');
SELECT pg_temp.store(now(), 'bcrt1qe', 'rig', 1, 7) AS e \gset
SELECT is(api_ckpool_user('bcrt1qe') ->> 'shares', '5', 'to the last hash');
SELECT is((SELECT array_agg(m ->> 'address') FROM json_array_elements(api_miners(1, 50) -> 'miners') m), '{bcrt1qe,bcrt1qa,bcrt1qb}', 'who has the most work stands first among miners');
SELECT * FROM finish();
ROLLBACK;
