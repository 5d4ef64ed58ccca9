#include "pool/core/job_source.h"

#include "pool/core/limits.h"

#include "common/bitcoin/transaction.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;

bitcoin::BlockHash tip(std::uint8_t n) {
  bitcoin::BlockHash hash;
  hash.bytes.fill(n);
  return hash;
}

TipNews news(std::uint8_t n) { return {tip(n), TipSource::zmq_hashblock, {}, {}, {}}; }

mining::BlockTemplate make_template(std::uint8_t tip_number, std::uint32_t height) {
  mining::BlockTemplate made;
  made.prev_hash = tip(tip_number);
  made.version = 0x20000000;
  made.nbits = 0x207fffff;
  made.network_target = *bitcoin::Target256::from_compact(made.nbits);
  made.height = height;
  made.curtime = 1'700'000'000;
  made.mintime = 1'699'999'000;
  made.coinbase_value = bitcoin::Sats{5'000'000'000};
  return made;
}

struct RecordingHost final : NodeHost {
  void request_template() override { ++requests; }
  void publish(std::shared_ptr<const mining::Job> job) override { jobs.push_back(std::move(job)); }

  int requests = 0;
  std::vector<std::shared_ptr<const mining::Job>> jobs;
};

struct Bench {
  RecordingHost host;
  JobSource source{host, options()};
  base::Instant now{base::MonoTime{1000h}, base::WallTime{std::chrono::seconds{1'700'000'000}}};

  static JobSourceOptions options() {
    JobSourceOptions made;
    made.payout_script = base::Bytes{0x51};
    made.coinbase_tag = "/test/";
    made.first_job_id = 100 * mining::job_id_step;
    made.keepalive = 40s;
    made.coinbase_unique = 7;
    return made;
  }
  void pass(std::chrono::milliseconds time) {
    now.mono += time;
    now.wall += time;
  }
  // Tip and template in one, as a start of most tests; leaves enough time for a refresh to count.
  void settle(std::uint8_t tip_number, std::uint32_t height) {
    source.on_tip(news(tip_number), now);
    source.on_template(make_template(tip_number, height), now);
    pass(6s);
  }
  // The job ids and clean_jobs flags published so far, as "100c 101".
  std::string published() const {
    std::string text;
    for (const auto& job : host.jobs) {
      if (!text.empty()) text += ' ';
      text += std::to_string(job->id.value / mining::job_id_step) + (job->clean_jobs ? "c" : "");
    }
    return text;
  }
};

}  // namespace

TEST_CASE("the first tip leads to one request and a clean job that pays the whole reward") {
  Bench b;
  b.source.on_tip(news(1), b.now);
  CHECK_EQ(b.host.requests, 1);
  b.pass(20ms);
  b.source.on_template(make_template(1, 101), b.now);
  REQUIRE_EQ(b.published(), "100c");
  const mining::Job& job = *b.host.jobs[0];
  CHECK_EQ(job.height(), 101);
  CHECK_EQ(job.coinbase_value.value, 5'000'000'000);
  CHECK_EQ(job.ntime, 1'700'000'000);
  CHECK_MESSAGE(b.now.mono - job.tip_seen_at == 20ms, "the tip was seen when it was announced");
  CHECK_EQ(b.source.current(), b.host.jobs[0]);
}

TEST_CASE("a repeated announcement does nothing, whoever repeats it") {
  Bench b;
  b.source.on_tip(news(1), b.now);
  b.source.on_tip(news(1), b.now);
  CHECK_EQ(b.host.requests, 1);
  b.source.on_template(make_template(1, 101), b.now);
  b.source.on_tip(news(1), b.now);
  CHECK_EQ(b.host.requests, 1);
  CHECK_EQ(b.published(), "100c");
}

TEST_CASE("a template that comes by itself is an announcement too") {
  Bench b;
  b.settle(1, 101);
  b.source.on_template(make_template(2, 102), b.now, TemplateOrigin::pushed);
  CHECK_EQ(b.published(), "100c 101c");
  b.source.on_tip(news(2), b.now);
  CHECK_MESSAGE(b.host.requests == 1, "what a long-poll brought is not asked for again");
}

TEST_CASE("a refresh that was asked for before a long-poll's news does not take miners back") {
  Bench b;
  b.settle(1, 101);
  b.pass(30s);
  b.source.on_tick(b.now);
  REQUIRE_EQ(b.host.requests, 2);
  b.source.on_template(make_template(2, 102), b.now, TemplateOrigin::pushed);
  b.pass(6s);
  b.source.on_template(make_template(1, 101), b.now);
  CHECK_EQ(b.published(), "100c 101c");
  CHECK_NE(b.source.last_refusal().find("goes backwards"), std::string::npos);
}

TEST_CASE("a request in flight for an older tip does not hold up the next one") {
  Bench b;
  b.source.on_tip(news(1), b.now);
  b.source.on_tip(news(2), b.now);
  CHECK_EQ(b.host.requests, 2);
  b.source.on_tip(news(3), b.now);
  CHECK_MESSAGE(b.host.requests == JobSource::requests_in_flight_max, "but there is a bound");

  b.source.on_template(make_template(1, 101), b.now);
  CHECK_MESSAGE(b.host.requests == 3, "the first answer makes room");
  b.source.on_template(make_template(2, 102), b.now);
  b.source.on_template(make_template(3, 103), b.now);
  CHECK_EQ(b.published(), "100c 101c 102c");
  b.pass(2s);
  b.source.on_tick(b.now);
  CHECK_EQ(b.host.requests, 3);
}

TEST_CASE("two answers to one change of tip make one job") {
  Bench b;
  b.settle(1, 101);
  b.source.on_tip(news(2), b.now);
  b.source.on_template(make_template(2, 102), b.now, TemplateOrigin::pushed);
  b.pass(3ms);
  b.source.on_template(make_template(2, 102), b.now);
  CHECK_EQ(b.published(), "100c 101c");
  CHECK_EQ(b.source.last_refusal(), "");
}

TEST_CASE("templates that do and do not replace the job") {
  struct Row {
    const char* why;
    std::uint8_t announced;  // after tip 5 at height 105 was published; 0: nothing
    std::uint8_t on;
    std::uint32_t height;
    const char* published;
  };
  const Row rows[] = {
      {"the next block, announced", 6, 6, 106, "100c 101c"},
      {"the next block, and the template is the first to say so", 0, 6, 106, "100c 101c"},
      {"a block beyond the one that was announced", 6, 7, 107, "100c 101c"},
      {"the same tip with more transactions", 0, 5, 105, "100c 101"},
      {"an answer from before the tip", 0, 4, 104, "100c"},
      {"an answer from before the tip, and yet another is announced", 6, 4, 104, "100c"},
      {"a reorganisation to a lower height, on the node's word", 4, 4, 104, "100c 101c"},
      {"a reorganisation far back, on the node's word", 1, 1, 101, "100c 101c"},
      {"a reorganisation to the same height, on the node's word", 6, 6, 105, "100c 101c"},
      {"another block of the same height, first told by the template", 0, 6, 105, "100c 101c"},
      {"of the same height, but a third block is what we wait for", 6, 7, 105, "100c"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Bench b;
    b.settle(5, 105);
    if (row.announced != 0) b.source.on_tip(news(row.announced), b.now);
    b.source.on_template(make_template(row.on, row.height), b.now);
    CHECK_EQ(b.published(), std::string(row.published));
    const bool refused = b.host.jobs.size() == 1;
    CHECK_EQ(b.source.last_refusal().empty(), !refused);
    if (refused) CHECK_NE(b.source.last_refusal().find("goes backwards"), std::string::npos);
  }
}

TEST_CASE("a refused template is mended by what the node says its best block is") {
  Bench b;
  b.settle(5, 105);
  b.source.on_template(make_template(3, 103), b.now, TemplateOrigin::pushed);
  REQUIRE_EQ(b.published(), "100c");
  b.source.on_tip(news(3), b.now);  // the poll, a moment later
  CHECK_EQ(b.host.requests, 2);
  b.source.on_template(make_template(3, 103), b.now);
  CHECK_EQ(b.published(), "100c 101c");
}

TEST_CASE("an announcement that comes late costs one request and changes no job") {
  Bench b;
  b.settle(4, 104);
  b.settle(5, 105);
  b.source.on_tip(news(4), b.now);  // delayed on its way
  CHECK_EQ(b.host.requests, 3);
  b.source.on_template(make_template(5, 105), b.now);
  CHECK_FALSE(b.host.jobs.back()->clean_jobs);
  CHECK(b.host.jobs.at(2)->tip_seen_at == b.host.jobs.at(1)->tip_seen_at);
  b.source.on_tip(news(5), b.now);  // the poll
  b.pass(2s);
  b.source.on_tick(b.now);
  CHECK_EQ(b.host.requests, 3);
}

TEST_CASE("a routine refresh comes every 30 seconds and is not clean") {
  Bench b;
  b.settle(1, 101);
  for (int i = 0; i < 23; ++i) {
    b.source.on_tick(b.now);
    b.pass(1s);
  }
  CHECK_EQ(b.host.requests, 1);
  b.pass(1s);
  b.source.on_tick(b.now);
  CHECK_EQ(b.host.requests, 2);
  b.source.on_tick(b.now);
  CHECK_MESSAGE(b.host.requests == 2, "not again while it is open");
  b.source.on_template(make_template(1, 101), b.now);
  CHECK_EQ(b.published(), "100c 101");
  CHECK_MESSAGE(b.host.jobs[1]->tip_seen_at == b.host.jobs[0]->tip_seen_at,
                "a refresh keeps the time at which its tip was seen");
}

TEST_CASE("after failures the request is repeated, each time a little later, until a tip comes") {
  Bench b;
  b.source.on_tip(news(1), b.now);
  std::vector<int> seconds_between;
  int waited = 0;
  for (int second = 0; second < 40; ++second) {
    const int before = b.host.requests;
    b.source.on_tick(b.now);
    if (b.host.requests > before || second == 0) {
      if (second != 0) seconds_between.push_back(waited);
      waited = 0;
      b.source.on_template_failed(b.now);
    }
    b.pass(1s);
    ++waited;
  }
  CHECK_EQ(seconds_between, std::vector<int>{1, 1, 2, 4, 8, 8, 8});
  const int before = b.host.requests;
  b.source.on_tip(news(2), b.now);
  CHECK_MESSAGE(b.host.requests == before + 1, "a new tip does not wait for the backoff");
}

TEST_CASE("another node is asked at once, and what the first one owes is forgotten") {
  Bench b;
  b.source.on_tip(news(1), b.now);
  b.source.on_tip(news(2), b.now);
  b.source.on_node_changed(b.now);
  CHECK_EQ(b.host.requests, 3);
  b.source.on_tip(news(3), b.now);
  CHECK_EQ(b.host.requests, 4);
}

TEST_CASE("without templates the job is published anew with its time moved on") {
  Bench b;
  b.source.on_tip(news(1), b.now);
  b.source.on_template(make_template(1, 101), b.now);
  for (int second = 0; second < 90; ++second) {
    b.pass(1s);
    const int before = b.host.requests;
    b.source.on_tick(b.now);
    if (b.host.requests > before) b.source.on_template_failed(b.now);
  }
  REQUIRE_EQ(b.published(), "100c 101 102");
  CHECK_EQ(b.host.jobs[1]->ntime, 1'700'000'040);
  CHECK_EQ(b.host.jobs[2]->ntime, 1'700'000'080);
  CHECK_EQ(b.host.jobs[2]->prev_hash(), tip(1));
}

TEST_CASE("no two jobs share a coinbase, so no miner finds the same share twice") {
  Bench b;
  b.settle(1, 101);
  b.source.on_template(make_template(1, 101), b.now);
  b.pass(6s);
  b.source.on_template(make_template(1, 101), b.now);
  REQUIRE_EQ(b.host.jobs.size(), 3);
  CHECK_NE(b.host.jobs[0]->work().coinbase.coinb1, b.host.jobs[1]->work().coinbase.coinb1);
  CHECK_NE(b.host.jobs[1]->work().coinbase.coinb1, b.host.jobs[2]->work().coinbase.coinb1);
}

TEST_CASE("ntime is not before the template's mintime") {
  Bench b;
  auto early = make_template(1, 101);
  early.mintime = early.curtime + 50;
  b.source.on_template(std::move(early), b.now);
  CHECK_EQ(b.host.jobs.at(0)->ntime, 1'700'000'050);
}

TEST_CASE("a template that no job can be built from keeps the job that miners have") {
  Bench b;
  b.settle(1, 101);
  auto odd = make_template(2, 0);  // BIP34 has no push for height 0
  b.source.on_tip(news(2), b.now);
  b.source.on_template(std::move(odd), b.now);
  CHECK_EQ(b.published(), "100c");
  CHECK_NE(b.source.last_refusal().find("no job can be built"), std::string::npos);
  b.pass(1s);
  b.source.on_tick(b.now);
  CHECK_MESSAGE(b.host.requests == 3, "and the template is asked for again");
}

}  // namespace pool

TEST_CASE("further outputs get their exact part of the reward, the payout address the rest") {
  pool::JobSourceOptions options;
  struct Host final : pool::NodeHost {
    std::vector<std::shared_ptr<const mining::Job>> jobs;
    void request_template() override {}
    void publish(std::shared_ptr<const mining::Job> job) override {
      jobs.push_back(std::move(job));
    }
  } host;
  options.payout_script = base::Bytes(22, 1);
  options.outputs = {
      {base::Bytes(22, 2), 333'333}, {base::Bytes(22, 3), 1}, {base::Bytes(22, 4), 0}};
  options.tier_bytes_max = {10'000, 1};
  pool::JobSource source(host, options);
  mining::BlockTemplate block_template;
  block_template.height = 7;
  block_template.coinbase_value = bitcoin::Sats{2'099'999'999'999'999};
  source.on_template(std::move(block_template), base::Instant{});
  REQUIRE_EQ(host.jobs.size(), 1);
  const auto outputs = [&](std::size_t tier) {
    const auto parsed = bitcoin::Transaction::parse(bitcoin::assemble_coinbase(
        host.jobs[0]->work(tier).coinbase, base::Bytes(4, 0), base::Bytes(8, 0)));
    REQUIRE(parsed);
    return parsed->outputs;
  };
  const auto full = outputs(0);
  REQUIRE_EQ(full.size(), 3);  // an output of nothing is left out
  CHECK_EQ(full[0].script_pubkey, options.payout_script);
  // floor(2099999999999999 * 333333 / 10^6) and floor(2099999999999999 / 10^6)
  CHECK_EQ(full[1].value.value, 699'999'299'999'999);
  CHECK_EQ(full[2].value.value, 2'099'999'999);
  CHECK_EQ(full[0].value.value, 2'099'999'999'999'999 - 699'999'299'999'999 - 2'099'999'999);
  const auto short_one = outputs(1);
  REQUIRE_EQ(short_one.size(), 1);
  CHECK_EQ(short_one[0].value.value, 2'099'999'999'999'999);
}
