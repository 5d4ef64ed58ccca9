// Console: the terminal, or whatever stands in for it.
//
//   a terminal      one status line, rewritten each second; events scroll above it
//   not a terminal  events, and the status as an ordinary line every ten seconds
//   quiet           problems and the totals only
//   json            one object per second on stdout, nothing else there; events go to stderr
//   debug           every job and every accepted share as well
//   progress        lines about the most coherent attempt on stdout, with those of json if that is
//                   chosen too, nothing else there; events go to stderr
//
// A pool can't make it write without bound: events are limited to so many per ten seconds.
// Thread: one, the miner loop's.
#pragma once

#include "common/base/time.h"
#include "miner/miner_client.h"
#include "miner/status.h"

#include <cstdio>
#include <string>
#include <string_view>

namespace miner {

struct ConsoleOptions {
  bool quiet = false;
  bool json = false;
  bool progress = false;
  bool debug = false;  // every event
};

class Console {
 public:
  // Writes to `out` (stdout but for tests); asks the system whether that is a terminal.
  Console(const ConsoleOptions& options, std::FILE* out, std::FILE* err);

  // Always shown, with the time before it.
  void notice(std::string_view text, const base::Instant& now);
  void event(const ClientEvent& event, const base::Instant& now);
  // Call it every second. False when nobody reads the JSON any more.
  [[nodiscard]] bool status(const Status& status, const base::Instant& now);
  // Likewise, a few times a second; prints only where progress was chosen.
  [[nodiscard]] bool progress(std::uint32_t round, std::uint16_t r_q);
  void totals(const Status& status);

 private:
  bool is_for_programs() const { return options_.json || options_.progress; }
  bool print_object(std::string_view json);
  void clear_status_line();
  void print_line(std::string_view text, const base::Instant& now);

  const ConsoleOptions options_;
  std::FILE* const out_;
  std::FILE* const err_;
  const bool is_terminal_;
  bool status_shown_ = false;
  std::string last_status_;
  base::MonoTime last_status_line_at_{};
  LineLimiter limiter_{20};
};

}  // namespace miner
