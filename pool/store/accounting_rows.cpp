#include "pool/store/accounting_rows.h"

#include "common/bitcoin/transaction.h"
#include "pool/core/limits.h"
#include "pool/store/database_text.h"

namespace pool {
namespace {

constexpr std::int64_t hour_us = 3'600'000'000;
constexpr std::size_t short_text_bytes_max = 512;
constexpr std::size_t scheme_text_bytes_max = 64;

std::string hour_text(std::int64_t time_us) {
  const std::int64_t time = clamped_time(time_us);
  const std::int64_t over = time % hour_us;
  return timestamp_text(time - (over < 0 ? over + hour_us : over));
}

// As a parameter: null where there is none.
const char* nullable(const std::optional<std::string>& text) {
  return text ? text->c_str() : nullptr;
}

template <class T, class ToText>
std::optional<std::string> text_of(const std::optional<T>& value, ToText&& to_text) {
  if (!value) return std::nullopt;
  return std::string(to_text(*value));
}

}  // namespace

void store(pqxx::work& transaction, const HeightRecord& height) {
  transaction.exec_params("SELECT add_height($1, $2::bytea, $3, $4, $5, $6::timestamptz)",
                          height.height, reversed_bytea_text(height.prev_hash.bytes), height.nbits,
                          height.subsidy.value, height.coinbase_value.value,
                          timestamp_text(height.time_us));
}

void store(pqxx::work& transaction, const PayoutSchemeRecord& scheme) {
  transaction.exec_params("SELECT note_payout_scheme($1::timestamptz, $2, $3::numeric, $4, $5, $6)",
                          timestamp_text(scheme.time_us),
                          database_text(scheme.scheme, scheme_text_bytes_max),
                          database_text(scheme.pplns_window, scheme_text_bytes_max), scheme.fee_ppm,
                          scheme.coherence_ppm, scheme.minimum.value);
}

void store(pqxx::work& transaction, const RejectRecord& reject) {
  const auto number = [](auto value) { return std::to_string(value); };
  const auto height = text_of(reject.height, number);
  const auto stale_ms = text_of(reject.stale_ms, number);
  const auto difficulty = text_of(reject.difficulty, double_text);
  const auto share_difficulty = text_of(reject.share_difficulty, double_text);
  const auto version_bits = text_of(reject.version_bits, number);
  const auto hash = text_of(reject.hash, [](const bitcoin::BlockHash& value) {
    return reversed_bytea_text(value.bytes);
  });
  transaction.exec_params(
      "SELECT add_reject($1, $2, $3::timestamptz, $4, $5, $6, $7, $8, $9, $10::float8,"
      " $11::float8, $12::bytea, $13, $14, $15, $16)",
      database_text(reject.address, short_text_bytes_max),
      database_text(reject.worker_name, short_text_bytes_max), timestamp_text(reject.time_us),
      std::string(stratum::reject_name(reject.reason)),
      database_text(reject.detail, short_text_bytes_max),
      database_text(reject.user_agent, short_text_bytes_max),
      database_text(reject.job_id, short_text_bytes_max), nullable(height), nullable(stale_ms),
      nullable(difficulty), nullable(share_difficulty), nullable(hash), reject.ntime, reject.nonce,
      nullable(version_bits), limits::rejects_stored_per_worker);
}

void RejectCounts::add(const RejectSumRecord& sum) {
  Key key{hour_text(sum.time_us), database_text(sum.address, short_text_bytes_max),
          database_text(sum.worker_name, short_text_bytes_max),
          std::string(stratum::reject_name(sum.reason))};
  if (sum.count > 0) counts_[std::move(key)] += sum.count;
}

void RejectCounts::store(pqxx::work& transaction, const std::string& journal_id) const {
  if (counts_.empty()) return;
  std::vector<std::string> hours;
  std::vector<std::string> addresses;
  std::vector<std::string> names;
  std::vector<std::string> reasons;
  std::vector<std::string> counts;
  for (const auto& [key, count] : counts_) {
    hours.push_back(std::get<0>(key));
    addresses.push_back(std::get<1>(key));
    names.push_back(std::get<2>(key));
    reasons.push_back(std::get<3>(key));
    counts.push_back(std::to_string(count));
  }
  transaction.exec_params(
      "SELECT add_rejects($1, $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::bigint[])",
      journal_id, array_text(hours), array_text(addresses), array_text(names), array_text(reasons),
      array_text(counts));
}

std::optional<bitcoin::Sats> pool_part(base::ByteSpan coinbase, bitcoin::Sats reward) {
  const auto transaction = bitcoin::Transaction::parse(coinbase);
  if (!transaction || transaction->outputs.empty()) return std::nullopt;
  const bitcoin::Sats part = transaction->outputs.front().value;
  if (part.value < 0 || part.value > reward.value) return std::nullopt;
  return part;
}

}  // namespace pool
