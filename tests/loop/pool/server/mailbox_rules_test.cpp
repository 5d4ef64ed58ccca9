// What replaces what in a full mailbox: nothing that is told once, nothing of another sender, and
// never the word that a tip is new.
#include "pool/server/mailbox_rules.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>

namespace pool {
namespace {

using std::chrono::milliseconds;

NewJob job(bool clean, milliseconds spread = milliseconds(0), bool replaced_clean = false) {
  auto made = std::make_shared<mining::Job>();
  made->clean_jobs = clean;
  return NewJob{std::move(made), replaced_clean, spread};
}

TEST_CASE("a newer job takes over that a tip was new, and the shorter spread") {
  struct Row {
    NewJob waiting;
    bool replaced_clean;
  };
  const Row rows[] = {{job(false), false}, {job(true), true}, {job(false, {}, true), true}};
  for (const Row& row : rows) {
    const ShardMessage waiting = row.waiting;
    ShardMessage incoming = job(false, milliseconds(500));
    REQUIRE(same_job_kind(waiting, incoming));
    keep_clean_jobs(waiting, incoming);
    CHECK_EQ(std::get<NewJob>(incoming).replaced_clean, row.replaced_clean);
    CHECK(std::get<NewJob>(incoming).spread == milliseconds(0));
  }
  const ShardMessage slow = job(false, milliseconds(900));
  ShardMessage incoming = job(true, milliseconds(500));
  keep_clean_jobs(slow, incoming);
  CHECK(std::get<NewJob>(incoming).spread == milliseconds(500));
}

TEST_CASE("coherence work: the newer remembers a clean job, and that there was none") {
  const auto coherence = [](bool clean) {
    auto made = std::make_shared<CoherenceJob>();
    made->clean = clean;
    return NewCoherenceJob{std::move(made)};
  };
  NewCoherenceJob marked = coherence(false);
  marked.replaced_clean = true;
  struct Row {
    NewCoherenceJob waiting;
    bool replaced_clean;
  };
  const Row rows[] = {{coherence(false), false},
                      {coherence(true), true},
                      {marked, true},
                      {NewCoherenceJob{}, true}};
  for (const Row& row : rows) {
    const ShardMessage waiting = row.waiting;
    ShardMessage incoming = coherence(false);
    REQUIRE(same_coherence(waiting, incoming));
    keep_clean_coherence(waiting, incoming);
    CHECK_EQ(std::get<NewCoherenceJob>(incoming).replaced_clean, row.replaced_clean);
  }
}

TEST_CASE("jobs of one kind alone replace each other") {
  const ShardMessage hashes = job(true);
  const ShardMessage coherence = NewCoherenceJob{};
  const ShardMessage end = Shutdown{};
  CHECK_FALSE(same_job_kind(hashes, coherence));
  CHECK_FALSE(same_job_kind(end, hashes));
  CHECK_FALSE(same_coherence(hashes, coherence));
  CHECK_FALSE(same_coherence(coherence, end));
}

TEST_CASE("statistics replace the same sender's, and what is told once stays") {
  ShardStats first;
  ShardStats second;
  second.shard = ShardIndex{1};
  CHECK(same_sender(first, first));
  CHECK_FALSE(same_sender(first, second));
  CHECK(same_sender(NodeStatus{}, NodeStatus{}));
  CHECK(same_sender(StoredStats{}, StoredStats{}));
  CHECK_FALSE(same_sender(NodeStatus{}, JournalStatus{}));
  CHECK_FALSE(same_sender(QueryResult{}, QueryResult{}));
  CHECK_FALSE(same_sender(SubmitsRejected{}, SubmitsRejected{}));
  CHECK_FALSE(same_sender(TipTold{}, TipTold{}));
}

}  // namespace
}  // namespace pool
