#include "common/stratum/json_text.h"

#include <doctest/doctest.h>

#include <string>

namespace {

std::string quoted(std::string_view text) {
  std::string out;
  stratum::json::append_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("text becomes a valid JSON string, whatever it holds") {
  struct Row {
    const char* why;
    std::string_view text;
    std::string_view json;
  };
  using namespace std::string_view_literals;
  const Row rows[] = {
      {"plain", "abc", "\"abc\""},
      {"empty", "", "\"\""},
      {"quote and backslash", "a\"b\\", "\"a\\\"b\\\\\""},
      {"control characters", "\n\r\t\x01\x1f\0"sv, "\"\\n\\r\\t\\u0001\\u001f\\u0000\""},
      {"DEL needs no escape", "\x7f", "\"\x7f\""},
      {"two, three and four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
       "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
      {"a lone continuation byte", "\x80", "\"?\""},
      {"a sequence cut off", "\xe2\x82", "\"??\""},
      {"overlong slash", "\xc0\xaf", "\"??\""},
      {"overlong in three bytes", "\xe0\x80\xaf", "\"???\""},
      {"a surrogate", "\xed\xa0\x80", "\"???\""},
      {"above U+10FFFF", "\xf4\x90\x80\x80", "\"????\""},
      {"a lead byte, then text", "\xc3z", "\"?z\""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(quoted(row.text), row.json);
  }
}

TEST_CASE("is_utf8, with the flaw at every place of a word of eight bytes") {
  CHECK(stratum::json::is_utf8(""));
  for (std::size_t before = 0; before < 20; ++before) {
    CAPTURE(before);
    const std::string ascii(before, 'a');
    CHECK(stratum::json::is_utf8(ascii));
    CHECK(stratum::json::is_utf8(ascii + "\xe2\x82\xac" + ascii));
    CHECK_FALSE(stratum::json::is_utf8(ascii + "\xe2\x82" + ascii));
    CHECK_FALSE(stratum::json::is_utf8(ascii + "\xff" + ascii));
    CHECK_FALSE(stratum::json::is_utf8(ascii + "\xed\xa0\x80"));
  }
}

TEST_CASE("control characters are found at every place, and blanks are none") {
  for (int value = 0; value < 256; ++value) {
    CAPTURE(value);
    const char c = static_cast<char>(value);
    const bool control = value < 0x20 && c != '\t' && c != '\n' && c != '\r';
    for (std::size_t at = 0; at < 20; ++at) {
      CAPTURE(at);
      std::string text(20, 'a');
      text[at] = c;
      CHECK_EQ(stratum::json::has_control(text), control);
      text[19 - at] = '\t';
      CHECK_EQ(stratum::json::has_control(text), control && at != 19 - at);
    }
  }
  CHECK_FALSE(stratum::json::has_control(""));
}

TEST_CASE("an excerpt is printable and short") {
  CHECK_EQ(stratum::json::excerpt("\"12g4\""), "\"12g4\"");
  CHECK_EQ(stratum::json::excerpt("a\x1b[31m\xc3\xa9"), "a?[31m??");
  CHECK_EQ(stratum::json::excerpt(std::string(40, 'x')), std::string(40, 'x'));
  CHECK_EQ(stratum::json::excerpt(std::string(41, 'x')), std::string(40, 'x') + "...");
}
