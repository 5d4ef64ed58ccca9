#include "pool/http/page_rejects.h"

#include <doctest/doctest.h>

#include <string>

using namespace pool;

namespace {

std::string advice(const std::string& members) {
  rapidjson::Document document;
  document.Parse(("{" + members + "}").c_str());
  REQUIRE_FALSE(document.HasParseError());
  return reject_advice(JsonView(document));
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a stale share is normal for a second, and the miner's fault after") {
  CHECK(has(advice(R"("reason":"stale","stale_ms":210)"), "Sent 0.21\u00a0s after"));
  CHECK(has(advice(R"("reason":"stale","stale_ms":1000)"), "Normal"));
  CHECK(has(advice(R"("reason":"stale","stale_ms":1001)"), "holds on to old work"));
  CHECK(has(advice(R"("reason":"stale","stale_ms":93000)"), "Sent 93\u00a0s after"));
  CHECK(has(advice(R"("reason":"stale","stale_ms":null)"), "newer one"));
}

TEST_CASE("too little difficulty: the old one, or a wrong header") {
  CHECK(has(advice(R"("reason":"low_difficulty","share_difficulty":262144,"difficulty":524288)"),
            "met 262\u00a0k of 524\u00a0k. Often"));
  CHECK(has(advice(R"("reason":"low_difficulty","share_difficulty":0.5,"difficulty":524288)"),
            "byte order"));
  CHECK(has(advice(R"("reason":"low_difficulty")"), "mining.set_difficulty"));
}

TEST_CASE("every reason says something, an unknown one what the pool said") {
  for (const char* reason :
       {"duplicate", "job_not_found", "ntime_too_old", "ntime_too_new", "bad_version_bits",
        "bad_extranonce2", "unauthorized", "bad_address", "not_subscribed", "not_stored"}) {
    CAPTURE(reason);
    CHECK_GT(advice("\"reason\":\"" + std::string(reason) + "\",\"message\":\"M\"").size(), 20);
  }
  CHECK_EQ(advice(R"("reason":"new","message":"Said so")"), "Said so.");
  CHECK_EQ(advice(R"("reason":"malformed","message":"x","detail":"no_nonce")"), "No nonce.");
}
