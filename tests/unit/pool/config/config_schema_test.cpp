#include "pool/config/config_schema.h"

#include <doctest/doctest.h>

using namespace pool;

namespace {

// Every entry of the schema under `entry`, by the pointer of a value there.
void visit(const rapidjson::Value& entry, const std::string& pointer, int& count) {
  CAPTURE(pointer);
  ++count;
  REQUIRE(entry.HasMember("title"));  // completes "… is not"
  REQUIRE(entry.HasMember("type"));
  CHECK_FALSE(expected_text(entry).empty());
  CHECK(schema_at(pointer) == &entry);
  if (entry.HasMember("properties")) {
    CHECK(entry.HasMember("additionalProperties"));  // a misspelt key is never passed over
    for (const auto& property : entry["properties"].GetObject()) {
      visit(property.value, pointer + "/" + property.name.GetString(), count);
    }
  } else if (entry.HasMember("items")) {
    CHECK(entry.HasMember("maxItems"));
    visit(entry["items"], pointer + "/0", count);
  } else if (!pointer.empty() && pointer.back() != '0') {
    CHECK(entry.HasMember("description"));
  }
}

}  // namespace

TEST_CASE("every entry of the schema can be found, explained and completed") {
  int count = 0;
  visit(schema_document(), "", count);
  CHECK_GE(count, 45);
  CHECK(schema_at("/stratum/nothing") == nullptr);
  CHECK(schema_at("/network/below") == nullptr);
}

TEST_CASE("a pointer is read as people write it") {
  CHECK_EQ(readable_path(""), "");
  CHECK_EQ(readable_path("/stratum/listen/0/port"), "stratum.listen[0].port");
  CHECK_EQ(readable_path("/a~1b/c~0d"), "a/b.c~d");
}

TEST_CASE("what was meant is guessed near, then elsewhere, then listed") {
  CHECK_EQ(hint_for_unknown_key("/stratum/listem"), "did you mean \"listen\"?");
  CHECK_EQ(hint_for_unknown_key("/shards"), "did you mean stratum.shards?");
  CHECK_EQ(hint_for_unknown_key("/log/zzzzzz"), "known here: level, format");
  CHECK_EQ(hint_for_unknown_key("/log/"), "known here: level, format");
}
