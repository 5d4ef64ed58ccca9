#include "common/stratum/line_buffer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using stratum::LineBuffer;

namespace {

using Lines = std::vector<std::string>;

// Feeds `text` in pieces of `piece` bytes; stops where push says no.
bool feed(LineBuffer& buffer, std::string_view text, std::size_t piece, Lines& lines) {
  while (!text.empty()) {
    const std::size_t length = std::min(piece, text.size());
    const bool taken =
        buffer.push(base::as_bytes(text.substr(0, length)), [&](std::string_view line) {
          lines.emplace_back(line);
          return true;
        });
    if (!taken) return false;
    text.remove_prefix(length);
  }
  return true;
}

constexpr std::size_t piece_sizes[] = {1, 2, 5, 10, 100, 1'000'000};

}  // namespace

TEST_CASE("lines come out the same however the bytes were cut") {
  const std::string text =
      "{\"id\":1}\n"
      "{\"id\":2}\r\n"
      "\n\r\n \t\r\n"
      "{\"id\":3} \t\r\n"
      "  {\"id\":4}\n" +
      std::string(90, 'x') + "\n{\"unfinished\":";
  const Lines expected = {"{\"id\":1}", "{\"id\":2}", "{\"id\":3}", "{\"id\":4}",
                          std::string(90, 'x')};
  for (const std::size_t piece : piece_sizes) {
    CAPTURE(piece);
    LineBuffer buffer(100);
    Lines lines;
    CHECK(feed(buffer, text, piece, lines));
    CHECK_EQ(lines, expected);
    CHECK_EQ(buffer.buffered_bytes(), std::string("{\"unfinished\":").size());
  }
}

TEST_CASE("a line may have line_bytes_max bytes and not one more") {
  struct Row {
    const char* why;
    std::string text;
    bool taken;
    std::size_t lines;
  };
  const Row rows[] = {
      {"exactly the limit", std::string(50, 'a') + "\n", true, 1},
      {"one more, with its newline", std::string(51, 'a') + "\n", false, 0},
      {"one more, no newline yet", std::string(51, 'a'), false, 0},
      {"many short lines together are over the limit, and may be",
       std::string(40, 'a') + "\n" + std::string(40, 'b') + "\n" + std::string(40, 'c') + "\n",
       true, 3},
      {"too long after a good line", "ok\n" + std::string(51, 'a') + "\n", false, 1},
  };
  for (const Row& row : rows) {
    for (const std::size_t piece : piece_sizes) {
      CAPTURE(row.why);
      CAPTURE(piece);
      LineBuffer buffer(50);
      Lines lines;
      CHECK_EQ(feed(buffer, row.text, piece, lines), row.taken);
      CHECK_EQ(lines.size(), row.lines);
      CHECK_LE(buffer.buffered_bytes(), 50);
    }
  }
}

TEST_CASE("a handler that returns false gets no further line") {
  LineBuffer buffer(50);
  int calls = 0;
  CHECK(buffer.push(base::as_bytes("one\ntwo\nthree"), [&](std::string_view) {
    ++calls;
    return false;
  }));
  CHECK_EQ(calls, 1);
  CHECK_EQ(buffer.buffered_bytes(), 0);
}

TEST_CASE("nothing stays behind when lines arrive whole") {
  LineBuffer buffer(50);
  Lines lines;
  CHECK(feed(buffer, "one\ntwo\n", 100, lines));
  CHECK_EQ(buffer.buffered_bytes(), 0);
}

TEST_CASE("after a line that was too long the buffer takes no more") {
  for (const std::size_t piece : piece_sizes) {
    CAPTURE(piece);
    LineBuffer buffer(50);
    Lines lines;
    CHECK_FALSE(feed(buffer, std::string(51, 'a'), piece, lines));
    CHECK_EQ(buffer.buffered_bytes(), 0);
    CHECK_FALSE(feed(buffer, "tail\nnext\n", piece, lines));
    CHECK(lines.empty());
  }
}
