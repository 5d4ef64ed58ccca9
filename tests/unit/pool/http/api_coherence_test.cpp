#include "pool/http/api_coherence.h"

#include "pool/http/api.h"
#include "tests/unit/pool/http/fixture.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

using namespace pool;

namespace {

constexpr const char* block =
    R"([{"height":0,"hash":"aa","prev_hash":"00","time":1700000000,"bits":"1e080000","level":2,)"
    R"("bitcoin_tip":"bb"}])";

rapidjson::Document parsed(const std::string& json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
  REQUIRE_FALSE(document.HasParseError());
  REQUIRE(document.IsObject());
  return document;
}

PoolSnapshot working() {
  PoolSnapshot s = busy_snapshot();
  CoherenceStatus status;
  status.database = true;
  status.chain_age_us = 1'500'000;
  status.rules = coherence::ChainRules{420, 123, 0x1e080000, 1'700'000'000};
  status.tip = coherence::ChainTip{7, {}, 1'700'000'100, 0x1e070000, 2, 1'700'000'000};
  status.tip->hash[0] = 0xab;
  status.height = 8;
  status.bits = 0x1e070000;
  status.level = 2;
  status.bitcoin_tip.bytes[31] = 0xcd;  // the first digits of the display form
  status.job_age_us = 250'000;
  status.jobs = 40;
  status.stretches = 2;
  status.kernel = "portable";
  status.verifiers = 3;
  status.counts = {0, 4, 10, 1, 5'000};
  s.coherence_status = status;
  s.coherence.clients = 5;
  s.coherence.proofs_accepted = 9;
  s.coherence.proofs_verifying = 2;
  s.coherence.proofs_unstored = 1;
  s.coherence.rejects[static_cast<std::size_t>(stratum::RejectReason::false_proof)] = 1;
  s.coherence.work_accepted = base::U256(1) << 100;
  s.coherence.blocks_found = 8;
  s.coherence_rates = {1e6, 2e6, 3e6, 4e6, 4.5e6, 5e6, 6e6};
  s.chain_blocks = block;
  return s;
}

}  // namespace

TEST_CASE("the JSON of coherence work reads back as the snapshot") {
  const auto json = parsed(coherence_json(working()));
  CHECK(json["enabled"].GetBool());
  CHECK(json["error"].IsNull());
  CHECK_EQ(json["rules"]["block_seconds"].GetUint(), 420);
  CHECK_EQ(json["rules"]["retarget_blocks"].GetUint(), 123);
  CHECK_EQ(std::string(json["rules"]["initial_bits"].GetString()), "1e080000");
  CHECK_EQ(json["rules"]["start_time"].GetUint(), 1'700'000'000);
  CHECK_EQ(json["tip"]["height"].GetUint(), 7);
  CHECK_EQ(std::string(json["tip"]["hash"].GetString()), "ab" + std::string(62, '0'));
  CHECK_EQ(json["tip"]["time"].GetUint(), 1'700'000'100);
  CHECK_EQ(json["job"]["height"].GetUint(), 8);
  CHECK_EQ(std::string(json["job"]["bits"].GetString()), "1e070000");
  CHECK_EQ(std::string(json["job"]["bitcoin_tip"].GetString()), "cd" + std::string(62, '0'));
  CHECK_EQ(json["job"]["age_seconds"].GetDouble(), 0.25);
  CHECK_EQ(json["job"]["stretches"].GetUint(), 2);
  CHECK_EQ(json["jobs"].GetUint(), 40);
  CHECK(json["database"].GetBool());
  CHECK_EQ(json["chain_age_seconds"].GetDouble(), 1.5);
  CHECK_EQ(json["clients"].GetUint(), 5);
  CHECK_EQ(json["proofs"]["accepted"].GetUint(), 9);
  CHECK_EQ(json["proofs"]["verifying"].GetUint(), 2);
  CHECK_EQ(json["proofs"]["unstored"].GetUint(), 1);
  CHECK_EQ(json["proofs"]["rejected"].GetUint(), 1);
  CHECK_EQ(json["proofs"]["rejects"]["false_proof"].GetUint(), 1);
  CHECK_EQ(std::string(json["work_rounds"].GetString()), "1267650600228229401496703205376");
  CHECK_EQ(json["rounds_per_second"]["1m"].GetDouble(), 1e6);
  CHECK_EQ(json["rounds_per_second"]["1d"].GetDouble(), 5e6);
  CHECK_EQ(json["blocks_found"].GetUint(), 8);
  CHECK_EQ(json["verifiers"]["threads"].GetUint(), 3);
  CHECK_EQ(std::string(json["verifiers"]["kernel"].GetString()), "portable");
  CHECK_EQ(json["verifiers"]["waiting"].GetUint(), 4);
  CHECK_EQ(json["verifiers"]["verified"].GetUint(), 10);
  CHECK_EQ(json["verifiers"]["false"].GetUint(), 1);
  CHECK_EQ(json["verifiers"]["mean_us"].GetDouble(), 500);
  REQUIRE_EQ(json["blocks"].Size(), 1);
  CHECK_EQ(std::string(json["blocks"][0]["prev_hash"].GetString()), "00");
}

TEST_CASE("what is not known of it is null, and without such work there is one member") {
  PoolSnapshot s = busy_snapshot();
  CHECK_EQ(coherence_json(s), "{\"enabled\":false}");
  s.coherence_status = CoherenceStatus{};
  s.coherence_status->error = "the database has not told of the proof chain yet";
  const auto json = parsed(coherence_json(s));
  CHECK_EQ(std::string(json["error"].GetString()), s.coherence_status->error);
  for (const char* name : {"rules", "tip", "job", "chain_age_seconds", "blocks"}) {
    CAPTURE(name);
    CHECK(json[name].IsNull());
  }
  CHECK(json["verifiers"]["mean_us"].IsNull());
  CHECK_FALSE(json["database"].GetBool());
}

TEST_CASE("the pool's summary tells of it in a few figures") {
  const auto json = parsed(pool_json(working()));
  CHECK(json["coherence"]["enabled"].GetBool());
  CHECK_EQ(json["coherence"]["chain_height"].GetInt(), 7);
  CHECK_EQ(std::string(json["coherence"]["chain_tip"].GetString()), "ab" + std::string(62, '0'));
  CHECK_EQ(json["coherence"]["clients"].GetUint(), 5);
  CHECK_EQ(json["coherence"]["proofs_accepted"].GetUint(), 9);
  CHECK_EQ(json["coherence"]["rounds_per_second"].GetDouble(), 1e6);
  const auto without = parsed(pool_json(busy_snapshot()));
  CHECK_FALSE(without["coherence"]["enabled"].GetBool());
  CHECK(without["coherence"]["chain_height"].IsNull());
  CHECK(without["coherence"]["chain_tip"].IsNull());
}

TEST_CASE("blocks of the chain are taken as the database writes them, and nothing else is") {
  CHECK_EQ(parse_chain_blocks(block), std::string(block));
  CHECK_EQ(parse_chain_blocks(" [ ] "), std::string("[]"));
  for (const char* wrong : {"", "{}", "[1]", "[{\"height\":{}}]", "[{\"height\":[]}]", "[{}",
                            "[{\"height\":1.5}]", "[{\"height\":null}]"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_chain_blocks(wrong));
  }
}
