#include "pool/http/parameters.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace pool;

namespace {

constexpr std::array<std::string_view, 3> spans{"1d", "6h", "7d"};
const std::string address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

struct Request {
  net::HttpRequest http;
  RoutedRequest routed{http, "/", {}};
  Parameters parameters{routed};
  explicit Request(const std::string& query, std::vector<std::string> segments = {}) {
    http.target = "/?" + query;
    routed.segments = std::move(segments);
  }
  std::string error() const { return parameters.error() ? parameters.error()->body : ""; }
};

}  // namespace

TEST_CASE("integers are those between their bounds, and nothing else") {
  struct Row {
    const char* query;
    const char* value;  // null: refused
  };
  const Row rows[] = {{"", "7"},
                      {"n=1", "1"},
                      {"n=200", "200"},
                      {"n=0", nullptr},
                      {"n=201", nullptr},
                      {"n=-1", nullptr},
                      {"n=+1", nullptr},
                      {"n=1.0", nullptr},
                      {"n=1e1", nullptr},
                      {"n=", nullptr},
                      {"n=%31", "1"},
                      {"n=01", "1"},
                      {"n=99999999999999999999", nullptr},
                      {"n=1%00", nullptr},
                      {"m=9", "7"}};
  for (const Row& row : rows) {
    CAPTURE(row.query);
    Request request(row.query);
    const std::string value = request.parameters.integer("n", 7, 1, 200);
    if (row.value != nullptr) CHECK_EQ(value, row.value);
    CHECK_EQ(request.error().empty(), row.value != nullptr);
  }
  Request none("");
  CHECK_FALSE(none.parameters.integer_or_none("before", 0, 10));
  CHECK_EQ(Request("before=10").parameters.integer_or_none("before", 0, 10), "10");
}

TEST_CASE("the first wrong one is told: its name, its value, what was expected") {
  Request request("a=x&b=y");
  static_cast<void>(request.parameters.integer("a", 1, 1, 5));
  static_cast<void>(request.parameters.integer("b", 1, 1, 5));
  REQUIRE(request.parameters.error());
  CHECK_EQ(request.parameters.error()->status, 400);
  CHECK_NE(request.error().find(R"(a is \"x\", expected an integer from 1 to 5)"),
           std::string::npos);
  CHECK_EQ(request.error().find("\"y"), std::string::npos);
  Request long_one("a=" + std::string(5000, 'x'));
  static_cast<void>(long_one.parameters.integer("a", 1, 1, 5));
  CHECK_LT(long_one.error().size(), 500);
}

TEST_CASE("choices, texts, hashes and addresses") {
  CHECK_EQ(Request("").parameters.choice("span", spans), "1d");
  CHECK_EQ(Request("span=7d").parameters.choice("span", spans), "7d");
  Request bad_choice("span=8d");
  static_cast<void>(bad_choice.parameters.choice("span", spans));
  CHECK_NE(bad_choice.error().find("one of 1d 6h 7d"), std::string::npos);

  CHECK_EQ(Request("w=").parameters.text("w", 5), "");
  CHECK_EQ(Request("").parameters.text("w", 5), std::nullopt);
  CHECK_EQ(Request("w=a%ffb").parameters.text("w", 5),
           "a\xEF\xBF\xBD"
           "b");
  for (const char* control : {"w=a%00b", "w=a%10b", "w=a%7Fb"}) {
    CAPTURE(control);
    Request request(control);
    static_cast<void>(request.parameters.text("w", 5));
    CHECK_NE(request.error().find("without control characters"), std::string::npos);
  }
  Request too_long("w=abcdef");
  static_cast<void>(too_long.parameters.text("w", 5));
  CHECK_FALSE(too_long.error().empty());

  const std::string hash(64, 'A');
  CHECK_EQ(Request("", {hash}).parameters.hash_segment(0), std::string(64, 'a'));
  for (const std::string& wrong :
       {hash.substr(1), hash + "A", std::string(64, 'g'), std::string()}) {
    Request request("", {wrong});
    static_cast<void>(request.parameters.hash_segment(0));
    CHECK_FALSE(request.error().empty());
  }

  std::string capitals = address;
  for (char& c : capitals) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto network = bitcoin::Network::regtest;
  CHECK_EQ(Request("", {capitals}).parameters.address_segment(0, network), address);
  CHECK_EQ(Request("a=" + address).parameters.address("a", network), address);
  for (const char* wrong :
       {"", "nobody", "<script>", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081"}) {
    CAPTURE(wrong);
    Request request("", {wrong});
    CHECK_EQ(request.parameters.address_segment(0, network), "");
    CHECK_NE(request.error().find("an address of regtest"), std::string::npos);
  }
}
