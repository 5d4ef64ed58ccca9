// Reasons of rejected shares: counted apart, but not without bound.
#include "miner/reject_reasons.h"

#include <doctest/doctest.h>

namespace miner {
namespace {

TEST_CASE("reasons are counted apart until there are too many") {
  RejectReasons reasons;
  for (std::size_t i = 0; i < RejectReasons::reasons_max; ++i) {
    reasons.count("reason " + std::to_string(i));
  }
  reasons.count("reason 3");
  CHECK_EQ(reasons.counts().at("reason 3"), 2);
  CHECK_EQ(reasons.counts().size(), RejectReasons::reasons_max);
  reasons.count("one more");
  reasons.count("and another");
  reasons.count("reason 3");
  CHECK_EQ(reasons.counts().at("other"), 2);
  CHECK_EQ(reasons.counts().at("reason 3"), 3);
  CHECK_EQ(reasons.counts().size(), RejectReasons::reasons_max + 1);
}

}  // namespace
}  // namespace miner
