#include "pool/node/header_answer.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

namespace pool {
namespace {

// Bitcoin's second block, as the two nodes put it (Bitcoin Core 27 in hex, bcoin in numbers).
constexpr const char* block_one =
    "00000000839a8e6886ab5951d76f411475428afc90947ee320161bbf18eb6048";
constexpr const char* block_one_hex =
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000982051fd1e4ba744bbbe68"
    "0e"
    "1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299";

std::string fields(const std::string& extra) {
  return fmt::format(
      R"({{"hash":"{}","confirmations":1,"height":1,"version":1,"versionHex":"00000001",)"
      R"("merkleroot":"0e3e2357e806b6cdb1f70b54c3a3a17b6714ee1f0e68bebb44a74b1efd512098",)"
      R"("time":1231469665,"mediantime":1231469665,"difficulty":1,)"
      R"("previousblockhash":"000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"{}}})",
      block_one, extra);
}

const std::string core_tail = R"(,"nonce":2573394689,"bits":"1d00ffff")";
const std::string bcoin_tail = R"(,"bits":486604799)";

bitcoin::BlockHash hash_of(const char* display) {
  return *bitcoin::BlockHash::from_display_hex(display);
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  REQUIRE_NE(at, std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a header is put together from Core's fields, with height and median time") {
  const auto news = parse_header_fields(fields(core_tail), hash_of(block_one));
  REQUIRE(news);
  CHECK_EQ(news->hash, hash_of(block_one));
  REQUIRE(news->header);
  CHECK_EQ(news->header->hash(), hash_of(block_one));
  CHECK_EQ(news->header->nbits, 0x1d00ffff);
  CHECK_EQ(news->height, 1);
  CHECK_EQ(news->median_time, 1'231'469'665);
}

TEST_CASE("bcoin tells no nonce: height and median time, and the bare header is to be asked for") {
  const auto news = parse_header_fields(fields(bcoin_tail), hash_of(block_one));
  REQUIRE(news);
  CHECK_FALSE(news->header);
  CHECK_EQ(news->height, 1);
  const auto header = parse_header_hex(fmt::format("\"{}\"", block_one_hex), hash_of(block_one));
  REQUIRE(header);
  CHECK_EQ(*header, *parse_header_fields(fields(core_tail), hash_of(block_one))->header);
}

TEST_CASE("an answer about something else is no use, and says why") {
  struct Row {
    std::string json;
    const char* why;
  };
  const std::string good = fields(core_tail);
  const Row rows[] = {
      {"", "is not an object"},
      {"[]", "is not an object"},
      {"null", "is not an object"},
      {std::string(100'000, '['), "is not an object"},
      {"{}", "is of another block"},
      {with(good, "\"hash\":\"00", "\"hash\":\"01"), "is of another block"},
      {with(good, "\"confirmations\":1", "\"confirmations\":-1"),
       "is of a block that is not the tip"},
      {with(good, "\"confirmations\":1", "\"confirmations\":2"),
       "is of a block that is not the tip"},
      {with(good, "\"time\":1231469665", "\"time\":1231469666"), "has a header of another hash"},
      {with(good, "\"height\":1", "\"height\":-1"), "has no height"},
      {with(good, "\"height\":1", "\"height\":\"1\""), "has no height"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json.substr(0, 200));
    const auto news = parse_header_fields(row.json, hash_of(block_one));
    REQUIRE_FALSE(news);
    CHECK_NE(news.error().find(row.why), std::string::npos);
  }
  // A field that can't be read leaves out the header, not the rest.
  for (const char* field : {"versionHex", "merkleroot", "\"time\"", "bits", "nonce"}) {
    CAPTURE(field);
    const auto news =
        parse_header_fields(with(good, field, field[0] == '"' ? "\"x\"" : "x"), hash_of(block_one));
    REQUIRE(news);
    CHECK_FALSE(news->header);
  }
  for (const std::string& json :
       {std::string("7"), std::string("\"zz\""), fmt::format("\"{}00\"", block_one_hex),
        fmt::format("\"02{}\"", std::string(block_one_hex).substr(2))}) {
    CAPTURE(json);
    CHECK_FALSE(parse_header_hex(json, hash_of(block_one)));
  }
}

TEST_CASE("the fields are asked for, and the bare header only where it is left out") {
  struct Row {
    const char* why;
    std::vector<std::string> answers;  // "": an error
    std::size_t asked;
    bool told;
  };
  const std::string bare = fmt::format("\"{}\"", block_one_hex);
  const Row rows[] = {
      {"Core", {fields(core_tail)}, 1, true},
      {"bcoin", {fields(bcoin_tail), bare}, 2, true},
      {"an error", {""}, 1, false},
      {"nonsense", {"7"}, 1, false},
      {"an error at last", {fields(bcoin_tail), ""}, 2, false},
      {"nonsense at last", {fields(bcoin_tail), "7"}, 2, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    std::vector<std::string> asked;
    std::vector<TipNews> told;
    const AskHeader ask = [&](std::string params, const rpc::RpcClient::OnAnswer& on_answer) {
      const std::string& answer = row.answers.at(asked.size());
      asked.push_back(std::move(params));
      if (answer.empty()) return on_answer(base::err(rpc::RpcError{}));
      on_answer(rpc::RpcResult(answer));
    };
    ask_header(ask, hash_of(block_one), [&](const TipNews& news) { told.push_back(news); });
    CHECK_EQ(asked.size(), row.asked);
    CHECK_EQ(asked[0], fmt::format("[\"{}\"]", block_one));
    if (row.asked == 2) CHECK_EQ(asked[1], fmt::format("[\"{}\",false]", block_one));
    REQUIRE_EQ(told.size(), row.told ? 1 : 0);
    if (row.told) CHECK_EQ(told[0].header->hash(), hash_of(block_one));
  }
}

}  // namespace pool
