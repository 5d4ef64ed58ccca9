#include "pool/core/journal_outbox.h"

#include "common/base/assert.h"
#include "pool/core/limits.h"

#include <utility>

namespace pool {

AppendId JournalOutbox::add(const JournalRecord& record) {
  append_payload(gathering_, record);
  return next_;
}

std::optional<JournalAppend> JournalOutbox::take() {
  if (gathering_.empty() || in_flight_.size() == limits::appends_in_flight_max) {
    return std::nullopt;
  }
  JournalAppend append{source_, next_, std::exchange(gathering_, {})};
  in_flight_.push_back({next_, append.payloads.size()});
  bytes_in_flight_ += append.payloads.size();
  next_ = AppendId{next_.value + 1};
  return append;
}

void JournalOutbox::settle(AppendId up_to) {
  ASSERT(up_to < next_);
  while (!in_flight_.empty() && in_flight_.front().id <= up_to) {
    bytes_in_flight_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
}

bool JournalOutbox::full() const {
  return bytes_in_flight_ + gathering_.size() > limits::journal_bytes_in_flight_max;
}

}  // namespace pool
