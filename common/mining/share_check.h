// check_share: the judge of a share. No state at all: what the pool knows comes in, the verdict and
// everything it was based on comes out. Duplicates are the caller's, since they need memory.
//
// Order, so that a block is never lost to a reject: fields that make hashing impossible; header and
// hash; block test against the job's own target; then version bits, stale, ntime, difficulty.
//
// Units:  ntime and now in seconds since 1970.
// Source: stratum practice; BIP310 for version bits; consensus time rules: Bitcoin Core,
//         validation.cpp ContextualCheckBlockHeader.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/target.h"
#include "common/mining/job.h"
#include "common/stratum/reject.h"

#include <cstdint>
#include <optional>

namespace mining {

struct ShareSubmission {
  base::ByteSpan extranonce1;
  base::ByteSpan extranonce2;
  std::uint32_t ntime = 0;
  std::uint32_t nonce = 0;
  std::uint32_t version_bits = 0;
  std::size_t tier = 0;  // whose coinbase the miner was given
};

struct ShareRules {
  bitcoin::Target256 share_target;  // the lower difficulty of those in force
  std::uint32_t version_mask = 0;   // granted to this connection; union across a change
  std::size_t extranonce2_size = 8;
  bool stale = false;  // job is of an earlier tip and past its grace
  std::int64_t now = 0;
  std::int64_t ntime_ahead_max = 7200;  // consensus: two hours ahead of adjusted time
};

struct ShareVerdict {
  std::optional<stratum::RejectReason> reject;  // empty: accepted (but for duplicates)
  bool hashed = false;                          // false: the fields below are not set
  bool is_block = false;                        // meets the network target, whatever `reject` says
  bitcoin::HeaderBytes header{};
  bitcoin::BlockHash hash;
};

ShareVerdict check_share(const Job& job, const ShareSubmission& share, const ShareRules& rules);

// nVersion that a miner hashed: BIP310's (version & ~mask) | (bits & mask). Bits outside the mask
// are kept as the miner sent them, for the block test alone.
std::uint32_t rolled_version(std::uint32_t job_version, std::uint32_t version_bits);

}  // namespace mining
