#include "pool/store/chain_loop.h"

#include "tests/loop/pool/coherence/heard.h"
#include "tests/loop/pool/store/store_fixture.h"

#include <doctest/doctest.h>

#include <atomic>

using namespace store_test;

namespace {

constexpr pool::JournalUuid own_journal{1};

class RunningChain {
 public:
  explicit RunningChain(pool::ChainLoop::Options options)
      : loop_(std::move(options), {[this](pool::ChainRead read) {
                heard_.note([&] {
                  last_ = std::move(read);
                  ++reads_;
                });
              }}),
        thread_([this] { loop_.run(); }) {}
  ~RunningChain() {
    loop_.interrupt();
    loop_.mailbox().post_reserved(pool::Shutdown{});
    thread_.join();
  }
  template <class Condition>
  void wait_for_view(Condition condition) {
    heard_.wait_until([&] { return last_.view && condition(*last_.view); });
  }

  coherence_test::Heard heard_;
  pool::ChainRead last_;
  int reads_ = 0;
  pool::ChainLoop loop_;

 private:
  std::thread thread_;
};

pool::ChainLoop::Options options_for(const std::string& database) {
  pool::ChainLoop::Options options;
  options.database = database;
  options.pool = 7;
  options.journal = own_journal;
  options.period = 20ms;
  return options;
}

pool::JournalHead head(std::uint64_t sequence, std::uint8_t byte) {
  pool::JournalHead made{sequence, {}};
  made.head.fill(byte);
  return made;
}

}  // namespace

TEST_CASE("the first pool begins the chain with its rules, and later ones hear of those") {
  const std::string database = migrated_database();
  auto options = options_for(database);
  options.rules.block_seconds = 60;
  options.rules.initial_bits = 0x207fffff;
  RunningChain first(options);
  first.wait_for_view([](const auto&) { return true; });
  CHECK_EQ(first.last_.view->rules.block_seconds, 60);
  CHECK_EQ(first.last_.view->rules.retarget_blocks, 123);
  CHECK_EQ(first.last_.view->rules.initial_bits, 0x207fffff);
  CHECK_GT(first.last_.view->rules.start_time, 1'700'000'000);
  CHECK_FALSE(first.last_.view->tip);
  CHECK(first.last_.view->heads.empty());
  CHECK(first.last_.view->committed ==
        std::map<pool::JournalUuid, std::uint64_t>{{own_journal, 0}});

  RunningChain second(options_for(database));
  second.wait_for_view([](const auto&) { return true; });
  CHECK(second.last_.view->rules == first.heard_.read([&] { return first.last_.view->rules; }));
}

TEST_CASE("each pool's head reaches the others, the newest") {
  const std::string database = migrated_database();
  RunningChain first(options_for(database));
  auto options = options_for(database);
  options.pool = 3;
  options.journal = pool::JournalUuid{2};
  RunningChain second(options);
  REQUIRE(first.loop_.mailbox().post(head(5, 0xaa)));
  REQUIRE(second.loop_.mailbox().post(head(8, 0xbb)));
  for (RunningChain* chain : {&first, &second}) {
    chain->wait_for_view([](const auto& view) { return view.heads.size() == 2; });
    const auto heads = chain->heard_.read([&] { return chain->last_.view->heads; });
    CHECK(heads[0] == pool::ChainView::Head{3, pool::JournalUuid{2}, head(8, 0xbb)});
    CHECK(heads[1] == pool::ChainView::Head{7, own_journal, head(5, 0xaa)});
  }
  REQUIRE(first.loop_.mailbox().post(head(6, 0xcc)));
  second.wait_for_view([](const auto& view) { return view.heads[1].at == head(6, 0xcc); });
  REQUIRE(first.loop_.mailbox().post(pool::InstanceChanged{9}));
  second.wait_for_view([](const auto& view) {
    return view.heads.size() == 2 && view.heads[1].pool == 9 && view.heads[1].at == head(6, 0xcc);
  });
}

TEST_CASE("a notification brings the chain at once, without waiting for the next look") {
  const std::string database = migrated_database();
  auto options = options_for(database);
  options.period = 1h;
  RunningChain chain(options);
  chain.wait_for_view([](const auto&) { return true; });
  const int reads = chain.heard_.read([&] { return chain.reads_; });
  // What nobody told of is not seen; with the notification it is.
  ask(database,
      "SELECT publish_coherence_head(4, '00000000-0000-0000-0000-000000000005', 9,"
      " sha256('x')) IS NULL");
  CHECK_EQ(chain.heard_.read([&] { return chain.reads_; }), reads);
  ask(database, "SELECT pg_notify('coherence_chain', '0')");
  chain.wait_for_view([](const auto& view) { return view.heads.size() == 1; });
}

TEST_CASE("a lost connection is told, and another takes its place and listens too") {
  const std::string database = migrated_database();
  auto options = options_for(database);
  RunningChain chain(options);
  REQUIRE(chain.loop_.mailbox().post(head(5, 0xaa)));
  chain.wait_for_view([](const auto& view) { return view.heads.size() == 1; });
  const auto cut = [&] {
    ask(database,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE application_name = 'phasepool_chain' AND datname = current_database()");
  };
  std::atomic<bool> told = false;
  cut();
  chain.heard_.wait_until([&] {
    told = told || !chain.last_.error.empty();
    return told && chain.last_.view.has_value();
  });
  ask(database, "SELECT pg_notify('coherence_chain', '0')");
  const int reads = chain.heard_.read([&] { return chain.reads_; });
  chain.heard_.wait_until([&] { return chain.reads_ > reads; });
}

TEST_CASE("without a database there is an error, and no view") {
  RunningChain chain(options_for("postgresql:///nothing?host=/nowhere"));
  chain.heard_.wait_until([&] { return chain.reads_ > 0; });
  CHECK_FALSE(chain.last_.view);
  CHECK_FALSE(chain.last_.error.empty());
}

TEST_CASE("without the schema there is an error that says so") {
  RunningChain chain(options_for(PrivatePostgres::instance().make_database()));
  chain.heard_.wait_until([&] { return chain.reads_ > 0; });
  CHECK_NE(chain.last_.error.find("phasepool migrate"), std::string::npos);
}
