#include "pool/node/node_answers.h"

#include <doctest/doctest.h>

#include <string>

namespace pool {

TEST_CASE("getblockchaininfo of Bitcoin Core 27 and of bcoin 1.0.2") {
  const std::string hash(64, 'a');
  const auto core = parse_chain_info(
      R"({"chain":"main","blocks":812,"headers":900,"signet_challenge":"51","bestblockhash":")" +
      hash + R"(","difficulty":1,"verificationprogress":0.25,"initialblockdownload":true})");
  REQUIRE(core);
  CHECK_EQ(core->chain, "main");
  CHECK_EQ(core->height, 812);
  CHECK_EQ(core->headers, 900);
  CHECK_EQ(core->signet_challenge, "51");
  CHECK_EQ(core->tip.display_hex(), hash);
  CHECK(core->initial_download);
  CHECK_EQ(core->verification_progress, 0.25);

  const auto bcoin =
      parse_chain_info(R"({"chain":"regtest","blocks":0,"bestblockhash":")" + hash + R"("})");
  REQUIRE(bcoin);
  CHECK_FALSE(bcoin->initial_download);
  CHECK_EQ(bcoin->headers, bcoin->height);
}

TEST_CASE("a getblockchaininfo that can't be right is refused with its reason") {
  struct Row {
    const char* json;
    const char* why;
  };
  const Row rows[] = {
      {"", "is not an object"},
      {"7", "is not an object"},
      {"{", "is not an object"},
      {R"({"blocks":1})", "has no chain"},
      {R"({"chain":1,"blocks":1})", "has no chain"},
      {R"({"chain":"main","blocks":-1})", "has no block count"},
      {R"({"chain":"main","blocks":"1"})", "has no block count"},
      {R"({"chain":"main","blocks":1})", "has no best block hash"},
      {R"({"chain":"main","blocks":1,"bestblockhash":"00"})", "has no best block hash"},
      {R"({"chain":"main","blocks":1,"bestblockhash":null})", "has no best block hash"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.json));
    const auto info = parse_chain_info(row.json);
    REQUIRE_FALSE(info);
    CHECK_EQ(info.error(), std::string("getblockchaininfo's answer ") + row.why);
  }
}

TEST_CASE("which chains can be mined on") {
  using bitcoin::Network;
  struct Row {
    const char* why;
    const char* chain;
    bool initial_download;
    Network network;
    const char* objection;  // part of it; empty: none
  };
  const Row rows[] = {
      {"mainnet, as the node names it", "main", false, Network::mainnet, ""},
      {"testnet, likewise", "test", false, Network::testnet, ""},
      {"testnet4", "testnet4", false, Network::testnet4, ""},
      {"regtest", "regtest", false, Network::regtest, ""},
      {"a fresh regtest chain leaves initial download by being mined on", "regtest", true,
       Network::regtest, ""},
      {"elsewhere initial download is waited for", "main", true, Network::mainnet,
       "still in initial block download (height 5, 50.0 % verified): wait"},
      {"the node is on another chain than the config", "main", false, Network::regtest,
       "is on chain \"main\", but the config's network is \"regtest\": change"},
      {"a chain nobody knows", "moon", false, Network::mainnet, "is on chain \"moon\""},
      {"signet, whose challenge its template tells", "signet", false, Network::signet, ""},
      {"a signet with blocks to come", "signet", true, Network::signet,
       "still in initial block download"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    ChainInfo info;
    info.chain = row.chain;
    info.height = 5;
    info.headers = 6;
    info.initial_download = row.initial_download;
    info.verification_progress = 0.5;
    const std::string objection = chain_objection(info, row.network);
    CHECK_EQ(objection.empty(), std::string(row.objection).empty());
    CHECK_NE(objection.find(row.objection), std::string::npos);
  }
}

TEST_CASE("a signet by its challenge, where the node tells it, and by how far it is") {
  ChainInfo info;
  info.chain = "signet";
  for (const char* good : {"", "51", "60", "4f"}) {
    CAPTURE(std::string(good));
    info.signet_challenge = good;
    CHECK_EQ(chain_objection(info, bitcoin::Network::signet), "");
  }
  for (const char* bad : {"00", "5151", "zz", "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e44564"}) {
    CAPTURE(std::string(bad));
    info.signet_challenge = bad;
    const std::string objection = chain_objection(info, bitcoin::Network::signet);
    CHECK_NE(objection.find("the merkle root (BIP325)"), std::string::npos);
  }
  // A chain of one's own that has been left alone for a day; its next block ends the download.
  info.signet_challenge.clear();
  info.initial_download = true;
  CHECK_EQ(chain_objection(info, bitcoin::Network::signet), "");
  info.headers = info.height + 1;
  CHECK_NE(chain_objection(info, bitcoin::Network::signet), "");
}

TEST_CASE("getblocktemplate is asked with the rules of its chain") {
  using bitcoin::Network;
  CHECK_EQ(template_params(Network::mainnet), R"([{"rules":["segwit"]}])");
  CHECK_EQ(template_params(Network::regtest, R"("longpollid":"x",)"),
           R"([{"longpollid":"x","rules":["segwit"]}])");
  CHECK_EQ(template_params(Network::signet), R"([{"rules":["segwit","signet"]}])");
}

TEST_CASE("what submitblock's answer means") {
  struct Row {
    const char* json;
    SubmitVerdict verdict;
    const char* reason;
  };
  const Row rows[] = {
      {"null", SubmitVerdict::accepted, ""},
      {R"("duplicate")", SubmitVerdict::unsure, "duplicate"},
      {R"("inconclusive")", SubmitVerdict::unsure, "inconclusive"},
      {R"("duplicate-inconclusive")", SubmitVerdict::unsure, "duplicate-inconclusive"},
      {R"("duplicate-invalid")", SubmitVerdict::rejected, "duplicate-invalid"},
      {R"("bad-txnmrklroot")", SubmitVerdict::rejected, "bad-txnmrklroot"},
      {R"("high-hash")", SubmitVerdict::rejected, "high-hash"},
      {R"("rejected: bad-cb-amount")", SubmitVerdict::rejected, "bad-cb-amount"},  // bcoin
      {R"("prev-blk-not-found")", SubmitVerdict::not_yet, "prev-blk-not-found"},
      {R"("time-too-new")", SubmitVerdict::not_yet, "time-too-new"},
      {R"("rejected: bad-prevblk")", SubmitVerdict::not_yet, "bad-prevblk"},  // bcoin
      {R"("time-too-old")", SubmitVerdict::rejected, "time-too-old"},
      {R"("rejected: duplicate")", SubmitVerdict::unsure, "duplicate"},
      {"{}", SubmitVerdict::unsure, "an answer that is not text"},
      {"nul", SubmitVerdict::unsure, "an answer that is not JSON"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.json));
    const SubmitAnswer answer = parse_submit_answer(row.json);
    CHECK(answer.verdict == row.verdict);
    CHECK_EQ(answer.reason, row.reason);
  }
  CHECK_EQ(parse_submit_answer("\"" + std::string(5000, 'x') + "\"").reason.size(), 200);
}

TEST_CASE("an answer that is nested without end is only a bad answer") {
  const std::string deep(3'000'000, '[');
  CHECK_FALSE(parse_best_block(deep));
  CHECK(parse_submit_answer(deep).verdict == SubmitVerdict::unsure);
  CHECK_EQ(parse_number(deep), std::nullopt);
}

TEST_CASE("small answers, and answers that are something else") {
  const std::string hash(64, 'b');
  CHECK_EQ(parse_best_block("\"" + hash + "\"")->display_hex(), hash);
  CHECK_FALSE(parse_best_block("\"bb\""));
  CHECK_FALSE(parse_best_block("null"));
  CHECK_EQ(parse_subversion(R"({"subversion":"/Satoshi:27.0.0/"})"), "/Satoshi:27.0.0/");
  CHECK_EQ(parse_subversion(R"({"subversion":27})"), "");
  CHECK_EQ(parse_subversion("[]"), "");
  CHECK_EQ(parse_number("1.5e3"), 1500.0);
  CHECK_EQ(parse_number("\"1\""), std::nullopt);
  CHECK_EQ(parse_confirmations(R"({"confirmations":-1})"), -1);
  CHECK_EQ(parse_confirmations(R"({"confirmations":3})"), 3);
  CHECK_EQ(parse_confirmations("{}"), std::nullopt);
}

TEST_CASE("every failure names the node and what to do") {
  using Kind = rpc::RpcError::Kind;
  struct Row {
    Kind kind;
    int code;
    const char* remedy;
  };
  const Row rows[] = {
      {Kind::unreachable, 0, "is bitcoind running there with server=1?"},
      {Kind::timeout, 0, "overloaded"},
      {Kind::unauthorized, 0, "check \"cookie_file\""},
      {Kind::cookie, 0, "may this user read the file?"},
      {Kind::bad_answer, 0, "is \"rpc\" the node's RPC port?"},
      {Kind::node_error, -28, "starting up"},
      {Kind::node_error, -9, "no peers"},
      {Kind::node_error, -10, "until the node has caught up"},
      {Kind::node_error, -32601, "Bitcoin Core 25"},
      {Kind::node_error, -1, "what happened"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.remedy));
    const rpc::RpcError error{row.kind, row.code, "10.0.0.1:8332 getblockcount: what happened"};
    const std::string text = describe_failure(error, {});
    CHECK_EQ(text.find("node 10.0.0.1:8332 getblockcount: what happened"), 0);
    CHECK_NE(text.find(row.remedy), std::string::npos);
    CHECK_EQ(text.find('\n'), std::string::npos);
  }
}

TEST_CASE("the height of a header") {
  CHECK_EQ(parse_header_height(R"({"hash":"00","confirmations":1,"height":812})"), 812);
  for (const char* json : {"", "null", "812", "{}", R"({"height":"812"})", R"({"height":-1})"}) {
    CHECK_FALSE(parse_header_height(json));
  }
}

}  // namespace pool
