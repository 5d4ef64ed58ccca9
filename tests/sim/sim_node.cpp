#include "tests/sim/sim_node.h"

#include "common/base/assert.h"
#include "common/bitcoin/block.h"
#include "common/bitcoin/block_check.h"
#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/transaction.h"
#include "common/mining/empty_template.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sim {
namespace {

constexpr std::uint32_t first_height = 1000;
constexpr std::uint32_t block_version = 0x20000000;

void fill(std::array<std::uint8_t, 32>& bytes, base::Random& random) {
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
}

// A payment like any other, but for where its coin comes from.
bitcoin::Transaction some_payment(std::uint64_t number) {
  bitcoin::Transaction made;
  bitcoin::TxIn& input = made.inputs.emplace_back();
  base::write_le64(std::span(input.prev_txid.bytes).first(8), number);
  bitcoin::TxOut& output = made.outputs.emplace_back();
  output.value = bitcoin::Sats{static_cast<std::int64_t>(1000 + number)};
  output.script_pubkey = base::Bytes(22, 0x51);
  return made;
}

}  // namespace

SimNode::SimNode(Environment& env, const NodeOptions& options, std::function<void()> on_new_tip)
    : env_(env),
      options_(options),
      target_(*bitcoin::Target256::from_compact(options.nbits)),
      on_new_tip_(std::move(on_new_tip)) {
  fill(tip_.bytes, env_.random);
  blocks_[tip_] = {{}, first_height, false};
}

void SimNode::start() {
  make_tip(mine_on(tip_));
  schedule_block();
}

void SimNode::schedule_block() {
  env_.schedule.after(exponential(env_.random, options_.block_interval), world_owner, [this] {
    if (!env_.faults.stopped) find_block();
    schedule_block();
  });
}

// Mostly on the tip; sometimes two at once, sometimes beside it, and then on top of that one.
void SimNode::find_block() {
  const Block& best = blocks_.at(tip_);
  if (chance(env_.random, env_.faults.reorgs) && best.height > first_height + 1) {
    const auto rival = mine_on(best.header.prev_hash);
    ++reorganisations_;
    return make_tip(mine_on(rival));
  }
  const auto parent = tip_;
  if (chance(env_.random, env_.faults.twin_tips)) {
    env_.schedule.after(between(env_.random, 1, millisecond), world_owner, [this, parent] {
      make_tip(mine_on(mine_on(parent)));  // the other one, and it has won already
    });
  }
  make_tip(mine_on(parent));
}

bitcoin::BlockHash SimNode::mine_on(const bitcoin::BlockHash& parent) {
  bitcoin::Header header;
  header.version = block_version;
  header.prev_hash = parent;
  fill(header.merkle_root.bytes, env_.random);
  header.ntime = static_cast<std::uint32_t>(env_.schedule.true_unix_seconds());
  header.nbits = options_.nbits;
  bitcoin::HeaderBytes bytes = header.serialize();
  while (!target_.admits(bitcoin::hash_header(bytes).bytes)) {
    ++header.nonce;
    base::write_le32(std::span(bytes).subspan(76), header.nonce);
  }
  return add(header, false);
}

bitcoin::BlockHash SimNode::add(const bitcoin::Header& header, bool is_ours) {
  const bitcoin::BlockHash hash = header.hash();
  blocks_[hash] = {header, blocks_.at(header.prev_hash).height + 1, is_ours};
  return hash;
}

void SimNode::make_tip(const bitcoin::BlockHash& hash) {
  tip_ = hash;
  env_.transcript.note("node", "new tip", blocks_.at(hash).height, hash.display_hex());
  on_new_tip_();
}

bool SimNode::is_in_chain(const bitcoin::BlockHash& hash) const {
  const std::uint32_t height = blocks_.at(hash).height;
  bitcoin::BlockHash at = tip_;
  while (blocks_.at(at).height > height) at = blocks_.at(at).header.prev_hash;
  return at == hash;
}

pool::TipNews SimNode::news(const bitcoin::BlockHash& hash, pool::TipSource source) const {
  pool::TipNews news;
  news.hash = hash;
  news.source = source;
  const bool whole = source == pool::TipSource::zmq_rawblock;
  if (whole) news.header = blocks_.at(hash).header;
  if (whole || source == pool::TipSource::poll) news.height = blocks_.at(hash).height;
  return news;
}

mining::BlockTemplate SimNode::make_template() {
  mining::BlockTemplate made;
  made.prev_hash = tip_;
  made.version = block_version;
  made.nbits = options_.nbits;
  made.network_target = target_;
  made.height = blocks_.at(tip_).height + 1;
  made.curtime = static_cast<std::uint32_t>(env_.schedule.true_unix_seconds());
  made.mintime = blocks_.at(tip_).header.ntime + 1;
  made.curtime = std::max(made.curtime, made.mintime);
  std::vector<bitcoin::Wtxid> wtxids;
  for (std::uint64_t i = env_.random.below(4); i > 0; --i) {
    const bitcoin::Transaction payment = some_payment(next_transaction_++);
    base::append(made.transactions, payment.serialize_legacy());
    made.txids.emplace_back(payment.txid().bytes);
    wtxids.push_back(payment.wtxid());
    made.fees.value += 1000 + static_cast<std::int64_t>(env_.random.below(100'000'000));
  }
  made.transactions_weight = 4 * made.transactions.size();
  made.default_witness_commitment = bitcoin::witness_commitment_script(wtxids);
  const auto subsidy = mining::block_subsidy(made.height, bitcoin::Network::regtest);
  made.coinbase_value = bitcoin::Sats{subsidy.value + made.fees.value};
  made.rules = {"segwit"};
  return made;
}

pool::SubmitReport SimNode::submit(const std::string& hex) {
  using Kind = pool::SubmitReport::Kind;
  base::Bytes bytes(hex.size() / 2);
  const bool is_hex = base::decode_hex(hex, bytes).has_value();
  const auto block = bitcoin::parse_block(bytes);
  if (!is_hex || !block) {
    env_.oracle.on_block_at_node({}, "bytes that are no block");
    return {Kind::rejected, pool::SubmissionAnswer::rejected, "decode failed"};
  }
  const bitcoin::BlockHash hash = block->header.hash();
  const auto flaws = bitcoin::find_flaws(*block);
  const bool fits = blocks_.contains(block->header.prev_hash);
  const std::string_view flaw = !flaws.empty() ? bitcoin::describe(flaws.front())
                                : !fits        ? "a block of another chain"
                                               : "";
  env_.transcript.note("node", "block submitted", 0, hash.display_hex());
  env_.oracle.on_block_at_node(hash, flaw);
  if (!flaw.empty()) {
    return {Kind::rejected, pool::SubmissionAnswer::rejected, std::string(flaw)};
  }
  const bool known = blocks_.contains(hash);
  if (!known) add(block->header, true);
  const bool better = blocks_.at(hash).height > blocks_.at(tip_).height;
  if (better) make_tip(hash);
  if (better) return {Kind::new_tip, pool::SubmissionAnswer::accepted, ""};
  if (is_in_chain(hash)) return {Kind::in_chain, pool::SubmissionAnswer::duplicate, "duplicate"};
  return {Kind::side_chain, pool::SubmissionAnswer::inconclusive, "inconclusive"};
}

}  // namespace sim
