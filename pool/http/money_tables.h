// What the database computes for all miners at once, and is asked for one: the preview (if a block
// were found now), and what blocks that are not divided yet would bring.
//
// An answer is parsed once, however often it is looked into.
// Units:  satoshis and work stay the database's exact decimal texts.
// Thread: one owner. Pure.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pool {

// api_preview() of sql/migrations.
struct PreviewTable {
  struct Row {
    std::string address, pplns_sats, pplns_work, prop_sats, prop_work, pps_sats, pps_work,
        solo_sats;
  };
  std::int64_t time_us = 0;
  std::string scheme;
  std::int64_t height = 0;
  std::int64_t reward_sats = 0;
  std::int64_t fee_ppm = 0;
  std::int64_t coherence_ppm = 0;
  std::string network_work, pplns_work, prop_work;
  std::vector<Row> rows;                                     // in the order they are shown
  std::unordered_map<std::string_view, std::size_t> places;  // by address

  const Row* find(std::string_view address) const;
};
// Null: not of that form.
std::shared_ptr<const PreviewTable> parse_preview(std::string_view json);
// GET /api/v1/payouts/preview: pages from 1.
std::string preview_json(const PreviewTable& table, std::size_t page, std::size_t per_page);
// `if_block_now` of a miner: one JSON object.
std::string preview_json(const PreviewTable& table, const PreviewTable::Row& row);

// The last preview that was looked at.
class PreviewBook {
 public:
  std::shared_ptr<const PreviewTable> table_of(const std::shared_ptr<const std::string>& json);

 private:
  std::shared_ptr<const std::string> json_;
  std::shared_ptr<const PreviewTable> table_;
};

// What each of the last few blocks would bring: api_expected_parts() of sql/migrations.
class ExpectedParts {
 public:
  static constexpr std::size_t blocks_max = 24;

  // Satoshis of an address; 0 where it has no part. nullopt: not of that form.
  std::optional<std::int64_t> find(const std::string& hash,
                                   const std::shared_ptr<const std::string>& json,
                                   const std::string& address);

 private:
  struct Block {
    std::string hash;
    std::shared_ptr<const std::string> json;
    bool is_valid = false;
    std::unordered_map<std::string, std::int64_t> sats;
  };
  std::list<Block> blocks_;  // the one looked into last first
};

}  // namespace pool
