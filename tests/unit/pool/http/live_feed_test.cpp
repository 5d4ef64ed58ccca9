#include "pool/http/live_feed.h"

#include "tests/unit/pool/http/fixture.h"

#include <doctest/doctest.h>

using namespace pool;
using namespace std::chrono_literals;

namespace {

struct Watching final : EventStream {
  EventHub hub{0};
  LiveFeed feed{hub};
  PoolSnapshot snapshot = busy_snapshot();
  base::MonoTime now{};
  std::string got;

  Watching() { hub.add(*this, ""); }
  void on_events(std::string_view text) override { got += text; }

  // The names of the events that `after` brings.
  std::string after(std::chrono::milliseconds time) {
    now += time;
    snapshot.time_us += std::chrono::microseconds(time).count();
    snapshot.uptime_seconds += 1;
    got.clear();
    feed.update(snapshot, now);
    std::string names;
    for (std::size_t at = 0; (at = got.find("event: ", at)) != std::string::npos;) {
      at += 7;
      names += got.substr(at, got.find('\n', at) - at) + " ";
    }
    return names;
  }
};

}  // namespace

TEST_CASE("the pool's figures are told every two seconds, where they have changed") {
  Watching watching;
  CHECK_EQ(watching.after(0ms), "tip block pool ");
  CHECK_EQ(watching.after(2s), "");  // nothing but the time is another
  watching.snapshot.shares_accepted += 1;
  CHECK_EQ(watching.after(1999ms), "");
  CHECK_EQ(watching.after(1ms), "pool ");
  CHECK_NE(watching.got.find("data: {\"state\":\"mining\",\"time_us\":1726842731000000,"),
           std::string::npos);
  watching.snapshot.shares_accepted += 1;
  CHECK_EQ(watching.after(10s), "pool ");
}

TEST_CASE("a tip, a block and the proof chain's tip are told at once") {
  Watching watching;
  watching.after(0ms);
  watching.snapshot.node->height = 1'235;
  CHECK_EQ(watching.after(1ms), "tip ");
  CHECK_EQ(watching.got, "id: 4\nevent: tip\ndata: {\"height\":1235,\"hash\":\"" +
                             std::string(62, '0') + "ab\"}\n\n");
  watching.snapshot.blocks_version = 7;
  watching.snapshot.blocks.front().status = "rejected";
  CHECK_EQ(watching.after(1ms), "block ");
  CHECK_EQ(watching.got, "id: 5\nevent: block\ndata: {\"version\":7,\"height\":1234,\"hash\":\"" +
                             std::string(60, '0') +
                             "abcd\",\"status\":\"rejected\",\"state\":\"in_chain\"}\n\n");
  watching.snapshot.coherence_status = CoherenceStatus{};
  CHECK_EQ(watching.after(1ms), "");
  watching.snapshot.coherence_status->tip = coherence::ChainTip{};
  watching.snapshot.coherence_status->tip->height = 9;
  CHECK_EQ(watching.after(1ms), "coherence ");
  CHECK_EQ(watching.got, "id: 6\nevent: coherence\ndata: {\"height\":9,\"hash\":\"" +
                             std::string(64, '0') + "\"}\n\n");
  watching.snapshot.node->connected = false;
  watching.snapshot.node->height = 0;
  CHECK_EQ(watching.after(1ms), "");  // what is not known is no tip
}

TEST_CASE("who begins to watch is told how it is, and the others not once more for each") {
  Watching watching;
  watching.after(0ms);
  watching.snapshot.shares_accepted += 1;
  watching.got.clear();
  watching.feed.refresh(watching.snapshot, watching.now + 3s);
  CHECK_EQ(watching.got, "");
  watching.feed.refresh(watching.snapshot, watching.now + 4s);
  CHECK_NE(watching.got.find("event: pool"), std::string::npos);
}

TEST_CASE("a pool without blocks says so") {
  Watching watching;
  watching.snapshot.blocks.clear();
  watching.after(0ms);
  CHECK_NE(watching.got.find("event: block\ndata: {\"version\":6,\"hash\":null}\n"),
           std::string::npos);
}
