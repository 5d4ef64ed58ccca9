#include "common/mining/empty_template.h"

#include <algorithm>
#include <array>

namespace mining {

namespace {

constexpr std::uint32_t retarget_blocks = 2016;
constexpr std::int64_t first_subsidy_sats = 5'000'000'000;
constexpr std::uint32_t halving_blocks = 210'000;
constexpr std::uint32_t regtest_halving_blocks = 150;
constexpr std::uint32_t halvings_max = 64;  // from then on, nothing

// Nodes refuse a block whose time is two hours ahead of their clock, and ours may differ from it.
constexpr std::int64_t seconds_ahead_max = 100 * 60;

// OP_RETURN, a push of 36 bytes, BIP141's tag, and sha256d of two times 32 zero bytes: the witness
// root of a lone coinbase is zero by definition, and so is the reserved value that the pool uses.
constexpr std::array<std::uint8_t, 38> lone_coinbase_commitment = {
    0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed, 0xe2, 0xf6, 0x1c, 0x3f, 0x71, 0xd1, 0xde,
    0xfd, 0x3f, 0xa9, 0x99, 0xdf, 0xa3, 0x69, 0x53, 0x75, 0x5c, 0x69, 0x06, 0x89,
    0x79, 0x99, 0x62, 0xb4, 0x8b, 0xeb, 0xd8, 0x36, 0x97, 0x4e, 0x8c, 0xf9};

bool has_minimum_difficulty_blocks(bitcoin::Network network) {
  return network == bitcoin::Network::testnet || network == bitcoin::Network::testnet4;
}

// The bits of the block on top are the tip's own, and known for certain.
bool bits_stay(const BlockTemplate& known, const TipBlock& tip, bitcoin::Network network) {
  if (has_minimum_difficulty_blocks(network)) return false;
  if (tip.header.nbits != known.nbits) return false;
  if (network == bitcoin::Network::regtest) return true;  // it never retargets
  return (tip.height + 1) / retarget_blocks == known.height / retarget_blocks &&
         tip.height / retarget_blocks == known.height / retarget_blocks;
}

// Two blocks on the same parent have the same height, and a block on top of one is one higher.
bool place_fits(const BlockTemplate& known, const TipBlock& tip, const bitcoin::BlockHash& hash) {
  if (tip.header.prev_hash == known.prev_hash) return tip.height == known.height;
  return hash != known.prev_hash || tip.height + 1 == known.height;
}

bool is_mined(const bitcoin::Header& header, const bitcoin::BlockHash& hash) {
  const auto target = bitcoin::Target256::from_compact(header.nbits);
  return target && target->admits(hash.bytes);
}

// The median time past M' of the new block is never above its parent's time t, nor below the
// parent's own bound M: consensus wants t > M, and the window of eleven only gains t and loses one.
// At least six of the old window are <= M < t, so at least five and t of the new are <= t: M' <= t;
// and six are >= M, so at least five and t are: M' >= M. (While the chain is shorter than eleven,
// nothing is lost.) So t + 1 is late enough even if nobody has said the median.
std::uint32_t time_at_least(const TipBlock& tip) {
  const std::uint32_t certain = tip.header.ntime + 1;
  return tip.median_time ? std::min(certain, *tip.median_time + 1) : certain;
}

// What does not change from one block to the next, but for softforks that begin where a retarget
// falls due.
BlockTemplate same_chain(const BlockTemplate& known) {
  BlockTemplate made;
  made.version = known.version;
  made.nbits = known.nbits;
  made.network_target = known.network_target;
  made.weight_limit = known.weight_limit;
  made.sigop_limit = known.sigop_limit;
  made.size_limit = known.size_limit;
  made.segwit = known.segwit;
  made.rules = known.rules;
  made.signet_challenge = known.signet_challenge;
  made.takes_proposals = known.takes_proposals;
  return made;
}

}  // namespace

bitcoin::Sats block_subsidy(std::uint32_t height, bitcoin::Network network) {
  const std::uint32_t halvings =
      height / (network == bitcoin::Network::regtest ? regtest_halving_blocks : halving_blocks);
  return bitcoin::Sats{halvings < halvings_max ? first_subsidy_sats >> halvings : 0};
}

std::optional<BlockTemplate> empty_template(const BlockTemplate& known, const TipBlock& tip,
                                            bitcoin::Network network, std::int64_t now) {
  const bitcoin::BlockHash hash = tip.header.hash();
  if (!bits_stay(known, tip, network) || !place_fits(known, tip, hash)) return std::nullopt;
  if (!is_mined(tip.header, hash)) return std::nullopt;
  if (tip.header.ntime == UINT32_MAX || tip.median_time == UINT32_MAX) return std::nullopt;
  const std::uint32_t mintime = time_at_least(tip);
  if (mintime > now + seconds_ahead_max) return std::nullopt;

  BlockTemplate made = same_chain(known);
  made.prev_hash = hash;
  made.height = tip.height + 1;
  made.mintime = mintime;
  made.curtime = static_cast<std::uint32_t>(std::clamp<std::int64_t>(now, mintime, UINT32_MAX));
  made.coinbase_value = block_subsidy(made.height, network);
  if (known.default_witness_commitment) {
    made.default_witness_commitment.emplace(lone_coinbase_commitment.begin(),
                                            lone_coinbase_commitment.end());
  }
  return made;
}

}  // namespace mining
