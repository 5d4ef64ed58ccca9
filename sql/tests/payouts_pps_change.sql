-- PPS whose parts change, or that ends: what was worked on under it is credited all the same, by the terms of its time, and late shares too.
BEGIN;
SELECT plan(12);
\ir fixtures/example.psql
UPDATE blocks SET status = 'accepted';  -- this is about shares
CREATE FUNCTION pg_temp.an_hour_later() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  ALTER TABLE payout_runs DISABLE TRIGGER USER;
  UPDATE payout_runs SET created_at = created_at - interval '61 min';
  ALTER TABLE payout_runs ENABLE TRIGGER USER;
END;
$$;
-- From before the first share: nothing of the example is PPLNS's.
SELECT note_payout_scheme(pg_temp.at('11:40:00'), 'pps', 2, 10000, 0, 100) AS dear \gset
SELECT note_payout_scheme(pg_temp.at('12:02:31'), 'pps', 2, 500000, 0, 100) AS dearer \gset
UPDATE payout_schemes SET valid_from = pg_temp.at('11:41:00'), last_noted = pg_temp.at('11:41:00'), scheme = 'pps' WHERE id = :pplns;

SELECT is(update_ledger(), 2, 'a run for each stretch of terms');
SELECT is((SELECT string_agg(format('%s to %s at %s ppm', from_height, to_height, fee_ppm), ', ' ORDER BY id) FROM payout_runs),
  '100 to 100 at 10000 ppm, 101 to 101 at 500000 ppm', 'each by its own');
SELECT is(pg_temp.accounts(), 'fees 117, miners 2763, reserve -2880', '1 % of 2700, 50 % of 180');
SELECT is((SELECT count(*) FROM payout_problems), 0::bigint, 'without a problem');
SELECT is((SELECT count(*) FROM pps_stretches_due()), 0::bigint, 'and nothing is left');

-- A share of the first stretch comes late, after the scheme has changed twice.
SELECT note_payout_scheme(pg_temp.at('12:09:30'), 'pplns', 2, 10000, 0, 100) AS x \gset
SELECT pg_temp.store('12:00:59', 'carol', 7) AS x \gset
SELECT is(update_ledger(), 0, 'within the hour nothing');
SELECT pg_temp.an_hour_later() AS x \gset
SELECT is(update_ledger(), 1, 'then it is credited');
SELECT is((SELECT string_agg(concat_ws(' ', height, before_work, work, value_sats), ', ') FROM pps_credits WHERE run_id = (SELECT max(id) FROM payout_runs)),
  '100 20 7 126', 'alone');
SELECT is((SELECT fee_ppm FROM payout_runs ORDER BY id DESC LIMIT 1), 10000, 'by the terms of its time');
-- What is pending without new work (a batch that brought nothing) is looked at once.
SELECT pg_temp.an_hour_later() AS x \gset
INSERT INTO pps_pending (height, journal) VALUES (100, 1);
SELECT is(update_ledger(), 0, 'nothing new');
SELECT is((SELECT count(*) FROM pps_pending WHERE height = 100), 0::bigint, 'and it is not looked at again');
SELECT is((SELECT sum(amount_sats) FROM ledger), 0::numeric, 'the ledger adds up');

SELECT * FROM finish();
ROLLBACK;
