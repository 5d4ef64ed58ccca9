#include "pool/store/coherence_rows.h"

#include "common/coherence/certificate.h"
#include "pool/store/database_text.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace pool {
namespace {

// What follows from a record's certificate.
struct Checked {
  coherence::Certificate certificate;
  coherence::Claim claim;
};

[[noreturn]] void refuse(std::uint64_t sequence, const std::string& why) {
  throw pqxx::check_violation("coherence proof of record " + std::to_string(sequence) + ": " + why,
                              "", "23514");
}

Checked check(const CoherenceProofRecord& proof, std::uint64_t sequence) {
  const auto certificate = coherence::decode_certificate(proof.certificate);
  if (!certificate) refuse(sequence, certificate.error());
  const coherence::Claim claim{proof.attempt, certificate->bloom_end, certificate->r_q.back(),
                               certificate->psi_q.back(),
                               coherence::cert_hash_of(proof.certificate)};
  if (coherence::work_hash_of(proof.header, claim) != proof.work_hash) {
    refuse(sequence, "its work hash is not that of its header and certificate");
  }
  return {*certificate, claim};
}

// As a numeral, its first digit first.
std::string target_text(const base::U256& target) {
  auto bytes = target.to_le_bytes();
  std::reverse(bytes.begin(), bytes.end());
  return bytea_text(bytes);
}

// Null for a connection's first proof.
std::optional<std::string> seconds_text(std::int64_t took_us) {
  if (took_us < 0) return std::nullopt;
  return double_text(static_cast<double>(took_us) / 1e6);
}

}  // namespace

void CoherenceProofRows::store(pqxx::work& transaction, const std::string& journal_id) const {
  if (rows_.empty()) return;
  // Before the first is sent: a COPY is not left half-way.
  std::vector<Checked> checked;
  for (const Row& row : rows_) checked.push_back(check(*row.proof, row.sequence));
  static const std::vector<std::string> columns{
      "time",        "journal",   "sequence",  "worker_id", "chain_height", "header", "extranonce",
      "attempt",     "params",    "target",    "work",      "seconds",      "r_q",    "psi_q",
      "bloom_start", "bloom_end", "cert_hash", "work_hash", "certificate"};
  pqxx::stream_to stream(transaction, "coherence_proofs", columns);
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const CoherenceProofRecord& proof = *rows_[i].proof;
    const auto& [certificate, claim] = checked[i];
    stream << std::make_tuple(
        timestamp_text(proof.time_us), journal_id, rows_[i].sequence, rows_[i].worker_id,
        proof.chain_height, bytea_text(coherence::header92(proof.header, claim)), proof.extranonce,
        proof.attempt, proof.params, target_text(proof.target), proof.work.decimal(),
        seconds_text(proof.took_us), claim.r_q, claim.psi_q, certificate.bloom_start,
        certificate.bloom_end, bytea_text(claim.cert_hash), bytea_text(proof.work_hash),
        bytea_text(proof.certificate));
  }
  stream.complete();
  transaction.exec_params("SELECT add_coherence_sums($1, $2, $3)", journal_id,
                          rows_.front().sequence - 1, rows_.back().sequence);
}

void store(pqxx::work& transaction, const CoherenceBlockRecord& block) {
  std::vector<std::string> pools;
  std::vector<std::string> journals;
  std::vector<std::string> firsts;
  std::vector<std::string> lasts;
  std::vector<std::string> heads;
  for (const JournalStretch& of : block.stretches) {
    pools.push_back(std::to_string(of.stretch.pool));
    journals.push_back(base::to_hex(of.journal));
    firsts.push_back(std::to_string(of.stretch.first_sequence));
    lasts.push_back(std::to_string(of.stretch.last_sequence));
    heads.push_back(bytea_text(of.stretch.head));
  }
  transaction.exec_params(
      "SELECT append_coherence_block($1::timestamptz, $2, $3::bytea, $4::bytea, $5, $6::bytea,"
      " $7::bigint[], $8::uuid[], $9::bigint[], $10::bigint[], $11::bytea[])",
      timestamp_text(block.time_us), block.height, bytea_text(block.hash), bytea_text(block.header),
      block.params, reversed_bytea_text(block.bitcoin_tip.bytes), array_text(pools),
      array_text(journals), array_text(firsts), array_text(lasts), array_text(heads));
}

}  // namespace pool
