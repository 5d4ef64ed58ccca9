// What the node tests wait with: a loop of their own that runs until a condition holds.
#pragma once

#include "common/uv/loop.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>

#include <stdlib.h>

namespace pool::test {

// Runs `loop` until `condition` holds. False when `limit` passed first.
inline bool wait_until(uv::Loop& loop, const std::function<bool()>& condition,
                       std::chrono::milliseconds limit = std::chrono::seconds{30}) {
  bool late = false;
  uv::Timer give_up(loop, [&] { late = true; });
  give_up.start(limit, std::chrono::milliseconds{0});
  // Conditions that no event of this loop tells of (a file, a process) are looked at now and then.
  uv::Timer look(loop, [] {});
  look.start(std::chrono::milliseconds{10}, std::chrono::milliseconds{10});
  while (!condition()) {
    if (late) return false;
    uv_run(loop.get(), UV_RUN_ONCE);
  }
  return true;
}

// Lets `loop` run for a while: to see that something does not happen.
inline void run_for(uv::Loop& loop, std::chrono::milliseconds time) {
  (void)wait_until(
      loop, [] { return false; }, time);
}

// A folder that is removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "phasepool-node-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace pool::test
