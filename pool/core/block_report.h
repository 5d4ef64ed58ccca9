// What a node says of a block that was sent to it, and how often it said what.
#pragma once

#include "pool/core/records.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace pool {

struct SubmitReport {
  enum class Kind {
    new_tip,     // it has just made it the tip of its best chain
    in_chain,    // the block is in its best chain already
    side_chain,  // it has the block, but not in its best chain
    rejected,    // invalid, says the node
    not_yet,     // refused for a reason that passes
    failed,      // no answer, or none that tells: try again
  };
  Kind kind = Kind::failed;
  SubmissionAnswer answer = SubmissionAnswer::unreachable;  // the same, for the record
  std::string detail;  // the node's words, or why there are none
};

// One node's answers since the start, a repeated one counted once; index: SubmissionAnswer.
struct BlockAnswerCounts {
  std::array<std::uint64_t, 5> of{};
  std::uint64_t count(SubmissionAnswer answer) const {
    return of[static_cast<std::size_t>(answer)];
  }
  friend bool operator==(const BlockAnswerCounts&, const BlockAnswerCounts&) = default;
};

}  // namespace pool
