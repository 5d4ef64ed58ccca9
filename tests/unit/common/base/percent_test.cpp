#include "common/base/percent.h"

#include <doctest/doctest.h>

TEST_CASE("percent-encoding is undone where it is one") {
  struct Row {
    const char* text;
    const char* decoded;
  };
  const Row rows[] = {{"", ""},
                      {"plain", "plain"},
                      {"%41%62", "Ab"},
                      {"%2e%2E", ".."},
                      {"100%", "100%"},
                      {"%4", "%4"},
                      {"%zz", "%zz"},
                      {"%%41", "%A"},
                      {"%2541", "%41"},
                      {"a%20b", "a b"},
                      {"%e2%82%ac", "\xe2\x82\xac"}};
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK_EQ(base::percent_decoded(row.text), row.decoded);
  }
  CHECK_EQ(base::percent_decoded("a%00b"), std::string("a\0b", 3));
}
