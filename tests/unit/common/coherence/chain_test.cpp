#include "common/coherence/chain.h"

#include "common/bitcoin/target.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

using coherence::ChainRules;
using coherence::ChainTip;
using coherence::HeaderFields;
using coherence::next_block;
using coherence::Stretch;

namespace {

crypto::Digest digest(std::uint8_t fill) {
  crypto::Digest filled;
  filled.fill(fill);
  return filled;
}

bitcoin::BlockHash tip_hash(std::uint8_t fill) { return bitcoin::BlockHash(digest(fill)); }

constexpr ChainRules rules{
    .block_seconds = 420, .retarget_blocks = 123, .initial_bits = 0x1e080000, .start_time = 1000};

// A chain of `blocks` blocks, `seconds` apart.
ChainTip chain_of(const ChainRules& with, std::uint32_t blocks, std::uint32_t seconds,
                  std::uint32_t level) {
  std::optional<ChainTip> tip;
  for (std::uint32_t height = 0; height < blocks; ++height) {
    const ChainTip* before = tip ? &*tip : nullptr;
    const auto next = next_block(with, before, level);
    CHECK(next.height == height);
    HeaderFields header{.prev_hash = next.prev_hash, .time = 0, .bits = next.bits};
    header.time = (before ? before->time : with.start_time) + seconds;
    tip = coherence::extend(with, before, header, next.level,
                            digest(static_cast<std::uint8_t>(height)));
  }
  return *tip;
}

}  // namespace

TEST_CASE("a header's bytes: where each field stands") {
  HeaderFields fields{.version = 0x01020304,
                      .prev_hash = digest(0xaa),
                      .merkle_root = digest(0xbb),
                      .time = 0x11121314,
                      .bits = 0x1e080000};
  const auto header = coherence::encode_header(fields);
  std::string expected = "04030201";
  for (int i = 0; i < 32; ++i) expected += "aa";
  for (int i = 0; i < 32; ++i) expected += "bb";
  expected += "141312110000081e";
  CHECK(base::to_hex(header) == expected);
  CHECK(coherence::decode_header(header) == fields);
}

TEST_CASE("leaves and the merkle root are those of the bytes written out") {
  base::Bytes tip;
  base::append(tip, base::as_bytes("COH1tip"));
  base::append(tip, digest(7));
  CHECK(coherence::tip_leaf(tip_hash(7)) == crypto::sha256d(tip));

  base::Bytes segment;
  base::append(segment, base::as_bytes("COH1seg"));
  base::append_le32(segment, 3);
  base::append_le64(segment, 0x1122334455667788);
  base::append_le64(segment, 0x1122334455667799);
  base::append(segment, digest(9));
  CHECK(segment.size() == 7 + 4 + 8 + 8 + 32);
  const Stretch third{3, 0x1122334455667788, 0x1122334455667799, digest(9)};
  CHECK(coherence::stretch_leaf(third) == crypto::sha256d(segment));

  const crypto::Digest leaf = coherence::tip_leaf(tip_hash(7));
  CHECK(coherence::merkle_root_of(tip_hash(7), {}) == leaf);
  const std::array one{third};
  const auto pair = crypto::sha256d_pair(leaf, coherence::stretch_leaf(third));
  CHECK(coherence::merkle_root_of(tip_hash(7), one) == pair);
  const std::array two{third, Stretch{4, 1, 2, digest(1)}};
  const auto last = coherence::stretch_leaf(two[1]);
  CHECK(coherence::merkle_root_of(tip_hash(7), two) ==
        crypto::sha256d_pair(pair, crypto::sha256d_pair(last, last)));
}

TEST_CASE("the first block of a chain") {
  const auto first = next_block(rules, nullptr, 2);
  CHECK(first.height == 0);
  CHECK(first.prev_hash == crypto::Digest{});
  CHECK(first.bits == 0x1e080000);
  CHECK(first.level == 2);
  CHECK(first.time_least == 1001);
  const HeaderFields header{.time = 1500, .bits = first.bits};
  const ChainTip tip = coherence::extend(rules, nullptr, header, 2, digest(1));
  CHECK(tip.height == 0);
  CHECK(tip.hash == digest(1));
  CHECK(tip.time == 1500);
  CHECK(tip.level == 2);
  CHECK(tip.epoch_start_time == 1000);
}

TEST_CASE("within an epoch bits and level stay, whatever level is wanted") {
  const ChainTip tip = chain_of(rules, 122, 10, 2);
  const auto next = next_block(rules, &tip, 4);
  CHECK(next.height == 122);
  CHECK(next.bits == 0x1e080000);
  CHECK(next.level == 2);
  CHECK(next.prev_hash == tip.hash);
  CHECK(next.time_least == tip.time + 1);
  CHECK(tip.epoch_start_time == 1000);
}

TEST_CASE("at an epoch's first block the target follows the epoch's time") {
  const base::U256 before = coherence::target_of_bits(0x1e080000);
  struct Row {
    std::uint32_t seconds;
    std::uint32_t factor;
  };
  for (const Row& row :
       {Row{420, 65536}, Row{210, 100582}, Row{840, 42700}, Row{42, 262144}, Row{4200, 16384}}) {
    CAPTURE(row.seconds);
    const ChainTip tip = chain_of(rules, 123, row.seconds, 2);
    CHECK(tip.time - tip.epoch_start_time == 123 * row.seconds);
    const auto next = next_block(rules, &tip, 2);
    CHECK(next.height == 123);
    const base::U256 exact = coherence::retargeted(before, row.factor);
    const bitcoin::Target256 rounded(exact.to_le_bytes());
    CHECK(next.bits == rounded.to_compact());
    CHECK(coherence::target_of_bits(next.bits) <= exact);
    // The next epoch is counted from the last block of this one.
    const ChainTip first = coherence::extend(rules, &tip, {.time = tip.time + 9, .bits = next.bits},
                                             next.level, digest(2));
    CHECK(first.epoch_start_time == tip.time);
    CHECK(next_block(rules, &first, 2).bits == next.bits);
  }
}

TEST_CASE("the second retarget starts from the decoded bits of the first") {
  const ChainTip tip = chain_of(rules, 246, 300, 2);
  const std::uint32_t factor = coherence::retarget_factor(std::uint64_t{123} * 300, 51660);
  base::U256 target = coherence::target_of_bits(0x1e080000);
  std::uint32_t bits = 0;
  for (int epoch = 0; epoch < 2; ++epoch) {
    bits = bitcoin::Target256(coherence::retargeted(target, factor).to_le_bytes()).to_compact();
    target = coherence::target_of_bits(bits);
  }
  CHECK(next_block(rules, &tip, 2).bits == bits);
}

TEST_CASE("a level changes at an epoch's first block and keeps a block's expected rounds") {
  const ChainTip tip = chain_of(rules, 123, 420, 2);
  for (std::uint32_t level = 0; level < coherence::levels; ++level) {
    const auto next = next_block(rules, &tip, level);
    CHECK(next.level == level);
    const double before = coherence::work_of(2, coherence::target_of_bits(tip.bits)).to_double();
    const double after =
        coherence::work_of(level, coherence::target_of_bits(next.bits)).to_double();
    CHECK(after / before == doctest::Approx(1).epsilon(4e-5));  // the compact form's rounding
  }
}

TEST_CASE("an epoch of one block, and times at their ends") {
  ChainRules quick{
      .block_seconds = 1, .retarget_blocks = 1, .initial_bits = 0x207fffff, .start_time = 0};
  ChainTip tip = chain_of(quick, 1, 1, 0);
  CHECK(tip.epoch_start_time == 0);
  CHECK(next_block(quick, &tip, 0).bits == 0x207fffff);
  tip.time = 4000000000;  // no target is above what 256 bits hold
  const auto easier = next_block(quick, &tip, 0);
  CHECK(coherence::target_of_bits(easier.bits) == base::U256{0xffff} << 240);
}

TEST_CASE("bits without a target have one that nothing meets; a target never becomes zero") {
  CHECK(coherence::target_of_bits(0).is_zero());
  CHECK(coherence::target_of_bits(0x01800000).is_zero());
  CHECK(coherence::target_of_bits(0x23000001).is_zero());
  ChainRules hard = rules;
  hard.initial_bits = 0x01010000;
  hard.retarget_blocks = 1;
  const ChainTip tip = chain_of(hard, 1, 1, 2);
  CHECK(coherence::target_of_bits(next_block(hard, &tip, 2).bits) == base::U256{1});
}
