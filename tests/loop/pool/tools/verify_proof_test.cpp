// verify_proof blocks its thread while it asks a node, so the fake node lives on another here. A
// real node, and records as the pool gives them: tests/functional/test_verify_proof.py.
#include "pool/tools/verify_proof.h"

#include "common/uv/mailbox.h"
#include "tests/loop/pool/journal/journal_fixture.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/unit/pool/core/block_proofs.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

using journal_test::TemporaryFolder;
using journal_test::write_file;
using pool::VerifyLine;
using proof_test::Found;
using proof_test::replaced;
using Reply = pool::test::FakeNode::Reply;
using Call = pool::test::FakeNode::Call;

namespace {

constexpr std::chrono::seconds patience{60};

struct Verdict {
  bool all = false;
  std::string text;  // the lines, without the file's path
};

std::string told(const std::vector<VerifyLine>& lines, const std::string& path) {
  std::string text;
  for (const VerifyLine& line : lines) {
    REQUIRE(line.text.starts_with(path + ": "));
    REQUIRE(line.text.find('\n') == std::string::npos);
    text +=
        (line.ok ? "ok " : "FAIL ") + line.part + " " + line.text.substr(path.size() + 2) + "\n";
  }
  return text;
}

Verdict verify(const std::string& json, const std::optional<rpc::RpcEndpoint>& node = {}) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/block.json";
  write_file(path, base::as_bytes(json));
  std::vector<VerifyLine> lines;
  const bool all = pool::verify_proof(path, node, patience,
                                      [&](const VerifyLine& line) { lines.push_back(line); });
  return {all, told(lines, path)};
}

// With a node that answers these two questions.
Verdict verify_at(const std::string& chain_info, const Reply& block_hash) {
  uv::Loop loop;
  pool::test::FakeNode node(loop);
  node.handler = [&](const Call& call) -> std::optional<Reply> {
    if (call.method == "getblockchaininfo") return Reply{chain_info};
    if (call.method != "getblockhash") return Reply{"null", R"({"code":-32601,"message":"?"})"};
    CHECK(call.has("[101]"));
    return block_hash;
  };
  uv::Mailbox<int> done(loop, 1, [&](int&&) { loop.stop(); });
  Verdict verdict;
  std::thread verifier([&, endpoint = node.endpoint()] {
    verdict = verify(Found().work().json(), endpoint);
    CHECK(done.post(1));
  });
  loop.run();
  verifier.join();
  return verdict;
}

std::string chain_info(const std::string& chain, int height) {
  return fmt::format(
      R"({{"chain":"{}","blocks":{},"headers":{},"bestblockhash":"{}","initialblockdownload":false}})",
      chain, height, height, std::string(64, '1'));
}

}  // namespace

TEST_CASE("a true record: what it is, and whom it pays") {
  const Found found = Found().work();
  const Verdict verdict = verify(found.json());
  CHECK(verdict.all);
  CHECK(verdict.text == "ok proof " + found.header.hash().display_hex() +
                            " of height 101 on regtest, difficulty 4.656542e-10, 5000000000 sats, "
                            "found by bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080, worker rig1\n"
                            "ok output 4999000000 sats to "
                            "bcrt1qqurswpc8qurswpc8qurswpc8qurswpc8dxm0gk\n"
                            "ok output 1000000 sats to mgA7SfyBBrVGVSpQ7oqGHPhxpp2gUZWtfc\n"
                            "ok output 0 sats to data 6a02abcd\n");
}

TEST_CASE("each thing that is wrong is a line") {
  const std::string good = Found().work().json();
  std::string bad = replaced(good, R"("height":101)", R"("height":102)");
  bad = replaced(bad, R"("reward_sats":5000000000)", R"("reward_sats":1)");
  const Verdict verdict = verify(bad);
  CHECK(!verdict.all);
  CHECK(verdict.text ==
        "FAIL proof height is 102, but the coinbase says 101\n"
        "FAIL proof reward_sats is 1, but the coinbase pays 5000000000\n");
}

TEST_CASE("what can't be read") {
  CHECK(verify("").text == "FAIL proof it is , not a JSON object\n");
  CHECK(verify(std::string(3'000'000, 'x')).text ==
        "FAIL proof it has 2016385 bytes, expected at most 2016384\n");
  std::vector<VerifyLine> lines;
  const TemporaryFolder folder;
  for (const std::string& path : {folder.path() + "/none", folder.path()}) {
    CHECK(!pool::verify_proof(path, {}, patience,
                              [&](const VerifyLine& line) { lines.push_back(line); }));
  }
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].text == folder.path() + "/none: can't read it");
  CHECK(lines[1].text == folder.path() + ": can't read it to its end");
}

TEST_CASE("a worker's name reaches no terminal as it is, and outputs are told up to a number") {
  Found found;
  found.coinbase.outputs.resize(150, {bitcoin::Sats{0}, base::Bytes{0x51}});
  const Verdict verdict =
      verify(replaced(found.work().json(), R"("rig1")", "\"\\u001b[31m\\nred\""));
  CHECK(verdict.all);
  CHECK(verdict.text.find("worker ?[31m?red\n") != std::string::npos);
  CHECK(verdict.text.ends_with("ok output and 50 more\n"));
}

TEST_CASE("a node that has the block, has another, or can't tell") {
  const std::string hash = Found().work().header.hash().display_hex();
  const std::string other(64, 'a');
  struct Row {
    const char* why;
    std::string info;
    Reply there;
    bool all;
    std::string expected;
  };
  const Row rows[] = {
      {"in the chain", chain_info("regtest", 103), Reply{'"' + hash + '"'}, true,
       "has it in its chain, with 3 confirmations\n"},
      {"its tip", chain_info("regtest", 101), Reply{'"' + hash + '"'}, true,
       "has it in its chain, with 1 confirmations\n"},
      {"orphaned", chain_info("regtest", 103), Reply{'"' + other + '"'}, false,
       "has block " + other + " at height 101, expected " + hash +
           ": it is orphaned, or was never in a chain\n"},
      {"behind", chain_info("regtest", 100), Reply{}, false,
       "is at height 100, expected at least 101\n"},
      {"another network", chain_info("main", 103), Reply{}, false,
       "is on main, expected regtest\n"},
      {"no answer that fits", chain_info("regtest", 103), Reply{"7"}, false,
       "gave no block hash for the height\n"},
      {"no chain info", "7", Reply{}, false, "getblockchaininfo's answer is not an object\n"},
      {"refused", chain_info("regtest", 103), Reply{.status = 401}, false, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const Verdict verdict = verify_at(row.info, row.there);
    CAPTURE(verdict.text);
    CHECK(verdict.all == row.all);
    const std::size_t at = verdict.text.find(row.all ? "\nok node " : "\nFAIL node ");
    REQUIRE(at != std::string::npos);
    CHECK(verdict.text.ends_with(row.expected));
  }
}

TEST_CASE("where the node is") {
  CHECK(!pool::proof_node({})->has_value());
  const auto node = pool::proof_node(
      {.files = {}, .node = "http://[::1]:8332", .user = "u", .password = "p", .cookie_file = "c"});
  REQUIRE(node.has_value());
  REQUIRE(node->has_value());
  CHECK((*node)->host == "::1");
  CHECK((*node)->user == "u");
  CHECK((*node)->password == "p");
  CHECK((*node)->cookie_file == "c");
  const auto bad = pool::proof_node(
      {.files = {}, .node = "127.0.0.1", .user = {}, .password = {}, .cookie_file = {}});
  REQUIRE(!bad.has_value());
  CHECK(bad.error().starts_with("--node: '127.0.0.1'"));
}
