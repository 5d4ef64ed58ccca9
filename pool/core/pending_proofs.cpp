#include "pool/core/pending_proofs.h"

#include "common/base/assert.h"

#include <algorithm>
#include <utility>

namespace pool {

std::uint64_t PendingProofs::add(PendingProof proof) {
  const std::uint64_t ticket = next_ticket_++;
  verifying_.emplace(ticket, std::move(proof));
  return ticket;
}

std::optional<PendingProof> PendingProofs::take(std::uint64_t ticket) {
  const auto found = verifying_.find(ticket);
  if (found == verifying_.end()) return std::nullopt;
  PendingProof proof = std::move(found->second);
  verifying_.erase(found);
  return proof;
}

void PendingProofs::wait_for_disk(PendingProof proof, AppendId append) {
  ASSERT(written_.empty() || written_.back().append <= append);
  proof.append = append;
  written_.push_back(std::move(proof));
}

void PendingProofs::durable(AppendId up_to, const Action& release) {
  while (!written_.empty() && written_.front().append <= up_to) {
    const PendingProof proof = std::move(written_.front());
    written_.pop_front();
    release(proof);
  }
}

void PendingProofs::not_durable(AppendId first, AppendId last, const Action& refuse) {
  const auto begin = std::find_if(written_.begin(), written_.end(),
                                  [&](const PendingProof& proof) { return proof.append >= first; });
  const auto end = std::find_if(begin, written_.end(),
                                [&](const PendingProof& proof) { return proof.append > last; });
  for (auto proof = begin; proof != end; ++proof) refuse(*proof);
  written_.erase(begin, end);
}

}  // namespace pool
