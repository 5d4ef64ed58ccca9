#include "pool/http/event_hub.h"

#include <doctest/doctest.h>

using namespace pool;

namespace {

struct Watcher final : EventStream {
  std::string got;
  void on_events(std::string_view text) override { got += text; }
};

}  // namespace

TEST_CASE("an event goes to all who watch, in the form of Server-Sent Events") {
  EventHub hub(1000);
  Watcher a;
  Watcher b;
  hub.add(a, "");
  hub.add(b, "");
  CHECK_EQ(hub.watchers(), 2);
  CHECK_EQ(a.got, "retry: 3000\n\n");
  a.got.clear();
  hub.publish("tip", "{\"height\":1}");
  CHECK_EQ(a.got, "id: 1001\nevent: tip\ndata: {\"height\":1}\n\n");
  hub.remove(b);
  hub.publish("pool", "{}");
  hub.keep_alive();
  CHECK_EQ(a.got,
           "id: 1001\nevent: tip\ndata: {\"height\":1}\n\n"
           "id: 1002\nevent: pool\ndata: {}\n\n: keep-alive\n\n");
  CHECK_EQ(b.got, "retry: 3000\n\nid: 1001\nevent: tip\ndata: {\"height\":1}\n\n");
  CHECK_EQ(hub.watchers(), 1);
}

TEST_CASE("what says the same again is not told again") {
  EventHub hub(0);
  Watcher watcher;
  hub.add(watcher, "");
  hub.publish("tip", "1");
  hub.publish("tip", "1");
  hub.publish("pool", "1");
  hub.publish("tip", "2");
  hub.publish("tip", "1");
  CHECK_EQ(watcher.got,
           "retry: 3000\n\nid: 1\nevent: tip\ndata: 1\n\nid: 2\nevent: pool\ndata: 1\n\n"
           "id: 3\nevent: tip\ndata: 2\n\nid: 4\nevent: tip\ndata: 1\n\n");
}

TEST_CASE("who comes gets the newest of each kind, but for what it has seen") {
  EventHub hub(10);
  hub.publish("tip", "1");
  hub.publish("pool", "2");
  hub.publish("tip", "3");
  const auto opening = [&](std::string_view last_event_id) {
    Watcher watcher;
    hub.add(watcher, last_event_id);
    hub.remove(watcher);
    return watcher.got.substr(std::string("retry: 3000\n\n").size());
  };
  const std::string pool = "id: 12\nevent: pool\ndata: 2\n\n";
  const std::string tip = "id: 13\nevent: tip\ndata: 3\n\n";
  CHECK_EQ(opening(""), pool + tip);
  CHECK_EQ(opening("11"), pool + tip);
  CHECK_EQ(opening("12"), tip);
  CHECK_EQ(opening("13"), "");
  for (const char* strange : {"14", "99999999999999999999999999", "-1", "12x", "x", " 12"}) {
    CAPTURE(strange);
    CHECK_EQ(opening(strange), pool + tip);
  }
}
