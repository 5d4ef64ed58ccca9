#include "pool/node/node_journal.h"

#include "common/base/assert.h"
#include "pool/core/limits.h"

#include <utility>

namespace pool {

NodeJournal::NodeJournal(Post post) : post_(std::move(post)) {}

void NodeJournal::add(const std::vector<JournalRecord>& records, OnDurable on_durable) {
  ASSERT(!records.empty());
  Entry entry;
  for (const JournalRecord& record : records) append_payload(entry.payloads, record);
  entry.on_durable = std::move(on_durable);
  entries_.push_back(std::move(entry));
  // Behind what was lost, it waits for the tick as that does: a disk that fails is not hurried.
  if (posted_ + 1 == entries_.size()) post_waiting();
}

bool NodeJournal::has_room() const { return entries_.size() < limits::node_journal_entries_max; }

void NodeJournal::on_durable(AppendId up_to) {
  while (posted_ > 0 && entries_.front().id <= up_to) {
    const OnDurable on_durable = std::move(entries_.front().on_durable);
    entries_.pop_front();
    --posted_;
    if (on_durable) on_durable();
  }
}

void NodeJournal::on_not_durable(AppendId first, AppendId last) {
  for (std::size_t i = 0; i < posted_; ++i) {
    if (entries_[i].id < first || last < entries_[i].id) continue;
    posted_ = i;
    return;
  }
}

void NodeJournal::post_waiting() {
  while (posted_ < entries_.size()) {
    Entry& entry = entries_[posted_];
    if (!post_({journal_source_node, next_, entry.payloads})) return;
    entry.id = next_;
    next_ = AppendId{next_.value + 1};
    ++posted_;
  }
}

}  // namespace pool
