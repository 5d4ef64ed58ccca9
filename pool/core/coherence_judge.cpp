#include "pool/core/coherence_judge.h"

#include "common/coherence/attempt.h"
#include "common/coherence/certificate.h"
#include "common/coherence/difficulty.h"
#include "common/coherence/lucas.h"
#include "common/coherence/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace pool {
namespace {

using base::to_hex;
using coherence::Certificate;

base::Result<ProofFacts, ProofFault> fault(ProofStep step, std::string why) {
  return base::err(ProofFault{step, std::move(why)});
}

// The job's header, which header92 begins with.
coherence::Header76 header76_of(const coherence::Header92& header92) {
  coherence::Header76 header;
  std::copy_n(header92.begin(), header.size(), header.begin());
  return header;
}

std::string hex_of(const base::U256& number) { return base::to_reversed_hex(number.to_le_bytes()); }

// The first of header92's last four words that is not as the proof's other fields have it.
std::string header_flaw(const coherence::Header92& found, const coherence::Header92& expected) {
  constexpr std::string_view names[] = {"nonce", "r", "psi", "oscillators"};
  for (std::size_t word = 0; word < std::size(names); ++word) {
    const std::size_t at = sizeof(coherence::Header76) + 4 * word;
    const std::uint32_t is = base::read_le32(base::ByteSpan(found).subspan(at));
    const std::uint32_t should_be = base::read_le32(base::ByteSpan(expected).subspan(at));
    if (is == should_be) continue;
    return fmt::format("{} is {}, expected {}", names[word], base::u32_hex(is),
                       base::u32_hex(should_be));
  }
  return {};
}

// The first field in which a certificate is not the replay's.
std::string certificate_flaw(const Certificate& found, const Certificate& replayed) {
  const auto differs = [](std::string_view field, std::size_t i, std::uint32_t is,
                          std::uint32_t should_be) {
    return fmt::format("{} {} of the certificate is {}, the replay has {}", field, i,
                       base::u32_hex(is), base::u32_hex(should_be));
  };
  for (std::size_t i = 0; i < found.r_q.size(); ++i) {
    if (found.r_q[i] != replayed.r_q[i]) return differs("r", i, found.r_q[i], replayed.r_q[i]);
    if (found.psi_q[i] != replayed.psi_q[i]) {
      return differs("psi", i, found.psi_q[i], replayed.psi_q[i]);
    }
  }
  for (std::size_t i = 0; i < found.phases.size(); ++i) {
    if (found.phases[i] == replayed.phases[i]) continue;
    return differs("phase", i, found.phases[i], replayed.phases[i]);
  }
  return {};
}

std::string replay_flaw(const coherence::Job& job, const coherence::Claim& claim,
                        const Certificate& certificate) {
  const auto phases = coherence::phases_of(coherence::seed_of(job, claim.attempt));
  const auto bloom = coherence::run(phases, *coherence::level_of(job.params), claim.bloom_end);
  if (!bloom) return fmt::format("no bloom up to state {}", claim.bloom_end);
  if (bloom->end != claim.bloom_end) {
    return fmt::format("an earlier bloom, states {} to {}, where the certificate has {} to {}",
                       bloom->start, bloom->end, certificate.bloom_start, claim.bloom_end);
  }
  if (!coherence::compare(claim, bloom)) return {};
  return certificate_flaw(certificate, coherence::certificate_of(*bloom));
}

}  // namespace

std::string_view name_of(ProofStep step) {
  switch (step) {
    case ProofStep::params:
      return "params";
    case ProofStep::certificate:
      return "certificate";
    case ProofStep::header:
      return "header";
    case ProofStep::work_hash:
      return "work hash";
    case ProofStep::target:
      return "target";
    case ProofStep::replay:
      return "replay";
  }
  return "";
}

base::Result<ProofFacts, ProofFault> judge_proof(const CoherenceProof& proof) {
  const auto level = coherence::level_of(proof.params);
  if (!level) {
    return fault(ProofStep::params,
                 fmt::format("params are {}, expected 0001000L with a level L of 0 to {}",
                             base::u32_hex(proof.params), coherence::levels - 1));
  }
  const auto certificate = coherence::decode_certificate(proof.certificate);
  if (!certificate) return fault(ProofStep::certificate, certificate.error());
  const coherence::Job job{header76_of(proof.header92), proof.extranonce, proof.params};
  const coherence::Claim claim{.attempt = proof.attempt,
                               .bloom_end = certificate->bloom_end,
                               .r_q = certificate->r_q.back(),
                               .psi_q = certificate->psi_q.back(),
                               .cert_hash = coherence::cert_hash_of(proof.certificate)};
  std::string flaw = header_flaw(proof.header92, coherence::header92(job.header, claim));
  if (!flaw.empty()) return fault(ProofStep::header, flaw);
  const auto hash = coherence::work_hash_of(job.header, claim);
  if (hash != proof.work_hash) {
    return fault(ProofStep::work_hash, fmt::format("is {}, but header and certificate give {}",
                                                   to_hex(proof.work_hash), to_hex(hash)));
  }
  if (!coherence::meets(hash, proof.target)) {
    return fault(ProofStep::target, fmt::format("the work hash, as a number {}, is not below {}",
                                                base::to_reversed_hex(hash), hex_of(proof.target)));
  }
  flaw = replay_flaw(job, claim, *certificate);
  if (!flaw.empty()) return fault(ProofStep::replay, flaw);
  return ProofFacts{.level = *level,
                    .bloom_start = certificate->bloom_start,
                    .bloom_end = certificate->bloom_end,
                    .work = coherence::work_of(*level, proof.target)};
}

std::string ChainJudge::add(const CoherenceBlockRecord& block, const CoherenceProof* proof) {
  std::string flaw = link_flaw(block);
  if (flaw.empty()) flaw = rule_flaw(block);
  // Told of every block, so that the next one's stretches are held against these.
  const std::string of_stretches = stretch_flaw(block);
  if (flaw.empty()) flaw = of_stretches;
  if (flaw.empty()) flaw = proof_flaw(block, proof);
  ++blocks_;
  coherence::ChainTip before;
  if (tip_) before = *tip_;
  before.height = block.height - 1;  // go on from where this block says it stands
  const bool is_first = block.height == 0;
  tip_ = coherence::extend(rules_, is_first ? nullptr : &before,
                           coherence::decode_header(block.header),
                           coherence::level_of(block.params).value_or(0), block.hash);
  return flaw;
}

std::string ChainJudge::link_flaw(const CoherenceBlockRecord& block) const {
  const std::uint32_t expected = tip_ ? tip_->height + 1 : 0;
  if (block.height != expected) {
    return fmt::format("expected height {}: a block is missing or out of order", expected);
  }
  const auto header = coherence::decode_header(block.header);
  const crypto::Digest before = tip_ ? tip_->hash : crypto::Digest{};
  if (header.prev_hash == before) return {};
  return fmt::format("prev_hash is {}, but the block before is {}", to_hex(header.prev_hash),
                     to_hex(before));
}

std::string ChainJudge::rule_flaw(const CoherenceBlockRecord& block) const {
  const auto header = coherence::decode_header(block.header);
  if (header.version != coherence::header_version) {
    return fmt::format("version is {}, expected {}", header.version, coherence::header_version);
  }
  const auto level = coherence::level_of(block.params);
  if (!level) return fmt::format("params are {}: no such level", base::u32_hex(block.params));
  const auto next = coherence::next_block(rules_, tip_ ? &*tip_ : nullptr, *level);
  if (next.level != *level) {
    return fmt::format("level is {}, expected {}: it changes at an epoch's first block only",
                       *level, next.level);
  }
  if (header.bits != next.bits) {
    return fmt::format("bits are {}, expected {} by the retarget", base::u32_hex(header.bits),
                       base::u32_hex(next.bits));
  }
  if (header.time < next.time_least) {
    return fmt::format("time is {}, expected at least {}", header.time, next.time_least);
  }
  return {};
}

std::string ChainJudge::stretch_flaw(const CoherenceBlockRecord& block) {
  std::vector<coherence::Stretch> stretches;
  std::string flaw;
  for (const JournalStretch& each : block.stretches) {
    const coherence::Stretch& stretch = each.stretch;
    if (!stretches.empty() && stretches.back().pool >= stretch.pool) {
      return "its stretches are not in the order of their pools";
    }
    stretches.push_back(stretch);
    std::uint64_t& last = committed_[each.journal];
    if (flaw.empty() && stretch.first_sequence != last + 1) {
      flaw = fmt::format("its stretch of journal {} begins at record {}, expected {}",
                         to_hex(each.journal), stretch.first_sequence, last + 1);
    }
    if (flaw.empty() && stretch.last_sequence < stretch.first_sequence) {
      flaw = fmt::format("its stretch of journal {} is of records {} to {}", to_hex(each.journal),
                         stretch.first_sequence, stretch.last_sequence);
    }
    last = std::max(last, stretch.last_sequence);
  }
  const auto root = coherence::merkle_root_of(block.bitcoin_tip, stretches);
  const auto said = coherence::decode_header(block.header).merkle_root;
  if (root != said) {
    return fmt::format("merkle_root is {}, but its Bitcoin tip and stretches give {}", to_hex(said),
                       to_hex(root));
  }
  return flaw;
}

std::string ChainJudge::proof_flaw(const CoherenceBlockRecord& block,
                                   const CoherenceProof* proof) const {
  if (proof == nullptr) return fmt::format("its proof, {}, is not here", to_hex(block.hash));
  if (header76_of(proof->header92) != block.header || proof->params != block.params) {
    return "its proof is of another header or level";
  }
  if (proof->work_hash != block.hash) return "its proof has another work hash";
  // The share's own target, which its proof was held to, is easier than the block's.
  CoherenceProof held_to_bits = *proof;
  held_to_bits.target = coherence::target_of_bits(coherence::decode_header(block.header).bits);
  const auto judged = judge_proof(held_to_bits);
  if (judged) return {};
  return fmt::format("its proof: {}: {}", name_of(judged.error().step), judged.error().why);
}

}  // namespace pool
