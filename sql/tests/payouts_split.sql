-- Exact arithmetic: targets, work, and the largest remainder.
BEGIN;
SELECT plan(49);

-- Targets and work, from known headers.
SELECT is(nbits_target(x'1d00ffff'::bigint), trunc(65535 * 2::numeric ^ 208), 'difficulty 1');
SELECT is(nbits_work(x'1d00ffff'::bigint), 4295032833::numeric, 'takes 2^32 + 2^16 + 1 hashes');
SELECT is(nbits_work(x'207fffff'::bigint), 2::numeric, 'regtest');
SELECT is(nbits_work(x'20051eb8'::bigint), 50::numeric, 'the example');
SELECT is(nbits_work(x'1b0404cb'::bigint), 70040908352512::numeric, 'the wiki''s header: difficulty 16307.42');
SELECT is(nbits_work(x'17034219'::bigint), 371041696979166003650763::numeric, 'a header of 2024');
SELECT is(nbits_target(x'03123456'::bigint), 1193046::numeric, 'three bytes');
SELECT is(nbits_target(x'02123456'::bigint), 4660::numeric, 'two of them count');
SELECT is(nbits_target(x'01120000'::bigint), 18::numeric, 'one');
SELECT is(nbits_target(x'2000ffff'::bigint) < trunc(2::numeric ^ 256), true, 'the largest that fits');
SELECT throws_ok(format('SELECT nbits_target(%s)', n), 'PH117', NULL, 'no target: ' || n)
  FROM unnest(ARRAY[0, -1, 4294967296, x'1d800000'::bigint, x'1d000000'::bigint, x'22000100'::bigint, x'2200ffff'::bigint, x'ff7fffff'::bigint, x'00123456'::bigint]) n;
SELECT is(target_work(trunc(2::numeric ^ 256) - 1), 1::numeric, 'every hash meets the largest target');
SELECT is(target_work(0), trunc(2::numeric ^ 256), 'and one of 2^256 the smallest');
SELECT is(trunc(2::numeric ^ 256)::text, '115792089237316195423570985008687907853269984665640564039457584007913129639936', 'powers are exact');
SELECT is_empty($$SELECT n FROM generate_series(1, 256) n WHERE trunc(2::numeric ^ n) <> 2 * trunc(2::numeric ^ (n - 1))$$, 'all of them');
SELECT is(header_nbits(decode('0100000081cd02ab7e569e8bcd9317e2fe99f2de44d49ab2b8851ba4a308000000000000e320b6c2fffc8d750423db8b1eb942ae710e951ed797f7affc8892b0f1fc122bc7f5d74df2b9441a42a14695', 'hex')),
  x'1a44b9f2'::bigint, 'nbits of block 125552');
SELECT throws_like($$SELECT header_nbits('\x00')$$, '%out of%', 'a header that is none');
SELECT is(micros('2024-03-01T00:00:00.000001Z'), 1709251200000001::bigint, 'microseconds, exactly');

-- The largest remainder.
SELECT is(split_by_largest_remainder(10, ARRAY['a', 'b', 'c'], ARRAY[1, 1, 1]), ARRAY[4, 3, 3]::numeric[], 'equal remainders: the first address');
SELECT is(split_by_largest_remainder(10, ARRAY['c', 'b', 'a'], ARRAY[1, 1, 1]), ARRAY[3, 3, 4]::numeric[], 'wherever it stands');
SELECT is(split_by_largest_remainder(11, ARRAY['b', 'B', 'a'], ARRAY[1, 1, 1]), ARRAY[3, 4, 4]::numeric[], 'in bytes: B comes before a');
SELECT is(split_by_largest_remainder(991, ARRAY['alice', 'bob', 'carol'], ARRAY[40, 40, 20]), ARRAY[397, 396, 198]::numeric[], 'the example''s PPLNS');
SELECT is(split_by_largest_remainder(991, ARRAY['alice', 'bob', 'carol'], ARRAY[40, 20, 20]), ARRAY[495, 248, 248]::numeric[], 'and PROP');
SELECT is(split_by_largest_remainder(7, ARRAY['a'], ARRAY[1]), ARRAY[7]::numeric[], 'one gets all');
SELECT is(split_by_largest_remainder(7, ARRAY['a', 'b'], ARRAY[0, 3]), ARRAY[0, 7]::numeric[], 'no work, nothing');
SELECT is(split_by_largest_remainder(1, ARRAY['a', 'b'], ARRAY[1, 2]), ARRAY[0, 1]::numeric[], 'one satoshi');
SELECT is(split_by_largest_remainder(0, ARRAY['a', 'b'], ARRAY[1, 2]), ARRAY[0, 0]::numeric[], 'none');
SELECT is(split_by_largest_remainder(0, ARRAY['a'], ARRAY[0]), ARRAY[0]::numeric[], 'none by nothing');
SELECT is(split_by_largest_remainder(0, '{}', '{}'), '{}'::numeric[], 'none among nobody');
SELECT is(split_by_largest_remainder(2100000000000000, ARRAY['a', 'b'], ARRAY[trunc(2::numeric ^ 255) + 1, trunc(2::numeric ^ 255)]),
  ARRAY[1050000000000000, 1050000000000000]::numeric[], 'no digit is lost');
SELECT is((SELECT sum(p) FROM unnest(split_by_largest_remainder(5000000000,
    ARRAY(SELECT md5(n::text) FROM generate_series(1, 10000) n), ARRAY(SELECT trunc(3::numeric ^ (n % 150)) FROM generate_series(1, 10000) n))) p),
  5000000000::numeric, 'ten thousand parts add up');
SELECT throws_ok('SELECT split_by_largest_remainder(' || arguments || ')', state, NULL, 'refused: ' || arguments)
  FROM (VALUES ('1, ARRAY[''a''], ARRAY[0]', 'PH114'), ('1, ''{}'', ''{}''', 'PH114'), ('-1, ARRAY[''a''], ARRAY[1]', 'PH118'),
               ('0.5, ARRAY[''a''], ARRAY[1]', 'PH118'), ('1, ARRAY[''a'', ''b''], ARRAY[1]', 'PH118'), ('1, ARRAY[''a'', ''a''], ARRAY[1, 1]', 'PH118'),
               ('1, ARRAY[''a'', ''b''], ARRAY[1, -1]', 'PH118'), ('1, ARRAY[''a'', ''b''], ARRAY[1, NULL]', 'PH118'),
               ('''NaN'', ARRAY[''a''], ARRAY[1]', 'PH118'), ('1, ARRAY[''a''], ARRAY[''NaN''::numeric]', 'PH118')) AS v (arguments, state);

SELECT * FROM finish();
ROLLBACK;
