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
  void request_header(const bitcoin::BlockHash& hash) override { headers.push_back(hash); }
  void publish(std::shared_ptr<const mining::Job> job, std::chrono::milliseconds spread) override {
    jobs.push_back(std::move(job));
    spreads.push_back(spread);
  }

  int requests = 0;
  std::vector<bitcoin::BlockHash> headers;  // asked for
  std::vector<std::chrono::milliseconds> spreads;
  std::vector<std::shared_ptr<const mining::Job>> jobs;
};

struct Bench {
  RecordingHost host;
  JobSource source;
  base::Instant now{base::MonoTime{1000h}, base::WallTime{std::chrono::seconds{1'700'000'000}}};

  explicit Bench(JobSourceOptions with = options()) : source(host, std::move(with)) {}

  static JobSourceOptions options() {
    JobSourceOptions made;
    made.payout_script = base::Bytes{0x51};
    made.coinbase_tag = "/test/";
    made.first_job_id = 100 * mining::job_id_step;
    made.keepalive = 40s;
    made.coinbase_unique = 7;
    made.network = bitcoin::Network::regtest;
    made.fee_check = 0s;
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
    pass(31s);
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

TEST_CASE(
    "an answer from before the tip is passed over in silence, a node that stays there is not") {
  Bench b;
  b.settle(4, 104);
  b.settle(5, 105);
  b.source.on_tip(news(6), b.now);
  b.source.on_template(make_template(6, 106), b.now);
  const auto told = b.published();
  b.pass(4'999ms);
  b.source.on_template(make_template(5, 105), b.now);
  CHECK_EQ(b.source.last_refusal(), "");
  b.source.on_template(make_template(3, 103), b.now);
  CHECK_MESSAGE(b.source.last_refusal() != "", "this one was never a tip here");
  b.source.on_template(make_template(6, 106), b.now);
  CHECK_EQ(b.source.last_refusal(), "");
  b.pass(1ms);
  b.source.on_template(make_template(5, 105), b.now);
  CHECK_NE(b.source.last_refusal().find("goes backwards"), std::string::npos);
  CHECK_EQ(b.published(), told);
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

TEST_CASE("a routine refresh comes every 30 seconds, is not clean, and is spread over them") {
  Bench b;
  b.source.on_tip(news(1), b.now);
  b.source.on_template(make_template(1, 101), b.now);
  for (int i = 0; i < 30; ++i) {
    b.source.on_tick(b.now);
    b.pass(1s);
  }
  CHECK_EQ(b.host.requests, 1);
  b.source.on_tick(b.now);
  CHECK_EQ(b.host.requests, 2);
  b.source.on_tick(b.now);
  CHECK_MESSAGE(b.host.requests == 2, "not again while it is open");
  b.source.on_template(make_template(1, 101), b.now);
  CHECK_EQ(b.published(), "100c 101");
  CHECK_EQ(b.host.spreads, std::vector<std::chrono::milliseconds>{0ms, 30s});
  CHECK_MESSAGE(b.host.jobs[1]->tip_seen_at == b.host.jobs[0]->tip_seen_at,
                "a refresh keeps the time at which its tip was seen");
}

TEST_CASE("fees are looked at in between, and the refresh is not late for it") {
  JobSourceOptions options = Bench::options();
  options.fee_check = 13s;
  Bench b(options);
  b.source.on_template(make_template(1, 101), b.now);
  std::vector<int> asked_at;
  for (int second = 0; second < 70; ++second, b.pass(1s)) {
    const int before = b.host.requests;
    b.source.on_tick(b.now);
    if (b.host.requests == before) continue;
    asked_at.push_back(second);
    b.source.on_template(make_template(1, 101), b.now);
  }
  CHECK_EQ(asked_at, std::vector<int>{0, 13, 26, 30, 43, 56, 60});
  CHECK_EQ(b.published(), "100c 101 102");
}

TEST_CASE("a template of the same tip is told early when it pays noticeably more") {
  struct Row {
    const char* why;
    std::chrono::milliseconds after;
    std::int64_t coinbase_value;
    const char* published;
  };
  const Row rows[] = {
      {"one percent more", 10s, 5'050'000'000, "100c 101"},
      {"a satoshi less than that", 10s, 5'049'999'999, "100c"},
      {"much less", 10s, 4'000'000'000, "100c"},
      {"the same", 29'999ms, 5'000'000'000, "100c"},
      {"the same, but it is time for the refresh", 30s, 5'000'000'000, "100c 101"},
      {"less, and it is time for the refresh", 30s, 4'000'000'000, "100c 101"},
      {"more, a moment after the last", 4'999ms, 6'000'000'000, "100c"},
      {"more, five seconds after the last", 5s, 6'000'000'000, "100c 101"},
  };
  for (const Row& row : rows) {
    for (const TemplateOrigin origin : {TemplateOrigin::requested, TemplateOrigin::pushed}) {
      CAPTURE(row.why);
      Bench b;
      b.source.on_template(make_template(1, 101), b.now);
      b.pass(row.after);
      auto better = make_template(1, 101);
      better.coinbase_value.value = row.coinbase_value;
      b.source.on_template(std::move(better), b.now, origin);
      CHECK_EQ(b.published(), std::string(row.published));
      CHECK_EQ(b.source.last_refusal(), "");
      if (b.host.jobs.size() == 2) CHECK_EQ(b.host.spreads[1], row.after == 30s ? 30s : 5s);
    }
  }
}

TEST_CASE("other bits on the same tip are told at once") {
  Bench b;
  b.source.on_template(make_template(1, 101), b.now);
  b.pass(1s);
  auto easier = make_template(1, 101);
  easier.nbits = 0x207ffffe;
  b.source.on_template(std::move(easier), b.now);
  CHECK_EQ(b.published(), "100c 101");
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
  b.pass(31s);
  b.source.on_template(make_template(1, 101), b.now);
  REQUIRE_EQ(b.host.jobs.size(), 3);
  CHECK_NE(b.host.jobs[0]->work().coinbase.coinb1, b.host.jobs[1]->work().coinbase.coinb1);
  CHECK_NE(b.host.jobs[1]->work().coinbase.coinb1, b.host.jobs[2]->work().coinbase.coinb1);
}

TEST_CASE("what is pushed beside the tag enters further jobs, until it is another") {
  Bench b;
  const auto holds = [&](std::size_t job, const std::string& push) {
    const std::string coinb1 = base::to_hex(b.host.jobs[job]->work(0).coinbase.coinb1);
    return coinb1.find(push) != std::string::npos;
  };
  b.settle(1, 101);
  b.source.set_coinbase_push(base::Bytes(16, 0xab));
  b.source.on_template(make_template(1, 101), b.now);
  b.pass(31s);
  b.source.set_coinbase_push(base::Bytes(16, 0xcd));
  b.source.on_tip(news(2), b.now);
  b.source.on_template(make_template(2, 102), b.now);
  REQUIRE_EQ(b.published(), "100c 101 102c");
  const std::string first = "10" + base::to_hex(base::Bytes(16, 0xab));
  const std::string second = "10" + base::to_hex(base::Bytes(16, 0xcd));
  CHECK_FALSE(holds(0, first));
  CHECK(holds(1, first));
  CHECK(holds(2, second));
  CHECK_FALSE(holds(2, first));
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

TEST_CASE("a template whose height is not its tip's plus one is refused, until the node agrees") {
  Bench b;
  b.settle(5, 105);
  TipNews next = news(6);
  next.height = 105;
  b.source.on_tip(next, b.now);
  for (const std::uint32_t wrong : {105u, 107u}) {
    b.source.on_template(make_template(6, wrong), b.now);
    CHECK_NE(b.source.last_refusal().find("for the wrong height: " + std::to_string(wrong)),
             std::string::npos);
  }
  CHECK_EQ(b.published(), "100c");
  b.pass(1s);
  b.source.on_tick(b.now);
  CHECK_MESSAGE(b.host.requests == 3, "it is asked for again");
  SUBCASE("the right height") { b.source.on_template(make_template(6, 106), b.now); }
  SUBCASE("the node corrects itself") {
    next.height = 106;
    b.source.on_tip(next, b.now);
    b.source.on_template(make_template(6, 107), b.now);
  }
  SUBCASE("what a node said counts for its templates alone") {
    b.source.on_node_changed(b.now);
    b.source.on_template(make_template(6, 107), b.now);
  }
  CHECK_EQ(b.published(), "100c 101c");
  CHECK_EQ(b.source.last_refusal(), "");
}

TEST_CASE("the first template is held against the height that the node told") {
  Bench b;
  TipNews first = news(1);
  first.height = 100;
  b.source.on_tip(first, b.now);
  b.source.on_template(make_template(1, 100), b.now);
  CHECK_EQ(b.published(), "");
  b.source.on_template(make_template(1, 101), b.now);
  CHECK_EQ(b.published(), "100c");
}

TEST_CASE("a slow source's word on an earlier tip is old news, another's is not") {
  for (const TipSource source : {TipSource::zmq_sequence, TipSource::zmq_rawblock,
                                 TipSource::zmq_hashblock, TipSource::poll}) {
    CAPTURE(name_of(source));
    Bench b;
    b.settle(4, 104);
    b.settle(5, 105);
    TipNews late = news(4);
    late.source = source;
    const int before = b.host.requests;
    b.source.on_tip(late, b.now);
    const bool slow = source == TipSource::zmq_sequence || source == TipSource::zmq_rawblock;
    CHECK_EQ(b.host.requests, before + (slow ? 0 : 1));
    TipNews unheard_of = news(9);
    unheard_of.source = source;
    b.source.on_tip(unheard_of, b.now);
    CHECK_MESSAGE(b.host.requests == before + (slow ? 1 : 2), "a new one counts whoever says it");
  }
}

// ---------------------------------------------------------------- empty first

namespace {

// A mined regtest block on `parent`.
bitcoin::Header mined(const bitcoin::BlockHash& parent) {
  bitcoin::Header header;
  header.version = 0x20000000;
  header.prev_hash = parent;
  header.ntime = 1'699'999'990;
  header.nbits = 0x207fffff;
  const auto target = *bitcoin::Target256::from_compact(header.nbits);
  while (!target.admits(header.hash().bytes)) ++header.nonce;
  return header;
}

TipNews with_header(const bitcoin::Header& header, TipSource source = TipSource::zmq_rawblock) {
  return {header.hash(), source, header, {}, {}};
}

TipNews hash_only(const bitcoin::Header& header) {
  return {header.hash(), TipSource::zmq_hashblock, {}, {}, {}};
}

mining::BlockTemplate full_template(const bitcoin::Header& on, std::uint32_t height) {
  auto made = make_template(0, height);
  made.prev_hash = on.hash();
  made.coinbase_value = bitcoin::Sats{5'100'000'000};
  return made;
}

}  // namespace

TEST_CASE("empty first: a header makes work at once, the full work follows and is not clean") {
  JobSourceOptions options = Bench::options();
  options.outputs = {{base::Bytes(22, 2), 100'000}};
  Bench b(options);
  b.settle(5, 105);
  const bitcoin::Header block = mined(tip(5));
  b.source.on_tip(with_header(block), b.now);
  CHECK_EQ(b.host.requests, 2);
  CHECK_MESSAGE(b.host.headers.empty(), "nothing is asked that was told");
  REQUIRE_EQ(b.published(), "100c 101c");
  const mining::Job& empty = *b.host.jobs[1];
  CHECK_EQ(empty.prev_hash(), block.hash());
  CHECK_EQ(empty.height(), 106);
  CHECK(empty.merkle_branch.empty());
  CHECK_EQ(empty.coinbase_value.value, 5'000'000'000);
  const auto coinbase = bitcoin::Transaction::parse(
      bitcoin::assemble_coinbase(empty.work().coinbase, base::Bytes(4, 0), base::Bytes(8, 0)));
  REQUIRE_EQ(coinbase->outputs.size(), 2);
  CHECK_EQ(coinbase->outputs[0].value.value, 4'500'000'000);
  CHECK_EQ(coinbase->outputs[1].value.value, 500'000'000);

  b.pass(40ms);
  b.source.on_template(full_template(block, 106), b.now);
  REQUIRE_EQ(b.published(), "100c 101c 102");
  CHECK_EQ(b.host.jobs[2]->coinbase_value.value, 5'100'000'000);
  CHECK(b.host.jobs[2]->tip_seen_at == empty.tip_seen_at);
  CHECK_EQ(b.host.spreads, std::vector<std::chrono::milliseconds>{0ms, 0ms, 0ms});
  CHECK_EQ(b.source.empty_jobs_published(), 1);
  b.pass(3ms);
  b.source.on_template(full_template(block, 106), b.now, TemplateOrigin::pushed);
  CHECK_MESSAGE(b.published() == "100c 101c 102", "the full work is there already");
}

TEST_CASE("empty first: the header is asked for beside the template where only the hash is told") {
  Bench b;
  b.settle(5, 105);
  const bitcoin::Header block = mined(tip(5));
  b.source.on_tip(hash_only(block), b.now);
  CHECK_EQ(b.host.requests, 2);
  CHECK_EQ(b.host.headers, std::vector<bitcoin::BlockHash>{block.hash()});
  TipNews answer = with_header(block, TipSource::poll);
  answer.height = 105;
  answer.median_time = 1'699'990'000;
  SUBCASE("its answer comes first") {
    b.source.on_header(answer, b.now);
    CHECK_EQ(b.published(), "100c 101c");
    CHECK_EQ(b.host.jobs.at(1)->block_template->mintime, 1'699'990'001);
    b.source.on_header(answer, b.now);
    b.source.on_template(full_template(block, 106), b.now);
    CHECK_EQ(b.published(), "100c 101c 102");
  }
  SUBCASE("the template comes first") {
    b.source.on_template(full_template(block, 106), b.now);
    b.source.on_header(answer, b.now);
    CHECK_EQ(b.published(), "100c 101c");
    CHECK_EQ(b.source.empty_jobs_published(), 0);
  }
  SUBCASE("another source brings it") {
    b.source.on_tip(with_header(block), b.now);
    CHECK_EQ(b.published(), "100c 101c");
    b.source.on_header(answer, b.now);
    CHECK_EQ(b.published(), "100c 101c");
    CHECK_EQ(b.host.headers.size(), 1);
  }
  SUBCASE("the tip has changed meanwhile") {
    b.source.on_tip(news(9), b.now);
    b.source.on_header(answer, b.now);
    CHECK_EQ(b.published(), "100c");
  }
}

TEST_CASE("empty first: one block after the other, before any template") {
  Bench b;
  b.settle(5, 105);
  const bitcoin::Header first = mined(tip(5));
  const bitcoin::Header second = mined(first.hash());
  b.source.on_tip(with_header(first), b.now);
  b.source.on_tip(with_header(second, TipSource::own_block), b.now);
  CHECK_EQ(b.published(), "100c 101c 102c");
  CHECK_EQ(b.host.jobs.at(2)->height(), 107);
  b.source.on_template(full_template(first, 106), b.now);
  CHECK_MESSAGE(b.published() == "100c 101c 102c", "of the tip before: too late");
  b.source.on_template(full_template(second, 107), b.now);
  CHECK_EQ(b.published(), "100c 101c 102c 103");
}

TEST_CASE("empty first: where none is made, and the template alone counts") {
  JobSourceOptions options = Bench::options();
  bitcoin::Header block = mined(tip(5));
  TipNews told = with_header(block);
  SUBCASE("it is switched off") { options.empty_first = false; }
  SUBCASE("the chain has minimum-difficulty blocks") {
    options.network = bitcoin::Network::testnet;
  }
  SUBCASE("a branch of the same height") { told.header = mined(tip(3)), told.height = 104; }
  SUBCASE("a branch of unknown height") { told.header = mined(tip(3)); }
  SUBCASE("a header of another block") { told.header->nonce += 1; }
  if (told.header->prev_hash != tip(5)) told.hash = told.header->hash();
  Bench b(options);
  b.settle(5, 105);
  b.source.on_tip(told, b.now);
  CHECK_EQ(b.published(), "100c");
  CHECK_EQ(b.host.requests, 2);
  if (!options.empty_first) {
    b.source.on_tip(news(8), b.now);
    CHECK_MESSAGE(b.host.headers.empty(), "nor is a header asked for");
  }
}

TEST_CASE("empty first: no work is made of nothing") {
  Bench b;
  b.source.on_tip(with_header(mined(tip(5))), b.now);
  CHECK_EQ(b.published(), "");
  CHECK(b.host.headers.empty());
}

TEST_CASE("empty first: a higher branch whose height the node tells is work") {
  Bench b;
  b.settle(5, 105);
  const bitcoin::Header branch = mined(tip(3));
  b.source.on_tip(with_header(branch), b.now);
  REQUIRE_EQ(b.host.headers.size(), 1);
  TipNews answer = with_header(branch);
  answer.height = 105;
  b.source.on_header(answer, b.now);
  CHECK_EQ(b.published(), "100c 101c");
  CHECK_EQ(b.host.jobs.at(1)->height(), 106);
}

TEST_CASE("empty first: the template is asked for until it comes") {
  Bench b;
  b.settle(5, 105);
  const bitcoin::Header block = mined(tip(5));
  b.source.on_tip(with_header(block), b.now);
  REQUIRE_EQ(b.published(), "100c 101c");
  b.source.on_template_failed(b.now);
  b.pass(1s);
  b.source.on_tick(b.now);
  CHECK_EQ(b.host.requests, 3);
  b.source.on_template(make_template(5, 105), b.now);  // from before the tip
  CHECK_EQ(b.published(), "100c 101c");
  b.pass(1s);
  b.source.on_tick(b.now);
  CHECK_EQ(b.host.requests, 4);
  b.source.on_template(full_template(block, 106), b.now);
  CHECK_EQ(b.published(), "100c 101c 102");
}

TEST_CASE("empty first: full work that contradicts it is clean") {
  Bench b;
  b.settle(5, 105);
  const bitcoin::Header block = mined(tip(5));
  b.source.on_tip(with_header(block), b.now);
  auto full = full_template(block, 106);
  full.nbits = 0x207ffffe;
  b.source.on_template(std::move(full), b.now);
  CHECK_EQ(b.published(), "100c 101c 102c");
}

}  // namespace pool

TEST_CASE("further outputs get their exact part of the reward, the payout address the rest") {
  pool::JobSourceOptions options;
  struct Host final : pool::NodeHost {
    std::vector<std::shared_ptr<const mining::Job>> jobs;
    void request_template() override {}
    void request_header(const bitcoin::BlockHash&) override {}
    void publish(std::shared_ptr<const mining::Job> job, std::chrono::milliseconds) override {
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
