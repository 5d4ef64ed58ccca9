#include "pool/http/json_view.h"

#include <doctest/doctest.h>

using namespace pool;

namespace {

rapidjson::Document parsed(const char* text) {
  rapidjson::Document document;
  document.Parse(text);
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

}  // namespace

TEST_CASE("members are found by their path, and what is missing is not there") {
  const auto document = parsed(R"({"a":{"b":{"c":7}},"n":null,"list":[1,"x",null]})");
  const JsonView view(document);
  CHECK_EQ(view.at("a.b.c").integer(), 7);
  for (const char* path : {"x", "a.x", "a.b.c.d", "n", "n.x", "list.0", "a..b", "."}) {
    CAPTURE(path);
    CHECK_FALSE(view.at(path).is_there());
  }
  CHECK(view.at("").is_there());
  CHECK_EQ(view.at("list").items().size(), 3);
  CHECK_FALSE(view.at("list").items()[2].is_there());
  CHECK_EQ(view.at("a").members().size(), 1);
  CHECK_EQ(view.at("a").members()[0].first, "b");
  CHECK(JsonView{}.items().empty());
  CHECK(JsonView{}.at("a").members().empty());
}

TEST_CASE("a value of another kind is not there") {
  const auto document = parsed(R"({"i":-3,"d":2.5,"t":"x","b":true,"big":18446744073709551615})");
  const JsonView view(document);
  CHECK_EQ(view.at("i").integer(), -3);
  CHECK_EQ(view.at("i").number(), -3.0);
  CHECK_FALSE(view.at("d").integer());
  CHECK_EQ(view.at("d").number(), 2.5);
  CHECK_FALSE(view.at("big").integer());
  CHECK_FALSE(view.at("t").number());
  CHECK_EQ(view.at("t").text(), "x");
  CHECK_EQ(view.at("i").text(), "");
  CHECK(view.at("b").flag());
  CHECK_FALSE(view.at("i").flag());
  CHECK_EQ(view.at("x").integer_or(4), 4);
  CHECK_EQ(view.at("x").number_or(0.5), 0.5);
}

TEST_CASE("exact work is read from its digits") {
  const auto document =
      parsed(R"({"w":"398000000000000000000000","e":"","n":"-1","x":"1e9","i":5})");
  const JsonView view(document);
  CHECK_EQ(decimal(view.at("w")), doctest::Approx(3.98e23));
  for (const char* path : {"e", "n", "x", "i", "missing"}) CHECK_FALSE(decimal(view.at(path)));
}
