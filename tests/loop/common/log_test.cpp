#include "common/log.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <limits>
#include <string>

using logging::Format;
using logging::Level;

namespace {

// 2026-01-31 12:00:00.123 UTC
constexpr std::chrono::system_clock::time_point noon{std::chrono::milliseconds(1'769'860'800'123)};

std::string text(std::string_view event, std::initializer_list<logging::Field> fields) {
  return logging::format_line(Format::text, noon, Level::info, event, fields);
}
std::string json(std::string_view event, std::initializer_list<logging::Field> fields) {
  return logging::format_line(Format::json, noon, Level::warning, event, fields);
}

// The one value of an event, as JSON that a parser has read.
std::string json_value(std::string_view value) {
  rapidjson::Document document;
  const std::string line = json("e", {{"v", value}});
  document.Parse<rapidjson::kParseValidateEncodingFlag>(line.data(), line.size());
  REQUIRE_FALSE(document.HasParseError());
  return document["v"].GetString();
}

}  // namespace

TEST_CASE("a text line: time, level, event, fields") {
  CHECK_EQ(text("block_accepted", {{"height", 812}, {"hash", "00ff"}, {"late", false}, {"s", 0.5}}),
           "2026-01-31T12:00:00.123Z info  block_accepted height=812 hash=00ff late=false s=0.5");
  CHECK_EQ(logging::format_line(Format::text, noon, Level::warning, "x", {}),
           "2026-01-31T12:00:00.123Z warn  x");
}

TEST_CASE("a JSON line: numbers are numbers, text is text") {
  CHECK_EQ(json("e", {{"n", 812}, {"t", "812"}, {"b", true}, {"d", 0.5}}),
           R"({"time":"2026-01-31T12:00:00.123Z","level":"warning","event":"e",)"
           R"("n":812,"t":"812","b":true,"d":0.5})");
  CHECK_EQ(json("e", {{"d", std::numeric_limits<double>::infinity()}}),
           R"({"time":"2026-01-31T12:00:00.123Z","level":"warning","event":"e","d":"inf"})");
}

TEST_CASE("no value can forge a line or a field") {
  struct Row {
    std::string why;
    std::string value;
    std::string in_text;
    std::string in_json;
  };
  const Row rows[] = {
      {"plain", "alice.rig1", "alice.rig1", "alice.rig1"},
      {"empty", "", "\"\"", ""},
      {"a space", "a b", "\"a b\"", "a b"},
      {"looks like a field", "a=b", "\"a=b\"", "a=b"},
      {"a quote", "a\"b", "\"a\\\"b\"", "a\"b"},
      {"a backslash", "a\\n", "\"a\\\\n\"", "a\\n"},
      {"a new line", "a\nb", "\"a\\x0ab\"", "a\\x0ab"},
      {"a NUL and an escape sequence", std::string("\0\x1b[31m", 6), "\"\\x00\\x1b[31m\"",
       "\\x00\\x1b[31m"},
      {"DEL", "\x7f", "\"\\x7f\"", "\\x7f"},
      {"UTF-8 stays", "größe→😀", "größe→😀", "größe→😀"},
      {"a C1 control (next line)",
       "a\xc2\x85"
       "b",
       "\"a\\xc2\\x85b\"", "a\\xc2\\x85b"},
      {"not UTF-8", "\xff\xfe", "\"\\xff\\xfe\"", "\\xff\\xfe"},
      {"overlong", "\xc0\xaf", "\"\\xc0\\xaf\"", "\\xc0\\xaf"},
      {"surrogate", "\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\\xed\\xa0\\x80"},
      {"cut inside a character", "\xe2\x82", "\"\\xe2\\x82\"", "\\xe2\\x82"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(text("e", {{"v", row.value}}), "2026-01-31T12:00:00.123Z info  e v=" + row.in_text);
    CHECK_EQ(json_value(row.value), row.in_json);
  }
}

TEST_CASE("a line stays within 4 KiB, and JSON stays JSON") {
  for (const char fill : {'x', '\n', '"', '\xff'}) {
    const std::string large(100'000, fill);
    for (const Format format : {Format::text, Format::json}) {
      const std::string line = logging::format_line(
          format, noon, Level::info, "e", {{"first", large}, {"second", large}, {"third", 3}});
      CHECK_LE(line.size(), 4096);
      CHECK_GT(line.size(), 4000);
      CHECK_NE(line.find("..."), std::string::npos);
      if (format == Format::json)
        CHECK_FALSE(rapidjson::Document().Parse(line.c_str()).HasParseError());
    }
  }
}

TEST_CASE("levels and formats by name") {
  Level level{};
  CHECK(logging::level_from_name("warning", level));
  CHECK_EQ(level, Level::warning);
  CHECK(logging::level_from_name("trace", level));
  CHECK_EQ(level, Level::trace);
  CHECK_FALSE(logging::level_from_name("Warning", level));
  Format format{};
  CHECK(logging::format_from_name("json", format));
  CHECK_EQ(format, Format::json);
  CHECK_FALSE(logging::format_from_name("", format));
}

TEST_CASE("LOG asks the configured level before it makes its fields") {
  int made = 0;
  const auto make = [&made] { return ++made; };
  logging::configure(Level::error, Format::text);
  LOG(info, "not_written", {"value", make()});
  CHECK_EQ(made, 0);
  CHECK_FALSE(logging::enabled(Level::warning));
  CHECK(logging::enabled(Level::error));
  logging::configure(Level::info, Format::text);
  LOG(info, "written_by_log_test", {"value", make()});
  CHECK_EQ(made, 1);
}
