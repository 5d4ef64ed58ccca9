// examine_node blocks its thread, so the fake node lives on another here. What a real node answers
// is in tests/functional/test_check.py.
#include "pool/tools/node_exam.h"

#include "common/uv/clock.h"
#include "common/uv/mailbox.h"
#include "tests/loop/pool/node/fake_node.h"

#include <doctest/doctest.h>

#include <thread>
#include <utility>

using namespace pool;
using namespace std::chrono_literals;

namespace {

using Reply = test::FakeNode::Reply;
using Call = test::FakeNode::Call;
using Scripted = std::map<std::string, Reply>;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  REQUIRE_NE(at, std::string::npos);
  return text.replace(at, what.size(), by);
}

Reply refusal(int code, const std::string& message) {
  return {"null", fmt::format(R"({{"code":{},"message":"{}"}})", code, message), 500};
}

Reply forbidden() { return {"null", "null", 403}; }

// A listener that greets as a ZMQ publisher does.
class Publisher {
 public:
  explicit Publisher(uv::Loop& loop) {
    auto made = uv::TcpListener::listen(loop, {.host = "127.0.0.1"}, {},
                                        [this](std::unique_ptr<uv::TcpStream> stream) {
                                          stream->set_callbacks({});
                                          stream->start_reading();
                                          stream->write(std::string("\xff\0\0\0", 4));
                                          streams_.push_back(std::move(stream));
                                        });
    REQUIRE(made.has_value());
    listener_ = std::move(*made);
  }
  std::string endpoint() const {
    return fmt::format("tcp://127.0.0.1:{}", listener_->bound_port());
  }

 private:
  std::vector<std::unique_ptr<uv::TcpStream>> streams_;
  std::unique_ptr<uv::TcpListener> listener_;
};

struct Exam {
  uv::Loop loop;
  test::FakeNode node{loop};
  Publisher publisher{loop};
  Scripted scripted;
  bool with_zmq = false;
  std::int64_t clock_ahead = 0;
  bool takes_proposals = true;
  NodeExamOptions options;
  std::vector<CheckLine> lines;

  Exam() {
    options.network = bitcoin::Network::regtest;
    options.deadline = 3s;
    options.jobs.payout_script = base::Bytes{0x51};
    scripted["submitblock"] = refusal(-22, "Block decode failed");
    scripted["getzmqnotifications"] =
        Reply{fmt::format(R"([{{"type":"pubhashblock","address":"{0}","hwm":1000}},)"
                          R"({{"type":"pubrawblock","address":"{0}","hwm":1000}}])",
                          publisher.endpoint())};
  }

  void run() {
    node.handler = [this](const Call& call) -> std::optional<Reply> {
      if (const auto at = scripted.find(call.method); at != scripted.end()) return at->second;
      if (call.method == "getblocktemplate") return Reply{timed_template()};
      return std::nullopt;
    };
    NodeConfig config = node.config();
    if (with_zmq) config.zmq = {publisher.endpoint()};
    uv::Mailbox<int> done(loop, 1, [&](int&&) { loop.stop(); });
    std::thread examiner([&] {
      examine_node(config, options, [&](const CheckLine& line) { lines.push_back(line); });
      CHECK(done.post(1));
    });
    loop.run();
    examiner.join();
  }
  std::string timed_template() const {
    const std::int64_t now = uv::read_clock().unix_seconds();
    std::string made = replaced(node.template_json(), "\"curtime\":1700000000",
                                fmt::format("\"curtime\":{}", now + clock_ahead));
    return takes_proposals ? made
                           : replaced(made, "\"version\"", "\"capabilities\":[],\"version\"");
  }
  // The line of this part, of which there is one.
  const CheckLine& line(const std::string& part) const {
    const CheckLine* found = nullptr;
    for (const CheckLine& each : lines) {
      if (each.part != part) continue;
      REQUIRE_MESSAGE(found == nullptr, "two lines of " << part);
      found = &each;
    }
    REQUIRE_MESSAGE(found != nullptr, "no line of " << part);
    return *found;
  }
};

void check_line(const CheckLine& line, bool ok, const std::string& text) {
  CAPTURE(line.text);
  CHECK_EQ(line.ok, ok);
  CHECK_NE(line.text.find(text), std::string::npos);
  CHECK_EQ(line.text.find('\n'), std::string::npos);
}

struct Row {
  const char* why;
  const char* part;
  bool ok;
  const char* expected;
  std::function<void(Exam&)> prepare;
};

void run_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    Exam exam;
    row.prepare(exam);
    exam.run();
    check_line(exam.line(row.part), row.ok, row.expected);
  }
}

}  // namespace

TEST_CASE("a node with nothing wrong has a line for each part, and all are ok") {
  Exam exam;
  exam.with_zmq = true;
  exam.options.wallet = "w";
  exam.scripted["getwalletinfo"] = Reply{R"({"walletname":"w","private_keys_enabled":true})"};
  exam.run();
  for (const char* part : {"node", "template", "proposal", "clock", "zmq", "submit", "wallet"}) {
    check_line(exam.line(part), true, "http://127.0.0.1:" + std::to_string(exam.node.port()));
  }
  CHECK_EQ(exam.lines.size(), 7);
  check_line(exam.line("zmq"), true, "publishes hashblock, rawblock");
  CHECK_EQ(exam.node.submitted, std::vector<std::string>{"00"});
}

TEST_CASE("without a wallet in the config none is asked for") {
  Exam exam;
  exam.run();
  CHECK_EQ(exam.lines.size(), 6);
  CHECK_EQ(exam.node.calls("getwalletinfo"), 0);
}

TEST_CASE("a node that can't be used ends the exam of it") {
  Exam exam;
  exam.node.chain = "main";
  exam.run();
  check_line(exam.line("node"), false, "change \"network\"");
  CHECK_EQ(exam.node.calls("submitblock"), 0);
}

TEST_CASE("what is wrong with a node, and what to do") {
  run_rows({
      {"it knows more headers than blocks", "node", false, "headers up to 110: wait",
       [](Exam& e) {
         e.scripted["getblockchaininfo"] =
             Reply{fmt::format(R"({{"chain":"regtest","blocks":100,"headers":110,)"
                               R"("bestblockhash":"{}"}})",
                               test::numbered_hash(1).display_hex())};
       }},
      {"a block or two on their way are no reason", "node", true, "height 100",
       [](Exam& e) {
         e.scripted["getblockchaininfo"] =
             Reply{fmt::format(R"({{"chain":"regtest","blocks":100,"headers":102,)"
                               R"("bestblockhash":"{}"}})",
                               test::numbered_hash(1).display_hex())};
       }},
      {"no segwit", "template", false, "has no segwit",
       [](Exam& e) {
         e.node.chain = "main";
         e.options.network = bitcoin::Network::mainnet;
         e.scripted["getblocktemplate"] =
             Reply{replaced(e.timed_template(), "\"207fffff\"", "\"1d00ffff\"")};
       }},
      {"no segwit yet", "template", true, "not active", [](Exam&) {}},
      {"our block would be taken", "proposal", true, "would take our block of 1 transactions",
       [](Exam&) {}},
      {"our block would be refused", "proposal", false, "would refuse our block: \"bad-cb-length\"",
       [](Exam& e) { e.node.on_proposal = "\"bad-cb-length\""; }},
      {"no job can be made", "proposal", false, "no job can be built",
       [](Exam& e) { e.options.jobs.payout_script = base::Bytes(2'000'000, 1); }},
      {"the tip changed meanwhile", "proposal", true, "is not told",
       [](Exam& e) { e.node.on_proposal = "\"inconclusive-not-best-prevblk\""; }},
      {"a node without proposals", "proposal", true, "is not told",
       [](Exam& e) { e.takes_proposals = false; }},
      {"a clock that is a little off is told", "clock", true, "20 s behind",
       [](Exam& e) { e.clock_ahead = -20; }},
      {"a wrong clock", "clock", false, "ahead of this machine's: set both right",
       [](Exam& e) { e.clock_ahead = 75; }},
      {"a wrong clock", "clock", false, "behind this machine's: set both right",
       [](Exam& e) { e.clock_ahead = -75; }},
      {"submitblock forbidden", "submit", false, "refuses submitblock to this user: add it to rpcw",
       [](Exam& e) { e.scripted["submitblock"] = forbidden(); }},
      {"several forbidden", "submit", false, "rpcwhitelist=u:...,submitblock,getblockheader",
       [](Exam& e) {
         e.scripted["submitblock"] = forbidden();
         e.scripted["getblockheader"] = forbidden();
       }},
      {"no submitblock", "submit", false, "has no submitblock",
       [](Exam& e) { e.scripted["submitblock"] = refusal(-32601, "Method not found"); }},
      {"bcoin knows no preciousblock", "submit", true, "takes blocks",
       [](Exam& e) { e.scripted["preciousblock"] = refusal(-32601, "Method not found"); }},
  });
}

TEST_CASE("what is wrong with its announcements") {
  run_rows({
      {"no ZMQ configured", "zmq", true, "none configured", [](Exam&) {}},
      {"rawblock is missing", "zmq", true, "publishes hashblock; with -zmqpubrawblock=tcp://",
       [](Exam& e) {
         e.with_zmq = true;
         e.scripted["getzmqnotifications"] = Reply{
             fmt::format(R"([{{"type":"pubhashblock","address":"{}"}}])", e.publisher.endpoint())};
       }},
      {"nothing of use is published", "zmq", false, "publishes no blocks there: start bitcoind",
       [](Exam& e) {
         e.with_zmq = true;
         e.scripted["getzmqnotifications"] =
             Reply{fmt::format(R"([{{"type":"pubrawtx","address":"{}"}},)"
                               R"({{"type":"pubhashblock","address":"tcp://127.0.0.1:1"}}])",
                               e.publisher.endpoint())};
       }},
      {"bound to any address", "zmq", true, "publishes hashblock",
       [](Exam& e) {
         e.with_zmq = true;
         const std::string endpoint = e.publisher.endpoint();
         e.scripted["getzmqnotifications"] =
             Reply{fmt::format(R"([{{"type":"pubhashblock","address":"tcp://0.0.0.0{}"}}])",
                               endpoint.substr(endpoint.rfind(':')))};
       }},
      {"a node that does not tell", "zmq", true, "not told by this node",
       [](Exam& e) {
         e.with_zmq = true;
         e.scripted["getzmqnotifications"] = refusal(-32601, "Method not found");
       }},
  });
}

TEST_CASE("what is wrong with the wallet") {
  run_rows({
      {"no such wallet", "wallet", false, "loadwallet",
       [](Exam& e) {
         e.options.wallet = "w";
         e.scripted["getwalletinfo"] = refusal(-18, "Requested wallet does not exist");
       }},
      {"a locked wallet", "wallet", false, "walletpassphrase",
       [](Exam& e) {
         e.options.wallet = "w";
         e.scripted["getwalletinfo"] = Reply{R"({"unlocked_until":0})"};
       }},
      {"a wallet without keys", "wallet", false, "only watches",
       [](Exam& e) {
         e.options.wallet = "w";
         e.scripted["getwalletinfo"] = Reply{R"({"private_keys_enabled":false})"};
       }},
      {"a node without wallets", "wallet", false, "-disablewallet",
       [](Exam& e) {
         e.options.wallet = "w";
         e.scripted["getwalletinfo"] = refusal(-32601, "Method not found");
       }},
      {"bcoin's wallet is elsewhere", "wallet", true, "not told by this node",
       [](Exam& e) {
         e.options.wallet = "w";
         e.scripted["getnetworkinfo"] = Reply{R"({"subversion":"/bcoin:2.2.0/"})"};
         e.scripted["getwalletinfo"] = refusal(-32601, "Method not found");
       }},
      {"a wallet that may not be asked", "wallet", false, "rpcwhitelist",
       [](Exam& e) {
         e.options.wallet = "w";
         e.scripted["getwalletinfo"] = forbidden();
       }},
  });
}

TEST_CASE("a publisher that is not there is named, with the option to start it") {
  Exam exam;
  NodeConfig config = exam.node.config();
  config.rpc = "http://127.0.0.1:1";
  config.zmq = {"tcp://127.0.0.1:1", "tcp://nonsense"};
  std::vector<CheckLine> lines;
  examine_node(config, exam.options, [&](const CheckLine& line) { lines.push_back(line); });
  REQUIRE_EQ(lines.size(), 3);
  CHECK_EQ(lines[0].part, "node");
  check_line(lines[1], false, "start bitcoind with -zmqpubhashblock=tcp://127.0.0.1:1");
  check_line(lines[2], false, "tcp://nonsense: the port is missing");
}

TEST_CASE("the name of a wallet goes into the path whole") {
  Exam exam;
  exam.options.wallet = "my wallet/1%";
  exam.scripted["getwalletinfo"] = Reply{"{}"};
  exam.run();
  CHECK_EQ(exam.node.targets.back(), "/wallet/my%20wallet%2F1%25");
}

TEST_CASE("how far a clock is off, as a template's time tells") {
  struct Row {
    const char* why;
    std::int64_t curtime, mintime, asked, came, skew;
  };
  const Row rows[] = {
      {"the same", 1000, 900, 1000, 1000, 0},
      {"while we waited", 1003, 900, 1000, 1005, 0},
      {"ahead", 1030, 900, 1000, 1002, 28},
      {"behind", 970, 900, 1000, 1002, -30},
      {"the chain's time is ahead of everybody's", 1500, 1500, 1000, 1002, 0},
      {"behind at least so far", 970, 970, 1000, 1002, -30},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    CHECK_EQ(clock_skew_seconds(row.curtime, row.mintime, row.asked, row.came), row.skew);
  }
}
