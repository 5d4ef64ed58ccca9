#include "common/mining/empty_template.h"

#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/crypto/sha256.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mining {
namespace {

using bitcoin::Network;

constexpr std::int64_t now = 1'700'000'000;

// The genesis block of mainnet: a header that meets bits which are not regtest's.
bitcoin::Header genesis() {
  bitcoin::Header header;
  header.version = 1;
  const auto root =
      base::from_hex("3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a");
  std::copy(root->begin(), root->end(), header.merkle_root.bytes.begin());
  header.ntime = 1'231'006'505;
  header.nbits = 0x1d00ffff;
  header.nonce = 2'083'236'893;
  return header;
}

// A regtest block on `parent`, mined.
bitcoin::Header regtest_block(const bitcoin::BlockHash& parent, std::uint32_t ntime) {
  bitcoin::Header header;
  header.version = 0x20000000;
  header.prev_hash = parent;
  header.ntime = ntime;
  header.nbits = 0x207fffff;
  const auto target = *bitcoin::Target256::from_compact(header.nbits);
  while (!target.admits(header.hash().bytes)) ++header.nonce;
  return header;
}

BlockTemplate known_template(std::uint32_t height, std::uint32_t nbits) {
  BlockTemplate known;
  known.prev_hash.bytes.fill(7);
  known.version = 0x20001000;
  known.nbits = nbits;
  known.network_target = *bitcoin::Target256::from_compact(nbits);
  known.height = height;
  known.coinbase_value = bitcoin::Sats{6'000'000'000};
  known.default_witness_commitment = base::Bytes{0x6a};
  known.txids.resize(3);
  known.transactions = base::Bytes(900, 1);
  known.transactions_weight = 3600;
  return known;
}

}  // namespace

TEST_CASE("an empty block on the block that was being mined") {
  BlockTemplate known = known_template(101, 0x207fffff);
  known.weight_limit = 3'000'000;
  known.sigop_limit = 70'000;
  known.size_limit = 3'500'000;
  known.segwit = false;
  known.rules = {"csv"};
  known.signet_challenge = base::Bytes{0x51};
  known.takes_proposals = false;
  const bitcoin::Header tip = regtest_block(known.prev_hash, 1'699'999'990);
  const auto made = empty_template(known, {tip, 101, 1'699'999'000}, Network::regtest, now);
  REQUIRE(made);
  CHECK_EQ(made->prev_hash, tip.hash());
  CHECK_EQ(made->height, 102);
  CHECK_EQ(made->version, known.version);
  CHECK_EQ(made->nbits, 0x207fffff);
  CHECK_EQ(made->network_target, known.network_target);
  CHECK_EQ(made->mintime, 1'699'999'001);
  CHECK_EQ(made->curtime, now);
  CHECK_EQ(made->coinbase_value.value, 5'000'000'000);
  CHECK(made->txids.empty());
  CHECK(made->transactions.empty());
  CHECK_EQ(made->transactions_weight, 0);
  CHECK_EQ(made->fees.value, 0);
  CHECK_EQ(made->weight_limit, known.weight_limit);
  CHECK_EQ(made->sigop_limit, known.sigop_limit);
  CHECK_EQ(made->size_limit, known.size_limit);
  CHECK_EQ(made->segwit, known.segwit);
  CHECK_EQ(made->rules, known.rules);
  CHECK_EQ(made->signet_challenge, known.signet_challenge);
  CHECK_FALSE(made->takes_proposals);
}

TEST_CASE(
    "its commitment is the one of a block without other transactions, where there is segwit") {
  // From the rule itself: the witness root is the coinbase's, which is zero, beside a reserved
  // value of zeros.
  base::Bytes expected = {0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed};
  base::append(expected, crypto::sha256d(base::Bytes(64, 0)));
  BlockTemplate known = known_template(101, 0x207fffff);
  const TipBlock tip{regtest_block(known.prev_hash, 1'699'999'990), 101, {}};
  CHECK_EQ(empty_template(known, tip, Network::regtest, now)->default_witness_commitment, expected);
  known.default_witness_commitment.reset();
  CHECK_FALSE(empty_template(known, tip, Network::regtest, now)->default_witness_commitment);
}

TEST_CASE("where an empty block is certain, and where none is made") {
  struct Row {
    const char* why;
    Network network;
    std::uint32_t known_height;
    std::uint32_t known_bits;
    std::uint32_t tip_height;
    bool made;
  };
  const Row rows[] = {
      {"the next block", Network::mainnet, 2015 * 2, 0x1d00ffff, 2015 * 2, true},
      {"signet retargets as mainnet does", Network::signet, 100, 0x1d00ffff, 100, true},
      {"two blocks at once", Network::mainnet, 100, 0x1d00ffff, 101, true},
      {"back to a lower one", Network::mainnet, 100, 0x1d00ffff, 97, true},
      {"the last of its period", Network::mainnet, 2014, 0x1d00ffff, 2014, true},
      {"a retarget is due", Network::mainnet, 2015, 0x1d00ffff, 2015, false},
      {"the first of a period whose bits are known", Network::mainnet, 2016, 0x1d00ffff, 2016,
       true},
      {"a jump into a period that is not known", Network::mainnet, 2015, 0x1d00ffff, 2016, false},
      {"back into the period before", Network::mainnet, 2016, 0x1d00ffff, 2014, false},
      {"other bits", Network::mainnet, 100, 0x1c00ffff, 100, false},
      {"minimum-difficulty blocks", Network::testnet, 100, 0x1d00ffff, 100, false},
      {"minimum-difficulty blocks", Network::testnet4, 100, 0x1d00ffff, 100, false},
      {"on regtest no retarget falls due", Network::regtest, 2015, 0x1d00ffff, 2015, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CAPTURE(row.tip_height);
    const auto made = empty_template(known_template(row.known_height, row.known_bits),
                                     {genesis(), row.tip_height, {}}, row.network, now);
    CHECK_EQ(made.has_value(), row.made);
    if (made) CHECK_EQ(made->height, row.tip_height + 1);
  }
}

TEST_CASE("a header that misses its own target, or whose bits are none, is nothing to build on") {
  bitcoin::Header tip = genesis();
  BlockTemplate known = known_template(100, tip.nbits);
  REQUIRE(empty_template(known, {tip, 100, {}}, Network::mainnet, now));
  ++tip.nonce;
  CHECK_FALSE(empty_template(known, {tip, 100, {}}, Network::mainnet, now));
  tip.nbits = known.nbits = 0xff000000;
  CHECK_FALSE(empty_template(known, {tip, 100, {}}, Network::mainnet, now));
}

TEST_CASE("a height that contradicts the known template is not believed") {
  BlockTemplate known = known_template(101, 0x207fffff);
  const bitcoin::Header sibling = regtest_block(known.prev_hash, 1'699'999'990);
  CHECK(empty_template(known, {sibling, 101, {}}, Network::regtest, now));
  CHECK_FALSE(empty_template(known, {sibling, 102, {}}, Network::regtest, now));
  const bitcoin::Header parent = regtest_block(bitcoin::BlockHash{}, 1'699'999'990);
  known.prev_hash = parent.hash();
  CHECK(empty_template(known, {parent, 100, {}}, Network::regtest, now));
  CHECK_FALSE(empty_template(known, {parent, 101, {}}, Network::regtest, now));
}

TEST_CASE(
    "time: after the median where it is known, else after the newest block, and not too far") {
  const BlockTemplate known = known_template(101, 0x207fffff);
  const auto made = [&](std::int64_t ahead, std::optional<std::uint32_t> median) {
    const bitcoin::Header tip =
        regtest_block(known.prev_hash, static_cast<std::uint32_t>(now + ahead));
    return empty_template(known, {tip, 101, median}, Network::regtest, now);
  };
  CHECK_EQ(made(-10, std::nullopt)->mintime, now - 9);
  CHECK_EQ(made(-10, std::nullopt)->curtime, now);
  CHECK_EQ(made(600, std::nullopt)->mintime, now + 601);
  CHECK_EQ(made(600, std::nullopt)->curtime, now + 601);
  CHECK_EQ(made(600, now - 600)->mintime, now - 599);
  CHECK_EQ(made(600, now - 600)->curtime, now);
  CHECK_MESSAGE(made(-10, now + 600)->mintime == now - 9, "no median is above the newest block");
  CHECK(made(5'999, std::nullopt));
  CHECK_FALSE(made(6'000, std::nullopt));
  CHECK(made(7'000, now));
  const bitcoin::Header last = regtest_block(known.prev_hash, UINT32_MAX);
  CHECK_FALSE(empty_template(known, {last, 101, {}}, Network::regtest, UINT32_MAX));
}

TEST_CASE(
    "property: whatever times a chain has, the empty block's time is one that consensus takes") {
  base::Random random(20'240'229);
  for (int chain = 0; chain < 200; ++chain) {
    std::vector<std::uint32_t> times{1'600'000'000};
    BlockTemplate known = known_template(1, 0x207fffff);
    std::uint32_t median_before = 0;
    for (std::uint32_t height = 1; height < 40; ++height) {
      const std::size_t from = times.size() - std::min<std::size_t>(times.size(), 11);
      std::vector<std::uint32_t> window(times.begin() + static_cast<std::ptrdiff_t>(from),
                                        times.end());
      std::sort(window.begin(), window.end());
      const std::uint32_t median = window[window.size() / 2];
      CHECK_GE(median, median_before);
      median_before = median;

      const bitcoin::Header tip = regtest_block(known.prev_hash, times.back());
      const auto made = empty_template(known, {tip, height, {}}, Network::regtest, now);
      REQUIRE(made);
      CHECK_GT(made->mintime, median);
      CHECK_GE(made->curtime, made->mintime);
      known = *made;
      known.network_target = *bitcoin::Target256::from_compact(known.nbits);
      // Any time that consensus takes: one above the median, or hours above it.
      times.push_back(median + 1 + static_cast<std::uint32_t>(random.below(chain % 3 ? 40 : 7200)));
    }
  }
}

TEST_CASE("the subsidy halves every 210000 blocks, on regtest every 150, and ends") {
  CHECK_EQ(block_subsidy(0, Network::mainnet).value, 5'000'000'000);
  CHECK_EQ(block_subsidy(209'999, Network::mainnet).value, 5'000'000'000);
  CHECK_EQ(block_subsidy(210'000, Network::signet).value, 2'500'000'000);
  CHECK_EQ(block_subsidy(840'000, Network::mainnet).value, 312'500'000);
  CHECK_EQ(block_subsidy(33 * 210'000, Network::mainnet).value, 0);
  CHECK_EQ(block_subsidy(UINT32_MAX, Network::mainnet).value, 0);
  CHECK_EQ(block_subsidy(149, Network::regtest).value, 5'000'000'000);
  CHECK_EQ(block_subsidy(150, Network::regtest).value, 2'500'000'000);
  CHECK_EQ(block_subsidy(64 * 150, Network::regtest).value, 0);
}

}  // namespace mining
