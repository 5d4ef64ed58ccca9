#include "pool/http/page_round.h"

#include <doctest/doctest.h>

using namespace pool;

namespace {

struct Input {
  explicit Input(const char* text) {
    document.Parse(text);
    REQUIRE_FALSE(document.HasParseError());
    in.pool = JsonView(document);
    in.now_us = in.pool.at("time_us").integer_or(0);
    fill_round(in, out);
    fill_delivery(in, out);
  }
  bool says(const char* name, std::string_view part) const {
    return out.find(name)->second.find(part) != std::string::npos;
  }

  rapidjson::Document document;
  PageRequest request;
  PageAnswers answers;
  PageInput in{request, answers, {}, 0};
  PageValues out;
};

}  // namespace

TEST_CASE("a pool that knows nothing of its round says what a round is") {
  const Input nothing("{}");
  CHECK(nothing.says("round_text", "between two blocks"));
  CHECK_EQ(nothing.out.at("round_elapsed"), "–");
  CHECK_EQ(nothing.out.at("round_elapsed_name"), "since the first share");
  CHECK_EQ(nothing.out.at("round_plot"), "");
  CHECK_EQ(nothing.out.at("delivery_plot"), "");
  CHECK(nothing.says("delivery_text", "No tip yet"));
}

TEST_CASE("the round's mark stays inside its plot") {
  CHECK(Input(R"({"effort":1.0})").says("round_plot", "x1=\"25.0%\""));
  CHECK(Input(R"({"effort":4.0})").says("round_plot", "x1=\"100.0%\""));
  const Input beyond(R"({"effort":1842300})");
  CHECK(beyond.says("round_plot", "x1=\"100.0%\""));
  CHECK(beyond.says("round_plot", "now, beyond the scale"));
  CHECK(beyond.says("round_text", "chance of 100.0\u2009%"));
}

TEST_CASE("how long a round takes is told from a day's rate") {
  CHECK(Input(R"({"effort":0.1,"round":{"network_work":"360000"},"hashrate":{"1d":100}})")
            .says("round_text", "Expected every 1\u00a0h."));
  CHECK(Input(R"({"effort":0.1,"round":{"network_work":"2"},"hashrate":{"1d":100}})")
            .says("round_text", "less than a second"));
  CHECK_FALSE(Input(R"({"effort":0.1,"round":{"network_work":"2"},"hashrate":{"1d":0}})")
                  .says("round_text", "xpected"));
}

TEST_CASE("work delivery is drawn to the next round scale") {
  const Input slow(R"({"notify_latency_us":61000,"notify":{"tips":1,"p50_us":16000}})");
  CHECK(slow.says("delivery_plot", ">100\u00a0ms</text>"));
  CHECK(slow.says("delivery_plot", "cx=\"61.0%\""));
  CHECK(slow.says("delivery_text", "the last 1\u00a0tip."));
  CHECK(Input(R"({"notify_latency_us":300})").says("delivery_plot", ">1\u00a0ms</text>"));
  CHECK(Input(R"({"notify_latency_us":60000000})").says("delivery_plot", "cx=\"100.0%\""));
}
