#include "pool/config/json_lines.h"

#include <doctest/doctest.h>

using namespace pool;

TEST_CASE("each value has its line, and a number its digits") {
  const auto lines = locate_json(
      "// first\n"
      "{\n"
      "  \"a\": 1.50,\n"
      "  \"b\": [ {},\n"
      "         -2e3, \"x\" ],\n"
      "  \"c\": { \"d/e~f\":\n"
      "    null }\n"
      "}");
  REQUIRE(lines);
  struct Row {
    const char* pointer;
    int line;
    const char* number;
  };
  const Row rows[] = {{"", 2, ""},         {"/a", 3, "1.50"}, {"/b", 4, ""},        {"/b/0", 4, ""},
                      {"/b/1", 5, "-2e3"}, {"/b/2", 5, ""},   {"/c/d~1e~0f", 6, ""}};
  for (const Row& row : rows) {
    CAPTURE(row.pointer);
    const auto found = lines->find(row.pointer);
    REQUIRE(found != lines->end());
    CHECK_EQ(found->second.line, row.line);
    CHECK_EQ(found->second.number, row.number);
  }
  CHECK_EQ(lines->size(), std::size(rows) + 1);  // and "/c"
}

TEST_CASE("nesting ends at its limit, just past what is allowed") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(locate_json(nested(json_depth_max)));
  const auto refused = locate_json("\n" + nested(json_depth_max + 1));
  REQUIRE_FALSE(refused);
  CHECK_EQ(refused.error().line, 2);
  CHECK_EQ(refused.error().why, "nested deeper than 32 levels");
}

TEST_CASE("lines are counted from 1, up to the text's end") {
  CHECK_EQ(line_at("", 0), 1);
  CHECK_EQ(line_at("a\nb", 1), 1);
  CHECK_EQ(line_at("a\nb", 2), 2);
  CHECK_EQ(line_at("a\n", 99), 2);
}
