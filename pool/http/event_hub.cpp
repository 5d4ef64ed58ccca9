#include "pool/http/event_hub.h"

#include "common/base/assert.h"

#include <charconv>

namespace pool {

void EventHub::publish(std::string_view name, std::string_view data) {
  ASSERT(data.find_first_of("\r\n") == std::string_view::npos);
  auto found = newest_.find(name);
  if (found == newest_.end()) {
    found = newest_.emplace(std::string(name), Event{}).first;
  } else if (found->second.data == data) {
    return;
  }
  Event& event = found->second;
  event.id = ++last_id_;
  event.data = data;
  event.text = "id: " + std::to_string(event.id) + "\nevent: ";
  event.text.append(name).append("\ndata: ").append(data).append("\n\n");
  for (EventStream* stream : streams_) stream->on_events(event.text);
}

void EventHub::keep_alive() {
  for (EventStream* stream : streams_) stream->on_events(": keep-alive\n\n");
}

void EventHub::add(EventStream& stream, std::string_view last_event_id) {
  std::uint64_t seen = 0;
  const char* const end = last_event_id.data() + last_event_id.size();
  const auto [stop, error] = std::from_chars(last_event_id.data(), end, seen);
  // What is no id of ours was seen elsewhere, if at all.
  if (error != std::errc{} || stop != end || seen > last_id_) seen = 0;
  std::map<std::uint64_t, const std::string*> unseen;
  for (const auto& [name, event] : newest_) {
    if (event.id > seen) unseen.emplace(event.id, &event.text);
  }
  std::string text = "retry: 3000\n\n";
  for (const auto& [id, event] : unseen) text += *event;
  streams_.insert(&stream);
  stream.on_events(text);
}

}  // namespace pool
