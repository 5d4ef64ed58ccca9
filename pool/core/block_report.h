// What a node says of a block that was sent to it, and how often it said what.
#pragma once

#include "pool/core/records.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

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

inline constexpr std::size_t submission_answer_count = 5;
// Stable machine name, as in the API and the database.
constexpr std::string_view name_of(SubmissionAnswer answer) {
  constexpr std::array<std::string_view, submission_answer_count> names{
      "accepted", "duplicate", "inconclusive", "rejected", "unreachable"};
  return names.at(static_cast<std::size_t>(answer));
}

// One node's answers since the start, a repeated one counted once; index: SubmissionAnswer.
struct BlockAnswerCounts {
  std::array<std::uint64_t, submission_answer_count> of{};
  std::uint64_t count(SubmissionAnswer answer) const {
    return of[static_cast<std::size_t>(answer)];
  }
  friend bool operator==(const BlockAnswerCounts&, const BlockAnswerCounts&) = default;
};

}  // namespace pool
