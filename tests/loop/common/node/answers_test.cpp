#include "common/node/answers.h"

#include <doctest/doctest.h>

#include <string>

namespace node {

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

TEST_CASE("getblocktemplate is asked with the rules of its chain") {
  using bitcoin::Network;
  CHECK_EQ(template_params(Network::mainnet), R"([{"rules":["segwit"]}])");
  CHECK_EQ(template_params(Network::regtest, R"("longpollid":"x",)"),
           R"([{"longpollid":"x","rules":["segwit"]}])");
  CHECK_EQ(template_params(Network::regtest, long_poll_member("a\"b\\\n" + std::string(600, 'x'))),
           R"([{"longpollid":"ab)" + std::string(507, 'x') + R"(","rules":["segwit"]}])");
  CHECK_EQ(long_poll_member(""), "");
  CHECK_EQ(template_params(Network::regtest, proposal_members("00")),
           R"([{"mode":"proposal","data":"00","rules":["segwit"]}])");
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

TEST_CASE("the height of a header") {
  CHECK_EQ(parse_header_height(R"({"hash":"00","confirmations":1,"height":812})"), 812);
  for (const char* json : {"", "null", "812", "{}", R"({"height":"812"})", R"({"height":-1})"}) {
    CHECK_FALSE(parse_header_height(json));
  }
}

}  // namespace node
