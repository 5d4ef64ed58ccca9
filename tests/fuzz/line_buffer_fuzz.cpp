// LineBuffer: however the same bytes are cut, the same lines come out, and they are those of a
// model that sees the bytes whole. A buffer never holds more than its limit.
//
// Input: limit u8 | handler u8: stops at that line, 0: never | cuts u8 | lengths u8 x cuts | bytes
#include "common/stratum/line_buffer.h"
#include "tests/fuzz/fuzz_check.h"

#include <algorithm>
#include <string>
#include <vector>

namespace {

struct Setup {
  std::size_t line_bytes_max = 0;
  std::size_t stop_at_line = 0;
};

struct Outcome {
  std::vector<std::string> lines;
  bool too_long = false;
  bool stopped = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::string trimmed(std::string line) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && is_blank(line.back())) line.pop_back();
  while (!line.empty() && is_blank(line.front())) line.erase(line.begin());
  return line;
}

// What the bytes should come to, read one by one.
Outcome model(const Setup& setup, base::ByteSpan bytes) {
  Outcome outcome;
  std::string line;
  for (const std::uint8_t byte : bytes) {
    if (byte != '\n') {
      line += static_cast<char>(byte);
      if (line.size() <= setup.line_bytes_max) continue;
      outcome.too_long = true;
      return outcome;
    }
    if (const std::string whole = trimmed(line); !whole.empty()) outcome.lines.push_back(whole);
    line.clear();
    outcome.stopped = setup.stop_at_line != 0 && outcome.lines.size() == setup.stop_at_line;
    if (outcome.stopped) return outcome;
  }
  return outcome;
}

// The same through the buffer, in pieces of the given lengths, over and over; none: whole.
Outcome feed(const Setup& setup, base::ByteSpan bytes, base::ByteSpan lengths) {
  stratum::LineBuffer buffer(setup.line_bytes_max);
  Outcome outcome;
  const auto on_line = [&](std::string_view line) {
    FUZZ_CHECK(!outcome.stopped && !line.empty() && line.size() <= setup.line_bytes_max);
    outcome.lines.emplace_back(line);
    outcome.stopped = outcome.lines.size() == setup.stop_at_line;
    return !outcome.stopped;
  };
  for (std::size_t turn = 0; !bytes.empty() && !outcome.stopped; ++turn) {
    const std::size_t wanted =
        lengths.empty() ? bytes.size() : lengths[turn % lengths.size()] + std::size_t{1};
    const std::size_t length = std::min(wanted, bytes.size());
    outcome.too_long = !buffer.push(bytes.first(length), on_line);
    FUZZ_CHECK(buffer.buffered_bytes() <= setup.line_bytes_max);
    if (outcome.too_long) break;
    bytes = bytes.subspan(length);
  }
  const std::size_t lines = outcome.lines.size();
  if (outcome.too_long) {  // and it stays so
    FUZZ_CHECK(!buffer.push(base::as_bytes("\n{}\n"), on_line));
    FUZZ_CHECK(outcome.lines.size() == lines && buffer.buffered_bytes() == 0);
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size - 3 < data[2]) return 0;
  const Setup setup{data[0], data[1]};
  const base::ByteSpan lengths(data + 3, data[2]);
  const base::ByteSpan bytes(data + 3 + data[2], size - 3 - data[2]);
  const Outcome expected = model(setup, bytes);
  const std::uint8_t single[] = {0};
  FUZZ_CHECK(feed(setup, bytes, {}) == expected);
  FUZZ_CHECK(feed(setup, bytes, single) == expected);
  FUZZ_CHECK(feed(setup, bytes, lengths) == expected);
  return 0;
}
