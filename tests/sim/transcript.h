// Transcript: the messages of a run. The last ones are kept, to be shown when an oracle fails; all
// of them go into a digest, which tells whether two runs were the same.
//
// Thread: the one there is.
#pragma once

#include "tests/sim/schedule.h"

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace sim {

class Transcript {
 public:
  explicit Transcript(const Schedule& schedule, bool print_all)
      : schedule_(schedule), print_all_(print_all) {}

  // `who` and `what` are literals; `about` is data: a line, a hash, a reason.
  void note(std::string_view who, std::string_view what, std::uint64_t number,
            std::string_view about);
  std::uint64_t digest() const { return digest_; }
  std::uint64_t messages() const { return messages_; }
  // How often each kind of message came: by who and what.
  using Tally = std::map<std::pair<std::string_view, std::string_view>, std::uint64_t>;
  const Tally& tally() const { return tally_; }
  // One line each, the oldest first.
  std::string last() const;

 private:
  struct Message {
    Micros when;
    std::string_view who;
    std::string_view what;
    std::uint64_t number;
    std::string about;
  };
  static std::string text_of(const Message& message);
  void mix(std::uint64_t value);
  void mix(std::string_view text);

  const Schedule& schedule_;
  const bool print_all_;
  std::deque<Message> last_;
  std::uint64_t digest_ = 0x9e3779b97f4a7c15;
  std::uint64_t messages_ = 0;
  Tally tally_;
};

}  // namespace sim
