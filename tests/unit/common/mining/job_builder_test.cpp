#include "common/mining/job_builder.h"

#include "common/bitcoin/block.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/merkle.h"
#include "common/mining/share_check.h"
#include "common/stratum/codec.h"
#include "tests/unit/common/mining/vectors.h"

#include <doctest/doctest.h>

#include <string>

using bitcoin::Sats;
using mining::BlockTemplate;
using mining::JobError;
using mining::JobSpec;
using mining_test::bytes;
using mining_test::vector_text;

namespace {

std::shared_ptr<BlockTemplate> template_of(const std::string& json) {
  auto parsed = mining::parse_block_template(json);
  REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().field + ": " + parsed.error().why));
  return std::make_shared<BlockTemplate>(std::move(*parsed));
}

const base::Bytes payout_script = *base::from_hex("0014a248cf2f99f449511b22bab1a3d001719f84cd09");

JobSpec spec_for(std::shared_ptr<const BlockTemplate> block_template) {
  JobSpec spec;
  spec.id = mining::JobId(0x18468e1f5fa5cbaa);
  spec.outputs = {{block_template->coinbase_value, payout_script}};
  spec.coinbase_unique = 0x0102030405060708;
  spec.coinbase_tag = "/phasepool/";
  spec.version_mask = 0x1fffe000;
  spec.ntime = block_template->curtime;
  spec.block_template = std::move(block_template);
  return spec;
}

std::shared_ptr<const mining::Job> build(const JobSpec& spec) {
  auto job = mining::build_job(spec);
  REQUIRE_MESSAGE(job, (job ? "" : mining::describe(job.error())));
  return *job;
}

stratum::Notify notify_of(std::string_view line) {
  REQUIRE(line.ends_with('\n'));
  const auto message = stratum::parse_server_message(line.substr(0, line.size() - 1));
  REQUIRE(message);
  REQUIRE(std::holds_alternative<stratum::Notify>(*message));
  return std::get<stratum::Notify>(*message);
}

base::Bytes coinbase_of(const mining::Job& job) {
  return bitcoin::assemble_coinbase(job.work().coinbase, bytes("08000002"),
                                    bytes("0000000000000001"));
}

}  // namespace

TEST_CASE("transaction ids become the prevhash, branches and commitment others computed") {
  const auto vectors = mining_test::vector_json("template_to_notify.json");
  int seen = 0;
  for (const auto& vector : vectors.GetArray()) {
    CAPTURE(vector["name"].GetString());
    std::string transactions;
    for (const auto& txid : vector["txids"].GetArray()) {
      if (!transactions.empty()) transactions += ',';
      transactions +=
          "{\"data\":\"00\",\"weight\":400,\"txid\":\"" + std::string(txid.GetString()) + "\"}";
    }
    const std::string json =
        "{\"version\":" + std::to_string(vector["version"].GetInt64()) +
        ",\"previousblockhash\":\"" + vector["previousblockhash"].GetString() + "\",\"bits\":\"" +
        vector["bits"].GetString() + "\",\"height\":" + std::to_string(vector["height"].GetInt()) +
        ",\"curtime\":1750362327,\"mintime\":1750362000,\"coinbasevalue\":5000000000,"
        "\"default_witness_commitment\":\"" +
        vector["default_witness_commitment"].GetString() +
        "\",\"rules\":[\"csv\",\"!segwit\",\"taproot\"],\"transactions\":[" + transactions + "]}";
    const auto job = build(spec_for(template_of(json)));
    REQUIRE_EQ(job->merkle_branch.size(), vector["branches"].Size());
    for (rapidjson::SizeType i = 0; i < vector["branches"].Size(); ++i) {
      CHECK_EQ(base::to_hex(job->merkle_branch[i].bytes), vector["branches"][i].GetString());
    }
    CHECK_EQ(stratum::prevhash_to_wire(job->prev_hash()), vector["notify_prevhash"].GetString());
    CHECK_NE(job->work().notify_line.find(vector["notify_prevhash"].GetString()),
             std::string::npos);
    const std::string coinbase = base::to_hex(coinbase_of(*job));
    CHECK_NE(coinbase.find(vector["default_witness_commitment"].GetString()), std::string::npos);
    std::vector<bitcoin::Wtxid> wtxids;
    for (const auto& hex : vector["wtxids"].GetArray()) {
      const auto wtxid = bitcoin::Wtxid::from_display_hex(hex.GetString());
      REQUIRE(wtxid);
      wtxids.push_back(*wtxid);
    }
    CHECK_EQ(base::to_hex(bitcoin::witness_commitment_script(wtxids)),
             vector["default_witness_commitment"].GetString());
    ++seen;
  }
  CHECK_EQ(seen, 2);
}

TEST_CASE("both notify lines hold the job, and differ only in clean_jobs") {
  for (const bool clean : {false, true}) {
    JobSpec spec = spec_for(template_of(vector_text("gbt_core_regtest.json")));
    spec.clean_jobs = clean;
    const auto job = build(spec);
    const stratum::Notify notify = notify_of(job->work().notify_line);
    CHECK_EQ(notify.job_id, "18468e1f5fa5cbaa");
    CHECK_EQ(notify.prev_hash, job->prev_hash());
    CHECK_EQ(notify.coinb1, job->work().coinbase.coinb1);
    CHECK_EQ(notify.coinb2, job->work().coinbase.coinb2);
    CHECK_EQ(notify.merkle_branch, job->merkle_branch);
    CHECK_EQ(notify.version, job->version);
    CHECK_EQ(notify.nbits, 0x207fffffu);
    CHECK_EQ(notify.ntime, job->ntime);
    CHECK_EQ(notify.clean_jobs, clean);
    CHECK(notify_of(job->work().notify_line_clean).clean_jobs);
    CHECK_EQ(job->work().notify_line == job->work().notify_line_clean, clean);
    CHECK_LT(job->work().notify_line.size(), 4096);  // NerdMiner's buffer
  }
}

TEST_CASE("the coinbase pays the template's value, commits, and is small enough for every miner") {
  const auto block_template = template_of(vector_text("gbt_core_regtest.json"));
  const auto job = build(spec_for(block_template));
  const base::Bytes coinbase = coinbase_of(*job);
  CHECK_LE(coinbase.size(), 230);
  const auto transaction = bitcoin::Transaction::parse(coinbase);
  REQUIRE(transaction);
  REQUIRE_EQ(transaction->outputs.size(), 2);
  CHECK_EQ(transaction->outputs[0].value, Sats(5000007370));
  CHECK_EQ(transaction->outputs[0].script_pubkey, payout_script);
  CHECK_EQ(transaction->outputs[1].value, Sats(0));
  CHECK_EQ(transaction->outputs[1].script_pubkey, *block_template->default_witness_commitment);
  CHECK_EQ(job->coinbase_value, Sats(5000007370));
}

TEST_CASE("jobs over the same template never share a coinbase") {
  JobSpec spec = spec_for(template_of(vector_text("gbt_core_regtest.json")));
  const auto first = build(spec);
  spec.coinbase_unique += 1;
  const auto second = build(spec);
  CHECK_NE(coinbase_of(*first), coinbase_of(*second));
}

TEST_CASE("outputs must add up to the coinbase value, to the satoshi") {
  const auto block_template = template_of(vector_text("gbt_core_regtest.json"));
  const std::int64_t total = block_template->coinbase_value.value;
  struct Row {
    const char* why;
    std::vector<std::int64_t> values;
    std::optional<JobError> error;
  };
  const Row rows[] = {
      {"one output", {total}, {}},
      {"two outputs", {total - 1, 1}, {}},
      {"an output of zero", {0, total}, {}},
      {"a satoshi short", {total - 1}, JobError::wrong_sum},
      {"a satoshi over", {total, 1}, JobError::wrong_sum},
      {"nothing paid", {0}, JobError::wrong_sum},
      {"a negative amount that makes up for another", {total + 5, -5}, JobError::wrong_sum},
      {"a negative amount first", {-5, total + 5}, JobError::wrong_sum},
      {"amounts whose 64-bit sum wraps around to the right one",
       {INT64_MAX, INT64_MAX, total + 2},
       JobError::wrong_sum},
      {"no output", {}, JobError::no_output},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    JobSpec spec = spec_for(block_template);
    spec.outputs.clear();
    for (const std::int64_t value : row.values)
      spec.outputs.push_back({Sats(value), payout_script});
    const auto job = mining::build_job(spec);
    CHECK_EQ(job.has_value(), !row.error);
    if (row.error) CHECK_EQ(job.error(), *row.error);
  }
}

TEST_CASE("the version that miners get has the mask's bits cleared") {
  auto block_template = template_of(vector_text("gbt_core_regtest.json"));
  block_template->version = 0x3000a007;
  JobSpec spec = spec_for(block_template);
  CHECK_EQ(build(spec)->version, 0x20000007);
  spec.version_mask = 0;
  CHECK_EQ(build(spec)->version, 0x3000a007);
}

TEST_CASE("ntime is never before the template's mintime") {
  const auto block_template = template_of(vector_text("gbt_core_regtest.json"));
  JobSpec spec = spec_for(block_template);
  spec.ntime = block_template->mintime - 1;
  CHECK_EQ(build(spec)->ntime, block_template->mintime);
  spec.ntime = block_template->mintime + 1;
  CHECK_EQ(build(spec)->ntime, block_template->mintime + 1);
}

TEST_CASE("a block may weigh 4,000,000 and not one more") {
  auto block_template = template_of(vector_text("gbt_core_regtest.json"));
  JobSpec spec = spec_for(block_template);
  spec.coinbase_tag.clear();  // nothing to leave out
  // Header 80, count 1 and coinbase in full weight; BIP141's marker, flag and witness in single.
  const std::uint64_t rest = 4 * (80 + 1 + coinbase_of(*build(spec)).size()) + 36;
  block_template->transactions_weight = 4'000'000 - rest;
  CHECK(mining::build_job(spec));
  block_template->transactions_weight += 1;
  const auto heavy = mining::build_job(spec);
  REQUIRE_FALSE(heavy);
  CHECK_EQ(heavy.error(), JobError::block_too_heavy);
}

TEST_CASE("a tag or push that does not fit the scriptSig") {
  JobSpec spec = spec_for(template_of(vector_text("gbt_core_regtest.json")));
  spec.coinbase_tag = std::string(90, 'x');
  const auto job = mining::build_job(spec);
  REQUIRE_FALSE(job);
  CHECK_EQ(job.error(), JobError::script_sig_too_long);
}

TEST_CASE("a share of a built job hashes the header that the block would have") {
  for (const char* file : {"gbt_core_regtest.json", "gbt_bcoin_regtest.json"}) {
    CAPTURE(file);
    const auto job = build(spec_for(template_of(vector_text(file))));
    const base::Bytes extranonce1 = bytes("08000002");
    const base::Bytes extranonce2 = bytes("0000000000000001");
    mining::ShareRules rules;
    rules.now = job->ntime;
    rules.version_mask = 0x1fffe000;
    mining::ShareVerdict verdict;
    mining::ShareSubmission share{extranonce1, extranonce2, job->ntime, 0, 0x00b44000};
    while (!verdict.is_block) {  // every second hash, on regtest
      ++share.nonce;
      verdict = mining::check_share(*job, share, rules);
    }
    // The root over the coinbase and the template's ids, computed in full.
    const auto coinbase = bitcoin::Transaction::parse(coinbase_of(*job));
    REQUIRE(coinbase);
    std::vector<bitcoin::Hash256> leaves = {bitcoin::Hash256(coinbase->txid().bytes)};
    const auto& txids = job->block_template->txids;
    leaves.insert(leaves.end(), txids.begin(), txids.end());
    const auto header = bitcoin::Header::parse(verdict.header);
    CHECK_EQ(header.merkle_root, bitcoin::merkle_root(leaves));
    CHECK_EQ(header.version, job->version | 0x00b44000);
    CHECK_EQ(header.prev_hash, job->prev_hash());
    CHECK_EQ(header.hash(), verdict.hash);
    CHECK(job->network_target().admits(verdict.hash.bytes));
  }
}

TEST_CASE("every job error has words") {
  for (const JobError error : {JobError::wrong_sum, JobError::script_sig_too_long,
                               JobError::no_output, JobError::no_height, JobError::block_too_heavy,
                               JobError::block_too_large, JobError::too_many_sigops}) {
    CHECK_NE(mining::describe(error), "unknown job error");
  }
}

TEST_CASE("a tier gets the longest coinbase that fits, and no satoshi is lost") {
  JobSpec spec = spec_for(template_of(vector_text("gbt_core_regtest.json")));
  const std::int64_t reward = spec.block_template->coinbase_value.value;
  const base::Bytes other = *base::from_hex("0014" + std::string(40, '7'));
  spec.outputs.front().value = Sats{reward - 10 * 7};
  for (int i = 0; i < 10; ++i) spec.outputs.push_back({Sats{7}, other});
  const auto total = [](const mining::TierWork& work) {
    const auto parsed = bitcoin::Transaction::parse(
        bitcoin::assemble_coinbase(work.coinbase, bytes("08000002"), bytes("0000000000000001")));
    REQUIRE(parsed);
    std::int64_t sum = 0;
    for (const bitcoin::TxOut& output : parsed->outputs) sum += output.value.value;
    return sum;
  };
  const auto size = [](const mining::TierWork& work) {
    return work.coinbase.coinb1.size() + 12 + work.coinbase.coinb2.size();
  };
  spec.tier_bytes_max = {1'000'000, 255, 100'000, 180, 1};
  const auto job = build(spec);
  REQUIRE_EQ(job->tiers.size(), 5);
  for (std::size_t tier = 0; tier < 5; ++tier) {
    CAPTURE(tier);
    CHECK_EQ(total(job->work(tier)), reward);
  }
  // Every output fits, and such tiers share one text.
  CHECK_EQ(job->tiers[0], job->tiers[2]);
  CHECK_GT(size(job->work(0)), 255 + 31);
  // As many outputs as fit: one more would be too long.
  CHECK_LE(size(job->work(1)), 255);
  CHECK_GT(size(job->work(1)), 255 - 31);
  // The tag goes last; what does not fit even so is the shortest there is.
  CHECK_LT(size(job->work(3)), size(job->work(1)));
  CHECK_EQ(size(job->work(3)) - size(job->work(4)), spec.coinbase_tag.size() + 1);
  CHECK_EQ(base::to_hex(job->work(4).coinbase.coinb2).find("2f7068617365706f6f6c2f"),
           std::string::npos);
  // A tier that nobody asked for is the last one.
  CHECK_EQ(&job->work(99), &job->work(4));
  CHECK_EQ(notify_of(job->work(1).notify_line).coinb2, job->work(1).coinbase.coinb2);
}

TEST_CASE("a job issued anew is other work over the same template") {
  JobSpec spec = spec_for(template_of(vector_text("gbt_core_regtest.json")));
  spec.id = mining::JobId(7 * mining::job_id_step);
  spec.clean_jobs = true;
  spec.tier_bytes_max = {500, 255, 500};
  const auto job = build(spec);
  const mining::JobId id(job->id.value + 3);
  const auto again = mining::reissue_job(*job, id, job->ntime + 9);
  CHECK_EQ(again->id, id);
  CHECK_EQ(again->block_template, job->block_template);
  CHECK_FALSE(again->clean_jobs);
  CHECK_EQ(again->ntime, job->ntime + 9);
  CHECK_EQ(again->tiers[0], again->tiers[2]);
  const stratum::Notify before = notify_of(job->work().notify_line);
  const stratum::Notify after = notify_of(again->work().notify_line);
  CHECK_EQ(after.job_id, mining::job_id_text(id));
  CHECK_NE(after.coinb1, before.coinb1);
  CHECK_EQ(after.coinb2, before.coinb2);
  CHECK_EQ(after.merkle_branch, before.merkle_branch);
  CHECK_FALSE(after.clean_jobs);
  CHECK(notify_of(again->work().notify_line_clean).clean_jobs);
  // Exactly what would have been built under that unique push.
  spec.coinbase_unique += 3;
  spec.id = id;
  CHECK_EQ(build(spec)->work().coinbase.coinb1, again->work().coinbase.coinb1);
}
