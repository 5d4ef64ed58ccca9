#include "common/coherence/chain.h"

#include "common/base/assert.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/target.h"

#include <algorithm>
#include <string_view>

namespace coherence {
namespace {

constexpr std::string_view tip_tag = "COH1tip";
constexpr std::string_view stretch_tag = "COH1seg";

constexpr std::size_t prev_hash_at = 4;
constexpr std::size_t merkle_root_at = 36;
constexpr std::size_t time_at = 68;
constexpr std::size_t bits_at = 72;

crypto::Digest digest_at(const Header76& header, std::size_t at) {
  crypto::Digest digest;
  std::copy_n(header.begin() + static_cast<std::ptrdiff_t>(at), digest.size(), digest.begin());
  return digest;
}

// The compact form cuts digits off; a target of zero, which nothing meets, has none.
std::uint32_t bits_of(const base::U256& target) {
  const base::U256 least{1};
  return bitcoin::Target256(std::max(target, least).to_le_bytes()).to_compact();
}

}  // namespace

Header76 encode_header(const HeaderFields& fields) {
  Header76 header;
  const std::span<std::uint8_t> out(header);
  base::write_le32(out, fields.version);
  std::copy(fields.prev_hash.begin(), fields.prev_hash.end(), out.begin() + prev_hash_at);
  std::copy(fields.merkle_root.begin(), fields.merkle_root.end(), out.begin() + merkle_root_at);
  base::write_le32(out.subspan(time_at), fields.time);
  base::write_le32(out.subspan(bits_at), fields.bits);
  return header;
}

HeaderFields decode_header(const Header76& header) {
  const base::ByteSpan bytes(header);
  return {.version = base::read_le32(bytes),
          .prev_hash = digest_at(header, prev_hash_at),
          .merkle_root = digest_at(header, merkle_root_at),
          .time = base::read_le32(bytes.subspan(time_at)),
          .bits = base::read_le32(bytes.subspan(bits_at))};
}

base::U256 target_of_bits(std::uint32_t bits) {
  const auto target = bitcoin::Target256::from_compact(bits);
  return target ? base::U256::from_le_bytes(target->bytes()) : base::U256{};
}

crypto::Digest tip_leaf(const bitcoin::BlockHash& bitcoin_tip) {
  base::Bytes message;
  base::append(message, base::as_bytes(tip_tag));
  base::append(message, bitcoin_tip.bytes);
  return crypto::sha256d(message);
}

crypto::Digest stretch_leaf(const Stretch& stretch) {
  base::Bytes message;
  base::append(message, base::as_bytes(stretch_tag));
  base::append_le32(message, stretch.pool);
  base::append_le64(message, stretch.first_sequence);
  base::append_le64(message, stretch.last_sequence);
  base::append(message, stretch.head);
  return crypto::sha256d(message);
}

crypto::Digest merkle_root_of(const bitcoin::BlockHash& bitcoin_tip,
                              std::span<const Stretch> stretches) {
  const auto out_of_order = [](const Stretch& a, const Stretch& b) { return a.pool >= b.pool; };
  ASSERT(std::adjacent_find(stretches.begin(), stretches.end(), out_of_order) == stretches.end());
  std::vector<bitcoin::Hash256> leaves;
  leaves.emplace_back(tip_leaf(bitcoin_tip));
  for (const Stretch& stretch : stretches) leaves.emplace_back(stretch_leaf(stretch));
  return bitcoin::merkle_root(std::move(leaves)).bytes;
}

NextBlock next_block(const ChainRules& rules, const ChainTip* tip, std::uint32_t wanted_level) {
  ASSERT(rules.retarget_blocks > 0 && wanted_level < levels);
  if (tip == nullptr) {
    return {.height = 0,
            .prev_hash = {},
            .bits = rules.initial_bits,
            .level = wanted_level,
            .time_least = rules.start_time + 1};
  }
  NextBlock next{.height = tip->height + 1,
                 .prev_hash = tip->hash,
                 .bits = tip->bits,
                 .level = tip->level,
                 .time_least = tip->time + 1};
  if (next.height % rules.retarget_blocks != 0) return next;
  const std::uint64_t actual = tip->time - tip->epoch_start_time;
  const std::uint64_t expected = std::uint64_t{rules.retarget_blocks} * rules.block_seconds;
  const base::U256 target =
      retargeted(target_of_bits(tip->bits), retarget_factor(actual, expected));
  next.level = wanted_level;
  next.bits = bits_of(relevelled(target, tip->level, wanted_level));
  return next;
}

ChainTip extend(const ChainRules& rules, const ChainTip* tip, const HeaderFields& header,
                std::uint32_t level, const crypto::Digest& hash) {
  ASSERT(rules.retarget_blocks > 0);
  ChainTip next{.height = tip == nullptr ? 0 : tip->height + 1,
                .hash = hash,
                .time = header.time,
                .bits = header.bits,
                .level = level,
                .epoch_start_time = rules.start_time};
  if (tip != nullptr) {
    const bool first_of_epoch = next.height % rules.retarget_blocks == 0;
    next.epoch_start_time = first_of_epoch ? tip->time : tip->epoch_start_time;
  }
  return next;
}

}  // namespace coherence
