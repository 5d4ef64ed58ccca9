-- How rewards are divided: schemes, runs, and the ledger.

CREATE FUNCTION note_payout_scheme(new_scheme text, new_window numeric, new_fee_ppm integer,
                                   new_coherence_ppm integer, new_minimum_sats bigint, at timestamptz)
RETURNS void
LANGUAGE sql
AS $$ SELECT $$;
COMMENT ON FUNCTION note_payout_scheme(text, numeric, integer, integer, bigint, timestamptz) IS
  'The store calls this with each PayoutSchemeRecord: how rewards are to be divided from then on.';
