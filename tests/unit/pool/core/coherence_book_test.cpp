#include "pool/core/coherence_book.h"

#include "pool/core/limits.h"
#include "tests/unit/pool/core/coherence_fixture.h"

#include <set>

using namespace pool_test;
using pool::CoherenceBook;
using pool::CoherenceJobId;

namespace {

const base::MonoTime start = base::MonoTime{} + 1h;

}  // namespace

TEST_CASE("a coherence job's id is 16 lower-case digits, and nothing else is one") {
  CHECK_EQ(pool::coherence_job_id_text(CoherenceJobId{0x2a}), "000000000000002a");
  CoherenceJobId id;
  CHECK(pool::parse_coherence_job_id("fedcba9876543210", id));
  CHECK_EQ(id, CoherenceJobId{0xfedcba9876543210});
  for (const char* text : {"", "2a", "00000000000000002a", "000000000000002A", "0x0000000000002a",
                           "-00000000000002a", " 00000000000002a"}) {
    CAPTURE(text);
    CHECK_FALSE(pool::parse_coherence_job_id(text, id));
  }
}

TEST_CASE("a job is stale when a clean one came after it, and not before") {
  CoherenceBook book;
  CHECK(book.is_promised());  // nobody has said that there is none
  CHECK(book.current() == nullptr);
  book.add(make_coherence_job({.id = 1}), false, start);
  book.add(make_coherence_job({.id = 2, .clean = false}), false, start + 20s);
  CHECK_FALSE(book.find(CoherenceJobId{1})->stale_since);
  CHECK_EQ(book.current()->job->id, CoherenceJobId{2});
  book.add(make_coherence_job({.id = 3}), false, start + 40s);
  CHECK_EQ(book.find(CoherenceJobId{1})->stale_since, start + 40s);
  CHECK_EQ(book.find(CoherenceJobId{2})->stale_since, start + 40s);
  CHECK_FALSE(book.find(CoherenceJobId{3})->stale_since);
  // A refresh that took the place of a clean job which the shard never saw.
  book.add(make_coherence_job({.id = 4, .clean = false}), true, start + 60s);
  CHECK_EQ(book.find(CoherenceJobId{1})->stale_since, start + 40s);  // since then already
  CHECK_EQ(book.find(CoherenceJobId{3})->stale_since, start + 60s);
  CHECK(book.find(CoherenceJobId{5}) == nullptr);
  CHECK(book.find(CoherenceJobId{0}) == nullptr);
}

TEST_CASE("none is none, until there is one again; what was given out is stale") {
  CoherenceBook book;
  book.add(nullptr, false, start);
  CHECK_FALSE(book.is_promised());
  book.add(make_coherence_job({.id = 1}), false, start);
  CHECK(book.is_promised());
  book.add(nullptr, true, start + 1s);
  CHECK_FALSE(book.is_promised());
  CHECK(book.current() == nullptr);
  CHECK_EQ(book.find(CoherenceJobId{1})->stale_since, start + 1s);
  book.add(make_coherence_job({.id = 2}), false, start + 2s);
  CHECK(book.current() != nullptr);
}

TEST_CASE("so many jobs are kept and no more, the newest") {
  CoherenceBook book;
  const std::uint64_t many = pool::limits::coherence_jobs_kept_max + 5;
  for (std::uint64_t id = 1; id <= many; ++id) {
    book.add(make_coherence_job({.id = id, .clean = false}), false, start);
  }
  CHECK_EQ(book.size(), pool::limits::coherence_jobs_kept_max);
  CHECK(book.find(CoherenceJobId{5}) == nullptr);
  CHECK(book.find(CoherenceJobId{6}) != nullptr);
  CHECK(book.find(CoherenceJobId{many}) != nullptr);
}

TEST_CASE("the two notify lines differ in clean alone") {
  CoherenceBook book;
  book.add(make_coherence_job({.id = 1, .level = 2}), false, start);
  const CoherenceBook::Entry& entry = *book.current();
  CHECK_EQ(entry.notify_line,
           "{\"id\":null,\"method\":\"coherence.notify\",\"params\":[\"0000000000000001\",\"" +
               std::string(152, '0') + "\",\"00010002\",false,7]}\n");
  std::string clean = entry.notify_line;
  clean.replace(clean.find("false"), 5, "true");
  CHECK_EQ(entry.notify_line_clean, clean);
}

TEST_CASE(
    "attempts have keys of their own, which counting in great steps does not crowd together") {
  std::set<std::uint64_t> slots;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    slots.insert(base::read_le64(pool::attempt_key(5, i << 48).bytes) & 0xffff);
  }
  CHECK_GT(slots.size(), 950);
  CHECK(pool::attempt_key(1, 2) != pool::attempt_key(2, 1));
  CHECK_EQ(pool::attempt_key(1, 2), pool::attempt_key(1, 2));
}
