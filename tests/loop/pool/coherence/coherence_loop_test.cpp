#include "pool/coherence/coherence_loop.h"

#include "common/base/bytes.h"
#include "tests/loop/pool/coherence/heard.h"

#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <variant>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;

bitcoin::BlockHash bitcoin_tip(std::uint8_t n) {
  bitcoin::BlockHash hash;
  hash.bytes.fill(n);
  return hash;
}

ChainView view(std::optional<std::uint32_t> height) {
  ChainView made;
  made.rules.start_time = 1'700'000'000;
  if (!height) return made;
  made.tip.emplace();
  made.tip->height = *height;
  made.tip->hash.fill(static_cast<std::uint8_t>(100 + *height));
  made.tip->hash[0] = 1;
  made.tip->time = 1'700'000'100;
  made.tip->bits = made.rules.initial_bits;
  made.tip->level = 2;
  made.tip->epoch_start_time = made.rules.start_time;
  return made;
}

std::vector<EventRecord> events_of(const JournalAppend& append) {
  base::Bytes framed;
  const std::uint64_t count = append_frames(framed, append.payloads, 1);
  std::vector<EventRecord> events;
  base::ByteSpan rest(framed);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto frame = parse_frame(rest);
    REQUIRE(frame.has_value());
    events.push_back(std::get<EventRecord>(frame->record));
    rest = rest.subspan(frame->bytes);
  }
  return events;
}

class RunningLoop {
 public:
  explicit RunningLoop(CoherenceLoop::Options options = {}) {
    options.kernel = "portable";
    options.verifiers = 2;
    CoherenceLoop::Hooks hooks;
    hooks.job = [this](const NewCoherenceJob& m) { heard_.note([&] { jobs_.push_back(m.job); }); };
    hooks.tip = [this](const CoherenceTip& m) { heard_.note([&] { tips_.push_back(m); }); };
    hooks.status = [this](const CoherenceStatus& m) { heard_.note([&] { status_ = m; }); };
    hooks.journal = [this](const JournalAppend& m) {
      heard_.note([&] {
        CHECK(m.source == journal_source_coherence);
        CHECK_EQ(m.id.value, ++appends_);
        for (const EventRecord& event : events_of(m)) events_.push_back(event);
      });
    };
    loop_ = std::make_unique<CoherenceLoop>(std::move(options), std::move(hooks));
    thread_ = std::thread([this] { loop_->run(); });
  }
  ~RunningLoop() {
    loop_->mailbox().post_reserved(Shutdown{});
    thread_.join();
  }
  void tell(CoherenceMessage message) { REQUIRE(loop_->mailbox().post(std::move(message))); }
  void wait_for_jobs(std::size_t count) {
    heard_.wait_until([&] { return jobs_.size() >= count; });
  }

  coherence_test::Heard heard_;
  std::vector<std::shared_ptr<const CoherenceJob>> jobs_;
  std::vector<CoherenceTip> tips_;
  std::vector<EventRecord> events_;
  CoherenceStatus status_;
  std::uint64_t appends_ = 0;

 private:
  std::unique_ptr<CoherenceLoop> loop_;
  std::thread thread_;
};

base::MonoTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

TEST_CASE("each new tip brings a clean job, and the node loop hears how the chain's begins") {
  RunningLoop loop;
  loop.tell(BitcoinTip{bitcoin_tip(1), now()});
  loop.tell(ChainRead{view(std::nullopt), {}});
  loop.wait_for_jobs(1);
  CHECK_EQ(loop.jobs_[0]->height, 0);
  CHECK(loop.tips_.empty());

  loop.tell(JournalHead{5, {}});
  loop.tell(ChainRead{view(0), {}});
  loop.wait_for_jobs(2);
  CHECK(loop.jobs_[1]->clean);
  CHECK_EQ(loop.jobs_[1]->height, 1);
  CHECK_EQ(loop.jobs_[1]->stretches.size(), 1);
  loop.heard_.wait_until([&] { return loop.tips_.size() == 1; });
  CHECK_EQ(base::to_hex(loop.tips_[0].start), "01646464646464646464646464646464");

  loop.tell(ChainRead{view(0), {}});  // nothing new
  loop.tell(BitcoinTip{bitcoin_tip(2), now()});
  loop.wait_for_jobs(3);
  CHECK(loop.jobs_[2]->bitcoin_tip == bitcoin_tip(2));
  loop.tell(BitcoinTip{bitcoin_tip(1), now()});  // and back
  loop.wait_for_jobs(4);
  CHECK(loop.jobs_[3]->clean);
  CHECK(loop.jobs_[3]->bitcoin_tip == bitcoin_tip(1));
  CHECK_EQ(loop.heard_.read([&] { return loop.tips_.size(); }), 1);
}

TEST_CASE("while the database is away jobs go on from the tip that is known") {
  RunningLoop loop;
  loop.tell(BitcoinTip{bitcoin_tip(1), now()});
  loop.tell(ChainRead{view(3), {}});
  loop.wait_for_jobs(1);
  loop.heard_.wait_until([&] { return loop.status_.database; });
  loop.tell(ChainRead{std::nullopt, "connection refused"});
  loop.heard_.wait_until([&] { return !loop.status_.database; });
  loop.tell(BitcoinTip{bitcoin_tip(2), now()});
  loop.wait_for_jobs(2);
  CHECK_EQ(loop.jobs_[1]->height, 4);
  loop.heard_.wait_until([&] { return loop.status_.jobs == 2; });
  CHECK_EQ(loop.status_.error, "");
  CHECK_EQ(loop.status_.tip->height, 3);
  CHECK_EQ(loop.status_.height, 4);
  CHECK_GE(loop.status_.chain_age_us, 0);
  CHECK_GE(loop.status_.job_age_us, 0);
}

TEST_CASE("a database that was never seen leaves no work, and the status says why") {
  RunningLoop loop;
  loop.tell(BitcoinTip{bitcoin_tip(1), now()});
  loop.tell(ChainRead{std::nullopt, "connection refused"});
  loop.heard_.wait_until([&] { return !loop.status_.error.empty(); });
  CHECK_EQ(loop.status_.error, "the database has not told of the proof chain yet");
  CHECK_EQ(loop.status_.job_age_us, -1);
  CHECK_EQ(loop.status_.chain_age_us, -1);
  CHECK_EQ(loop.status_.kernel, "portable");
  CHECK_EQ(loop.status_.verifiers, 2);
  CHECK(loop.heard_.read([&] { return loop.jobs_.empty(); }));
}

TEST_CASE("rules that differ end the work with one event, until they are the same again") {
  RunningLoop loop;
  loop.tell(BitcoinTip{bitcoin_tip(1), now()});
  loop.tell(ChainRead{view(0), {}});
  loop.wait_for_jobs(1);
  ChainView other = view(0);
  other.rules.block_seconds = 60;
  loop.tell(ChainRead{other, {}});
  loop.tell(ChainRead{other, {}});
  loop.wait_for_jobs(2);
  CHECK(loop.jobs_[1] == nullptr);
  loop.heard_.wait_until([&] { return !loop.status_.conflict.empty(); });
  CHECK_EQ(loop.events_.size(), 1);
  CHECK_EQ(loop.events_[0].severity, "high");
  CHECK_EQ(loop.events_[0].component, "coherence");
  CHECK_EQ(loop.events_[0].message,
           "no coherence work is offered: coherence.block_seconds is 420, but the proof chain in "
           "the database runs with 60");
  loop.tell(ChainRead{view(0), {}});
  loop.wait_for_jobs(3);
  CHECK(loop.jobs_[2] != nullptr);
}

TEST_CASE("rules that differ from the start are told to the shards as well, once") {
  RunningLoop loop;
  ChainView other = view(0);
  other.rules.block_seconds = 60;
  loop.tell(ChainRead{other, {}});
  loop.wait_for_jobs(1);
  CHECK(loop.jobs_[0] == nullptr);
  loop.tell(BitcoinTip{bitcoin_tip(1), now()});
  loop.tell(ChainRead{other, {}});
  loop.tell(ChainRead{view(0), {}});
  loop.wait_for_jobs(2);
  CHECK(loop.jobs_[1] != nullptr);
}

TEST_CASE("verifiers' counts are added up, and false proofs are told, not each of them") {
  RunningLoop loop;
  loop.tell(VerifierCounts{0, 1, 10, 2, 100});
  loop.tell(VerifierCounts{1, 2, 20, 1, 200});
  loop.heard_.wait_until([&] { return !loop.events_.empty(); });
  loop.tell(VerifierCounts{1, 0, 30, 9, 300});
  loop.heard_.wait_until([&] { return loop.status_.counts.verified == 40; });
  CHECK_EQ(loop.status_.counts.waiting, 1);
  CHECK_EQ(loop.status_.counts.false_proofs, 11);
  CHECK_EQ(loop.status_.counts.busy_us, 400);
  CHECK_EQ(loop.events_.size(), 1);
  CHECK_EQ(loop.events_[0].message, "3 coherence proofs were false, and their connections closed");
}

TEST_CASE("that the chain grows is on record, once for what comes close together") {
  RunningLoop loop;
  loop.tell(ChainRead{view(3), {}});  // what was there already
  loop.tell(ChainRead{view(5), {}});
  loop.tell(ChainRead{view(6), {}});
  loop.tell(BitcoinTip{bitcoin_tip(1), now()});
  loop.wait_for_jobs(1);
  loop.heard_.wait_until([&] { return loop.status_.height == 7; });
  REQUIRE_EQ(loop.events_.size(), 1);
  CHECK_EQ(loop.events_[0].severity, "info");
  CHECK_EQ(loop.events_[0].message.find("2 new in the proof chain: block 5 is 0169"), 0);
}

TEST_CASE("a new instance number holds from the next job on") {
  RunningLoop loop;
  loop.tell(BitcoinTip{bitcoin_tip(1), now()});
  loop.tell(JournalHead{5, {}});
  loop.tell(InstanceChanged{9});
  loop.tell(ChainRead{view(0), {}});
  loop.wait_for_jobs(1);
  REQUIRE_EQ(loop.jobs_[0]->stretches.size(), 1);
  CHECK_EQ(loop.jobs_[0]->stretches[0].stretch.pool, 9);
}

}  // namespace pool
