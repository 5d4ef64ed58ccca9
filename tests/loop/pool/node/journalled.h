// What an append to the journal carries.
#pragma once

#include "pool/core/journal_format.h"
#include "pool/core/shard_types.h"

#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace pool::test {

inline std::vector<JournalRecord> records_of(const JournalAppend& append) {
  base::Bytes frames;
  append_frames(frames, append.payloads, 1);
  std::vector<JournalRecord> records;
  for (base::ByteSpan rest = frames; !rest.empty();) {
    auto parsed = parse_frame(rest);
    REQUIRE(parsed.has_value());
    records.push_back(std::move(parsed->record));
    rest = rest.subspan(parsed->bytes);
  }
  return records;
}

}  // namespace pool::test
