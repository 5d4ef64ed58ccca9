// LineBuffer: a byte stream to lines, bounded.
//
// A line ends at '\n'; a '\r' and blanks before it are stripped, empty lines are passed over. A
// peer that sends more than line_bytes_max without a newline gets an error, and the buffer takes no
// more: the rest of that line can't pass for a line of its own.
// Memory: nothing is held while lines arrive whole; the buffer keeps only an unfinished tail.
// Thread: one owner, one thread.
#pragma once

#include "common/base/bytes.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace stratum {

class LineBuffer {
 public:
  explicit LineBuffer(std::size_t line_bytes_max) : line_bytes_max_(line_bytes_max) {}

  // Calls on_line(std::string_view) for each whole line in order; the view is valid during the
  // call. on_line returns false to stop: the rest of the bytes is not looked at, see taken().
  // Returns false when a line is too long: the connection is to be closed. Every later push returns
  // false as well.
  template <class OnLine>
  [[nodiscard]] bool push(base::ByteSpan bytes, OnLine&& on_line) {
    taken_ = 0;
    if (too_long_) return false;
    std::string_view rest = base::as_text(bytes);
    while (true) {
      const std::size_t newline = rest.find('\n');
      if (newline == std::string_view::npos) break;
      std::string_view piece = rest.substr(0, newline);
      rest.remove_prefix(newline + 1);
      taken_ = bytes.size() - rest.size();
      if (tail_.size() + piece.size() > line_bytes_max_) return refuse();
      if (!deliver(piece, on_line)) return true;
    }
    if (tail_.size() + rest.size() > line_bytes_max_) return refuse();
    tail_.append(rest);
    taken_ = bytes.size();
    return true;
  }

  // Of the last push: how many of its bytes went into lines, or wait for the end of theirs.
  std::size_t taken() const { return taken_; }

  std::size_t buffered_bytes() const { return tail_.size(); }

 private:
  template <class OnLine>
  bool deliver(std::string_view piece, OnLine&& on_line) {
    if (tail_.empty()) return trimmed_empty(piece) || on_line(trim(piece));
    std::string whole = std::move(tail_);
    tail_ = std::string();
    whole.append(piece);
    return trimmed_empty(whole) || on_line(trim(whole));
  }
  bool refuse() {
    too_long_ = true;
    tail_ = std::string();
    return false;
  }
  static std::string_view trim(std::string_view line);
  static bool trimmed_empty(std::string_view line) { return trim(line).empty(); }

  const std::size_t line_bytes_max_;
  std::string tail_;
  std::size_t taken_ = 0;
  bool too_long_ = false;
};

}  // namespace stratum
