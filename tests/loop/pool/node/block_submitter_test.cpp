#include "pool/node/block_submitter.h"

#include "common/mining/job_builder.h"
#include "common/uv/clock.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/node/found_block.h"
#include "tests/loop/pool/node/journalled.h"
#include "tests/loop/pool/node/waiting.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace pool {
namespace {

using namespace std::chrono_literals;
using Reply = test::FakeNode::Reply;
using Call = test::FakeNode::Call;

std::shared_ptr<const mining::Job> make_job(const std::string& template_json) {
  mining::JobSpec spec;
  spec.id = mining::JobId{1};
  spec.block_template =
      std::make_shared<const mining::BlockTemplate>(*mining::parse_block_template(template_json));
  spec.outputs = {{spec.block_template->coinbase_value, base::Bytes{0x51}}};
  spec.ntime = spec.block_template->curtime;
  return *mining::build_job(spec);
}

struct Bench {
  uv::Loop loop;
  test::TemporaryFolder folder;
  BlockVault vault{loop, folder.path()};
  std::vector<std::unique_ptr<test::FakeNode>> nodes;
  std::vector<std::unique_ptr<NodeLink>> links;
  std::vector<BlockVaulted> vaulted;
  std::vector<BlockCandidateRecord> candidates;
  std::vector<BlockOutcomeRecord> outcomes;
  std::vector<AppendId> appends;  // the outcomes'
  std::vector<BlockSubmissionRecord> answers;
  std::string journalled;  // all kinds, in their order
  std::vector<std::string> accepted_by;
  bool journal_has_room = true;
  std::vector<bitcoin::BlockHash> known;
  NodeJournal node_journal{[this](const JournalAppend& append) { return journal(append); }};
  std::unique_ptr<BlockSubmitter> submitter;
  uv::Timer ticker{loop, [this] {
                     node_journal.on_tick();
                     submitter->on_tick(uv::read_clock());
                   }};

  explicit Bench(std::size_t node_count) {
    REQUIRE(vault.open());
    std::vector<NodeLink*> to;
    for (std::size_t i = 0; i < node_count; ++i) {
      nodes.push_back(std::make_unique<test::FakeNode>(loop));
      links.push_back(std::make_unique<NodeLink>(loop, nodes[i]->config(),
                                                 bitcoin::Network::regtest, NodeLink::Events{}));
      to.push_back(links[i].get());
    }
    BlockSubmitter::Hooks hooks;
    hooks.block_vaulted = [this](ShardIndex, BlockVaulted what) { vaulted.push_back(what); };
    hooks.on_new_tip = [this](const bitcoin::BlockHash&, NodeLink& link) {
      accepted_by.push_back(link.name());
    };
    hooks.on_known = [this](const bitcoin::BlockHash& hash) { known.push_back(hash); };
    submitter =
        std::make_unique<BlockSubmitter>(vault, node_journal, std::move(to), std::move(hooks));
    ticker.start(20ms, 20ms);
  }
  bool journal(const JournalAppend& append) {
    if (!journal_has_room) return false;
    for (JournalRecord& record : test::records_of(append)) {
      if (const auto* candidate = std::get_if<BlockCandidateRecord>(&record)) {
        candidates.push_back(*candidate);
        journalled += "candidate ";
      } else if (const auto* said = std::get_if<BlockSubmissionRecord>(&record)) {
        answers.push_back(*said);
        journalled += "answer ";
      } else {
        outcomes.push_back(std::get<BlockOutcomeRecord>(record));
        appends.push_back(append.id);
        journalled += "outcome ";
      }
    }
    return true;
  }
  FoundBlock found() const { return test::find_block(make_job(nodes.at(0)->template_json())); }
  void submit_answers(std::size_t node, const Reply& reply, const Reply& header = {}) {
    nodes[node]->handler = [=](const Call& call) -> std::optional<Reply> {
      if (call.method == "submitblock") return reply;
      if (call.method == "getblockheader") return header;
      return std::nullopt;
    };
  }
  bool wait(const std::function<bool()>& condition) {
    return test::wait_until(loop, condition, 10s);
  }
  bool in_vault(const FoundBlock& block, const std::string& below = "") const {
    return std::filesystem::exists(folder.path() + "/vault/" + below + block.hash.display_hex() +
                                   ".block");
  }
};

}  // namespace

TEST_CASE("a block goes to every node and into the vault, and leaves it when its outcome is safe") {
  Bench b(3);
  const FoundBlock block = b.found();
  b.submitter->on_found(block, uv::read_clock());
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1 && b.vaulted.size() == 1; }));
  REQUIRE(b.wait([&] { return b.accepted_by.size() == 3; }));
  for (const auto& node : b.nodes) {
    REQUIRE_EQ(node->submitted.size(), 1);
    CHECK_EQ(node->submitted[0], found_block_hex(block));
  }
  CHECK(b.vaulted[0].stored);
  CHECK(b.outcomes[0].status == BlockStatus::accepted);
  CHECK_EQ(b.submitter->blocks_accepted(), 1);
  CHECK_EQ(b.known, std::vector{block.hash});
  CHECK(b.in_vault(block));
  CHECK_FALSE(b.submitter->is_quiet());
  b.node_journal.on_durable(b.appends[0]);
  CHECK(b.submitter->is_quiet());
  REQUIRE(b.wait([&] { return b.in_vault(block, "done/"); }));
  CHECK_FALSE(b.in_vault(block));
}

TEST_CASE("one node that has the block is enough; the others' opinions do not matter") {
  Bench b(2);
  b.submit_answers(0, {R"("bad-txns")"});
  const FoundBlock block = b.found();
  b.submitter->on_found(block, uv::read_clock());
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
  CHECK(b.outcomes[0].status == BlockStatus::accepted);
  CHECK_EQ(b.accepted_by, std::vector<std::string>{b.links[1]->name()});
}

TEST_CASE("when all refuse, the reason is kept and the block is put aside") {
  Bench b(2);
  b.submit_answers(0, {R"("bad-txns")"});
  b.submit_answers(1, {R"("bad-txns")"});
  const FoundBlock block = b.found();
  b.submitter->on_found(block, uv::read_clock());
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
  CHECK(b.outcomes[0].status == BlockStatus::rejected);
  CHECK_EQ(b.outcomes[0].detail, "bad-txns");
  CHECK_EQ(b.submitter->blocks_rejected(), 1);
  CHECK(b.known.empty());
  b.node_journal.on_durable(b.appends[0]);
  REQUIRE(b.wait([&] { return b.in_vault(block, "rejected/"); }));
}

TEST_CASE("a refusal is not the last word while another node has not spoken") {
  Bench b(2);
  b.submit_answers(0, {R"("bad-txns")"});
  b.submit_answers(1, {"null", R"({"code":-28,"message":"wait"})", 500});
  const FoundBlock block = b.found();
  b.submitter->on_found(block, uv::read_clock());
  REQUIRE(b.wait([&] { return b.nodes[1]->submitted.size() >= 3; }));
  CHECK(b.outcomes.empty());
  CHECK_EQ(b.nodes[0]->submitted.size(), 1);
  b.nodes[1]->handler = nullptr;
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
  CHECK(b.outcomes[0].status == BlockStatus::accepted);
}

TEST_CASE("a refusal for a reason that passes is tried again, and is the outcome only much later") {
  using namespace std::chrono_literals;
  Bench b(1);
  b.submit_answers(0, {R"("prev-blk-not-found")"});
  base::Instant found_at = uv::read_clock();
  SUBCASE("the parent comes") {
    b.submitter->on_found(b.found(), found_at);
    REQUIRE(b.wait([&] { return b.nodes[0]->submitted.size() >= 3; }));
    CHECK(b.outcomes.empty());
    b.nodes[0]->handler = nullptr;
    REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
    CHECK(b.outcomes[0].status == BlockStatus::accepted);
  }
  SUBCASE("an hour later it is still missing") {
    found_at.mono -= 1h;
    b.submitter->on_found(b.found(), found_at);
    REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
    CHECK(b.outcomes[0].status == BlockStatus::rejected);
    CHECK_EQ(b.outcomes[0].detail, "prev-blk-not-found");
  }
}

TEST_CASE("a node that comes up gets the block at once") {
  Bench b(1);
  b.submit_answers(0, {"null", R"({"code":-28,"message":"wait"})", 500});
  b.submitter->on_found(b.found(), uv::read_clock());
  REQUIRE(b.wait([&] { return b.nodes[0]->submitted.size() >= 4; }));
  test::run_for(b.loop, 50ms);  // the answer arrives; the next pause is 2 s
  b.nodes[0]->handler = nullptr;
  b.submitter->on_node_up(*b.links[0], uv::read_clock());
  CHECK(test::wait_until(
      b.loop, [&] { return b.outcomes.size() == 1; }, 500ms));
}

TEST_CASE("a block on another branch is settled although a second node stays away") {
  Bench b(2);
  b.submit_answers(0, {R"("inconclusive")"}, {R"({"confirmations":-1})"});
  b.submit_answers(1, {"null", R"({"code":-28,"message":"wait"})", 500});
  b.submitter->on_found(b.found(), uv::read_clock());
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
  CHECK(b.outcomes[0].status == BlockStatus::submitted);
  CHECK_EQ(b.known.size(), 1);
  CHECK_GE(b.nodes[1]->submitted.size(), 3);
}

TEST_CASE("an outcome that the journal can't take, or loses, is offered again") {
  Bench b(1);
  b.journal_has_room = false;
  b.submitter->on_found(b.found(), uv::read_clock());
  REQUIRE(b.wait([&] { return b.accepted_by.size() == 1 && b.vaulted.size() == 1; }));
  test::run_for(b.loop, 100ms);
  CHECK(b.outcomes.empty());
  b.journal_has_room = true;
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
  CHECK_EQ(b.appends[0], AppendId{3});  // behind the candidate and the node's answer
  b.node_journal.on_not_durable(AppendId{3}, AppendId{3});
  REQUIRE(b.wait([&] { return b.outcomes.size() == 2; }));
  CHECK_EQ(b.appends[1], AppendId{4});
  b.node_journal.on_durable(AppendId{3});
  CHECK_FALSE(b.submitter->is_quiet());
  b.node_journal.on_durable(AppendId{4});
  CHECK(b.submitter->is_quiet());
}

TEST_CASE("the candidate is journalled as soon as the block is there, and before its outcome") {
  Bench b(1);
  const FoundBlock block = b.found();
  b.submitter->on_found(block, uv::read_clock());
  REQUIRE_EQ(b.candidates.size(), 1);
  CHECK_EQ(b.candidates[0], block.candidate);
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
  test::run_for(b.loop, 100ms);
  CHECK_EQ(b.journalled, "candidate answer outcome ");
}

TEST_CASE(
    "a candidate that the journal loses is journalled again, and so is its outcome after it") {
  Bench b(1);
  SUBCASE("before there is an outcome") {
    b.submit_answers(0, {"null", R"({"code":-28,"message":"wait"})", 500});
    b.submitter->on_found(b.found(), uv::read_clock());
    b.node_journal.on_not_durable(AppendId{1}, AppendId{1});
    REQUIRE(b.wait([&] { return b.candidates.size() == 2 && !b.answers.empty(); }));
    b.nodes[0]->handler = nullptr;
    REQUIRE(b.wait([&] { return b.outcomes.size() == 1 && b.vaulted.size() == 1; }));
    CHECK_EQ(b.journalled, "candidate candidate answer answer outcome ");
  }
  SUBCASE("when the outcome's append is on its way too") {
    b.submitter->on_found(b.found(), uv::read_clock());
    REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
    b.node_journal.on_not_durable(AppendId{1}, AppendId{1});
    REQUIRE(b.wait([&] { return b.outcomes.size() == 2; }));
    CHECK_EQ(b.journalled, "candidate answer outcome candidate answer outcome ");
    REQUIRE(b.wait([&] { return b.vaulted.size() == 1; }));
    b.node_journal.on_durable(b.appends[0]);
    CHECK_FALSE(b.submitter->is_quiet());
  }
  b.node_journal.on_durable(b.appends.back());
  CHECK(b.submitter->is_quiet());
}

TEST_CASE("a block from the vault is journalled with the record that was stored with it") {
  Bench b(1);
  const FoundBlock block = b.found();
  b.submitter->on_found(block, uv::read_clock());
  REQUIRE(b.wait([&] { return b.vaulted.size() == 1 && b.outcomes.size() == 1; }));
  auto contents = b.vault.load();
  REQUIRE(contents);
  REQUIRE_EQ(contents->blocks.size(), 1);

  Bench after(1);
  SUBCASE("with a record") {
    after.submitter->resume(contents->blocks, uv::read_clock());
    REQUIRE_EQ(after.candidates.size(), 1);
    CHECK_EQ(after.candidates[0], block.candidate);
    REQUIRE(after.wait([&] { return after.outcomes.size() == 1; }));
    CHECK_EQ(after.journalled, "candidate answer outcome ");
  }
  SUBCASE("without") {
    contents->blocks[0].candidate.reset();
    after.submitter->resume(contents->blocks, uv::read_clock());
    REQUIRE(after.wait([&] { return after.outcomes.size() == 1; }));
    CHECK_EQ(after.journalled, "answer outcome ");
  }
}

TEST_CASE("a vault that can't be written is told to the shard and holds up nothing") {
  Bench b(1);
  std::filesystem::remove_all(b.folder.path() + "/vault");
  std::ofstream(b.folder.path() + "/vault") << "in the way";
  b.submitter->on_found(b.found(), uv::read_clock());
  REQUIRE(b.wait([&] { return b.vaulted.size() == 1 && b.outcomes.size() == 1; }));
  CHECK_FALSE(b.vaulted[0].stored);
  CHECK(b.outcomes[0].status == BlockStatus::accepted);
  b.node_journal.on_durable(b.appends[0]);
  CHECK(b.submitter->is_quiet());
}

TEST_CASE("a vault that hangs delays neither the sending nor the journal, but the miner") {
  Bench b(2);
  const FoundBlock block = b.found();
  const std::string pipe = b.folder.path() + "/vault/" + block.hash.display_hex() + ".block.tmp";
  REQUIRE_EQ(::mkfifo(pipe.c_str(), 0600), 0);  // to open it waits until somebody reads
  b.submitter->on_found(block, uv::read_clock());
  REQUIRE(b.wait([&] { return b.accepted_by.size() == 2 && b.outcomes.size() == 1; }));
  b.node_journal.on_durable(b.appends[0]);
  test::run_for(b.loop, 50ms);
  CHECK(b.vaulted.empty());
  CHECK_FALSE(b.submitter->is_quiet());
  {
    std::ifstream reader(pipe);
    std::filesystem::remove(pipe);
    std::string heard;
    std::getline(reader, heard);
    CHECK_EQ(heard, found_block_hex(block));
  }
  REQUIRE(b.wait([&] { return b.in_vault(block, "done/"); }));
  REQUIRE_EQ(b.vaulted.size(), 1);
  CHECK(b.vaulted[0].stored);
}

TEST_CASE("a node that hangs on a block delays neither the other node nor later blocks") {
  Bench b(2);
  Reply hang;
  hang.silent = true;
  b.submit_answers(0, hang);
  const FoundBlock first = b.found();
  b.submitter->on_found(first, uv::read_clock());
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
  CHECK_EQ(b.accepted_by, std::vector<std::string>{b.links[1]->name()});
  b.nodes[0]->handler = nullptr;
  FoundBlock second = test::find_block(make_job(b.nodes[0]->template_json()), 1);
  REQUIRE_NE(second.hash, first.hash);
  b.submitter->on_found(second, uv::read_clock());
  REQUIRE(b.wait([&] { return b.accepted_by.size() == 3; }));
  CHECK_EQ(b.nodes[0]->submitted.size(), 2);
}

TEST_CASE("what each node says is journalled and counted, under the node's name") {
  Bench b(3);
  b.submit_answers(0, {R"("high-hash")"});
  b.submit_answers(1, {R"("duplicate")"}, {R"({"confirmations":1})"});
  b.submit_answers(2, {"null", R"({"code":-28,"message":"wait"})", 500});
  b.submitter->on_found(b.found(), uv::read_clock());
  REQUIRE(b.wait([&] { return b.answers.size() == 3 && b.outcomes.size() == 1; }));
  using Answer = SubmissionAnswer;
  const Answer expected[] = {Answer::rejected, Answer::duplicate, Answer::unreachable};
  for (const BlockSubmissionRecord& record : b.answers) {
    const auto at = std::find_if(b.links.begin(), b.links.end(),
                                 [&](const auto& link) { return link->name() == record.node; });
    REQUIRE(at != b.links.end());
    const auto node = static_cast<std::size_t>(at - b.links.begin());
    CHECK(record.answer == expected[node]);
    CHECK_EQ(b.submitter->answers(node).count(expected[node]), 1);
    if (node == 0) CHECK_EQ(record.detail, "high-hash");
  }
  CHECK(b.outcomes[0].status == BlockStatus::accepted);
}

TEST_CASE("a block is sent to a node that was never heard of, and comes when it listens") {
  Bench b(1);
  const std::uint16_t port = b.nodes[0]->port();
  const FoundBlock block = b.found();
  b.nodes.clear();
  b.submitter->on_found(block, uv::read_clock());
  REQUIRE(b.wait([&] { return b.answers.size() == 1; }));
  CHECK(b.answers[0].answer == SubmissionAnswer::unreachable);
  b.nodes.push_back(std::make_unique<test::FakeNode>(b.loop, port));
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
  CHECK_EQ(b.answers.size(), 2);
}

TEST_CASE("the same block found twice is sent once, and both finders hear of the vault") {
  Bench b(1);
  const FoundBlock block = b.found();
  b.submitter->on_found(block, uv::read_clock());
  b.submitter->on_found(block, uv::read_clock());
  REQUIRE(b.wait([&] { return b.vaulted.size() == 2; }));
  b.submitter->on_found(block, uv::read_clock());
  CHECK_EQ(b.vaulted.size(), 3);
  REQUIRE(b.wait([&] { return b.outcomes.size() == 1; }));
  CHECK_EQ(b.nodes[0]->submitted.size(), 1);
}

TEST_CASE("the block's bytes carry the coinbase's witness where the template commits to one") {
  Bench b(1);
  const std::string plain = b.nodes[0]->template_json();
  const std::string commitment = "6a24aa21a9ed" + std::string(64, '1');
  const std::string with_commitment =
      plain.substr(0, plain.size() - 1) + R"(,"default_witness_commitment":")" + commitment + "\"}";
  const FoundBlock bare = test::find_block(make_job(plain));
  const FoundBlock committed = test::find_block(make_job(with_commitment));
  const std::string bare_hex = found_block_hex(bare);
  const std::string committed_hex = found_block_hex(committed);
  CHECK_EQ(bare_hex.substr(0, 160), base::to_hex(bare.header));
  CHECK_EQ(bare_hex.substr(160), "01" + base::to_hex(bare.coinbase));
  // BIP144: marker and flag behind the version, one witness item of 32 zero bytes before lock_time.
  CHECK_EQ(committed_hex.substr(162 + 8, 4), "0001");
  CHECK_EQ(committed_hex.substr(committed_hex.size() - 8 - 68, 68), "0120" + std::string(64, '0'));
  CHECK_NE(committed_hex.find(commitment), std::string::npos);
}

}  // namespace pool
