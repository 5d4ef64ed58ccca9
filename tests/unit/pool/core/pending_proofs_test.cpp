#include "pool/core/pending_proofs.h"

#include <doctest/doctest.h>

#include <vector>

using pool::AppendId;
using pool::PendingProof;
using pool::PendingProofs;

namespace {

PendingProof proof_of(std::uint64_t attempt) {
  PendingProof proof;
  proof.claim.attempt = attempt;
  return proof;
}

// The attempts of those that an action was called for.
struct Told {
  std::vector<std::uint64_t> attempts;
  PendingProofs::Action action() {
    return [this](const PendingProof& proof) { attempts.push_back(proof.claim.attempt); };
  }
};

}  // namespace

TEST_CASE("a ticket is good once") {
  PendingProofs pending;
  const auto first = pending.add(proof_of(1));
  const auto second = pending.add(proof_of(2));
  CHECK_NE(first, second);
  CHECK_EQ(pending.verifying(), 2);
  CHECK_EQ(pending.take(second)->claim.attempt, 2);
  CHECK_FALSE(pending.take(second));
  CHECK_FALSE(pending.take(99));
  CHECK_EQ(pending.take(first)->claim.attempt, 1);
  CHECK_EQ(pending.size(), 0);
  CHECK_NE(pending.add(proof_of(3)), first);
}

TEST_CASE("what is durable goes, oldest first, and only that") {
  PendingProofs pending;
  pending.wait_for_disk(proof_of(1), AppendId{1});
  pending.wait_for_disk(proof_of(2), AppendId{1});
  pending.wait_for_disk(proof_of(3), AppendId{2});
  Told told;
  pending.durable(AppendId{1}, told.action());
  CHECK_EQ(told.attempts, std::vector<std::uint64_t>{1, 2});
  CHECK_EQ(pending.size(), 1);
  CHECK_EQ(pending.verifying(), 0);
  pending.durable(AppendId{5}, told.action());
  CHECK_EQ(told.attempts, std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("of what could not be written the others are spared") {
  PendingProofs pending;
  for (std::uint64_t i = 1; i <= 5; ++i) pending.wait_for_disk(proof_of(i), AppendId{i});
  Told refused;
  pending.not_durable(AppendId{2}, AppendId{3}, refused.action());
  CHECK_EQ(refused.attempts, std::vector<std::uint64_t>{2, 3});
  Told released;
  pending.durable(AppendId{5}, released.action());
  CHECK_EQ(released.attempts, std::vector<std::uint64_t>{1, 4, 5});
  CHECK_EQ(pending.size(), 0);
}
