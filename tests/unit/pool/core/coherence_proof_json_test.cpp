#include "pool/core/coherence_proof_json.h"

#include "common/coherence/verify.h"
#include "tests/unit/common/coherence/known_answers.h"

#include <doctest/doctest.h>

#include <string>

using coherence_test::known_attempts;
using pool::CoherenceBlockRecord;
using pool::CoherenceProof;

namespace {

CoherenceProof a_proof() {
  const auto known = known_attempts()[1];
  const auto phases = coherence::phases_of(coherence::seed_of(known.job, known.attempt));
  const auto bloom = coherence::run(phases, *coherence::level_of(known.job.params));
  REQUIRE(bloom);
  const auto claim = coherence::claim_of(known.attempt, *bloom);
  pool::CoherenceProofRecord record;
  record.header = known.job.header;
  record.extranonce = known.job.extranonce;
  record.attempt = known.attempt;
  record.params = known.job.params;
  record.target = (base::U256{0xabcd} << 200) + base::U256{1};
  record.certificate = coherence::encode(coherence::certificate_of(*bloom));
  record.work_hash = coherence::work_hash_of(known.job.header, claim);
  return pool::proof_of(record);
}

CoherenceBlockRecord a_block() {
  CoherenceBlockRecord block;
  block.height = 7;
  block.hash.fill(0xab);
  block.hash[0] = 1;
  block.header.fill(0x22);
  block.params = 0x00010002;
  block.bitcoin_tip.bytes[0] = 0xff;
  block.stretches.resize(2);
  block.stretches[0].stretch = {1, 5, 9, {}};
  block.stretches[0].journal.fill(0x33);
  block.stretches[1].stretch = {255, 1, 9223372036854775807, {}};
  block.stretches[1].stretch.head.fill(0x44);
  return block;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a proof's line, byte for byte") {
  const CoherenceProof proof = a_proof();
  const std::string line = pool::write_coherence_proof(proof);
  const std::string head =
      R"({"type":"coherence","header92":"000102030405060708090a0b0c0d0e0f10111213141516171819)"
      R"(1a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f)"
      R"(404142434445464748494a4b97bfa76600915f3f000ee43e3f000000",)"
      R"("extranonce":"0123456789abcdef","attempt":"00000000000003e9","params":"00010003",)"
      R"("target":"0000000000abcd00000000000000000000000000000000000000000000000001",)"
      R"("certificate":"cb240000)";
  CHECK(line.substr(0, head.size()) == head);
  CHECK(line.ends_with(R"(","work_hash":"3facfffd5bcedbde7a24e76f04eeb8b4fe7736c4fc16e030)"
                       R"(f5c0e2e386e9a611"})"));
  CHECK(line.size() < 1500);
  const auto parsed = pool::parse_coherence_proof(line);
  REQUIRE(parsed);
  CHECK(*parsed == proof);
}

TEST_CASE("a block's line, byte for byte, and back") {
  const CoherenceBlockRecord block = a_block();
  const std::string line = pool::write_coherence_block(block);
  std::string expected = R"({"type":"coherence_block","height":7,"hash":"01)";
  for (int i = 0; i < 31; ++i) expected += "ab";
  expected += R"(","header":")";
  for (int i = 0; i < 76; ++i) expected += "22";
  expected += R"(","params":"00010002","bitcoin_tip":")" + std::string(62, '0') +
              R"(ff","stretches":[{"pool":1,"journal":")" + std::string(32, '3') +
              R"(","first":5,"last":9,"head":")" + std::string(64, '0') +
              R"("},{"pool":255,"journal":")" + std::string(32, '0') +
              R"(","first":1,"last":9223372036854775807,"head":")" + std::string(64, '4') + "\"}]}";
  CHECK(line == expected);
  const auto parsed = pool::parse_coherence_block(line);
  REQUIRE(parsed);
  CHECK(*parsed == block);
  CoherenceBlockRecord lone = block;
  lone.stretches.clear();
  CHECK(*pool::parse_coherence_block(pool::write_coherence_block(lone)) == lone);
}

TEST_CASE("every pool that may be has room in a block's line") {
  CoherenceBlockRecord block = a_block();
  block.height = 4294967295;
  block.stretches.clear();
  for (std::uint32_t pool = 0; pool < 256; ++pool) {
    pool::JournalStretch stretch;
    stretch.stretch = {pool, 9223372036854775807, 9223372036854775807, {}};
    block.stretches.push_back(stretch);
  }
  const auto parsed = pool::parse_coherence_block(pool::write_coherence_block(block));
  REQUIRE(parsed);
  CHECK(*parsed == block);
}

TEST_CASE("the rules' line and back") {
  const coherence::ChainRules rules{.block_seconds = 420,
                                    .retarget_blocks = 123,
                                    .initial_bits = 0x1e080000,
                                    .start_time = 4294967295};
  const std::string line = pool::write_coherence_rules(rules);
  CHECK(line == R"({"type":"coherence_rules","block_seconds":420,"retarget_blocks":123,)"
                R"("initial_bits":"1e080000","start_time":4294967295})");
  CHECK(*pool::parse_coherence_rules(line) == rules);
}

TEST_CASE("a proof's fields: absent, of another type, short, long, not hex") {
  const std::string line = pool::write_coherence_proof(a_proof());
  const auto why = [](const std::string& text) {
    const auto parsed = pool::parse_coherence_proof(text);
    return parsed ? std::string() : parsed.error();
  };
  CHECK(why("") == "line is , not a JSON object");
  CHECK(why("[1]") == "line is [1], not a JSON object");
  CHECK(why("{}") == "type is missing, not \"coherence\"");
  CHECK(why(R"({"type":"share"})") == "type is \"share\", not \"coherence\"");
  CHECK(why(R"({"type":7})") == "type is 7, not \"coherence\"");
  CHECK(why(std::string(4097, ' ')) == "line is 4097 bytes, not at most 4096");
  CHECK(why(line.substr(0, line.size() - 1)).ends_with("not a JSON object"));
  for (const char* name :
       {"header92", "extranonce", "attempt", "params", "target", "certificate", "work_hash"}) {
    CAPTURE(name);
    const std::string field = std::string("\"") + name + "\":\"";
    CHECK(why(replaced(line, std::string("\"") + name, std::string("\"x") + name))
              .starts_with(std::string(name) + " is missing, not a string of "));
    const std::size_t value = line.find(field) + field.size();
    std::string changed = line;
    changed[value] = 'g';
    CHECK(why(changed).starts_with(std::string(name) + " is \"g"));
    changed = line;
    changed.erase(value, 1);
    CHECK(why(changed).ends_with(" hex digits"));
    changed = line;
    changed.insert(value, "00");
    CHECK(why(changed).ends_with(" hex digits"));
    changed = line;
    changed.replace(value - 1, changed.find('"', value) - value + 2, "12");
    CHECK(why(changed).starts_with(std::string(name) + " is 12, not a string of "));
  }
  CHECK(why(replaced(line, R"("00010003")", R"("00010G03")")) ==
        "params is \"00010G03\", not 8 hex digits");
  // Upper case is hex too, and unknown fields are nobody's business.
  CHECK(why(replaced(line, "0123456789abcdef", "0123456789ABCDEF")).empty());
  CHECK(why(replaced(line, "{", R"({"note":[1,{"x":2}],)")).empty());
}

TEST_CASE("a block's and the rules' fields") {
  const std::string line = pool::write_coherence_block(a_block());
  const auto why = [](const std::string& text) {
    const auto parsed = pool::parse_coherence_block(text);
    return parsed ? std::string() : parsed.error();
  };
  CHECK(why(replaced(line, "\"height\":7", "\"height\":4294967296")) ==
        "height is 4294967296, not an integer of at most 4294967295");
  CHECK(why(replaced(line, "\"height\":7", "\"height\":-1")).starts_with("height is -1, not"));
  CHECK(why(replaced(line, "\"height\":7", "\"height\":7.5")).starts_with("height is 7.5, not"));
  CHECK(why(replaced(line, "\"height\":7", "\"height\":\"7\"")).starts_with("height is \"7\""));
  CHECK(why(replaced(line, "\"pool\":255", "\"pool\":256")) ==
        "stretch 1: pool is 256, not an integer of at most 255");
  CHECK(why(replaced(line, "\"pool\":255", "\"pool\":1")) ==
        "stretch 1: pool is 1, not above that of the stretch before");
  CHECK(why(replaced(line, "\"pool\":255", "\"pool\":0"))
            .ends_with("not above that of the stretch before"));
  CHECK(why(replaced(line, "9223372036854775807", "9223372036854775808"))
            .starts_with("stretch 1: last is 9223372036854775808"));
  CHECK(why(replaced(line, "\"stretches\":[", "\"stretches\":7,\"x\":[")) ==
        "stretches is 7, not a list");
  CHECK(why(replaced(line, "{\"pool\":1,", "7,{\"pool\":1,"))
            .starts_with("stretch 0: pool is missing"));
  CHECK(why(replaced(line, "coherence_block", "coherence"))
            .starts_with("type is \"coherence\", not"));

  const std::string rules = pool::write_coherence_rules({});
  const auto rules_why = [](const std::string& text) {
    const auto parsed = pool::parse_coherence_rules(text);
    return parsed ? std::string() : parsed.error();
  };
  CHECK(rules_why(rules).empty());
  CHECK(rules_why(replaced(rules, ":420", ":0")) == "block_seconds is 0, not above 0");
  CHECK(rules_why(replaced(rules, ":123", ":0")) == "retarget_blocks is 0, not above 0");
  CHECK(rules_why(replaced(rules, "1e080000", "1e08000")) ==
        "initial_bits is \"1e08000\", not 8 hex digits");
}
