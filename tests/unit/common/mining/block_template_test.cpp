// Whole answers of real nodes. The rules for single fields are in template_fields_test.cpp.
#include "common/mining/block_template.h"

#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/transaction.h"
#include "tests/unit/common/mining/vectors.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using mining::BlockTemplate;
using mining_test::vector_text;

namespace {

BlockTemplate parse(const std::string& json) {
  auto parsed = mining::parse_block_template(json);
  REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().field + ": " + parsed.error().why));
  return std::move(*parsed);
}

std::string error_of(const std::string& json) {
  const auto parsed = mining::parse_block_template(json);
  REQUIRE_FALSE(parsed);
  return parsed.error().field + ": " + parsed.error().why;
}

// What the answer says of each transaction, recomputed from the bytes that were kept.
void check_transactions(const BlockTemplate& block_template, const std::string& file) {
  const auto json = mining_test::vector_json(file);
  const auto& listed = json["transactions"];
  REQUIRE_EQ(block_template.txids.size(), listed.Size());
  base::ByteSpan rest = block_template.transactions;
  std::vector<bitcoin::Wtxid> wtxids;
  std::int64_t fees = 0;
  std::uint64_t weight = 0;
  for (rapidjson::SizeType i = 0; i < listed.Size(); ++i) {
    const std::size_t size = listed[i]["data"].GetStringLength() / 2;
    REQUIRE_LE(size, rest.size());
    const auto transaction = bitcoin::Transaction::parse(rest.first(size));
    REQUIRE(transaction);
    CHECK_EQ(transaction->txid().display_hex(), listed[i]["txid"].GetString());
    CHECK_EQ(transaction->txid().bytes, block_template.txids[i].bytes);
    CHECK_EQ(transaction->wtxid().display_hex(), listed[i]["hash"].GetString());
    wtxids.push_back(transaction->wtxid());
    fees += listed[i]["fee"].GetInt64();
    weight += listed[i]["weight"].GetUint64();
    rest = rest.subspan(size);
  }
  CHECK(rest.empty());
  CHECK_EQ(block_template.fees.value, fees);
  CHECK_EQ(block_template.transactions_weight, weight);
  REQUIRE(block_template.default_witness_commitment);
  CHECK_EQ(bitcoin::witness_commitment_script(wtxids), *block_template.default_witness_commitment);
}

}  // namespace

TEST_CASE("Bitcoin Core 27.0 on regtest") {
  const BlockTemplate parsed = parse(vector_text("gbt_core_regtest.json"));
  CHECK_EQ(parsed.prev_hash.display_hex(),
           "184d4cdd1fe1e38cf413b4c416b60413795c1c1f855737e5a46b2ef7c042d681");
  CHECK_EQ(parsed.version, 0x20000000u);
  CHECK_EQ(parsed.nbits, 0x207fffffu);
  CHECK_EQ(parsed.network_target.display_hex(), "7fffff" + std::string(58, '0'));
  CHECK_EQ(parsed.height, 111);
  CHECK_EQ(parsed.curtime, 1795218243u);
  CHECK_EQ(parsed.mintime, 1795218243u);
  CHECK_EQ(parsed.coinbase_value.value, 5000007370);
  CHECK_EQ(parsed.fees.value, 7370);
  CHECK_EQ(parsed.longpollid,
           "184d4cdd1fe1e38cf413b4c416b60413795c1c1f855737e5a46b2ef7c042d681116");
  CHECK_EQ(parsed.transactions_sigops, 13);
  check_transactions(parsed, "gbt_core_regtest.json");
}

TEST_CASE("bcoin 1.0.2 on regtest") {
  const BlockTemplate parsed = parse(vector_text("gbt_bcoin_regtest.json"));
  CHECK_EQ(parsed.height, 451);
  CHECK_EQ(parsed.nbits, 0x207fffffu);
  CHECK_EQ(parsed.coinbase_value.value, 625006000);
  CHECK_EQ(parsed.fees.value, 6000);
  CHECK_EQ(parsed.longpollid.size(), 72);
  check_transactions(parsed, "gbt_bcoin_regtest.json");
}

TEST_CASE("an answer cut anywhere is an error, never a template") {
  const std::string whole = vector_text("gbt_core_regtest.json");
  const std::size_t end = whole.find_last_of('}');
  for (std::size_t length = 0; length <= end; length += 7) {
    CAPTURE(length);
    REQUIRE_FALSE(mining::parse_block_template(whole.substr(0, length)));
  }
  REQUIRE(mining::parse_block_template(whole.substr(0, end + 1)));
}

TEST_CASE("in place: whatever stands behind the answer, and wherever it begins in memory") {
  const std::string whole = vector_text("gbt_core_regtest.json");
  const BlockTemplate expected = parse(whole);
  for (std::size_t offset = 0; offset < 16; ++offset) {
    CAPTURE(offset);
    std::vector<char> buffer(offset + whole.size() + mining::json_padding_bytes, '"');
    whole.copy(buffer.data() + offset, whole.size());
    const auto parsed =
        mining::parse_block_template_in_place({buffer.data() + offset, whole.size()});
    REQUIRE(parsed);
    CHECK(parsed->transactions == expected.transactions);
    CHECK(parsed->txids == expected.txids);
    CHECK_EQ(parsed->longpollid, expected.longpollid);
  }
}

TEST_CASE("answers that are not an object of JSON") {
  CHECK_EQ(error_of("").find("json: not valid at byte 0: "), 0);
  CHECK_EQ(error_of("null"), "json: the answer is not an object");
  CHECK_EQ(error_of("[]"), "json: the answer is not an object");
  CHECK_EQ(error_of("\"duplicate\""), "json: the answer is not an object");
  CHECK_EQ(error_of("{\"a\":1,}").find("json: not valid at byte "), 0);
  CHECK_EQ(error_of("{\"a\":" + std::string(100'000, '[')), "json: it is nested too deeply");
  CHECK_EQ(error_of("{\"transactions\":[{\"depends\":" + std::string(100'000, '[')),
           "json: it is nested too deeply");
}
