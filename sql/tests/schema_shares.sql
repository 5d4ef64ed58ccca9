-- Shares: keys, partitions made ahead, and days that are UTC's whatever the session's time zone.
BEGIN;
SELECT plan(13);

SELECT is(current_setting('TimeZone'), 'Asia/Kathmandu', 'the session is far from UTC');
SELECT isnt((SELECT oid FROM pg_class WHERE relname = 'shares_default'), NULL, 'there is a default partition');
SELECT col_is_pk('shares', ARRAY['time', 'journal', 'sequence'], 'a share is known by time, journal and number');
SELECT is((SELECT count(*) FROM pg_inherits WHERE inhparent = 'shares'::regclass), 4::bigint,
  'today and two days ahead have partitions, beside the default');

SELECT is(ensure_share_partitions('2031-05-01', '2031-05-03'), 3, 'three days make three partitions');
SELECT is(ensure_share_partitions('2031-05-01', '2031-05-04'), 1, 'a day that has one is left alone');
SELECT is(
  pg_get_expr((SELECT relpartbound FROM pg_class WHERE relname = 'shares_20310502'), 'shares_20310502'::regclass)
    ~ '2031-05-02 05:45:00\+05:45.*2031-05-03 05:45:00\+05:45', true, 'a partition is a day of UTC');
SELECT is(ensure_share_partitions('2031-05-03', '2031-05-01'), 0, 'an empty range makes none');
SELECT throws_like($$SELECT ensure_share_partitions('2031-01-01', '2033-01-01')$$, '%more than 400 days%',
  'a range that can only be a mistake is refused');

PREPARE one_share AS INSERT INTO shares VALUES ($1, 1, $2, 1, 1, 0, 1, 1, 1, '\x00');
EXECUTE one_share('2031-06-01T23:59:59.999999Z', 1);
EXECUTE one_share('2031-06-02T00:00:00Z', 2);
SELECT is((SELECT count(*) FROM shares_default), 2::bigint, 'a day without a partition goes to the default');
SELECT is(ensure_share_partitions('2031-06-02', '2031-06-02'), 1, 'a partition made later');
SELECT is((SELECT array_agg(sequence ORDER BY sequence) FROM shares_20310602), ARRAY[2::bigint], 'takes its shares, and only its own');
SELECT throws_ok($$EXECUTE one_share('2031-06-02T00:00:00Z', 2)$$, '23505', NULL, 'no share is there twice');

SELECT * FROM finish();
ROLLBACK;
