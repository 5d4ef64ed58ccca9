// Waiting for a condition on a loop, and a source's host that remembers what it was told.
#pragma once

#include "common/uv/clock.h"
#include "common/uv/loop.h"
#include "miner/work_source.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace miner {

// Turns the loop until `condition` holds; false after a minute.
template <class Condition>
bool wait_until(uv::Loop& loop, Condition condition) {
  const base::MonoTime deadline = uv::read_clock().mono + std::chrono::minutes(1);
  while (!condition()) {
    if (uv::read_clock().mono > deadline) return false;
    (void)loop.run_once_nowait();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

struct RecordingHost final : WorkSourceHost {
  void set_work(std::shared_ptr<const Work> new_work) override {
    work = std::move(new_work);
    ++orders;
  }
  void set_coherence_work(std::shared_ptr<const CoherenceWork> new_work) override {
    coherence_work = std::move(new_work);
  }
  void report(const ClientEvent& event) override { events.push_back(event); }
  void appetite_changed() override { ++appetite_changes; }
  void give_up(std::string_view why) override { gave_up = why; }
  bool was_told(std::string_view text) const {
    for (const ClientEvent& event : events) {
      if (event.text.find(text) != std::string::npos) return true;
    }
    return false;
  }

  std::shared_ptr<const Work> work;
  std::shared_ptr<const CoherenceWork> coherence_work;
  std::size_t orders = 0;
  std::size_t appetite_changes = 0;
  std::vector<ClientEvent> events;
  std::string gave_up;
};

}  // namespace miner
