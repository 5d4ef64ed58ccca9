-- Coherence proofs, and the energy they took: E = P x N x T.
--
--   psql -f sql/reports/coherence.sql -v from=2026-11-01 -v to=2026-12-01 -v watts=65 -v address=bc1q... -v by=proof
--
-- from, to: when the proof was accepted; default: the last 7 days. address: one miner alone. by: worker (default), proof.
-- watts: what a worker's machine draws for this work, an assumption; default: 65. N is the network's 63 oscillators, P = watts / N
-- the power of each, T the measured seconds between a worker's proofs (its first has none). Landauer's bound is the least energy that any machine
-- needs to overwrite the 16-bit phases of N oscillators in each expected round, at 300 K. Where retention has dropped proofs of the period, the title
-- says up to when; those that made a block of the proof chain are always there.
\ir begin.psql
\if :{?watts}
\else
  \set watts 65
\endif
SELECT from_time AS period_from, to_time AS period_to, coalesce(report_miner(:'address'), 0) AS miner,
       report_number('watts', :'watts', 0.001, 1000000) AS watts,
       report_choice('by', coalesce(nullif(:'by', ''), 'worker'), '{worker,proof}') AS by
FROM report_period(:'from', :'to', '7 days') \gset
SELECT :'by' = 'proof' AS by_proof, 63 AS oscillators, '1.380649e-23 * 300 * ln(2.0) * 16 * 63' AS landauer_joules_per_round,
       format('Coherence proofs by %s at %s W, %s to %s', :'by', :'watts', :'period_from', :'period_to')
       || CASE WHEN dropped_before('proofs') > :'period_from'
            THEN format('; of those before %s only the proof chain''s are left', least(dropped_before('proofs'), :'period_to')) ELSE '' END AS title \gset
\pset title :title
\if :by_proof
SELECT p.time, m.address, w.name AS worker, p.id AS proof, p.chain_height, encode(c.hash, 'hex') AS chain_block, p.attempt, p.bloom_end AS rounds,
       p.work AS expected_rounds, round(p.seconds::numeric, 3) AS t_seconds, :oscillators AS n,
       round(:watts / :oscillators::numeric, 6) AS p_watts, round(:watts * p.seconds::numeric, 3) AS energy_joules,
       (p.work * (:landauer_joules_per_round))::float8 AS landauer_joules
FROM coherence_proofs p JOIN workers w ON w.id = p.worker_id JOIN miners m ON m.id = w.miner_id
LEFT JOIN coherence_chain c ON c.proof_id = p.id
WHERE p.time >= :'period_from' AND p.time < :'period_to' AND :miner IN (0, m.id)
ORDER BY p.time, p.id;
\else
SELECT m.address, w.name AS worker, count(*) AS proofs, count(c.height) AS chain_blocks, sum(p.work) AS expected_rounds,
       round(sum(p.seconds::numeric), 3) AS t_seconds, :oscillators AS n, round(:watts / :oscillators::numeric, 6) AS p_watts,
       round(:watts * sum(p.seconds::numeric), 3) AS energy_joules, round(:watts * sum(p.seconds::numeric) / 3600000, 6) AS energy_kwh,
       round(:watts * sum(p.seconds::numeric) / nullif(count(p.seconds), 0), 3) AS joules_per_proof,
       (sum(p.work) * (:landauer_joules_per_round))::float8 AS landauer_joules
FROM coherence_proofs p JOIN workers w ON w.id = p.worker_id JOIN miners m ON m.id = w.miner_id
LEFT JOIN coherence_chain c ON c.proof_id = p.id
WHERE p.time >= :'period_from' AND p.time < :'period_to' AND :miner IN (0, m.id)
GROUP BY m.address, w.name
ORDER BY proofs DESC, m.address COLLATE "C", w.name COLLATE "C";
\endif
\ir end.psql
