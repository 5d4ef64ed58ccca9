#include "pool/core/candidate_memory.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

namespace {

bitcoin::BlockHash hash_of(std::uint64_t number) {
  bitcoin::BlockHash hash;
  base::write_le64(hash.bytes, number);
  return hash;
}

}  // namespace

TEST_CASE("a block is sent once") {
  pool::CandidateMemory memory;
  CHECK(memory.should_send(hash_of(1), hash_of(100)));
  CHECK_FALSE(memory.should_send(hash_of(1), hash_of(100)));
  CHECK(memory.should_send(hash_of(1), hash_of(101)));
}

TEST_CASE("siblings are sent up to the limit, for each tip anew") {
  pool::CandidateMemory memory;
  for (std::uint64_t i = 0; i < pool::limits::candidates_per_tip_max; ++i) {
    CHECK(memory.should_send(hash_of(1), hash_of(100 + i)));
  }
  CHECK_FALSE(memory.should_send(hash_of(1), hash_of(99)));
  CHECK(memory.should_send(hash_of(2), hash_of(99)));
  CHECK_FALSE(memory.should_send(hash_of(1), hash_of(98)));
}

TEST_CASE("only so many tips are remembered, the newest") {
  pool::CandidateMemory memory;
  for (std::uint64_t tip = 0; tip <= pool::limits::templates_kept_max; ++tip) {
    CHECK(memory.should_send(hash_of(tip), hash_of(1000)));
  }
  CHECK_FALSE(memory.should_send(hash_of(1), hash_of(1000)));
  CHECK(memory.should_send(hash_of(0), hash_of(1000)));  // the oldest was forgotten
}
