// What the journal keeps: one struct per record type. These are the facts that must reach
// PostgreSQL; journal_format.h is their form on disk.
//
// Units: times in microseconds since 1970; difficulties are ratios; work is exact expected hashes
//        (of coherence proofs: rounds).
#pragma once

#include "common/base/u256.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/sats.h"
#include "common/coherence/certificate.h"
#include "common/coherence/chain.h"
#include "common/stratum/reject.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pool {

// An accepted share. The header hash is its identity: every field of the header enters it.
struct ShareRecord {
  std::int64_t time_us = 0;
  std::string address;      // canonical payout address of the miner
  std::string worker_name;  // what follows the first '.' of the user name; may be empty
  std::uint32_t height = 0;
  std::uint64_t job_id = 0;
  double difficulty = 0;        // assigned, and so credited
  base::U256 work;              // of the assigned target
  double share_difficulty = 0;  // what the hash happened to meet
  bitcoin::BlockHash hash;
  friend bool operator==(const ShareRecord&, const ShareRecord&) = default;
};

// A share that met the network target: enough to explain the block without the node.
struct BlockCandidateRecord {
  std::int64_t time_us = 0;
  std::string address;  // finder
  std::string worker_name;
  std::uint32_t height = 0;
  bitcoin::BlockHash hash;
  bitcoin::HeaderBytes header{};
  bitcoin::Sats reward;  // coinbase value
  double network_difficulty = 0;
  double share_difficulty = 0;
  base::Bytes coinbase;  // legacy serialisation
  std::vector<bitcoin::Hash256> merkle_branch;
  friend bool operator==(const BlockCandidateRecord&, const BlockCandidateRecord&) = default;
};

enum class BlockStatus : std::uint8_t { submitted, accepted, rejected };

// What the nodes said of a candidate.
struct BlockOutcomeRecord {
  std::int64_t time_us = 0;
  bitcoin::BlockHash hash;
  BlockStatus status = BlockStatus::submitted;
  std::string detail;  // the node's reason; empty when accepted
  friend bool operator==(const BlockOutcomeRecord&, const BlockOutcomeRecord&) = default;
};

// An error report or a notable event: severity critical, high, medium, low, info.
struct EventRecord {
  std::int64_t time_us = 0;
  std::string severity;
  std::string component;
  std::string message;
  std::string context_json;  // an object
  friend bool operator==(const EventRecord&, const EventRecord&) = default;
};

// What one node says of a candidate: a record for each change of its answer.
enum class SubmissionAnswer : std::uint8_t {
  accepted,      // it is in this node's best chain
  duplicate,     // the node had it already
  inconclusive,  // the node has it on another branch, or will not say yet
  rejected,
  unreachable  // no answer came
};
struct BlockSubmissionRecord {
  std::int64_t time_us = 0;
  bitcoin::BlockHash hash;
  std::string node;  // as the pool calls it: "127.0.0.1:8332"
  SubmissionAnswer answer = SubmissionAnswer::unreachable;
  std::string detail;  // the node's reason, or the failure
  friend bool operator==(const BlockSubmissionRecord&, const BlockSubmissionRecord&) = default;
};

// Where the chain has left one of the pool's blocks; a record for each change.
enum class BlockState : std::uint8_t {
  in_chain,
  orphaned,  // the best chain goes another way; it may come back
  confirmed  // with 100 confirmations: its coinbase can be spent
};
struct BlockStateRecord {
  std::int64_t time_us = 0;
  bitcoin::BlockHash hash;
  BlockState state = BlockState::in_chain;
  std::uint32_t height = 0;  // of the block
  friend bool operator==(const BlockStateRecord&, const BlockStateRecord&) = default;
};

// The node in use has a new tip. The same one again means that the chain has come back to it.
struct ChainTipRecord {
  std::int64_t time_us = 0;
  std::uint32_t height = 0;
  bitcoin::BlockHash hash;
  bitcoin::BlockHash prev_hash;
  friend bool operator==(const ChainTipRecord&, const ChainTipRecord&) = default;
};

// What the network asks and pays at a height that miners work on. Comes with the first work there,
// and once more with the first complete template, whose fees are known.
struct HeightRecord {
  std::int64_t time_us = 0;
  std::uint32_t height = 0;
  bitcoin::BlockHash prev_hash;
  std::uint32_t nbits = 0;
  bitcoin::Sats subsidy;
  bitcoin::Sats coinbase_value;  // subsidy and the template's fees; at first the subsidy alone
  friend bool operator==(const HeightRecord&, const HeightRecord&) = default;
};

// How rewards are to be divided from now on: at each start of a pool.
struct PayoutSchemeRecord {
  std::int64_t time_us = 0;
  std::string scheme;        // "pplns", "prop", "pps", "solo"
  std::string pplns_window;  // a multiple of the network's work, as decimal text: exact
  std::uint32_t fee_ppm = 0;
  std::uint32_t coherence_ppm = 0;
  bitcoin::Sats minimum;
  friend bool operator==(const PayoutSchemeRecord&, const PayoutSchemeRecord&) = default;
};

// Rejected shares of a worker since the record before. Without an address: of names that are not
// worth a row of their own.
struct RejectSumRecord {
  std::int64_t time_us = 0;
  std::string address;
  std::string worker_name;
  stratum::RejectReason reason{};
  std::uint32_t count = 0;
  friend bool operator==(const RejectSumRecord&, const RejectSumRecord&) = default;
};

// A rejected share with what is needed to understand it. Few of them are kept.
struct RejectRecord {
  std::int64_t time_us = 0;
  std::string address;
  std::string worker_name;
  stratum::RejectReason reason{};
  std::string detail;  // what more the miner was told
  std::string user_agent;
  std::string job_id;  // as sent, bounded
  std::uint32_t ntime = 0;
  std::uint32_t nonce = 0;
  std::optional<std::uint32_t> version_bits;
  std::optional<std::uint32_t> height;
  std::optional<std::int64_t> stale_ms;  // how long its job had been stale
  std::optional<double> difficulty;      // that it was held to
  std::optional<double> share_difficulty;
  std::optional<bitcoin::BlockHash> hash;
  friend bool operator==(const RejectRecord&, const RejectRecord&) = default;
};

// An accepted coherence proof: with the certificate, enough to verify it with nothing else.
struct CoherenceProofRecord {
  std::int64_t time_us = 0;
  std::string address;
  std::string worker_name;
  std::uint32_t chain_height = 0;  // of the proof chain's block that its job might have become
  coherence::Header76 header{};
  std::uint64_t extranonce = 0;
  std::uint64_t attempt = 0;
  std::uint32_t params = 0;
  base::U256 target;  // that it was held to
  base::U256 work;    // expected rounds at that target: what it is credited with
  // Since the worker's proof before, as the pool measured it; -1 for the first of a connection.
  std::int64_t took_us = -1;
  coherence::CertificateBytes certificate{};
  crypto::Digest work_hash{};
  friend bool operator==(const CoherenceProofRecord&, const CoherenceProofRecord&) = default;
};

// What a proof chain's block commits to of one journal.
struct JournalStretch {
  coherence::Stretch stretch;
  std::array<std::uint8_t, 16> journal{};  // whose; the head commits to it
  friend bool operator==(const JournalStretch&, const JournalStretch&) = default;
};

// A proof that met its header's own target, and so is a block of the proof chain if the tip has not
// moved when it is stored. Follows the proof's record, in the same append.
struct CoherenceBlockRecord {
  std::int64_t time_us = 0;
  std::uint32_t height = 0;
  crypto::Digest hash{};  // the work hash
  coherence::Header76 header{};
  std::uint32_t params = 0;
  bitcoin::BlockHash bitcoin_tip;
  std::vector<JournalStretch> stretches;
  friend bool operator==(const CoherenceBlockRecord&, const CoherenceBlockRecord&) = default;
};

using JournalRecord =
    std::variant<ShareRecord, BlockCandidateRecord, BlockOutcomeRecord, EventRecord,
                 BlockSubmissionRecord, BlockStateRecord, ChainTipRecord, HeightRecord,
                 PayoutSchemeRecord, RejectSumRecord, RejectRecord, CoherenceProofRecord,
                 CoherenceBlockRecord>;

}  // namespace pool
