-- Least rights: what each role may do is this table, and nothing else. Whoever grants something adds it here.
BEGIN;
SELECT plan(14);

CREATE TEMP TABLE stated (role text, privileges text, relations text);
INSERT INTO stated VALUES
  -- The pool: adds; changes only what has a state.
  ('phasepool', 'INSERT SELECT', 'miners workers shares events'),
  ('phasepool', 'INSERT SELECT UPDATE', 'blocks journal_positions block_submissions block_states chain_tips'),
  ('phasepool', 'SELECT', 'schema_migrations retention_marks newest_chain_tip block_confirmations pool_sums'),
  ('phasepool', 'INSERT SELECT UPDATE', 'share_sums height_sums reject_sums coherence_sums'),
  ('phasepool', 'INSERT SELECT', 'heights journal_segments coherence_chain coherence_proofs'),
  ('phasepool', 'INSERT SELECT', 'coherence_rules coherence_stretches'),
  ('phasepool', 'DELETE INSERT SELECT UPDATE', 'coherence_heads rejects'),
  ('phasepool', 'DELETE INSERT SELECT', 'coherence_waiting'),
  -- Where its login is no member of phasepool_web, it answers the page itself.
  ('phasepool', 'SELECT', 'payout_schemes payout_runs payout_items account_balances payments payment_outputs'),
  -- The stats page: reads what it shows.
  ('phasepool_web', 'SELECT', 'miners workers shares blocks journal_positions schema_migrations block_submissions'),
  ('phasepool_web', 'SELECT', 'block_states chain_tips newest_chain_tip block_confirmations'),
  ('phasepool_web', 'SELECT', 'share_sums height_sums reject_sums rejects heights journal_segments'),
  ('phasepool_web', 'SELECT', 'coherence_chain coherence_proofs coherence_sums retention_marks pool_sums coherence_rules coherence_stretches coherence_heads coherence_waiting'),
  ('phasepool_web', 'SELECT', 'payout_schemes payout_runs payout_run_journals payout_run_heights payout_items pps_credits pps_pending'),
  ('phasepool_web', 'SELECT', 'payout_late_work payout_problems ledger_transactions ledger account_balances miner_balances'),
  -- Payouts: read what rewards are divided by, add runs and ledger rows. Triggers keep all of them as they are, but for the runs' state.
  ('phasepool_payouts', 'SELECT', 'miners workers shares blocks journal_positions share_sums height_sums heights coherence_proofs coherence_sums'),
  ('phasepool_payouts', 'SELECT', 'payout_schemes payout_late_work payout_problems account_balances miner_balances'),
  ('phasepool_payouts', 'INSERT SELECT', 'payout_run_journals payout_run_heights payout_items pps_credits ledger_transactions ledger'),
  ('phasepool_payouts', 'INSERT SELECT UPDATE', 'payout_runs'),
  ('phasepool_payouts', 'DELETE INSERT SELECT UPDATE', 'pps_pending'),
  -- Payments: added and brought forward; triggers keep what they pay.
  ('phasepool_payouts', 'INSERT SELECT UPDATE', 'payments'),
  ('phasepool_payouts', 'INSERT SELECT', 'payment_outputs payment_steps'),
  ('phasepool_payouts', 'SELECT', 'schema_migrations'),
  ('phasepool_web', 'SELECT', 'payments payment_outputs'),
  -- Reports: read everything. Their lines are the check below.
  ('phasepool_reports', 'SELECT', '');

CREATE TEMP VIEW relations AS
  SELECT c.oid, c.relname::text AS name, c.relispartition, c.relacl, c.relowner
  FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S');

CREATE TEMP VIEW granted AS
  SELECT coalesce(g.rolname, 'PUBLIC')::text AS role, r.name, a.privilege_type AS privilege, a.is_grantable
  FROM relations r CROSS JOIN LATERAL aclexplode(r.relacl) a
  LEFT JOIN pg_roles g ON g.oid = a.grantee
  WHERE a.grantee <> r.relowner;

CREATE TEMP VIEW expected AS
  SELECT s.role, n.name, p.privilege
  FROM stated s, regexp_split_to_table(s.relations, ' ') AS n (name), regexp_split_to_table(s.privileges, ' ') AS p (privilege)
  WHERE n.name <> ''
  UNION
  SELECT 'phasepool_reports', c.relname, 'SELECT' FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition;

SELECT is_empty($$SELECT role, name, privilege FROM granted EXCEPT SELECT * FROM expected ORDER BY 1, 2, 3$$,
  'no role has more than is stated');
SELECT is_empty($$SELECT * FROM expected EXCEPT SELECT role, name, privilege FROM granted ORDER BY 1, 2, 3$$,
  'every role has what is stated; reports read every table and view');
SELECT is_empty($$SELECT role, name FROM granted WHERE is_grantable$$, 'nobody may pass a right on');
SELECT is_empty($$SELECT role, name FROM granted WHERE role = 'PUBLIC'$$, 'PUBLIC has nothing');
SELECT is_empty($$SELECT name FROM relations WHERE relispartition AND relacl IS NOT NULL
                    AND EXISTS (SELECT FROM aclexplode(relacl) a WHERE a.grantee <> relowner)$$,
  'partitions are reached through their table alone');
SELECT bag_eq($$SELECT g.rolname::text, c.attrelid::regclass::text, c.attname::text, a.privilege_type
                FROM pg_attribute c CROSS JOIN LATERAL aclexplode(c.attacl) a JOIN pg_roles g ON g.oid = a.grantee
                WHERE c.attrelid IN (SELECT oid FROM relations)$$,
  $$VALUES ('phasepool', 'heights', 'coinbase_value_sats', 'UPDATE'), ('phasepool_web', 'events', 'id', 'SELECT'), ('phasepool_web', 'events', 'time', 'SELECT'),
           ('phasepool_web', 'events', 'severity', 'SELECT'), ('phasepool_web', 'events', 'component', 'SELECT'), ('phasepool_web', 'events', 'message', 'SELECT')$$, 'a right on a single column is stated here');
SELECT is_empty($$SELECT name FROM relations WHERE relowner <> 'pool_owner'::regrole$$,
  'everything belongs to the role that migrated');

-- Functions. One that runs with its caller's rights gives nothing away; one with its owner's does.
CREATE TEMP VIEW definers AS
  SELECT p.oid, p.oid::regprocedure::text AS name, p.proacl, p.proconfig, p.proowner
  FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef;

SELECT is_empty($$SELECT name FROM definers WHERE NOT coalesce('search_path=public, pg_temp' = ANY (proconfig), false)$$,
  'a function with its owner''s rights looks names up in public, and in pg_temp last');
SELECT is_empty($$SELECT name FROM definers WHERE proacl IS NULL
                    OR EXISTS (SELECT FROM aclexplode(proacl) a WHERE a.grantee = 0)$$,
  'and is not PUBLIC''s');
SELECT bag_eq(
  $$SELECT g.rolname::text, d.name FROM definers d CROSS JOIN LATERAL aclexplode(d.proacl) a
    JOIN pg_roles g ON g.oid = a.grantee WHERE a.grantee <> d.proowner$$,
  $$VALUES ('phasepool', 'ensure_share_partitions(date,date)'),
           ('phasepool', 'ensure_share_sum_partitions(date,date)'),
           ('phasepool', 'note_payout_scheme(timestamp with time zone,text,numeric,bigint,bigint,bigint)'),
           ('phasepool', 'update_ledger()'), ('phasepool_payouts', 'update_ledger()'),
           ('phasepool_payouts', 'accept_scheme_change(bigint)'), ('phasepool_payouts', 'retire_journal(integer)'),
           ('phasepool', 'run_retention(integer,integer,integer)')$$,
  'but of those stated here');

-- Roles.
SELECT bag_eq($$SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'phasepool%'$$,
  $$VALUES ('phasepool'), ('phasepool_web'), ('phasepool_payouts'), ('phasepool_reports')$$, 'the roles are these');
SELECT is_empty(
  $$SELECT rolname FROM pg_roles WHERE rolname LIKE 'phasepool%'
      AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)$$,
  'they are groups without any right of the cluster''s');
SELECT is_empty(
  $$SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
    WHERE r.rolname LIKE 'phasepool%'$$,
  'and none is a member of another');
SELECT is_empty(
  $$SELECT rolname FROM pg_roles WHERE rolname LIKE 'phasepool%' AND has_schema_privilege(oid, 'public', 'CREATE')$$,
  'nor may make anything in public');

SELECT * FROM finish();
ROLLBACK;
