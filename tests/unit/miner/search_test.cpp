// One worker's search: shares found, verified and reported; faulty kernels; dense targets.
#include "miner/search.h"

#include "tests/unit/miner/golden.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace miner {
namespace {

const ScanKernel& portable() { return scan_kernels().back(); }

std::shared_ptr<const Work> work_of(double difficulty, std::uint64_t search_id = 1,
                                    std::uint32_t extranonce2_size = 8) {
  Work work = golden::work_v1(difficulty);
  work.search_id = search_id;
  work.extranonce2_size = extranonce2_size;
  return std::make_shared<const Work>(work);
}

struct Collected {
  std::vector<FoundShare> shares;
  bool operator()(FoundShare share) {
    shares.push_back(std::move(share));
    return true;
  }
};

std::string key_of(const FoundShare& share) {
  return base::to_hex(share.extranonce2) + base::u32_hex(share.ntime) + base::u32_hex(share.nonce);
}

constexpr double one_in_256 = 1.0 / (1 << 24);

TEST_CASE("every reported share meets the target, and none of a range is missed") {
  const auto work = work_of(one_in_256);
  Search search(0, 1, portable());
  search.set_work(work);
  Collected found;
  CHECK_EQ(search.step(16384, Appetite::shares, std::ref(found)), 16384);

  bitcoin::HeaderBytes header = build_header(*work, base::Bytes(8, 0), work->notify.ntime);
  std::size_t expected = 0;
  for (std::uint32_t nonce = 0; nonce < 16384; ++nonce) {
    base::write_le32(std::span(header).subspan(76), nonce);
    const bitcoin::BlockHash hash = bitcoin::hash_header(header);
    if (!work->share_target.admits(hash.bytes)) continue;
    REQUIRE_LT(expected, found.shares.size());
    CHECK_EQ(found.shares[expected].nonce, nonce);
    CHECK_EQ(found.shares[expected].hash, hash);
    CHECK_EQ(found.shares[expected].is_block, work->network_target.admits(hash.bytes));
    ++expected;
  }
  CHECK_EQ(found.shares.size(), expected);
  CHECK_GT(expected, 30);
  CHECK_EQ(search.wrong_proposals(), 0);
}

TEST_CASE("a target that nearly every hash meets loses none: the batch shrinks instead") {
  Search search(0, 1, portable());
  search.set_work(work_of(1.0 / 4294967296.0));
  Collected found;
  std::uint32_t tried = 0;
  while (tried < 8192) tried += search.step(1U << 20, Appetite::shares, std::ref(found));
  CHECK_GT(found.shares.size(), tried * 0.999);  // the target's top word is ffff0000
  std::set<std::string> keys;
  for (const FoundShare& share : found.shares) keys.insert(key_of(share));
  CHECK_EQ(keys.size(), found.shares.size());
}

TEST_CASE("workers of one job never try the same header") {
  std::set<std::string> keys;
  std::size_t total = 0;
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    Search search(worker, 3, portable());
    search.set_work(work_of(one_in_256));
    Collected found;
    for (int i = 0; i < 4; ++i) search.step(4096, Appetite::shares, std::ref(found));
    total += found.shares.size();
    for (const FoundShare& share : found.shares) keys.insert(key_of(share));
  }
  CHECK_GT(total, 100);
  CHECK_EQ(keys.size(), total);
}

TEST_CASE("a job of the same headers goes on at the next nonce with its new name and target") {
  Search search(0, 1, portable());
  search.set_work(work_of(1));
  Collected found;
  search.step(4096, Appetite::shares, std::ref(found));
  CHECK(found.shares.empty());
  const auto again = work_of(one_in_256);
  search.set_work(again);
  search.step(4096, Appetite::shares, std::ref(found));
  REQUIRE_FALSE(found.shares.empty());
  for (const FoundShare& share : found.shares) {
    CHECK_GE(share.nonce, 4096);
    CHECK_EQ(share.work, again);
  }
}

TEST_CASE("another job starts its own unit at nonce zero") {
  Search search(0, 1, portable());
  search.set_work(work_of(one_in_256, 1));
  Collected found;
  search.step(4096, Appetite::shares, std::ref(found));
  search.set_work(work_of(one_in_256, 2));
  Collected later;
  search.step(4096, Appetite::shares, std::ref(later));
  REQUIRE_FALSE(later.shares.empty());
  CHECK_LT(later.shares[0].nonce, 4096);
  CHECK_EQ(base::to_hex(later.shares[0].extranonce2), "0100000000000000");
}

TEST_CASE("no work, no hashes") {
  Search search(0, 1, portable());
  Collected found;
  CHECK_FALSE(search.active());
  CHECK_EQ(search.step(4096, Appetite::shares, std::ref(found)), 0);
  search.set_work(work_of(1));
  CHECK(search.active());
  search.set_work(nullptr);
  CHECK_FALSE(search.active());
}

TEST_CASE("a nonce order: the same shares, verified, in the order's sequence") {
  constexpr std::uint32_t step = 0x9e3779b9;
  const auto work = work_of(one_in_256);
  Search search(0, 1, portable(), step);
  search.set_work(work);
  Collected found;
  for (int i = 0; i < 4; ++i) search.step(4096, Appetite::shares, std::ref(found));
  bitcoin::HeaderBytes header = build_header(*work, base::Bytes(8, 0), work->notify.ntime);
  std::size_t expected = 0;
  for (std::uint32_t k = 0; k < 16384; ++k) {
    base::write_le32(std::span(header).subspan(76), k * step);
    if (!work->share_target.admits(bitcoin::hash_header(header).bytes)) continue;
    REQUIRE_LT(expected, found.shares.size());
    CHECK_EQ(found.shares[expected].nonce, k * step);
    ++expected;
  }
  CHECK_EQ(found.shares.size(), expected);
  CHECK_GT(expected, 30);
}

TEST_CASE("rolled versions: each share names its header's bits, and every version gives some") {
  Work rolling = golden::work_v1(one_in_256);
  rolling.notify.version = 0x20004004;  // bits of its own, inside the mask and outside
  rolling.version_mask = 0x1fffe000;
  const auto work = std::make_shared<const Work>(rolling);
  Search search(0, 1, portable());
  search.set_work(work);
  Collected found;
  CHECK_EQ(search.step(32768, Appetite::shares, std::ref(found)), 32768);
  std::set<std::uint32_t> versions;
  for (const FoundShare& share : found.shares) {
    REQUIRE(share.version_bits.has_value());
    CHECK_EQ(*share.version_bits & ~0x1fffe000U, 0);
    versions.insert(*share.version_bits);
    // As the pool puts the header together (BIP310).
    bitcoin::HeaderBytes header = build_header(*work, share.extranonce2, share.ntime);
    base::write_le32(header, (work->notify.version & ~0x1fffe000U) | *share.version_bits);
    base::write_le32(std::span(header).subspan(76), share.nonce);
    CHECK_EQ(bitcoin::hash_header(header), share.hash);
    CHECK(work->share_target.admits(share.hash.bytes));
  }
  CHECK_EQ(versions.size(), scan_midstates_max);
  CHECK_EQ(versions.count(0x00004000), 1);  // the job's own

  // Without a mask there is nothing to name.
  Search plain(0, 1, portable());
  plain.set_work(work_of(one_in_256));
  Collected plainly;
  plain.step(16384, Appetite::shares, std::ref(plainly));
  REQUIRE_FALSE(plainly.shares.empty());
  CHECK_FALSE(plainly.shares[0].version_bits.has_value());
}

// What one unit's scans covered, by merkle tail, ntime and each midstate.
using Unit = std::vector<std::uint32_t>;
struct Covered {
  std::uint32_t next = 0;
  std::uint64_t nonces = 0;
};
std::map<Unit, Covered>* covered = nullptr;
std::size_t overlaps = 0;

// Finds nothing, and keeps the books.
std::size_t scan_noting(const ScanJob& job, std::uint32_t first, std::uint32_t count, FoundNonce*,
                        std::size_t) {
  for (std::uint32_t m = 0; m < job.midstate_count; ++m) {
    Unit key(job.tail, job.tail + 3);
    key.insert(key.end(), job.midstates[m], job.midstates[m] + 8);
    Covered& unit = (*covered)[key];
    if (unit.next != first) ++overlaps;
    unit.next = first + count * job.nonce_step;
    unit.nonces += count;
  }
  return 0;
}

TEST_CASE("workers together try every nonce of every version and time once, and none twice") {
  struct Row {
    const char* why;
    std::uint32_t workers;
    std::uint32_t mask;
    std::uint32_t versions;
    std::uint32_t nonce_step;
  };
  const Row rows[] = {
      {"one version, one worker", 1, 0, 1, 1},
      {"two versions are a group of two", 3, 0x00010000, 2, 1},
      {"a full group", 2, 0x0000e000, 8, 0x9e3779b9},
      {"four groups", 3, 0x1008e000, 32, 0xf4be6463},
      {"more workers than units", 700, 0, 1, 1},
  };
  const auto always = [](const crypto::CpuFeatures&) { return true; };
  const ScanKernel noting{"noting", 1, always, scan_noting};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    std::map<Unit, Covered> units;
    covered = &units;
    overlaps = 0;
    Work work = *work_of(65536, 1, 0);  // no extranonce2: versions and ntime are all there is
    work.version_mask = row.mask;
    const auto shared = std::make_shared<const Work>(work);
    std::uint64_t hashes = 0;
    for (std::uint32_t worker = 0; worker < row.workers; ++worker) {
      Search search(worker, row.workers, noting, row.nonce_step);
      search.set_work(shared);
      std::uint32_t count = 0x10000000 * (worker % 3 + 1);  // batches that do not end together
      while (search.active()) {
        hashes +=
            search.step(count + 6400, Appetite::shares, [](const FoundShare&) { return true; });
      }
    }
    covered = nullptr;
    const std::uint64_t headers = std::uint64_t{row.versions} * (ntime_roll_seconds_max + 1);
    CHECK_EQ(units.size(), headers);
    CHECK_EQ(hashes, headers << 32);
    CHECK_EQ(overlaps, 0);
    std::size_t whole = 0;
    for (const auto& [key, unit] : units) whole += unit.nonces == std::uint64_t{1} << 32 ? 1 : 0;
    CHECK_EQ(whole, headers);
  }
}

// Claims the whole range was tried and finds nothing: to walk through units quickly.
std::size_t scan_instantly(const ScanJob&, std::uint32_t, std::uint32_t, FoundNonce*, std::size_t) {
  return 0;
}

TEST_CASE("when every unit is searched the search ends, and a new job revives it") {
  const auto always = [](const crypto::CpuFeatures&) { return true; };
  const ScanKernel instant{"instant", 1, always, scan_instantly};
  Search search(0, 1, instant);
  search.set_work(work_of(65536, 1, 0));  // no extranonce2: only ntime is left to roll
  Collected found;
  std::uint64_t hashes = 0;
  while (search.active()) hashes += search.step(0xffffffff, Appetite::shares, std::ref(found));
  CHECK_EQ(hashes, (std::uint64_t{ntime_roll_seconds_max} + 1) << 32);
  search.set_work(work_of(65536, 1, 0));
  CHECK_FALSE(search.active());
  search.set_work(work_of(65536, 2, 0));
  CHECK(search.active());
}

std::size_t scan_lying(const ScanJob&, std::uint32_t first, std::uint32_t count, FoundNonce* found,
                       std::size_t found_max) {
  std::size_t n = 0;
  for (; n < count && n < found_max && n < 5; ++n) {
    // The last one speaks of a version that the job has not.
    found[n] = FoundNonce{first + static_cast<std::uint32_t>(n), n == 4 ? 1U : 0U};
  }
  return n;
}

TEST_CASE("what a faulty kernel proposes is counted and goes nowhere") {
  const auto always = [](const crypto::CpuFeatures&) { return true; };
  const ScanKernel liar{"liar", 1, always, scan_lying};
  Search search(0, 1, liar);
  search.set_work(work_of(1));
  Collected found;
  search.step(4096, Appetite::shares, std::ref(found));
  CHECK(found.shares.empty());
  CHECK_EQ(search.wrong_proposals(), 5);
}

TEST_CASE("appetite: blocks alone, or nothing at all, while hashing goes on") {
  Work easy = golden::work_v1(1.0 / 4294967296.0);
  easy.network_target = bitcoin::Target256::from_compact(0x207fffff).value();  // regtest
  const auto work = std::make_shared<const Work>(easy);
  Search search(0, 1, portable());
  search.set_work(work);
  Collected blocks;
  const std::uint32_t tried = search.step(2048, Appetite::blocks, std::ref(blocks));
  CHECK_GT(blocks.shares.size(), tried * 2 / 5);
  CHECK_LT(blocks.shares.size(), tried * 3 / 5);
  for (const FoundShare& share : blocks.shares) CHECK(share.is_block);
  Collected none;
  CHECK_GT(search.step(2048, Appetite::nothing, std::ref(none)), 0);
  CHECK(none.shares.empty());
  int taken = 0;
  search.step(2048, Appetite::shares, [&](const FoundShare&) { return ++taken < 10; });
  CHECK_EQ(taken, 10);
}

}  // namespace
}  // namespace miner
