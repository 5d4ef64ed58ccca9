#include "pool/core/shard_context.h"

#include "common/base/assert.h"

namespace pool {
namespace {

constexpr double line_burst_seconds = 10;

std::uint8_t shard_byte(ShardIndex index) {
  ASSERT(index.value < limits::shards_max);
  return static_cast<std::uint8_t>(index.value);
}

}  // namespace

std::uint8_t ShardOptions::tier(std::string_view name) const {
  const auto index_of = [this](std::string_view wanted) {
    return std::find_if(coinbase_tiers.begin(), coinbase_tiers.end(),
                        [&](const CoinbaseTier& tier) { return tier.name == wanted; });
  };
  auto found = index_of(name);
  if (found == coinbase_tiers.end()) found = index_of("default");
  ASSERT(found != coinbase_tiers.end());
  return static_cast<std::uint8_t>(found - coinbase_tiers.begin());
}

ShardContext::ShardContext(ShardHost& where, const ShardOptions& chosen)
    : host(where),
      options(chosen),
      line_rate(TokenRate::of(chosen.address_limits.lines_per_second,
                              chosen.address_limits.lines_per_second * line_burst_seconds)),
      jobs(shard_byte(chosen.index)),
      outbox(JournalSource{chosen.index.value}),
      guard(chosen.address_limits),
      extranonces(chosen.pool_instance, shard_byte(chosen.index), chosen.first_extranonce_counter,
                  chosen.resume_window),
      difficulties({limits::difficulty_memory_entries_max, limits::difficulty_memory_changes_max,
                    limits::difficulty_memory_expiry}),
      coherence_extranonces(chosen.coherence.first_extranonce_counter) {
  ASSERT(!options.ports.empty());
  ASSERT(options.connections_max <= limits::connections_per_shard_max);
  stats.shard = options.index;
}

std::uint64_t ShardContext::issue_coherence_extranonce() {
  constexpr std::uint64_t counter_mask = (std::uint64_t{1} << 48) - 1;
  const std::uint64_t owner =
      std::uint64_t{extranonces.instance()} << 8 | shard_byte(options.index);
  return owner << 48 | (coherence_extranonces++ & counter_mask);
}

}  // namespace pool
