#include "pool/store/share_sums.h"

#include "pool/store/database_text.h"

#include <algorithm>
#include <cmath>

namespace pool {
namespace {

constexpr std::int64_t minute_us = 60'000'000;
constexpr std::int64_t hour_us = 60 * minute_us;
constexpr std::int64_t day_us = 24 * hour_us;

std::int64_t floor_to(std::int64_t time_us, std::int64_t span_us) {
  const std::int64_t over = time_us % span_us;
  return time_us - (over < 0 ? over + span_us : over);
}

// An array literal, element by element: nothing in it needs quotes but what brings its own.
class ArrayText {
 public:
  void add(std::string_view element) {
    text_ += text_.size() == 1 ? "" : ",";
    text_ += element;
  }
  std::string take() {
    text_ += '}';
    return std::move(text_);
  }

 private:
  std::string text_ = "{";
};

// In the index's order: neighbours then lie on one page of it.
template <class Sums>
auto sorted(const Sums& sums) {
  std::vector<const typename Sums::value_type*> rows;
  rows.reserve(sums.size());
  for (const auto& row : sums) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](const auto* a, const auto* b) {
    return std::pair(a->first.at, a->first.worker_id) < std::pair(b->first.at, b->first.worker_id);
  });
  return rows;
}

}  // namespace

std::size_t ShareSums::KeyHash::operator()(const Key& key) const {
  // Fibonacci hashing: worker ids and minutes are both dense.
  const auto mixed = static_cast<std::uint64_t>(key.worker_id) * 0x9e3779b97f4a7c15U ^
                     static_cast<std::uint64_t>(key.at);
  return static_cast<std::size_t>(mixed * 0x9e3779b97f4a7c15U >> 16U);
}

void ShareSums::add(Layers& layers, const Key& key, const Sum& more) {
  for (std::size_t i = 0;; ++i) {
    if (i == layers.size()) layers.emplace_back();
    Sum& sum = layers[i][key];
    const base::U256 work = sum.work + more.work;
    if (work < sum.work) continue;
    sum.work = work;
    sum.shares += more.shares;
    sum.best_share_difficulty = std::fmax(sum.best_share_difficulty, more.best_share_difficulty);
    return;
  }
}

void ShareSums::add(const ShareRecord& share, std::int64_t worker_id) {
  const Sum one{1, share.work, share.share_difficulty};
  // The row of the share itself is kept to years that PostgreSQL knows; its sums go with it.
  const std::int64_t time_us = clamped_time(share.time_us);
  add(minutes_, {worker_id, floor_to(time_us, minute_us)}, one);
  add(heights_, {worker_id, static_cast<std::int64_t>(share.height)}, one);
}

void ShareSums::store(pqxx::work& transaction, const std::string& journal_id) const {
  Layers hours;
  Layers days;
  for (const Sums& layer : minutes_) {
    store_spans(transaction, journal_id, "minute", layer);
    for (const auto& [key, sum] : layer) {
      add(hours, {key.worker_id, floor_to(key.at, hour_us)}, sum);
      add(days, {key.worker_id, floor_to(key.at, day_us)}, sum);
    }
  }
  for (const Sums& layer : hours) store_spans(transaction, journal_id, "hour", layer);
  for (const Sums& layer : days) store_spans(transaction, journal_id, "day", layer);
  for (const Sums& layer : heights_) store_heights(transaction, journal_id, layer);
}

void ShareSums::store_spans(pqxx::work& transaction, const std::string& journal_id,
                            const std::string& span, const Sums& sums) {
  ArrayText starts;
  ArrayText workers;
  ArrayText counts;
  ArrayText works;
  ArrayText bests;
  for (const auto* row : sorted(sums)) {
    const auto& [key, sum] = *row;
    starts.add('"' + timestamp_text(key.at) + '"');
    workers.add(std::to_string(key.worker_id));
    counts.add(std::to_string(sum.shares));
    works.add(sum.work.decimal());
    bests.add(double_text(sum.best_share_difficulty));
  }
  transaction.exec_params(
      "SELECT add_share_sums($1, $2, $3::timestamptz[], $4::bigint[],"
      " $5::bigint[], $6::numeric[], $7::float8[])",
      journal_id, span, starts.take(), workers.take(), counts.take(), works.take(), bests.take());
}

void ShareSums::store_heights(pqxx::work& transaction, const std::string& journal_id,
                              const Sums& sums) {
  ArrayText heights;
  ArrayText workers;
  ArrayText counts;
  ArrayText works;
  for (const auto* row : sorted(sums)) {
    const auto& [key, sum] = *row;
    heights.add(std::to_string(key.at));
    workers.add(std::to_string(key.worker_id));
    counts.add(std::to_string(sum.shares));
    works.add(sum.work.decimal());
  }
  transaction.exec_params(
      "SELECT add_height_sums($1, $2::integer[], $3::bigint[], $4::bigint[], $5::numeric[])",
      journal_id, heights.take(), workers.take(), counts.take(), works.take());
}

}  // namespace pool
