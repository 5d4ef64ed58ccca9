-- What the API tells of events: those that are severe enough, in pages, without what only the operator may know.
BEGIN;
SELECT plan(18);
SELECT is(api_events(NULL, 10, 'info')::jsonb, '{"next": null, "events": []}', 'nothing happened');
SELECT record_event('2031-05-01T00:00:00.000001Z', s, 'shard', s || ' event', '{"secret": "key"}') FROM unnest(ARRAY['info', 'low', 'medium', 'high', 'critical']) s \g /dev/null
SELECT id AS first FROM events WHERE severity = 'info' \gset
SELECT is((SELECT array_agg(e ->> 'severity') FROM json_array_elements(api_events(NULL, 10, 'info') -> 'events') e), '{critical,high,medium,low,info}', 'the newest first');
SELECT is((SELECT array_agg(e ->> 'severity') FROM json_array_elements(api_events(NULL, 10, 'medium') -> 'events') e), '{critical,high,medium}', 'those that are at least so severe');
SELECT is((SELECT array_agg(e ->> 'severity') FROM json_array_elements(api_events(NULL, 10, 'critical') -> 'events') e), '{critical}', 'the most severe alone');
SELECT is(api_events(NULL, 10, 'loud') ->> 'events', '[]', 'of a severity that is none: nothing');
SELECT is((api_events(:first + 1, 10, 'info') -> 'events' -> 0)::jsonb, jsonb_build_object('id', :first, 'time_us', micros('2031-05-01T00:00:00.000001Z'), 'severity', 'info', 'component', 'shard',
  'message', 'info event'), 'an event; its context is the operator''s');
SELECT is(api_events(NULL, 2, 'info') ->> 'next', (:first + 3)::text, 'a page of two');
SELECT is((SELECT array_agg(e ->> 'severity') FROM json_array_elements(api_events(:first + 3, 2, 'info') -> 'events') e), '{medium,low}', 'and the next');
SELECT is(api_events(:first + 1, 2, 'info') ->> 'next', NULL, 'a page that is not full is the last');
SELECT is(api_events(:first, 2, 'info')::jsonb, '{"next": null, "events": []}', 'before the first there is none');
SELECT is(json_array_length(api_events(NULL, 0, 'info') -> 'events'), 1, 'at least one is asked for');
SELECT record_event(now(), 'info', 'shard', 'many', '{}') FROM generate_series(1, 250) \g /dev/null
SELECT is(json_array_length(api_events(NULL, 1000, 'info') -> 'events'), 200, 'and at most two hundred');

-- What follows a colon may name files, hosts and users.
SELECT is(public_event_message('node', 'no answer: connection to 10.0.0.7:8332 refused for user rpc'), 'no answer', 'the system''s own words are not public');
SELECT is(public_event_message('journal', 'can''t write /var/lib/phasepool/journal/01.journal: No space left on device'), 'can''t write …', 'nor are paths');
SELECT is(public_event_message('journal', '/var/lib/x is full'), '… is full', 'wherever they stand');
SELECT is(public_event_message('store', 'a record was refused'), 'a record was refused', 'what has neither is as it is');
SELECT is(public_event_message('payouts', 'block 00ab: shares are gone'), 'block 00ab: shares are gone', 'what these components say is ours');
SELECT is((SELECT count(*) FROM unnest(ARRAY['coherence', 'payouts', 'retention']) c WHERE public_event_message(c, 'a: b') = 'a: b'), 3::bigint, 'of three components');
SELECT * FROM finish();
ROLLBACK;
