#include "common/mining/share_check.h"

#include "common/base/test_faults.h"
#include "common/bitcoin/merkle.h"
#include "common/crypto/sha256.h"

namespace mining {

namespace {

// The coinbase is hashed piece by piece as it lies, so that a share costs no allocation.
bitcoin::Hash256 coinbase_txid(const Job& job, const ShareSubmission& share) {
  const bitcoin::CoinbaseParts& coinbase = job.work(share.tier).coinbase;
  const crypto::Digest inner = crypto::Sha256()
                                   .update(coinbase.coinb1)
                                   .update(share.extranonce1)
                                   .update(share.extranonce2)
                                   .update(coinbase.coinb2)
                                   .finish();
  return bitcoin::Hash256(crypto::sha256(inner));
}

bitcoin::HeaderBytes header_of(const Job& job, const ShareSubmission& share) {
  bitcoin::Header header;
  header.version = rolled_version(job.version, share.version_bits);
  header.prev_hash = job.prev_hash();
  header.merkle_root = bitcoin::fold_merkle_branch(coinbase_txid(job, share), job.merkle_branch);
  header.ntime = base::fault("ntime_of_the_job") ? job.ntime : share.ntime;
  header.nbits = job.nbits();
  header.nonce = share.nonce;
  return header.serialize();
}

// Why a share with this hash earns nothing, if so. The first reason that holds.
std::optional<stratum::RejectReason> reject_reason(const Job& job, const ShareSubmission& share,
                                                   const ShareRules& rules,
                                                   const bitcoin::BlockHash& hash) {
  using stratum::RejectReason;
  const bool low = !rules.share_target.admits(hash.bytes);
  if (low && base::fault("difficulty_before_all")) return RejectReason::low_difficulty;
  if ((share.version_bits & ~rules.version_mask) != 0) return RejectReason::bad_version_bits;
  if (rules.stale) return RejectReason::stale;
  if (share.ntime < job.block_template->mintime) return RejectReason::ntime_too_old;
  if (share.ntime > rules.now + rules.ntime_ahead_max) return RejectReason::ntime_too_new;
  if (low) return RejectReason::low_difficulty;
  return std::nullopt;
}

}  // namespace

std::uint32_t rolled_version(std::uint32_t job_version, std::uint32_t version_bits) {
  return job_version | version_bits;
}

ShareVerdict check_share(const Job& job, const ShareSubmission& share, const ShareRules& rules) {
  ShareVerdict verdict;
  if (share.extranonce2.size() != rules.extranonce2_size) {
    verdict.reject = stratum::RejectReason::bad_extranonce2;
    return verdict;
  }
  verdict.header = header_of(job, share);
  verdict.hash = bitcoin::hash_header(verdict.header);
  verdict.hashed = true;
  verdict.is_block = job.network_target().admits(verdict.hash.bytes);
  verdict.reject = reject_reason(job, share, rules, verdict.hash);
  if (verdict.reject && base::fault("block_lost_in_reject")) verdict.is_block = false;
  if (verdict.reject && base::fault(stratum::reject_name(*verdict.reject))) verdict.reject.reset();
  return verdict;
}

}  // namespace mining
