// Work: a pool's job as this miner hashes it, and the order in which its threads search it.
//
// A unit is one value of extranonce2 with one group of versions and one ntime: 2^32 nonces, each
// tried with every version of the group. Units are numbered, extranonce2 running fastest, then the
// groups; of w workers, worker i takes the units i, i + w, i + 2w, …  So no two threads ever try
// the same header, also where a pool leaves only one byte of extranonce2 or none.
//
// Units:  ntime in seconds since 1970; hashes and targets little-endian.
// Thread: pure; a Work is immutable and read by all threads.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/target.h"
#include "common/stratum/server_to_client.h"
#include "miner/scan_job.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace miner {

// How far past the job's ntime a header may be dated when extranonce2 runs out: well inside the two
// hours that consensus allows (Bitcoin Core, chain.h MAX_FUTURE_BLOCK_TIME).
inline constexpr std::uint32_t ntime_roll_seconds_max = 600;
// Bytes of extranonce2 that are counted; longer ones end in zeros. 2^32 of them, of 2^32 nonces
// each, are enough for anyone.
inline constexpr std::size_t extranonce2_counted_bytes_max = 4;

struct Work {
  std::uint32_t pool = 0;  // which of several pools it is from
  stratum::Notify notify;
  base::Bytes extranonce1;
  std::uint32_t extranonce2_size = 0;
  bitcoin::Difficulty difficulty;
  bitcoin::Target256 share_target;    // of that difficulty
  bitcoin::Target256 network_target;  // of nbits; zero where nbits is nonsense
  // The bits of the version that may be rolled; none when version rolling was not granted.
  std::optional<std::uint32_t> version_mask;
  // Shares of a Work from an earlier epoch (another connection, or a clean job since) are
  // worthless.
  std::uint64_t epoch = 0;
  // Two Works of the same search_id have the same headers, so the later one goes on where the
  // earlier one was: what has been tried need not, and must not, be tried again.
  std::uint64_t search_id = 0;
};

// A share: a header whose hash meets the work's share target.
struct FoundShare {
  std::shared_ptr<const Work> work;
  base::Bytes extranonce2;
  std::uint32_t ntime = 0;
  std::uint32_t nonce = 0;
  // What submit sends as version_bits: the header's under the mask. None without version rolling.
  std::optional<std::uint32_t> version_bits;
  bitcoin::BlockHash hash;
  bool is_block = false;     // it also meets the network target
  std::uint32_t thread = 0;  // who found it
};

// Which of the shares that a search finds are wanted: nobody verifies what would be thrown away.
enum class Appetite : std::uint8_t { shares, blocks, nothing };

struct WorkUnit {
  std::uint64_t extranonce2 = 0;
  std::uint32_t version_group = 0;
  std::uint32_t ntime_offset = 0;  // seconds past the job's ntime
  friend auto operator<=>(const WorkUnit&, const WorkUnit&) = default;
};

// All units of a job.
struct WorkSpace {
  std::size_t extranonce2_size = 0;
  std::uint32_t version_groups = 1;  // at most 2^16
  std::uint32_t ntime_values = 1;    // the job's own and those after it; at most
                                     // ntime_roll_seconds_max + 1
};

// One worker's units of a job, numbered from 0.
class WorkShare {
 public:
  // REQUIRES: worker < workers; the space as it says.
  WorkShare(std::uint32_t worker, std::uint32_t workers, const WorkSpace& space);

  std::uint64_t size() const { return size_; }
  // REQUIRES: index < size().
  WorkUnit operator[](std::uint64_t index) const;

 private:
  std::uint64_t worker_;
  std::uint64_t workers_;
  std::uint64_t extranonce2_values_;
  std::uint64_t version_groups_;
  std::uint64_t size_;
};

// Walks a WorkShare once around. A new job does not start over at its first unit but goes on with
// the next number: if a pool ever sends the same coinbase again, other headers are tried.
class UnitCursor {
 public:
  // Called with each new Work; the same search_id keeps what is left.
  void start(const WorkShare& share, std::uint64_t search_id);
  std::optional<WorkUnit> next();  // none: all of this worker's units have been taken

 private:
  std::optional<WorkShare> share_;
  std::uint64_t search_id_ = 0;
  std::uint64_t next_index_ = 0;
  std::uint64_t left_ = 0;
};

// The counter's bytes, least significant first, padded with zeros to `size`.
base::Bytes extranonce2_bytes(std::uint64_t counter, std::size_t size);

// The 80 bytes to hash, with nonce 0: coinbase, merkle branch and all.
bitcoin::HeaderBytes build_header(const Work& work, base::ByteSpan extranonce2,
                                  std::uint32_t ntime);

// A hash that meets the target has at most this as its most significant word.
std::uint32_t top_word_max_of(const bitcoin::Target256& target);

// What a kernel needs to scan the nonces of `header`: midstate, tail and the target's top word.
// nonce_step is 1.
ScanJob build_scan_job(const bitcoin::HeaderBytes& header, const bitcoin::Target256& target);

// Lets the job try another header too, one that differs in its version (or previous block) alone.
// REQUIRES: fewer than scan_midstates_max so far.
void add_midstate(ScanJob& job, const bitcoin::HeaderBytes& header);

}  // namespace miner
