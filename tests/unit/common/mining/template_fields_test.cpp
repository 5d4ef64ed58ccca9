// The rules for each field of a getblocktemplate answer, through the whole parser.
#include "common/mining/template_fields.h"

#include "common/bitcoin/transaction.h"
#include "tests/unit/common/mining/vectors.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

using mining::BlockTemplate;

namespace {

using Object = std::map<std::string, std::string>;  // name to raw JSON

std::string to_json(const Object& object) {
  std::string out = "{";
  for (const auto& [name, value] : object) {
    if (out.size() > 1) out += ',';
    out += "\"" + name + "\":" + value;
  }
  return out + "}";
}

Object transaction() {
  return {{"data", "\"0102\""}, {"txid", "\"" + std::string(64, 'a') + "\""}, {"weight", "400"}};
}

// The least that a template must have.
Object least() {
  return {{"previousblockhash", "\"" + std::string(64, '1') + "\""},
          {"version", "536870912"},
          {"bits", "\"207fffff\""},
          {"height", "111"},
          {"curtime", "1750362327"},
          {"coinbasevalue", "5000000000"},
          {"transactions", "[]"}};
}

Object with(Object object, const std::string& name, const std::string& value) {
  object[name] = value;
  return object;
}

Object without(Object object, const std::string& name) {
  object.erase(name);
  return object;
}

Object with_transaction(const Object& one) {
  return with(least(), "transactions", "[" + to_json(transaction()) + "," + to_json(one) + "]");
}

std::string error_of(const Object& object) {
  const auto parsed = mining::parse_block_template(to_json(object));
  REQUIRE_FALSE(parsed);
  return parsed.error().field + ": " + parsed.error().why;
}

BlockTemplate parse(const Object& object) {
  auto parsed = mining::parse_block_template(to_json(object));
  REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().field + ": " + parsed.error().why));
  return std::move(*parsed);
}

}  // namespace

TEST_CASE("before segwit, and from a server that tells little") {
  const BlockTemplate parsed = parse(least());
  CHECK_FALSE(parsed.default_witness_commitment);
  CHECK_EQ(parsed.mintime, 0);
  CHECK_EQ(parsed.longpollid, "");
  CHECK_EQ(parsed.fees.value, 0);
  CHECK(parsed.txids.empty());
  CHECK_FALSE(
      parse(with(least(), "default_witness_commitment", "null")).default_witness_commitment);
}

TEST_CASE("what we do not use may be anything") {
  for (const char* value :
       {"null", "true", "[1,[2]]", "{\"flags\":\"0a\",\"x\":{\"y\":[]}}", "1e300", "-1"}) {
    CAPTURE(value);
    CHECK_EQ(parse(with(least(), "coinbaseaux", value)).height, 111);
    CHECK_EQ(parse(with_transaction(with(transaction(), "depends", value))).txids.size(), 2);
  }
  // Names of fields that we use, where they mean something else.
  CHECK_EQ(parse(with(least(), "coinbaseaux",
                      "{\"height\":\"x\",\"transactions\":[5],\"rules\":[\"!x\"]}"))
               .height,
           111);
}

TEST_CASE("each needed field, when it is missing") {
  for (const auto& [name, value] : least()) {
    CAPTURE(name);
    CHECK_EQ(error_of(without(least(), name)), name + ": it is missing");
  }
}

TEST_CASE("each field, when it is wrong") {
  struct Row {
    const char* name;
    std::string value;
    const char* error;
  };
  const Row rows[] = {
      {"bits", "\"zz\"", "bits: \"zz\" is not 8 hex digits"},
      {"bits", "486604799", "bits: 486604799 is not 8 hex digits"},
      {"bits", "\"04923456\"", "bits: \"04923456\" is not the compact form of a target"},
      {"bits", "\"00000000\"", "bits: \"00000000\" is not the compact form of a target"},
      {"previousblockhash", "\"12\"", "previousblockhash: \"12\" is not 64 hex digits"},
      {"previousblockhash", "null", "previousblockhash: null is not 64 hex digits"},
      {"previousblockhash", "{}", "previousblockhash: an array or object is not 64 hex digits"},
      {"version", "4294967296",
       "version: 4294967296 is not an integer from -2147483648 to 4294967295"},
      {"version", "1.5",
       "version: a number that is no 64-bit integer is not an integer from -2147483648 to "
       "4294967295"},
      {"height", "0", "height: 0 is not an integer from 1 to 2147483647"},
      {"height", "-1", "height: -1 is not an integer from 1 to 2147483647"},
      {"height", "\"111\"", "height: \"111\" is not an integer from 1 to 2147483647"},
      {"height", "2147483648", "height: 2147483648 is not an integer from 1 to 2147483647"},
      {"height", "18446744073709551615",
       "height: a number that is no 64-bit integer is not an integer from 1 to 2147483647"},
      {"curtime", "-1", "curtime: -1 is not an integer from 0 to 4294967295"},
      {"curtime", "true", "curtime: a boolean is not an integer from 0 to 4294967295"},
      {"mintime", "4294967296", "mintime: 4294967296 is not an integer from 0 to 4294967295"},
      {"coinbasevalue", "-1", "coinbasevalue: -1 is not an integer from 0 to 2100000000000000"},
      {"coinbasevalue", "2100000000000001",
       "coinbasevalue: 2100000000000001 is not an integer from 0 to 2100000000000000"},
      {"coinbasevalue", "50.0",
       "coinbasevalue: a number that is no 64-bit integer is not an integer from 0 to "
       "2100000000000000"},
      {"default_witness_commitment", "\"6a\"",
       "default_witness_commitment: \"6a\" is not the script of a commitment output in hex"},
      {"default_witness_commitment", "5",
       "default_witness_commitment: 5 is not the script of a commitment output in hex"},
      {"longpollid", "5", "longpollid: 5 is not a string"},
      {"vbrequired", "4", "vbrequired: 4 is not 0: required version bits are not supported"},
      {"rules", "\"segwit\"", "rules: \"segwit\" is not an array"},
      {"rules", "[5]", "rules: 5 is not a string"},
      {"signet_challenge", "5", "signet_challenge: 5 is not a script in hex"},
      {"signet_challenge", "\"\"", "signet_challenge: \"\" is not a script in hex"},
      {"signet_challenge", "\"5\"", "signet_challenge: \"5\" is not a script in hex"},
      {"weightlimit", "0", "weightlimit: 0 is not an integer from 1 to 9223372036854775807"},
      {"sigoplimit", "-1", "sigoplimit: -1 is not an integer from 1 to 9223372036854775807"},
      {"sizelimit", "\"1\"", "sizelimit: \"1\" is not an integer from 1 to 9223372036854775807"},
      {"expires", "\"1\"", "expires: \"1\" is not an integer from -2147483648 to 4294967295"},
      {"transactions", "{}", "transactions: an array or object is not an array"},
      {"transactions", "[5]", "transactions: an entry is not an object"},
      {"transactions", "[[]]", "transactions: an entry is not an object"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.error);
    CHECK_EQ(error_of(with(least(), row.name, row.value)), row.error);
  }
}

TEST_CASE("each field of a transaction, when it is missing or wrong") {
  struct Row {
    const char* name;
    std::string value;  // empty: missing
    const char* error;
  };
  const Row rows[] = {
      {"data", "", "transactions[1].data: it is missing"},
      {"data", "\"\"", "transactions[1].data: \"\" is not a transaction in hex"},
      {"data", "\"0\"", "transactions[1].data: \"0\" is not a transaction in hex"},
      {"data", "\"0g\"", "transactions[1].data: \"0g\" is not a transaction in hex"},
      {"data", "12", "transactions[1].data: 12 is not a transaction in hex"},
      {"txid", "", "transactions[1].txid: it is missing"},
      {"txid", "\"aa\"", "transactions[1].txid: \"aa\" is not 64 hex digits"},
      {"hash", "\"aa\"", "transactions[1].hash: \"aa\" is not 64 hex digits"},
      {"fee", "-1", "transactions[1].fee: -1 is not an integer from 0 to 2100000000000000"},
      {"weight", "4000001", "transactions[1].weight: 4000001 is not an integer from 0 to 4000000"},
      {"sigops", "\"1\"", "transactions[1].sigops: \"1\" is not an integer from 0 to 80000"},
      {"weight", "", "transactions[1].data: it is not a transaction, and its weight is not given"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.error);
    const Object one = row.value.empty() ? without(transaction(), row.name)
                                         : with(transaction(), row.name, row.value);
    CHECK_EQ(error_of(with_transaction(one)), row.error);
  }
}

TEST_CASE("a field given twice in one transaction") {
  for (const auto& [name, value] : transaction()) {
    CAPTURE(name);
    const std::string twice = to_json(transaction());
    const std::string json = to_json(
        with(least(), "transactions",
             "[" + twice.substr(0, twice.size() - 1) + ",\"" + name + "\":" + value + "}]"));
    const auto parsed = mining::parse_block_template(json);
    REQUIRE_FALSE(parsed);
    CHECK_EQ(parsed.error().why, "it is there twice");
  }
  CHECK_FALSE(mining::parse_block_template("{\"transactions\":[],\"transactions\":[]," +
                                           to_json(least()).substr(1)));
}

TEST_CASE("a weight that is not told is computed") {
  const auto json = mining_test::vector_json("gbt_core_regtest.json");
  for (const auto& listed : json["transactions"].GetArray()) {
    Object one = without(transaction(), "weight");
    one["data"] = "\"" + std::string(listed["data"].GetString()) + "\"";
    Object whole = with(least(), "transactions", "[" + to_json(one) + "]");
    whole["default_witness_commitment"] = "\"6a24aa21a9ed" + std::string(64, '0') + "\"";
    const BlockTemplate parsed = parse(whole);
    CHECK_EQ(parsed.transactions_weight, listed["weight"].GetUint64());
  }
}

TEST_CASE("rules: what is mandatory must be known (BIP9)") {
  for (const char* good : {"[]", "[\"csv\",\"!segwit\",\"taproot\"]", "[\"signet\",\"!segwit\"]",
                           "[\"testdummy\",\"whatever\"]", "[\"!taproot\",\"!csv\"]"}) {
    CAPTURE(good);
    parse(with(least(), "rules", good));
  }
  CHECK_EQ(error_of(with(least(), "rules", "[\"!covenants\"]")),
           "rules: \"!covenants\" is mandatory and not a rule that the pool knows");
}

TEST_CASE("a commitment counts only where the segwit rule is listed, or no rules are told") {
  const std::string script = "\"6a24aa21a9ed" + std::string(64, '0') + "\"";
  const Object offered = with(least(), "default_witness_commitment", script);
  CHECK(parse(offered).default_witness_commitment);
  CHECK(parse(with(offered, "rules", "[\"csv\",\"!segwit\"]")).default_witness_commitment);
  CHECK(parse(with(offered, "rules", "[\"segwit\"]")).default_witness_commitment);
  CHECK_FALSE(parse(with(offered, "rules", "[]")).default_witness_commitment);
  CHECK_FALSE(parse(with(offered, "rules", "[\"csv\"]")).default_witness_commitment);
}

TEST_CASE("rules are kept as the node lists them, in bounds") {
  CHECK_EQ(parse(with(least(), "rules", "[\"csv\",\"!segwit\"]")).rules,
           std::vector<std::string>{"csv", "!segwit"});
  const std::string longest(64, 'r');
  CHECK_EQ(parse(with(least(), "rules", "[\"" + longest + "\"]")).rules.size(), 1);
  CHECK_NE(error_of(with(least(), "rules", "[\"" + longest + "r\"]")).find("too long"),
           std::string::npos);
  std::string many = "\"r\"";
  for (int i = 1; i < 64; ++i) many += ",\"r\"";
  CHECK_EQ(parse(with(least(), "rules", "[" + many + "]")).rules.size(), 64);
  CHECK_NE(error_of(with(least(), "rules", "[" + many + ",\"r\"]")).find("one too many"),
           std::string::npos);
}

TEST_CASE("a signet's template counts where its challenge needs no solution (BIP325)") {
  const std::string commitment = "\"6a24aa21a9ed" + std::string(64, '0') + "\"";
  const Object committed =
      with(with(least(), "rules", "[\"csv\",\"!segwit\",\"!signet\",\"taproot\"]"),
           "default_witness_commitment", commitment);
  const BlockTemplate parsed = parse(with(committed, "signet_challenge", "\"51\""));
  REQUIRE(parsed.signet_challenge);
  CHECK_EQ(*parsed.signet_challenge, base::Bytes{0x51});
  CHECK_FALSE(parse(least()).signet_challenge);

  CHECK_EQ(error_of(committed), "signet_challenge: it is missing");
  // The default signet's, from Bitcoin Core 27.0's answer.
  const std::string refusal = error_of(
      with(committed, "signet_challenge",
           "\"512103ad5e0edad18cb1f0fc0d28a3d4f1f3e445640337489abb10404f2d1e086be430210359ef50"
           "21964fe22d6f8e05b2463c9540ce96883fe3b278760f048f5189f2e6c452ae\""));
  CHECK_NE(refusal.find("signet_challenge: \"512103ad"), std::string::npos);
  CHECK_NE(refusal.find("merkle root (BIP325)"), std::string::npos);
  CHECK_EQ(error_of(without(with(committed, "signet_challenge", "\"51\""),
                            "default_witness_commitment")),
           "default_witness_commitment: it is missing, and a signet's blocks need one");
}

TEST_CASE("a commitment must be there when a transaction has a witness") {
  const std::string commitment = "\"6a24aa21a9ed" + std::string(64, '0') + "\"";
  const std::string other_hash = "\"" + std::string(64, 'b') + "\"";
  const std::string same_hash = "\"" + std::string(64, 'a') + "\"";
  const std::string marked = "\"02000000000101\"";
  const std::string legacy = "\"02000000010101\"";
  struct Row {
    const char* why;
    Object one;
    bool witness;
  };
  const Row rows[] = {
      {"told by its hash", with(transaction(), "hash", other_hash), true},
      {"told by its hash", with(transaction(), "hash", same_hash), false},
      {"told by its hash, whatever its bytes",
       with(with(transaction(), "hash", same_hash), "data", marked), false},
      {"BIP144's marker", with(transaction(), "data", marked), true},
      {"no marker", with(transaction(), "data", legacy), false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const Object object = with_transaction(row.one);
    CHECK(parse(with(object, "default_witness_commitment", commitment)).default_witness_commitment);
    if (row.witness) {
      CHECK_EQ(error_of(object),
               "default_witness_commitment: it is missing, while transactions[1] has a witness");
      // Before segwit, a commitment does not count.
      CHECK_NE(error_of(with(with(object, "default_witness_commitment", commitment), "rules", "[]"))
                   .find("has a witness"),
               std::string::npos);
    } else {
      CHECK_EQ(parse(object).txids.size(), 2);
    }
  }
}

TEST_CASE(
    "limits: as the node tells, never more than consensus, and consensus where it is silent") {
  const BlockTemplate silent = parse(least());
  CHECK(silent.segwit);
  CHECK_EQ(silent.weight_limit, 4'000'000);
  CHECK_EQ(silent.sigop_limit, 80'000);
  CHECK_EQ(silent.size_limit, 4'000'000);
  Object object = with(with(with(least(), "weightlimit", "3996000"), "sigoplimit", "79000"),
                       "sizelimit", "3000000");
  const BlockTemplate told = parse(object);
  CHECK_EQ(told.weight_limit, 3'996'000);
  CHECK_EQ(told.sigop_limit, 79'000);
  CHECK_EQ(told.size_limit, 3'000'000);
  object = with(with(with(least(), "weightlimit", "4000001"), "sigoplimit", "80001"), "sizelimit",
                "9223372036854775807");
  const BlockTemplate more = parse(object);
  CHECK_EQ(more.weight_limit, 4'000'000);
  CHECK_EQ(more.sigop_limit, 80'000);
  CHECK_EQ(more.size_limit, 4'000'000);
  const BlockTemplate old = parse(with(least(), "rules", "[\"csv\"]"));
  CHECK_FALSE(old.segwit);
  CHECK_EQ(old.weight_limit, 4'000'000);
  CHECK_EQ(old.sigop_limit, 20'000);
  CHECK_EQ(old.size_limit, 1'000'000);
}

TEST_CASE("a template that its node calls expired is none: seconds (BIP23), or a time (bcoin)") {
  for (const char* good : {"1", "120", "1750362328", "1750369527", "null"}) {
    CAPTURE(good);
    parse(with(least(), "expires", good));
  }
  for (const char* bad : {"0", "-1", "1750362327", "1600000000"}) {
    CAPTURE(bad);
    CHECK_EQ(error_of(with(least(), "expires", bad)),
             std::string("expires: ") + bad + ": the node calls its own template expired");
  }
}

TEST_CASE("whether the node takes proposals (BIP23): it says so, or says nothing") {
  CHECK(parse(least()).takes_proposals);
  CHECK(parse(with(least(), "capabilities", "[\"longpoll\",\"proposal\"]")).takes_proposals);
  CHECK_FALSE(parse(with(least(), "capabilities", "[\"longpoll\",5]")).takes_proposals);
}

TEST_CASE("fees are summed and can't exceed the coinbase value") {
  const Object paid = with(transaction(), "fee", "300");
  const std::string two = "[" + to_json(paid) + "," + to_json(paid) + "]";
  CHECK_EQ(parse(with(least(), "transactions", two)).fees.value, 600);
  CHECK_EQ(parse(with(with(least(), "transactions", two), "coinbasevalue", "600")).fees.value, 600);
  CHECK_EQ(error_of(with(with(least(), "transactions", two), "coinbasevalue", "599")),
           "coinbasevalue: 599 is less than the fees of 600");
}

TEST_CASE("a version may be signed") {
  CHECK_EQ(parse(with(least(), "version", "-1")).version, 0xffffffffu);
  CHECK_EQ(parse(with(least(), "version", "4294967295")).version, 0xffffffffu);
}

TEST_CASE("a hostile value is quoted short and in plain characters") {
  const std::string error =
      error_of(with(least(), "bits", "\"" + std::string(5000, 'z') + "\\u001b\""));
  CHECK_LT(error.size(), 100);
  CHECK_EQ(error_of(with(least(), "bits", "\"\\u001b\\u00e9\"")),
           "bits: \"???\" is not 8 hex digits");
}
