#include "pool/tools/verify.h"

#include "common/bitcoin/transaction.h"
#include "common/mining/block_template.h"
#include "common/mining/job_builder.h"
#include "pool/node/block_submitter.h"
#include "tests/loop/pool/node/found_block.h"
#include "tests/loop/pool/node/waiting.h"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace pool {
namespace {

namespace fs = std::filesystem;

// A block as the pool finds it, with a witness transaction in it and its record.
VaultedBlock find_vaulted_block() {
  bitcoin::Transaction spend;
  spend.inputs.resize(1);
  spend.inputs[0].prev_txid.bytes.fill(7);
  spend.inputs[0].witness = {base::Bytes{1, 2, 3}};
  spend.outputs = {{bitcoin::Sats{1000}, base::Bytes{0x51}}};
  const bitcoin::Wtxid wtxids[] = {spend.wtxid()};
  const std::string json = fmt::format(
      R"({{"version":536870912,"rules":["csv","!segwit"],"previousblockhash":"{}",)"
      R"("transactions":[{{"data":"{}","txid":"{}","hash":"{}","fee":10,"sigops":0,"weight":300}}],)"
      R"("coinbaseaux":{{}},"coinbasevalue":5000000010,"longpollid":"x",)"
      R"("target":"7fffff0000000000000000000000000000000000000000000000000000000000",)"
      R"("mintime":1600000000,"mutable":["time"],"noncerange":"00000000ffffffff",)"
      R"("sigoplimit":80000,"sizelimit":4000000,"weightlimit":4000000,"curtime":1700000000,)"
      R"("bits":"207fffff","height":101,"default_witness_commitment":"{}"}})",
      std::string(64, '1'), base::to_hex(spend.serialize_witness()), spend.txid().display_hex(),
      spend.wtxid().display_hex(), base::to_hex(bitcoin::witness_commitment_script(wtxids)));
  auto parsed = mining::parse_block_template(json);
  REQUIRE(parsed.has_value());
  mining::JobSpec spec;
  spec.id = mining::JobId{1};
  spec.block_template = std::make_shared<const mining::BlockTemplate>(std::move(*parsed));
  spec.outputs = {{spec.block_template->coinbase_value, base::Bytes{0x51}}};
  spec.ntime = spec.block_template->curtime;
  auto job = mining::build_job(spec);
  REQUIRE(job.has_value());
  FoundBlock found = test::find_block(*job);
  found.candidate.worker_name = "rig";
  found.candidate.reward = found.job->coinbase_value;
  found.candidate.merkle_branch = found.job->merkle_branch;
  return {found.hash, std::make_shared<const std::string>(found_block_hex(found)), found.candidate};
}

struct Bench {
  test::TemporaryFolder folder;
  VaultedBlock block = find_vaulted_block();
  std::vector<VerifyLine> lines;

  Bench() {
    fs::create_directories(folder.path() + "/vault/done");
    fs::create_directories(folder.path() + "/vault/rejected");
  }
  std::string path(const std::string& below = "") const {
    return folder.path() + "/vault/" + below + vault_file_name(block.hash);
  }
  std::string text() const { return *block.hex + vault_file_rest(block.candidate); }
  void write(const std::string& where, const std::string& what) const {
    std::ofstream(where, std::ios::binary) << what;
  }
  VerifyReport report() {
    return [this](const VerifyLine& line) { lines.push_back(line); };
  }
  // The line of one file with this text.
  VerifyLine verify(const std::string& what) {
    lines.clear();
    write(path(), what);
    const bool all = verify_block_files({path()}, report());
    REQUIRE_EQ(lines.size(), 1);
    CHECK_EQ(all, lines[0].ok);
    CHECK_NE(lines[0].text.find(path()), std::string::npos);
    return lines[0];
  }
  void refuses(const std::string& what, const std::string& why) {
    CAPTURE(why);
    const VerifyLine line = verify(what);
    CHECK_FALSE(line.ok);
    CHECK_MESSAGE(line.text.find(why) != std::string::npos, line.text);
  }
  void refuses_record(const std::function<void(BlockCandidateRecord&)>& change,
                      const std::string& why) {
    BlockCandidateRecord record = *block.candidate;
    change(record);
    refuses(*block.hex + vault_file_rest(record), why);
  }
};

}  // namespace

TEST_CASE("a block as the pool stores it is whole, with or without its record") {
  Bench b;
  const VerifyLine whole = b.verify(b.text());
  CHECK_MESSAGE(whole.ok, whole.text);
  CHECK_NE(whole.text.find("height 101, 2 transactions, weight "), std::string::npos);
  CHECK_NE(whole.text.find("pays 5000000010 sats, found by bcrt1qfinder.rig"), std::string::npos);
  CHECK_EQ(format_verify_line({true, "block", "x"}), "ok    block      x");
  CHECK_EQ(format_verify_line({false, "unsettled", "x"}), "FAIL  unsettled  x");
  const VerifyLine alone = b.verify(*b.block.hex + "\n");
  CHECK_MESSAGE(alone.ok, alone.text);
  CHECK_NE(alone.text.find("without a record"), std::string::npos);
}

TEST_CASE("files that are no whole block are refused, and why is said") {
  Bench b;
  const std::string hex = *b.block.hex;
  b.refuses("", "it is empty");
  b.refuses("\n", "not a block in hex");
  b.refuses("garbage\n", "not a block in hex");
  b.refuses(hex, "cut off");
  b.refuses(hex.substr(0, 100) + "\n", "not a block in hex");
  b.refuses(hex.substr(0, hex.size() - 2) + "\n", "ends before its last transaction");
  b.refuses(hex + "00\n", "goes on after its last transaction");
  b.refuses(hex.substr(0, 160) + "00\n", "no transactions");
  b.refuses("ff" + hex.substr(2) + "\n", "another hash");
  b.refuses(hex + "\nnonsense\n", "second line");
  b.refuses(std::string(vault_file_bytes_max + 1, '0'), "more than a block has");
  std::string other = hex;  // a bit of the last transaction's lock time
  other[other.size() - 8] = other[other.size() - 8] == '0' ? '1' : '0';
  b.refuses(other + "\n", "merkle root");
  std::string witness = hex;  // 010203 of the witness
  witness.replace(witness.rfind("010203"), 6, "010204");
  b.refuses(witness + "\n", "witness commitment");
}

TEST_CASE("a record that does not fit its block is refused") {
  Bench b;
  b.refuses_record([](auto& r) { r.hash.bytes[0] ^= 1u; }, "second line");
  b.refuses_record([](auto& r) { r.header[0] ^= 1u; }, "another header");
  b.refuses_record([](auto& r) { r.coinbase.back() ^= 1u; }, "another coinbase");
  b.refuses_record([](auto& r) { ++r.height; }, "height 102");
  b.refuses_record([](auto& r) { r.reward.value += 1; },
                   "says 5000000011 sats, its coinbase pays 5000000010");
  b.refuses_record([](auto& r) { r.merkle_branch[0].bytes[0] ^= 1u; }, "merkle branch");
}

TEST_CASE("files with another name, and what is no file") {
  Bench b;
  const auto refuses = [&](const std::string& name, const std::string& why) {
    CAPTURE(name);
    b.lines.clear();
    CHECK_FALSE(verify_block_files({name}, b.report()));
    REQUIRE_EQ(b.lines.size(), 1);
    CHECK_MESSAGE(b.lines[0].text.find(why) != std::string::npos, b.lines[0].text);
  };
  const std::string named_wrong = b.folder.path() + "/vault/block.txt";
  b.write(named_wrong, b.text());
  refuses(named_wrong, "its name is not");
  bitcoin::BlockHash other = b.block.hash;
  other.bytes[0] ^= 1u;
  const std::string of_another = b.folder.path() + "/vault/" + vault_file_name(other);
  b.write(of_another, b.text());
  refuses(of_another, "another hash than its name");
  refuses(b.path("nowhere/"), "can't read it");
  fs::create_directories(b.path("done/"));
  refuses(b.path("done/"), "not a file");
}

TEST_CASE("the vault is verified in all its folders") {
  Bench b;
  SUBCASE("empty") {
    CHECK(verify_vault(b.folder.path(), b.report()));
    REQUIRE_EQ(b.lines.size(), 1);
    CHECK_NE(b.lines[0].text.find("0 unsettled, 0 done, 0 rejected"), std::string::npos);
  }
  SUBCASE("whole blocks, one of them not named yet") {
    b.write(b.path() + ".tmp", b.text());
    b.write(b.path("done/"), b.text());
    b.write(b.path("rejected/"), b.text());
    CHECK(verify_vault(b.folder.path(), b.report()));
    REQUIRE_EQ(b.lines.size(), 4);
    CHECK_EQ(b.lines[0].part, "unsettled");
    CHECK_EQ(b.lines[1].part, "done");
    CHECK_EQ(b.lines[2].part, "rejected");
    CHECK_NE(b.lines[3].text.find("1 unsettled, 1 done, 1 rejected"), std::string::npos);
  }
  SUBCASE("one bad file is enough") {
    b.write(b.path(), b.text());
    b.write(b.path("rejected/"), "x\n");
    CHECK_FALSE(verify_vault(b.folder.path(), b.report()));
    CHECK(b.lines[0].ok);
    CHECK_FALSE(b.lines[1].ok);
    CHECK_FALSE(b.lines.back().ok);
  }
  SUBCASE("a folder that is missing") {
    fs::remove_all(b.folder.path() + "/vault/done");
    CHECK_FALSE(verify_vault(b.folder.path(), b.report()));
  }
}

TEST_CASE("a block is written out as submitblock takes it") {
  Bench b;
  b.write(b.path(), b.text());
  const std::string out = b.folder.path() + "/out.hex";
  CHECK_EQ(verify_block_command({b.path()}, out), 0);
  std::ifstream in(out);
  CHECK_EQ(std::string(std::istreambuf_iterator<char>(in), {}), *b.block.hex + "\n");
  CHECK_EQ(verify_block_command({b.path()}, b.folder.path() + "/no/such/folder"), 1);
  CHECK_EQ(verify_block_command({b.path("done/")}, out), 1);
  CHECK_EQ(verify_block_command({b.path(), b.path("done/")}, ""), 1);
}

}  // namespace pool
