#include "common/stratum/json_tokens.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using stratum::json::Document;
using stratum::json::JsonError;
using stratum::json::JsonKind;
using stratum::json::Value;

TEST_CASE("every value knows how it was written") {
  const std::string text =
      " { \"a\" : [ 1 , -2.50e1 , \"x\\ty\" , [ ] , { } , true , false , null ] "
      ",\t\"b\":{\"c\":[[2]]} } ";
  Document document;
  const auto root = document.parse(text);
  REQUIRE(root);
  CHECK(root->is(JsonKind::object));
  CHECK_EQ(root->raw(), text.substr(1, text.size() - 2));
  const Value a = root->member("a");
  CHECK_EQ(a.raw(), "[ 1 , -2.50e1 , \"x\\ty\" , [ ] , { } , true , false , null ]");
  struct Row {
    JsonKind kind;
    const char* raw;
    const char* text;
  };
  const Row rows[] = {
      {JsonKind::number, "1", "1"},
      {JsonKind::number, "-2.50e1", "-2.50e1"},
      {JsonKind::string, "\"x\\ty\"", "x\ty"},
      {JsonKind::array, "[ ]", ""},
      {JsonKind::object, "{ }", ""},
      {JsonKind::boolean_true, "true", ""},
      {JsonKind::boolean_false, "false", ""},
      {JsonKind::null, "null", ""},
  };
  REQUIRE_EQ(a.item_count(), std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    CAPTURE(i);
    CHECK_EQ(a.item(i).kind(), rows[i].kind);
    CHECK_EQ(a.item(i).raw(), rows[i].raw);
    CHECK_EQ(a.item(i).text(), rows[i].text);
  }
  CHECK_EQ(root->member("b").raw(), "{\"c\":[[2]]}");
  CHECK_EQ(root->member("b").member("c").item(0).item(0).raw(), "2");
}

TEST_CASE("what is asked of the wrong kind is missing") {
  Document document;
  const auto root = document.parse("{\"a\":[1],\"s\":\"x\"}");
  REQUIRE(root);
  const Value missing;
  for (const Value value :
       {root->member("z"), root->item(0), root->member("a").item(1), root->member("a").member("a"),
        root->member("s").item(0), missing.item(0), missing.member("a")}) {
    CHECK(value.is(JsonKind::missing));
    CHECK(value.is_missing_or_null());
    CHECK_EQ(value.raw(), "");
    CHECK_EQ(value.item_count(), 0);
  }
}

TEST_CASE("members come in order, and member() finds the last of a name") {
  Document document;
  const auto root = document.parse("{\"k\":1,\"j\":[2,[3]],\"k\":{\"k\":4}}");
  REQUIRE(root);
  std::vector<std::string> names;
  root->for_each_member([&](std::string_view name, Value) { names.emplace_back(name); });
  CHECK_EQ(names, std::vector<std::string>{"k", "j", "k"});
  CHECK_EQ(root->member("k").raw(), "{\"k\":4}");
}

TEST_CASE("depth counts brackets, eight are the most") {
  CHECK(Document().parse("[[[[[[[[1]]]]]]]]"));
  const auto nine = Document().parse("[[[[[[[[[1]]]]]]]]]");
  REQUIRE_FALSE(nine);
  CHECK_EQ(nine.error(), JsonError::too_deep);
  CHECK(Document().parse("[[[[[[[[]]]]]]],[[[[[[[]]]]]]],[[[]]]]"));  // side by side is not deeper
}

TEST_CASE("more tokens and text than the inline buffer holds") {
  std::string text = "[";
  for (int i = 0; i < 3000; ++i) text += "\"a\\n" + std::to_string(i) + "\",";
  text += "0]";
  Document document;
  const auto root = document.parse(text);
  REQUIRE(root);
  REQUIRE_EQ(root->item_count(), 3001);
  CHECK_EQ(root->item(0).text(), "a\n0");
  CHECK_EQ(root->item(2999).text(), "a\n2999");
}

TEST_CASE("escaped surrogates come in pairs") {
  struct Row {
    const char* why;
    std::string json;
    bool taken;
  };
  const Row rows[] = {
      {"a pair", R"(["\ud83d\ude00"])", true},
      {"a high one alone", R"(["\ud83d"])", false},
      {"a low one alone", R"(["\ude00"])", false},
      {"a low one alone, after a pair", R"(["\ud83d\ude00\ude00"])", false},
      {"in the wrong order", R"(["\ude00\ud83d"])", false},
      {"a low one alone in a key", R"({"\udfff":1})", false},
      {"the last code point below the surrogates", R"(["\ud7ff"])", true},
      {"the first code point above them", R"(["\ue000"])", true},
      {"an escaped backslash before a u", R"(["\\ude00"])", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(Document().parse(row.json).has_value(), row.taken);
  }
}

TEST_CASE("control characters are not JSON, wherever the vector scan meets them") {
  for (int value = 0; value < 0x20; ++value) {
    CAPTURE(value);
    for (std::size_t before = 0; before < 40; ++before) {
      CAPTURE(before);
      const std::string text = std::string(before, 'x') + static_cast<char>(value);
      CHECK_FALSE(Document().parse("[\"" + text + "\"]"));
      CHECK_FALSE(Document().parse("{\"" + text + "\":1}"));
    }
  }
}

TEST_CASE("numbers go as far as a double") {
  CHECK(Document().parse("[1.5e308,-1.5e308,1e-400,0.0e0,123456789012345678901234567890]"));
  CHECK_FALSE(Document().parse("[1e309]"));
  CHECK_FALSE(Document().parse("[-22.50e+394]"));
}
