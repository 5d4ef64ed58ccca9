-- What the API tells of the pool as a whole: rates, rounds, luck, history.
BEGIN;
SELECT plan(44);
\ir fixtures/api.psql

-- Nothing yet.
SELECT is(api_round()::jsonb, '{"round": null, "last_block": null}', 'an empty database has no round');
SELECT is(api_luck()::jsonb, '{"last_10": {"blocks": 0, "expected": 0, "luck": null}, "last_100": {"blocks": 0, "expected": 0, "luck": null}}', 'nor luck');
SELECT is(api_history('1d') #> '{series,shares}' ->> 287, NULL, 'and before the first share nothing is known, which is not 0');
SELECT is(api_history('2d')::text, NULL, 'no span of another name');
SELECT is(api_history(NULL)::text, NULL, 'nor of none');

-- Rates: of windows that end now, with the running minute in each.
SELECT extract(epoch FROM now() - date_trunc('minute', now())) AS running \gset
SELECT ok(api_minute() = date_trunc('minute', now()) AND api_now() = api_minute() + interval '1 minute', 'sums are counted up to the end of the running minute');
SELECT results_eq('SELECT name, api_minute() - from_time FROM api_windows()',
  $$VALUES ('1m', interval '1 minute'), ('5m', '5 minutes'), ('1h', '1 hour'), ('1d', '1 day'), ('7d', '7 days')$$, 'windows are whole minutes and the running one');
SELECT is(api_rates(60 + :running, 2 * (300 + :running), 3600 + :running, 2 * (86400 + :running), 604800 + :running)::jsonb,
  '{"1m": 1, "5m": 2, "1h": 1, "1d": 2, "7d": 1}', 'a rate is work by the seconds that its window has lasted');
SELECT is(api_rates(NULL, NULL, NULL, NULL, NULL)::jsonb, '{"1m": 0, "5m": 0, "1h": 0, "1d": 0, "7d": 0}', 'no work is a rate of 0');
SELECT is((api_rates(trunc(2::numeric ^ 200), 0, 0, 0, 0) ->> '1m')::float8, (trunc(2::numeric ^ 200) / (60 + :running))::float8, 'however much');

-- Luck.
SELECT is(api_luck_of('{0.5, 2, 0.5}')::jsonb, '{"blocks": 3, "expected": 3, "luck": 1}', 'luck is blocks by what was expected');
SELECT is(api_luck_of('{0.25, 0.25}')::jsonb -> 'luck', '4', 'above 1 is good luck');
SELECT is(api_luck_of('{0.3333333333}')::jsonb, '{"blocks": 1, "expected": 0.333333, "luck": 3}', 'to six places');
SELECT is(api_luck_of(NULL)::jsonb, '{"blocks": 0, "expected": 0, "luck": null}', 'of no rounds there is none');

-- Spans: as long as they say, in whole steps, up to now.
SELECT results_eq($$SELECT n, step, source, to_time - from_time FROM unnest(ARRAY['6h', '1d', '7d', '30d', '1y', '2d']) WITH ORDINALITY AS x (n, i), api_span(n, false) ORDER BY i$$,
  $$VALUES ('6h', interval '1 minute', 'minute', interval '6 hours'), ('1d', '5 minutes', 'minute', '24 hours'), ('7d', '30 minutes', 'minute', '168 hours'),
           ('30d', '2 hours', 'hour', '720 hours'), ('1y', '24 hours', 'day', '8760 hours'), ('2d', NULL, NULL, NULL)$$, 'spans of the pool');
SELECT results_eq($$SELECT step, source, to_time - from_time FROM api_span('7d', true)$$, $$VALUES (interval '1 hour', 'hour', interval '168 hours')$$, 'a miner''s week has steps of hours');
SELECT is_empty($$SELECT n FROM unnest(ARRAY['6h', '1d', '7d', '30d', '1y']) n, api_span(n, false)
                  WHERE to_time > now() - interval '5 seconds' OR to_time + step <= now() - interval '5 seconds' OR extract(epoch FROM to_time)::bigint % extract(epoch FROM step)::bigint <> 0$$,
  'they end with the last whole step of UTC');

-- Two miners; a block, an orphaned one, another block, and what came since. Work of a share: 10 or 1.
SELECT pg_temp.store(pg_temp.ago('4 hours'), 'bcrt1qa', 'x', 10) AS x, pg_temp.store(pg_temp.ago('3 hours'), 'bcrt1qb', '', 10, 7, 2) AS y,
       pg_temp.store(pg_temp.ago('3 hours'), 'bcrt1qa', 'x', 5) AS z \gset
SELECT count(*) AS made FROM (SELECT pg_temp.block('first', pg_temp.ago('3 hours'), 'bcrt1qa', 'x', 100)) b \gset
SELECT pg_temp.store(pg_temp.ago('3 hours') + interval '1 microsecond', 'bcrt1qa', 'x', 1) AS x, pg_temp.store(pg_temp.ago('2 hours'), 'bcrt1qb', '', 49) AS y \gset
SELECT count(*) AS made FROM (SELECT pg_temp.block('lost', pg_temp.ago('2 hours'), 'bcrt1qb', '', 101, 'orphaned'),
                                     pg_temp.block('second', pg_temp.ago('1 hour'), 'bcrt1qb', '', 101)) b \gset
SELECT pg_temp.store(pg_temp.ago('30 minutes'), 'bcrt1qa', 'x', 100) AS x, pg_temp.store(pg_temp.ago('1 minute'), 'bcrt1qa', 'x', 60) AS y \gset

SELECT is(api_round() ->> 'round', NULL, 'without the network''s difficulty there is no effort');
SELECT count(*) AS made FROM (SELECT add_height(102, sha256('p'), x'20051eb8'::bigint, 900, 1001, pg_temp.ago('1 hour'))) h \gset
SELECT is((api_round() -> 'round')::jsonb, jsonb_build_object('began_us', micros(pg_temp.ago('1 hour')), 'shares', 2, 'work', '160', 'network_work', '50', 'effort', 3.2, 'exact', true),
  'the round that is open: what came since the last block');
SELECT is((api_round() -> 'last_block')::jsonb, jsonb_build_object('height', 101, 'hash', encode(sha256('second'), 'hex'), 'time_us', micros(pg_temp.ago('1 hour')),
  'status', 'accepted', 'effort', 1.0), 'the newest block, and the effort of its round: an orphaned one ends none');
SELECT is((SELECT api_block_brief(b) ->> 'effort' FROM blocks b WHERE height = 100), '0.500000', 'the first round has all there was, and shares of the block''s microsecond');
SELECT is(api_luck()::jsonb, '{"last_10": {"blocks": 2, "expected": 1.5, "luck": 1.333333}, "last_100": {"blocks": 2, "expected": 1.5, "luck": 1.333333}}',
  'luck counts the rounds of blocks that stand');
SAVEPOINT many;
SELECT count(*) AS made FROM (SELECT pg_temp.block('b' || n, pg_temp.ago('30 minutes') + n * interval '1 second', 'bcrt1qa', 'x', 200 + n) FROM generate_series(0, 119) n) b \gset
SELECT is((api_luck() #>> '{last_10,blocks}', api_luck() #>> '{last_100,blocks}'), ('10'::text, '100'::text), 'over the last ten, and the last hundred');
SELECT is(json_array_length(api_history('1d') -> 'blocks'), 100, 'history has the newest hundred blocks');
ROLLBACK TO many;

-- History: sums of steps, exact; unknown before the first share, 0 where nothing came.
CREATE FUNCTION pg_temp.step(span text, at timestamptz) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT floor(extract(epoch FROM at - s.from_time) / extract(epoch FROM s.step))::integer FROM api_span(span, false) s;
$$;
CREATE FUNCTION pg_temp.total(span text, of_what text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(v::numeric), 0) FROM json_array_elements_text(api_history(span) #> ARRAY['series', of_what]) v;
$$;
SELECT results_eq($$SELECT n, json_array_length(api_history(n) #> '{series,start}'), json_array_length(api_history(n) -> 'coherence_work')
                    FROM unnest(ARRAY['6h', '1d', '7d', '30d', '1y']) WITH ORDINALITY AS x (n, i) ORDER BY i$$,
  $$VALUES ('6h', 360, 360), ('1d', 288, 288), ('7d', 336, 336), ('30d', 360, 360), ('1y', 365, 365)$$, 'as many steps as the span has');
SELECT is(api_history('6h') #> '{series,start}' ->> pg_temp.step('6h', pg_temp.ago('3 hours')), extract(epoch FROM pg_temp.ago('3 hours'))::bigint::text, 'each begins when it says');
SELECT is(pg_temp.total('6h', 'work'), (SELECT sum(work) FROM shares), 'its work is that of the shares');
SELECT is(pg_temp.total('6h', 'shares'), (SELECT count(*) FROM shares)::numeric, 'and their number');
SELECT is(api_history('6h') #> '{series,work}' ->> pg_temp.step('6h', pg_temp.ago('3 hours')), '16', 'two journals add up, in the step that they fall into');
SELECT is((api_history('6h') #> '{series,hashrate}' ->> pg_temp.step('6h', pg_temp.ago('1 minute')))::float8, 1::float8, 'a rate is work by seconds');
SELECT is(api_history('6h') #> '{series,shares}' ->> pg_temp.step('6h', pg_temp.ago('2 hours 30 minutes')), '0', 'nothing came then');
SELECT is(api_history('6h') #> '{series,shares}' ->> pg_temp.step('6h', pg_temp.ago('5 hours')), NULL, 'before the first share nobody knows');
SELECT is((SELECT array_agg(b ->> 'height') FROM json_array_elements(api_history('6h') -> 'blocks') b), '{100,101,101}', 'its blocks, the oldest first, lost ones too');
SAVEPOINT big;
UPDATE share_sums SET work = trunc(2::numeric ^ 240) WHERE span = 'minute' AND start = pg_temp.ago('1 minute');
SELECT is(api_history('6h') #> '{series,work}' ->> pg_temp.step('6h', pg_temp.ago('1 minute')), trunc(2::numeric ^ 240)::text, 'work is decimal text, to the last digit');
ROLLBACK TO big;
INSERT INTO coherence_sums VALUES ('minute', pg_temp.ago('3 hours'), 1, 1, 2, 700), ('minute', pg_temp.ago('3 hours'), 2, 1, 1, 7);
SELECT is(api_history('6h') -> 'coherence_work' ->> pg_temp.step('6h', pg_temp.ago('3 hours')), '707', 'coherence work has its own series');

-- When single shares and minutes are dropped, nothing that was counted is lost.
SELECT pg_temp.store(pg_temp.ago('20 days') + make_interval(secs => n * 977), 'bcrt1qa', 'x', 3 + n) FROM generate_series(0, 99) n \g /dev/null
SELECT count(*) AS made FROM (SELECT pg_temp.block('old', pg_temp.ago('20 days') + make_interval(secs => 50 * 977), 'bcrt1qa', 'x', 50)) b \gset
SELECT sum(work) AS all_work, count(*) AS all_shares, sum(work) FILTER (WHERE time < (api_span('30d', false)).to_time) AS month_work,
       count(*) FILTER (WHERE time < (api_span('1y', false)).to_time) AS year_shares FROM shares \gset
SELECT (api_round() -> 'round')::text AS round_before \gset
SELECT shares AS old_shares, work AS old_work, exact AS old_exact FROM round_before((SELECT time FROM blocks WHERE height = 50)) \gset
SELECT is(:'old_exact'::text || ' ' || :'old_shares' || ' ' || :'old_work', 't 51 1428', 'a round of three weeks ago, to its share');
SELECT drop_days('shares', ((now() - interval '10 days') AT TIME ZONE 'UTC')::date, '{}') AS shares_dropped \gset
SELECT ok(:shares_dropped >= 2 AND NOT EXISTS (SELECT FROM shares WHERE time < now() - interval '12 days'), 'its shares are dropped');
SELECT is((SELECT (shares + (SELECT p.shares FROM pool_work((SELECT time FROM blocks WHERE height = 50) + interval '1 microsecond', 'infinity') p)) FROM round_before((SELECT time FROM blocks WHERE height = 50))),
  :all_shares::bigint, 'periods that follow each other still count each share once');
SELECT is((SELECT exact FROM round_before((SELECT time FROM blocks WHERE height = 50))), false, 'though a round''s edge is a whole minute then, and says so');
SELECT drop_days('minutes', ((now() - interval '10 days') AT TIME ZONE 'UTC')::date, '{}') AS minutes_dropped \gset
SELECT is((SELECT count(*) FROM pool_sums WHERE span = 'minute' AND start < now() - interval '12 days'), 0::bigint, 'minutes are dropped as well');
SELECT is((pg_temp.total('30d', 'work'), pg_temp.total('1y', 'shares')), (:month_work::numeric, :year_shares::numeric), 'what history shows of hours and days stays exact');
SELECT is((SELECT work FROM pool_work('-infinity', 'infinity')), :all_work::numeric, 'and so does all the work there was');
SELECT is((api_round() -> 'round')::text, :'round_before', 'the open round is as before');
SELECT is((SELECT (shares, work) FROM round_before((SELECT time FROM blocks WHERE height = 50))),
  (SELECT (sum(shares)::bigint, sum(work)) FROM pool_sums WHERE span = 'hour' AND start < date_trunc('hour', (SELECT time FROM blocks WHERE height = 50), 'UTC')),
  'a round without minutes is made of its hours');
SELECT * FROM finish();
ROLLBACK;
