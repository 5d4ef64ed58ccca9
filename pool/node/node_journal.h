// NodeJournal: the node thread's way into the journal. What several parts of it have to say goes
// out under one source and one row of append ids, in the order in which it was said.
//
// A record is kept here until the journal has it on disk. When an append is lost, it and everything
// after it is said again, so that each record stands, at least once, behind all that came before
// it. Some may be there twice, which the store takes as once.
//
// Thread: the node loop's.
#pragma once

#include "pool/core/journal_format.h"
#include "pool/core/shard_types.h"

#include <cstddef>
#include <deque>
#include <functional>
#include <vector>

namespace pool {

class NodeJournal {
 public:
  // False: not now; it is offered again.
  using Post = std::function<bool(JournalAppend)>;
  using OnDurable = std::function<void()>;

  explicit NodeJournal(Post post);
  NodeJournal(const NodeJournal&) = delete;
  NodeJournal& operator=(const NodeJournal&) = delete;

  // Posts the records as one append, at once or as soon as those before it could be posted.
  // `on_durable` comes when they are on disk; it may add more.
  void add(const std::vector<JournalRecord>& records, OnDurable on_durable = {});
  // False: so much waits for the disk that only what can't be said again should be added.
  bool has_room() const;

  void on_durable(AppendId up_to);
  void on_not_durable(AppendId first, AppendId last);
  // A few times a second: what the journal had no room for, or lost.
  void on_tick() { post_waiting(); }

 private:
  struct Entry {
    base::Bytes payloads;
    OnDurable on_durable;
    AppendId id{};  // of its last post
  };

  void post_waiting();

  const Post post_;
  std::deque<Entry> entries_;
  std::size_t posted_ = 0;  // entries at the front that are with the journal
  AppendId next_{1};
};

}  // namespace pool
