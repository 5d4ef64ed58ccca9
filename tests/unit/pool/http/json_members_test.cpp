#include "pool/http/json_members.h"

#include <doctest/doctest.h>

#include <limits>

using namespace pool;

TEST_CASE("what is no UTF-8 is replaced, byte by byte, and the rest stays") {
  struct Row {
    const char* why;
    std::string text;
    std::string clean;
  };
  const std::string mark = "\xEF\xBF\xBD";
  const Row rows[] = {
      {"plain", "abc", "abc"},
      {"two, three and four bytes", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80",
       "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
      {"a stray byte", "a\x80z", "a" + mark + "z"},
      {"cut off", "a\xE2\x82", "a" + mark + mark},
      {"overlong", "\xC0\xAF", mark + mark},
      {"a surrogate", "\xED\xA0\x80", mark + mark + mark},
      {"nothing", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(valid_utf8(row.text), row.clean);
  }
}

TEST_CASE("members of every kind make one object") {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.text("text", "a\"b");
  json.text_or_null("none", "");
  json.count("count", 18'446'744'073'709'551'615U);
  json.integer("integer", -1);
  json.number("number", 0.5);
  json.number("not_finite", std::numeric_limits<double>::infinity());
  json.integer_or_null("absent", std::nullopt);
  json.number_or_null("there", 2.0);
  json.flag("flag", true);
  json.object("object", [&] { json.null("null"); });
  writer.EndObject();
  CHECK_EQ(std::string(buffer.GetString()),
           "{\"text\":\"a\\\"b\",\"none\":null,\"count\":18446744073709551615,\"integer\":-1,"
           "\"number\":0.5,\"not_finite\":null,\"absent\":null,\"there\":2.0,\"flag\":true,"
           "\"object\":{\"null\":null}}");
}
