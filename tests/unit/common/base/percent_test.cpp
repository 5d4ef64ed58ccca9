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

TEST_CASE("what a path can't hold is percent-encoded, and comes back") {
  CHECK_EQ(base::percent_encoded(""), "");
  CHECK_EQ(base::percent_encoded("aZ09-._~"), "aZ09-._~");
  CHECK_EQ(base::percent_encoded("my payouts/1%"), "my%20payouts%2F1%25");
  CHECK_EQ(base::percent_encoded("\xe2\x82\xac"), "%E2%82%AC");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  CHECK_EQ(base::percent_decoded(base::percent_encoded(all)), all);
}
