#include "tests/sim/transcript.h"

#include <fmt/format.h>

#include <cstring>

namespace sim {
namespace {

constexpr std::size_t kept = 50;
constexpr std::size_t about_bytes_max = 240;

}  // namespace

void Transcript::mix(std::uint64_t value) {
  digest_ = (digest_ ^ value) * 0xff51afd7ed558ccd;
  digest_ ^= digest_ >> 32;
}

void Transcript::mix(std::string_view text) {
  mix(text.size());
  while (!text.empty()) {
    std::uint64_t word = 0;
    const std::size_t taken = text.size() < sizeof(word) ? text.size() : sizeof(word);
    std::memcpy(&word, text.data(), taken);
    mix(word);
    text.remove_prefix(taken);
  }
}

void Transcript::note(std::string_view who, std::string_view what, std::uint64_t number,
                      std::string_view about) {
  ++messages_;
  ++tally_[{who, what}];
  mix(static_cast<std::uint64_t>(schedule_.now()));
  mix(who);
  mix(what);
  mix(number);
  mix(about);
  if (last_.size() == kept) last_.pop_front();
  last_.push_back(
      {schedule_.now(), who, what, number, std::string(about.substr(0, about_bytes_max))});
  if (print_all_) fmt::print("{}\n", text_of(last_.back()));
}

std::string Transcript::text_of(const Message& message) {
  std::string about = message.about;
  for (char& c : about) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  const Micros when = message.when;
  return fmt::format("{:3}:{:02}:{:02}.{:06}  {} {} {}: {}", when / hour, when / minute % 60,
                     when / second % 60, when % second, message.who, message.number, message.what,
                     about);
}

std::string Transcript::last() const {
  std::string all;
  for (const Message& message : last_) all += text_of(message) + "\n";
  return all;
}

}  // namespace sim
