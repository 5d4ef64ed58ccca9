// StatsQuery: a question of the stats page or the API to the database, by its name and arguments.
//
// The answer is JSON: `blocks`, `totals` and `coherence` as messages.h describes it, the others
// with the members that web/openapi.json gives (sql/migrations/023_api.sql). pool/store knows the
// statements; nothing that comes from a request is ever part of one.
// Thread: plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pool {

struct StatsQuery {
  enum class What : std::uint8_t {
    blocks,
    totals,
    coherence,
    round,           // the current one, and the newest block
    luck,            // of the last closed rounds
    history,         // span
    miners,          // page, per_page
    miner,           // address
    miner_history,   // address, worker or none, span
    workers,         // address, page, per_page
    ckpool_user,     // address
    block_list,      // before or none, limit
    block,           // hash in hex
    block_proof,     // hash in hex
    payouts,         // before or none, limit
    payout,          // run, page, per_page
    preview,         // of everybody
    expected_parts,  // hash in hex of a block that is not divided yet
    chain,           // before or none, limit
    epochs,          // limit
    chain_block,     // height
    events,          // before or none, limit, severity
  };
  static constexpr std::size_t what_count = 22;

  std::uint64_t request = 0;  // echoed
  What what = What::totals;
  std::vector<std::optional<std::string>> arguments = {};
};

// Those that may take seconds where thousands mine: a thread of their own answers them, so that
// the others need not wait behind them.
constexpr bool is_slow(StatsQuery::What what) {
  using What = StatsQuery::What;
  return what == What::luck || what == What::miners || what == What::miner ||
         what == What::miner_history || what == What::workers || what == What::ckpool_user ||
         what == What::preview || what == What::expected_parts;
}

}  // namespace pool
