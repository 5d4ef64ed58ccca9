#include "pool/core/coherence_job_source.h"

#include "common/bitcoin/target.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t start_time = 1'700'000'000;
constexpr JournalUuid own_journal{1};
constexpr JournalUuid other_journal{2};

bitcoin::BlockHash bitcoin_tip(std::uint8_t n) {
  bitcoin::BlockHash hash;
  hash.bytes.fill(n);
  return hash;
}

crypto::Digest digest(std::uint8_t n) {
  crypto::Digest made;
  made.fill(n);
  return made;
}

coherence::ChainRules rules() {
  return {.block_seconds = 420,
          .retarget_blocks = 3,
          .initial_bits = 0x1e080000,
          .start_time = start_time};
}

coherence::ChainTip chain_tip(std::uint32_t height) {
  return {.height = height,
          .hash = digest(static_cast<std::uint8_t>(100 + height)),
          .time = start_time + 1000 * (height + 1),
          .bits = 0x1e070000,
          .level = 1,
          .epoch_start_time = start_time};
}

ChainView view(std::optional<coherence::ChainTip> tip) {
  ChainView made;
  made.rules = rules();
  made.tip = tip;
  return made;
}

struct Bench {
  CoherenceJobSource source{options()};
  base::Instant now{base::MonoTime{1000h}, base::WallTime{std::chrono::seconds{start_time + 5000}}};

  static CoherenceJobSourceOptions options() {
    CoherenceJobSourceOptions made;
    made.rules = rules();
    made.rules.start_time = 0;  // the configuration has none
    made.level = 2;
    made.pool = 7;
    made.journal = own_journal;
    made.first_job_id = 40;
    return made;
  }
  void pass(std::chrono::milliseconds time) {
    now.mono += time;
    now.wall += time;
  }
  std::shared_ptr<const CoherenceJob> begin(const ChainView& chain = view(std::nullopt)) {
    source.on_bitcoin_tip(bitcoin_tip(1), now.mono);
    source.on_chain(chain, now);
    return source.update(now);
  }
};

coherence::HeaderFields fields_of(const CoherenceJob& job) {
  return coherence::decode_header(job.header);
}

// What the header commits to, from what the job says that is.
crypto::Digest root_of(const CoherenceJob& job) {
  std::vector<coherence::Stretch> leaves;
  for (const JournalStretch& stretch : job.stretches) leaves.push_back(stretch.stretch);
  return coherence::merkle_root_of(job.bitcoin_tip, leaves);
}

}  // namespace

TEST_CASE("there is no work until the chain and Bitcoin's tip are known, and it says why") {
  Bench b;
  CHECK(b.source.update(b.now) == nullptr);
  CHECK_EQ(b.source.obstacle(), "the database has not told of the proof chain yet");
  b.source.on_bitcoin_tip(bitcoin_tip(1), b.now.mono);
  CHECK(b.source.update(b.now) == nullptr);
  CHECK_EQ(b.source.obstacle(), "the database has not told of the proof chain yet");
  b.source.on_chain(view(std::nullopt), b.now);
  CHECK(b.source.update(b.now) != nullptr);
  CHECK_EQ(b.source.obstacle(), "");

  Bench other;
  other.source.on_chain(view(std::nullopt), other.now);
  CHECK(other.source.update(other.now) == nullptr);
  CHECK_EQ(other.source.obstacle(), "no node has told of Bitcoin's tip yet");
}

TEST_CASE("the first job is the chain's first block: genesis, initial bits, the wanted level") {
  Bench b;
  const auto job = b.begin();
  REQUIRE(job != nullptr);
  CHECK_EQ(job->id.value, 40);
  CHECK_EQ(job->height, 0);
  CHECK_EQ(job->level, 2);
  CHECK_EQ(job->params, 0x00010002);
  CHECK(job->clean);
  CHECK(job->bitcoin_tip == bitcoin_tip(1));
  CHECK(job->block_target == base::U256(8) << (8 * (0x1e - 1)));
  const auto fields = fields_of(*job);
  CHECK_EQ(fields.version, 1);
  CHECK(fields.prev_hash == crypto::Digest{});
  CHECK_EQ(fields.bits, 0x1e080000);
  CHECK_EQ(fields.time, start_time + 5000);
  CHECK(fields.merkle_root == root_of(*job));
  CHECK(b.source.current() == job);
}

TEST_CASE("a job follows the chain's tip, whose level and bits hold until the epoch ends") {
  Bench b;
  const auto job = b.begin(view(chain_tip(0)));
  REQUIRE(job != nullptr);
  CHECK_EQ(job->height, 1);
  CHECK_EQ(job->level, 1);
  CHECK(fields_of(*job).prev_hash == digest(100));
  CHECK_EQ(fields_of(*job).bits, 0x1e070000);

  b.source.on_chain(view(chain_tip(2)), b.now);
  const auto next = b.source.update(b.now);
  REQUIRE(next != nullptr);
  CHECK_EQ(next->height, 3);
  CHECK_EQ(next->level, 2);
  const coherence::ChainTip tip = chain_tip(2);
  CHECK_EQ(fields_of(*next).bits, coherence::next_block(rules(), &tip, 2).bits);
}

TEST_CASE("the header's time is the clock's, but always after the block before") {
  Bench b;
  auto tip = chain_tip(0);
  tip.time = start_time + 5000;
  CHECK_EQ(fields_of(*b.begin(view(tip))).time, start_time + 5001);
  Bench later;
  tip.time = start_time + 4999;
  CHECK_EQ(fields_of(*later.begin(view(tip))).time, start_time + 5000);
  Bench ahead;  // the clock was set back by a day
  tip.time = start_time + 86'400;
  CHECK_EQ(fields_of(*ahead.begin(view(tip))).time, start_time + 86'401);
}

TEST_CASE("another tip, Bitcoin's or the chain's, replaces the job at once and is clean") {
  struct Row {
    const char* why;
    std::uint8_t bitcoin;
    std::uint32_t height;
    bool replaced;
  };
  const Row rows[] = {
      {"nothing new", 1, 1, false},
      {"a new Bitcoin tip", 2, 1, true},
      {"a reorganisation back to one that there was", 1, 1, true},
      {"a new block of the chain", 1, 2, true},
      {"both", 3, 3, true},
      {"the chain as it was before, from a backup", 3, 1, true},
  };
  Bench b;
  std::uint64_t id = b.begin(view(chain_tip(1)))->id.value;
  for (const Row& row : rows) {
    CAPTURE(row.why);
    b.pass(1s);
    b.source.on_bitcoin_tip(bitcoin_tip(row.bitcoin), b.now.mono);
    b.source.on_chain(view(chain_tip(row.height)), b.now);
    b.pass(50ms);
    const auto job = b.source.update(b.now);
    REQUIRE_EQ(job != nullptr, row.replaced);
    if (!job) continue;
    CHECK(job->clean);
    CHECK_EQ(job->id.value, ++id);
    CHECK(job->bitcoin_tip == bitcoin_tip(row.bitcoin));
    CHECK(fields_of(*job).prev_hash == chain_tip(row.height).hash);
    CHECK(fields_of(*job).merkle_root == root_of(*job));
    CHECK(b.now.mono - job->tip_seen_at == 50ms);
    CHECK(b.source.update(b.now) == nullptr);
  }
}

TEST_CASE("of two new tips the job tells the one that was seen first") {
  Bench b;
  b.begin(view(chain_tip(1)));
  b.pass(1s);
  b.source.on_bitcoin_tip(bitcoin_tip(2), b.now.mono);
  b.pass(30ms);
  b.source.on_chain(view(chain_tip(2)), b.now);
  b.pass(10ms);
  CHECK(b.now.mono - b.source.update(b.now)->tip_seen_at == 40ms);
}

TEST_CASE("without news the job is made anew every 20 seconds, and is not clean") {
  Bench b;
  const auto first = b.begin(view(chain_tip(1)));
  b.pass(20s - 1ms);
  CHECK(b.source.update(b.now) == nullptr);
  b.pass(1ms);
  const auto second = b.source.update(b.now);
  REQUIRE(second != nullptr);
  CHECK_FALSE(second->clean);
  CHECK_EQ(second->id.value, first->id.value + 1);
  CHECK_EQ(fields_of(*second).time, fields_of(*first).time + 20);
  CHECK(second->tip_seen_at == first->tip_seen_at);
  b.pass(20s);
  CHECK(b.source.update(b.now) != nullptr);
}

TEST_CASE("no two jobs have the same header, whatever the clock and the tips do") {
  Bench b;
  coherence::ChainTip ahead = chain_tip(1);
  ahead.time = static_cast<std::uint32_t>(b.now.unix_seconds()) + 1000;
  const auto first = b.begin(view(ahead));
  CHECK_EQ(fields_of(*first).time, ahead.time + 1);
  b.pass(20s);
  const auto second = b.source.update(b.now);  // made anew while the clock is behind
  REQUIRE(second != nullptr);
  CHECK_EQ(fields_of(*second).time, ahead.time + 2);
  b.source.on_bitcoin_tip(bitcoin_tip(2), b.now.mono);
  CHECK_EQ(fields_of(*b.source.update(b.now)).time, ahead.time + 1);
  b.source.on_bitcoin_tip(bitcoin_tip(1), b.now.mono);  // and back
  const auto back = b.source.update(b.now);
  REQUIRE(back != nullptr);
  CHECK(back->header != first->header);
  CHECK(back->header != second->header);
  CHECK(back->clean);
}

TEST_CASE("a job commits to what the journals hold beyond the chain's last word on each") {
  Bench b;
  ChainView chain = view(chain_tip(1));
  chain.committed = {{own_journal, 10}, {other_journal, 5}};
  chain.heads = {{3, other_journal, {9, digest(9)}},
                 {7, own_journal, {11, digest(1)}},  // what the database has of us is older
                 {8, JournalUuid{3}, {4, digest(4)}}};
  b.source.on_journal_head({20, digest(20)});
  const auto job = b.begin(chain);
  REQUIRE_EQ(job->stretches.size(), 3);
  CHECK(job->stretches[0] == JournalStretch{{3, 6, 9, digest(9)}, other_journal});
  CHECK(job->stretches[1] == JournalStretch{{7, 11, 20, digest(20)}, own_journal});
  CHECK(job->stretches[2] == JournalStretch{{8, 1, 4, digest(4)}, JournalUuid{3}});
  CHECK(fields_of(*job).merkle_root == root_of(*job));

  // The block is in the chain: only what has come since remains.
  ChainView next = view(chain_tip(2));
  next.committed = {{own_journal, 20}, {other_journal, 9}, {JournalUuid{3}, 4}};
  next.heads = chain.heads;
  b.source.on_journal_head({21, digest(21)});
  b.source.on_chain(next, b.now);
  const auto after = b.source.update(b.now);
  REQUIRE_EQ(after->stretches.size(), 1);
  CHECK(after->stretches[0] == JournalStretch{{7, 21, 21, digest(21)}, own_journal});
}

TEST_CASE("a pool without new records has no stretch, and each pool has one at most") {
  struct Row {
    const char* why;
    std::vector<ChainView::Head> heads;
    std::size_t stretches;
  };
  const Row rows[] = {
      {"nothing anywhere", {}, 0},
      {"all of it is committed to", {{3, other_journal, {5, digest(1)}}}, 0},
      {"less than is committed to: a data_dir from a backup",
       {{3, other_journal, {4, digest(1)}}},
       0},
      {"another journal under our own number", {{7, other_journal, {9, digest(1)}}}, 0},
      {"our own journal under an earlier number", {{3, own_journal, {9, digest(1)}}}, 0},
      {"two journals under one number",
       {{3, other_journal, {9, digest(1)}}, {3, JournalUuid{3}, {9, digest(2)}}},
       1},
      {"one journal under two numbers: a pool had another one",
       {{3, other_journal, {9, digest(1)}}, {4, other_journal, {12, digest(2)}}},
       1},
      {"under two numbers, and no further under the second",
       {{3, other_journal, {9, digest(1)}}, {4, other_journal, {9, digest(1)}}},
       1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Bench b;
    ChainView chain = view(chain_tip(1));
    chain.committed = {{other_journal, 5}};
    chain.heads = row.heads;
    CHECK_EQ(b.begin(chain)->stretches.size(), row.stretches);
  }
}

TEST_CASE("of a journal under two numbers its furthest head counts") {
  for (const std::uint64_t first : {9, 12}) {
    Bench b;
    ChainView chain = view(chain_tip(1));
    chain.committed = {{other_journal, 5}};
    chain.heads = {{3, other_journal, {first, digest(1)}},
                   {4, other_journal, {21 - first, digest(2)}}};
    const auto job = b.begin(chain);
    REQUIRE_EQ(job->stretches.size(), 1);
    CHECK_EQ(job->stretches[0].stretch.last_sequence, 12);
    CHECK_EQ(job->stretches[0].stretch.pool, first == 12 ? 3 : 4);
  }
}

TEST_CASE("stretches are ordered by pool and bounded, and our number may change") {
  Bench b;
  ChainView chain = view(chain_tip(1));
  for (std::uint32_t pool = 0; pool < 300; ++pool) {
    JournalUuid journal{};
    journal[1] = static_cast<std::uint8_t>(pool);
    journal[2] = static_cast<std::uint8_t>(1 + pool / 256);
    chain.heads.insert(chain.heads.begin(), {pool, journal, {1, digest(1)}});
  }
  b.source.set_pool(0);
  b.source.on_journal_head({1, digest(2)});
  const auto job = b.begin(chain);
  REQUIRE_EQ(job->stretches.size(), limits::stretches_per_block_max);
  for (std::uint32_t pool = 0; pool < job->stretches.size(); ++pool) {
    CHECK_EQ(job->stretches[pool].stretch.pool, pool);
  }
  CHECK(job->stretches[0].journal == own_journal);
}

TEST_CASE("rules that differ from the chain's leave no work, and name the key") {
  struct Row {
    coherence::ChainRules in_force;
    std::string conflict;
  };
  auto block_seconds = rules();
  block_seconds.block_seconds = 60;
  auto retarget_blocks = rules();
  retarget_blocks.retarget_blocks = 4;
  auto initial_bits = rules();
  initial_bits.initial_bits = 0x1f00ffff;
  auto later = rules();
  later.start_time += 1;
  const Row rows[] = {
      {rules(), ""},
      {later, ""},
      {block_seconds,
       "coherence.block_seconds is 420, but the proof chain in the database runs with 60"},
      {retarget_blocks,
       "coherence.retarget_blocks is 3, but the proof chain in the database runs with 4"},
      {initial_bits,
       "coherence.initial_bits is 1e080000, but the proof chain in the database runs with "
       "1f00ffff"},
  };
  for (const Row& row : rows) {
    Bench b;
    ChainView chain = view(std::nullopt);
    chain.rules = row.in_force;
    const auto job = b.begin(chain);
    CHECK_EQ(job == nullptr, !row.conflict.empty());
    CHECK_EQ(b.source.conflict(), row.conflict);
    CHECK_EQ(b.source.obstacle(), row.conflict);
    if (!job) continue;
    CHECK_EQ(b.source.update(b.now), nullptr);
  }
  // Another database after all: what miners have ends, and comes back with the right rules.
  Bench b;
  b.begin();
  ChainView chain = view(std::nullopt);
  chain.rules = block_seconds;
  b.source.on_chain(chain, b.now);
  CHECK_EQ(b.source.update(b.now), nullptr);
  CHECK_EQ(b.source.current(), nullptr);
  b.source.on_chain(view(std::nullopt), b.now);
  const auto again = b.source.update(b.now);
  REQUIRE(again != nullptr);
  CHECK(again->clean);
  CHECK_EQ(again->id.value, 41);
}

TEST_CASE("bits in the database that are no target leave no work") {
  Bench b;
  auto tip = chain_tip(1);
  tip.bits = 0x1e800001;
  CHECK_EQ(b.begin(view(tip)), nullptr);
  CHECK_EQ(b.source.obstacle(),
           "the proof chain's next block has bits 1e800001, which are no target");
  CHECK_EQ(b.source.current(), nullptr);
}

}  // namespace pool
