-- How rewards are divided: schemes, runs, and the ledger.

CREATE FUNCTION note_payout_scheme(at timestamptz, new_scheme text, new_window numeric, new_fee_ppm bigint,
                                   new_coherence_ppm bigint, new_minimum_sats bigint)
RETURNS bigint
LANGUAGE sql
AS $$ SELECT 0::bigint $$;
COMMENT ON FUNCTION note_payout_scheme(timestamptz, text, numeric, bigint, bigint, bigint) IS
  'The store calls this with each PayoutSchemeRecord: how rewards are to be divided from then on.';
