// The verdicts of check_share, first on real shares, then at every bound. The block test must hold
// whatever else is wrong with a share.
#include "common/mining/share_check.h"

#include "common/bitcoin/merkle.h"
#include "common/stratum/codec.h"
#include "tests/unit/common/mining/vectors.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using bitcoin::Target256;
using mining::Job;
using mining::ShareRules;
using mining::ShareSubmission;
using mining::ShareVerdict;
using mining_test::bytes;
using mining_test::job_of;
using stratum::RejectReason;

namespace {

std::string params_json(const rapidjson::Value& params) {
  std::string out;
  for (const auto& value : params.GetArray()) {
    if (!out.empty()) out += ',';
    if (value.IsString()) out += "\"" + std::string(value.GetString()) + "\"";
    if (value.IsBool()) out += value.GetBool() ? "true" : "false";
    if (value.IsArray()) out += "[" + params_json(value) + "]";
  }
  return out;
}

stratum::Notify notify_of(std::string_view line) {
  const auto message = stratum::parse_server_message(line.substr(0, line.find('\n')));
  REQUIRE(message);
  REQUIRE(std::holds_alternative<stratum::Notify>(*message));
  return std::get<stratum::Notify>(*message);
}

// A recorded share: the job and submit as they crossed the wire, through our codec.
struct Recorded {
  Job job;
  base::Bytes extranonce1;
  base::Bytes extranonce2;
  ShareSubmission share;
  ShareRules rules;  // that accept it, whatever its difficulty
};

Target256 every_hash() {
  std::array<std::uint8_t, 32> all{};
  all.fill(0xff);
  return Target256(all);
}

Recorded recorded(const rapidjson::Value& vector) {
  const std::string line = "{\"id\":null,\"method\":\"mining.notify\",\"params\":[" +
                           params_json(vector["notify_params"]) + "]}\n";
  const stratum::Notify notify = notify_of(line);
  REQUIRE_EQ(stratum::write_notify(notify), line);  // byte for byte what the other pool sent

  const auto request =
      stratum::parse_request("{\"id\":4,\"method\":\"mining.submit\",\"params\":[" +
                             params_json(vector["submit_params"]) + "]}");
  REQUIRE(request);
  REQUIRE(std::holds_alternative<stratum::Submit>(request->message));
  const auto& submit = std::get<stratum::Submit>(request->message);
  CHECK_EQ(submit.job_id, notify.job_id);

  Recorded out;
  out.job = job_of(notify);
  out.extranonce1 = bytes(vector["extranonce1"].GetString());
  out.extranonce2 = bytes(submit.extranonce2_hex);
  out.share = {out.extranonce1, out.extranonce2, submit.ntime, submit.nonce,
               submit.version_bits.value_or(0)};
  out.rules.share_target = every_hash();
  out.rules.version_mask = 0x1fffe000;
  out.rules.extranonce2_size = out.extranonce2.size();
  out.rules.now = submit.ntime;
  return out;
}

const rapidjson::Document& vectors() {
  static const rapidjson::Document document = mining_test::vector_json("stratum_shares.json");
  return document;
}

Recorded recorded(std::string_view name) {
  for (const auto& vector : vectors().GetArray()) {
    if (vector["name"].GetString() == name) {
      Recorded out = recorded(vector);
      out.share.extranonce1 = out.extranonce1;
      out.share.extranonce2 = out.extranonce2;
      return out;
    }
  }
  FAIL("no such vector");
  return {};
}

ShareVerdict check(const Recorded& r) {
  ShareSubmission share = r.share;
  share.extranonce1 = r.extranonce1;
  share.extranonce2 = r.extranonce2;
  return mining::check_share(r.job, share, r.rules);
}

std::uint32_t swapped(std::uint32_t value) {
  return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

}  // namespace

TEST_CASE("recorded shares: coinbase, root, header, hash and difficulty as others computed them") {
  int seen = 0;
  for (const auto& vector : vectors().GetArray()) {
    CAPTURE(vector["name"].GetString());
    const Recorded r = recorded(vector["name"].GetString());
    const auto& expect = vector["expect"];
    CHECK_EQ(base::to_hex(
                 bitcoin::assemble_coinbase(r.job.work().coinbase, r.extranonce1, r.extranonce2)),
             expect["coinbase"].GetString());
    const ShareVerdict verdict = check(r);
    CHECK_FALSE(verdict.reject);
    REQUIRE(verdict.hashed);
    CHECK_EQ(base::to_hex(verdict.header), expect["header"].GetString());
    CHECK_EQ(base::to_hex(bitcoin::Header::parse(verdict.header).merkle_root.bytes),
             expect["merkle_root_header_order"].GetString());
    CHECK_EQ(verdict.hash.display_hex(), expect["hash_display"].GetString());
    CHECK_EQ(base::to_hex(verdict.hash.bytes), expect["hash_header_order"].GetString());
    CHECK_EQ(bitcoin::hash_difficulty(verdict.hash.bytes),
             doctest::Approx(expect["share_difficulty"].GetDouble()).epsilon(1e-12));
    CHECK_EQ(verdict.is_block, expect["is_block"].GetBool());
    ++seen;
  }
  CHECK_EQ(seen, 4);
}

TEST_CASE("each way to order bytes wrongly gives its own known wrong hash, and ours is none") {
  struct Row {
    const char* mistake;
    const char* hash;
    void (*make)(Recorded&);
  };
  const Row rows[] = {
      {"prevhash not word-swapped",
       "d5acd325ba6494de603ce8d7be71599d89669fb203d303091e6d086df8fca59a",
       [](Recorded& r) {
         auto wrong = std::make_shared<mining::BlockTemplate>(*r.job.block_template);
         const base::Bytes wire = bytes(stratum::prevhash_to_wire(wrong->prev_hash));
         std::copy(wire.begin(), wire.end(), wrong->prev_hash.bytes.begin());
         r.job.block_template = wrong;
       }},
      {"prevhash reversed as a whole",
       "26cce5b817a3b709d9f43ee2432d831f181bf7d73263f5cd8de9a030bb01adda",
       [](Recorded& r) {
         // Of the wire form, as a miner would that takes it for display order.
         auto wrong = std::make_shared<mining::BlockTemplate>(*r.job.block_template);
         const base::Bytes wire = bytes(stratum::prevhash_to_wire(wrong->prev_hash));
         std::copy(wire.rbegin(), wire.rend(), wrong->prev_hash.bytes.begin());
         r.job.block_template = wrong;
       }},
      {"version big-endian", "8686637b3acc555dc7dd910cb7dc9ec4b258332b1193fa6fd9cf19d7588cc5f7",
       [](Recorded& r) { r.job.version = swapped(r.job.version); }},
      {"ntime big-endian", "60428e373e8135148a13af982a5ac1ad6c11fd694fef9c2b61cfaedc82d22b1e",
       [](Recorded& r) { r.share.ntime = swapped(r.share.ntime); }},
      {"nbits big-endian", "6620087f3e8735d39b32c97026f27fba3796d72026cca89b8e0ebb071eb650b7",
       [](Recorded& r) {
         auto wrong = std::make_shared<mining::BlockTemplate>(*r.job.block_template);
         wrong->nbits = swapped(wrong->nbits);
         r.job.block_template = wrong;
       }},
      {"nonce big-endian", "6d7a37064f54612ab3cdc9d84d58bfcbcc019f2e4aeb35516b9bab1af2a149a3",
       [](Recorded& r) { r.share.nonce = swapped(r.share.nonce); }},
  };
  const std::string ours = check(recorded("V1")).hash.display_hex();
  for (const Row& row : rows) {
    CAPTURE(row.mistake);
    Recorded r = recorded("V1");
    row.make(r);
    const ShareVerdict verdict = check(r);
    CHECK_EQ(verdict.hash.display_hex(), row.hash);
    CHECK_NE(ours, row.hash);
    CHECK_FALSE(verdict.is_block);
  }
  // The merkle root reversed, which no input of check_share can bring about.
  bitcoin::Header header = bitcoin::Header::parse(check(recorded("V1")).header);
  std::reverse(header.merkle_root.bytes.begin(), header.merkle_root.bytes.end());
  CHECK_EQ(header.hash().display_hex(),
           "269d5a7f0a7bad19f52c7e831b3dd786deb8f64fb9b41b4a1e2030a99034ef9f");
}

TEST_CASE("difficulty is met by the target itself and missed by one less") {
  Recorded r = recorded("V3");
  const auto hash = check(r).hash;
  r.rules.share_target = Target256(hash.bytes);
  CHECK_FALSE(check(r).reject);
  auto one_less = hash.bytes;  // its lowest byte is not zero
  REQUIRE_NE(one_less[0], 0);
  --one_less[0];
  r.rules.share_target = Target256(one_less);
  CHECK_EQ(check(r).reject, RejectReason::low_difficulty);
}

TEST_CASE("difficulties around the recorded share's 29588.01") {
  struct Row {
    double difficulty;
    bool accepted;
  };
  const Row rows[] = {{1, true},           {29588, true},  {29588.0139, true},
                      {29588.0140, false}, {29589, false}, {65536, false}};
  for (const Row& row : rows) {
    CAPTURE(row.difficulty);
    Recorded r = recorded("V3");
    const auto difficulty = bitcoin::Difficulty::from_double(row.difficulty);
    REQUIRE(difficulty);
    r.rules.share_target = Target256::from_difficulty(*difficulty);
    CHECK_EQ(!check(r).reject, row.accepted);
  }
}

TEST_CASE("the block test's bound is the network target itself") {
  Recorded r = recorded("V3");
  CHECK_FALSE(check(r).is_block);
  auto easier = std::make_shared<mining::BlockTemplate>(*r.job.block_template);
  easier->network_target = Target256(check(r).hash.bytes);
  r.job.block_template = easier;
  CHECK(check(r).is_block);
  auto harder = check(r).hash.bytes;
  --harder[0];
  auto hard = std::make_shared<mining::BlockTemplate>(*r.job.block_template);
  hard->network_target = Target256(harder);
  r.job.block_template = hard;
  CHECK_FALSE(check(r).is_block);
}

TEST_CASE("a block is told whatever else is wrong with the share") {
  struct Row {
    const char* why;
    RejectReason reject;
    void (*spoil)(Recorded&);
  };
  // V2 is a block that rolled version bits.
  const Row rows[] = {
      {"stale", RejectReason::stale, [](Recorded& r) { r.rules.stale = true; }},
      {"below the share difficulty, as on regtest", RejectReason::low_difficulty,
       [](Recorded& r) { r.rules.share_target = Target256(); }},
      {"version bits that were never granted", RejectReason::bad_version_bits,
       [](Recorded& r) { r.rules.version_mask = 0; }},
      {"one bit outside the mask", RejectReason::bad_version_bits,
       [](Recorded& r) { r.rules.version_mask = 0x1fffe000 & ~0x00008000u; }},
      {"ntime before mintime", RejectReason::ntime_too_old,
       [](Recorded& r) {
         auto later = std::make_shared<mining::BlockTemplate>(*r.job.block_template);
         later->mintime = r.share.ntime + 1;
         r.job.block_template = later;
       }},
      {"ntime too far ahead", RejectReason::ntime_too_new,
       [](Recorded& r) { r.rules.now = std::int64_t{r.share.ntime} - 7201; }},
      {"everything at once: the first reason counts", RejectReason::bad_version_bits,
       [](Recorded& r) {
         r.rules.version_mask = 0;
         r.rules.stale = true;
         r.rules.now = 0;
         r.rules.share_target = Target256();
       }},
      {"stale comes before time and difficulty", RejectReason::stale,
       [](Recorded& r) {
         r.rules.stale = true;
         r.rules.now = 0;
         r.rules.share_target = Target256();
       }},
      {"time comes before difficulty", RejectReason::ntime_too_new,
       [](Recorded& r) {
         r.rules.now = 0;
         r.rules.share_target = Target256();
       }},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Recorded r = recorded("V2");
    row.spoil(r);
    const ShareVerdict verdict = check(r);
    REQUIRE(verdict.reject);
    CHECK_EQ(*verdict.reject, row.reject);
    CHECK(verdict.hashed);
    CHECK(verdict.is_block);
    CHECK_EQ(verdict.hash.display_hex(),
             "0000000000cdd305efb7cb9d86c7dc8eccf504a32fdf781ea053f87b6f5b3642");
  }
}

TEST_CASE("ntime may be mintime, and two hours ahead, inclusive") {
  struct Row {
    const char* why;
    std::int64_t mintime_after_ntime;
    std::int64_t now_after_ntime;
    std::optional<RejectReason> reject;
  };
  const Row rows[] = {
      {"exactly mintime", 0, 0, {}},
      {"a second before mintime", 1, 0, RejectReason::ntime_too_old},
      {"exactly two hours ahead", 0, -7200, {}},
      {"a second more", 0, -7201, RejectReason::ntime_too_new},
      {"long past is fine while not before mintime", -100'000, 100'000, {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Recorded r = recorded("V1");
    auto changed = std::make_shared<mining::BlockTemplate>(*r.job.block_template);
    changed->mintime = static_cast<std::uint32_t>(r.share.ntime + row.mintime_after_ntime);
    r.job.block_template = changed;
    r.rules.now = r.share.ntime + row.now_after_ntime;
    CHECK_EQ(check(r).reject, row.reject);
  }
}

TEST_CASE("an extranonce2 of another size can't be hashed") {
  for (const std::size_t size : {0u, 3u, 5u, 8u}) {
    CAPTURE(size);
    Recorded r = recorded("V3");
    r.extranonce2.resize(size);
    const ShareVerdict verdict = check(r);
    CHECK_EQ(verdict.reject, RejectReason::bad_extranonce2);
    CHECK_FALSE(verdict.hashed);
    CHECK_FALSE(verdict.is_block);
  }
}

TEST_CASE("rolled version: bits go into a version whose mask bits are clear") {
  CHECK_EQ(mining::rolled_version(0x20000000, 0), 0x20000000);
  CHECK_EQ(mining::rolled_version(0x20000000, 0x00b44000), 0x20b44000);
  CHECK_EQ(mining::rolled_version(0x20000000, 0x1fffe000), 0x3fffe000);
  // Outside the mask: as the miner sent it, for the block test.
  CHECK_EQ(mining::rolled_version(0x20000000, 0x00000001), 0x20000001);
  // BIP310's formula, with any bits, wherever the job's version has the mask's bits clear.
  const std::uint32_t mask = 0x1fffe000;
  for (const std::uint32_t bits : {0u, 0x2000u, 0x00b44000u, 0x1fffe000u}) {
    CHECK_EQ(mining::rolled_version(0x20000004, bits), (0x20000004u & ~mask) | (bits & mask));
  }
}

TEST_CASE("version bits change the hash, so two shares that differ in them alone are two") {
  Recorded r = recorded("V3");
  const auto first = check(r).hash;
  r.share.version_bits ^= 0x2000;
  CHECK_NE(check(r).hash, first);
}
