// EventHub: what the web loop tells everyone who watches, as Server-Sent Events (HTML standard,
// 9.2). An event is written once and the same bytes go to all.
//
// A watcher that comes gets the newest event of each kind at once, but for those that it has seen
// by its Last-Event-ID; then what comes. Ids rise, across restarts too: they begin at the time.
// Thread: the web loop's. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>

namespace pool {

// Somebody who watches.
class EventStream {
 public:
  // `text` is one or more whole events. Must not add or remove a stream.
  virtual void on_events(std::string_view text) = 0;

 protected:
  ~EventStream() = default;
};

class EventHub {
 public:
  explicit EventHub(std::int64_t started_unix_millis)
      : last_id_(static_cast<std::uint64_t>(started_unix_millis)) {}

  // `data` is one line. An event that says what the last of its name did is not told again.
  void publish(std::string_view name, std::string_view data);
  // A comment, which keeps proxies from closing what is silent.
  void keep_alive();
  // `last_event_id` as the client's header has it; empty: it has seen nothing.
  void add(EventStream& stream, std::string_view last_event_id);
  void remove(EventStream& stream) { streams_.erase(&stream); }
  std::size_t watchers() const { return streams_.size(); }

 private:
  struct Event {
    std::uint64_t id = 0;
    std::string data;
    std::string text;  // as it is sent
  };

  std::uint64_t last_id_;
  std::map<std::string, Event, std::less<>> newest_;  // by name
  std::unordered_set<EventStream*> streams_;
};

}  // namespace pool
