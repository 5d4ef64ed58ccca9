#include "pool/node/node_journal.h"

#include "pool/core/limits.h"
#include "tests/loop/pool/node/journalled.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace pool {
namespace {

ChainTipRecord tip(std::uint32_t height) { return {0, height, {}, {}}; }

// A journal that takes what it is given, and says nothing by itself.
struct FakeJournal {
  struct Append {
    AppendId id;
    std::vector<std::uint32_t> heights;
  };
  bool has_room = true;
  std::vector<Append> appends;
  NodeJournal node{[this](const JournalAppend& append) { return take(append); }};

  bool take(const JournalAppend& append) {
    if (!has_room) return false;
    CHECK(append.source == journal_source_node);
    Append taken{append.id, {}};
    for (const JournalRecord& record : test::records_of(append)) {
      taken.heights.push_back(std::get<ChainTipRecord>(record).height);
    }
    appends.push_back(taken);
    return true;
  }
  // "1:5 2:6,7": ids and heights of all appends.
  std::string said() const {
    std::string out;
    for (const Append& append : appends) {
      out += (out.empty() ? "" : " ") + std::to_string(append.id.value) + ":";
      for (std::size_t i = 0; i < append.heights.size(); ++i) {
        out += (i == 0 ? "" : ",") + std::to_string(append.heights[i]);
      }
    }
    return out;
  }
};

}  // namespace

TEST_CASE("records are posted at once, those of one call together, under ids that rise by one") {
  FakeJournal journal;
  journal.node.add({tip(5)});
  journal.node.add({tip(6), tip(7)});
  CHECK_EQ(journal.said(), "1:5 2:6,7");
}

TEST_CASE("each is told when it is on disk, and may add more then") {
  FakeJournal journal;
  std::string durable;
  journal.node.add({tip(1)}, [&] {
    durable += "a";
    journal.node.add({tip(4)}, [&] { durable += "d"; });
  });
  journal.node.add({tip(2)});
  journal.node.add({tip(3)}, [&] { durable += "c"; });
  journal.node.on_durable(AppendId{2});
  CHECK_EQ(durable, "a");
  journal.node.on_durable(AppendId{2});
  CHECK_EQ(durable, "a");
  journal.node.on_durable(AppendId{4});
  CHECK_EQ(durable, "acd");
  CHECK_EQ(journal.said(), "1:1 2:2 3:3 4:4");
}

TEST_CASE("what finds no room goes out later, in its order") {
  FakeJournal journal;
  journal.has_room = false;
  journal.node.add({tip(1)});
  journal.node.on_tick();
  CHECK_EQ(journal.said(), "");
  journal.has_room = true;
  journal.node.add({tip(2)});
  CHECK_EQ(journal.said(), "");  // never before the first
  journal.node.on_tick();
  CHECK_EQ(journal.said(), "1:1 2:2");
}

TEST_CASE("what was lost is said again on the tick, with everything after it") {
  FakeJournal journal;
  int durable = 0;
  for (std::uint32_t height = 1; height <= 4; ++height) {
    journal.node.add({tip(height)}, [&] { ++durable; });
  }
  journal.node.on_durable(AppendId{1});
  journal.node.on_not_durable(AppendId{2}, AppendId{3});
  journal.node.on_durable(AppendId{4});
  CHECK_EQ(durable, 1);  // 4 is there, but before 2 and 3
  journal.node.add({tip(5)});
  CHECK_EQ(journal.said(), "1:1 2:2 3:3 4:4");
  journal.node.on_tick();
  CHECK_EQ(journal.said(), "1:1 2:2 3:3 4:4 5:2 6:3 7:4 8:5");
  journal.node.on_not_durable(AppendId{2}, AppendId{3});  // an old word
  journal.node.on_tick();
  CHECK_EQ(journal.appends.size(), 8);
  journal.node.on_durable(AppendId{8});
  CHECK_EQ(durable, 4);
}

TEST_CASE("there is no room past the limit, until some of it is on disk") {
  FakeJournal journal;
  for (std::size_t i = 0; i < limits::node_journal_entries_max; ++i) {
    CHECK(journal.node.has_room());
    journal.node.add({tip(1)});
  }
  CHECK_FALSE(journal.node.has_room());
  journal.node.on_durable(AppendId{1});
  CHECK(journal.node.has_room());
}

TEST_CASE("whatever is lost, every record is on disk in the end, behind all that came before it") {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    FakeJournal journal;
    std::vector<std::uint32_t> disk;
    std::size_t settled = 0;  // appends that the journal has spoken on
    std::uint32_t added = 0;
    std::uint32_t told = 0;
    const auto settle = [&](bool lossy) {
      if (settled == journal.appends.size()) return;
      const std::size_t count = 1 + random() % (journal.appends.size() - settled);
      const AppendId first = journal.appends[settled].id;
      const AppendId last = journal.appends[settled + count - 1].id;
      const bool lost = lossy && random() % 3 == 0;
      for (std::size_t i = 0; i < count && !lost; ++i) {
        const auto& heights = journal.appends[settled + i].heights;
        disk.insert(disk.end(), heights.begin(), heights.end());
      }
      settled += count;
      if (lost) journal.node.on_not_durable(first, last);
      journal.node.on_durable(last);
    };
    for (int step = 0; step < 200; ++step) {
      journal.has_room = random() % 4 != 0;
      if (random() % 2 == 0) {
        const std::uint32_t height = ++added;
        journal.node.add({tip(height)}, [&told, height] { CHECK_EQ(++told, height); });
      }
      if (random() % 3 == 0) journal.node.on_tick();
      if (random() % 2 == 0) settle(true);
    }
    journal.has_room = true;
    journal.node.on_tick();
    while (settled < journal.appends.size()) settle(false);
    journal.node.on_tick();
    while (settled < journal.appends.size()) settle(false);
    CHECK_EQ(told, added);
    std::uint32_t next = 1;
    for (const std::uint32_t height : disk) {
      if (height == next) ++next;
    }
    CHECK_EQ(next, added + 1);
  }
}

}  // namespace pool
