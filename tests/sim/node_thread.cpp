#include "tests/sim/node_thread.h"

#include "pool/node/block_submitter.h"

#include <utility>

namespace sim {
namespace {

constexpr Micros tick_period = 500 * millisecond;
constexpr Micros no_work_after = 300 * second;
const std::string node_name = "node:8332";

}  // namespace

NodeThread::NodeThread(Environment& env, Owner owner, SimNode& node, SimVault& vault,
                       const pool::JobSourceOptions& options, Hooks hooks)
    : env_(env),
      owner_(owner),
      node_(node),
      vault_(vault),
      hooks_(std::move(hooks)),
      source_(*this, options),
      journal_([this](pool::JournalAppend append) {
        hooks_.journal(std::move(append));
        return true;
      }),
      courier_(*this, {node_name}) {}

void NodeThread::later(Micros delay, std::function<void()> action) {
  env_.schedule.after(delay, owner_, std::move(action));
}

Micros NodeThread::latency() { return between(env_.random, 300, 80 * millisecond); }

void NodeThread::start() {
  well_at_ = env_.now();
  std::vector<pool::VaultedBlock> blocks;
  for (const auto& [hash, text] : vault_) {
    auto file = pool::parse_vault_file(text, hash);
    if (!file || !file->why_no_record.empty()) {
      env_.oracle.fail("blocks", "the vault holds a file that is no block and its record");
      continue;
    }
    blocks.push_back(std::move(file->block));
  }
  if (!blocks.empty()) env_.transcript.note("node thread", "resumes blocks", blocks.size(), "");
  courier_.resume(std::move(blocks), instant());
  tick();
}

void NodeThread::tick() {
  journal_.on_tick();
  courier_.on_tick(instant());
  poll();
  if (was_up_) source_.on_tick(instant());
  const bool without = env_.now() - well_at_ > no_work_after;
  if (without != no_work_told_) {
    no_work_told_ = without;
    hooks_.no_work(!without);
  }
  later(tick_period, [this] { tick(); });
}

void NodeThread::poll() {
  const bool up = node_.is_up();
  const bool comes_up = up && !std::exchange(was_up_, up);
  if (!up) return;
  well_at_ = env_.now();
  if (comes_up) {
    ++node_life_;
    courier_.on_node_up(0, instant());
    source_.on_node_changed(instant());
  }
  hear_tip(node_.tip(), pool::TipSource::poll, latency());
}

void NodeThread::hear_tip(const bitcoin::BlockHash& hash, pool::TipSource source, Micros delay) {
  later(delay, [this, hash, source, life = node_life_] {
    if (life == node_life_ && was_up_) source_.on_tip(node_.news(hash, source), instant());
  });
}

void NodeThread::on_node_has_new_tip() {
  if (!node_.is_up() || !was_up_) return;
  for (const auto source : {pool::TipSource::zmq_hashblock, pool::TipSource::zmq_rawblock}) {
    if (chance(env_.random, env_.faults.news_lost)) continue;
    hear_tip(node_.tip(), source, between(env_.random, 200, 50 * millisecond));
  }
  if (chance(env_.random, env_.faults.news_lost)) return;
  later(between(env_.random, 5 * millisecond, 500 * millisecond), [this, life = node_life_] {
    if (life != node_life_ || !node_.is_up()) return;
    later(latency(), [this, life, made = node_.make_template()] {
      if (life != node_life_) return;
      source_.on_template(made, instant(), pool::TemplateOrigin::pushed);
    });
  });
}

// ---------------------------------------------------------------- NodeHost

void NodeThread::request_template() {
  const std::uint64_t life = node_life_;
  const auto fail = [this, life] {
    if (life == node_life_) source_.on_template_failed(instant());
  };
  later(latency(), [this, life, fail] {
    if (!node_.is_up()) return later(between(env_.random, 1, 10 * second), fail);
    if (chance(env_.random, env_.faults.rpc_fails)) return later(latency(), fail);
    later(latency(), [this, life, made = node_.make_template()] {
      if (life == node_life_) source_.on_template(made, instant());
    });
  });
}

void NodeThread::request_header(const bitcoin::BlockHash& hash) {
  if (chance(env_.random, env_.faults.rpc_fails)) return;
  later(latency(), [this, hash, life = node_life_] {
    if (life != node_life_ || !node_.is_up()) return;
    source_.on_header(node_.news(hash, pool::TipSource::zmq_rawblock), instant());
  });
}

void NodeThread::publish(std::shared_ptr<const mining::Job> job, std::chrono::milliseconds spread) {
  env_.transcript.note("pool", "publishes a job", job->height(), mining::job_id_text(job->id));
  env_.oracle.on_publish(job->prev_hash(), job->id.value);
  job_before_ = std::exchange(job_now_, job->id.value);
  hooks_.publish(pool::NewJob{std::move(job), false, spread});
}

// ---------------------------------------------------------------- blocks

void NodeThread::on_found(const pool::FoundBlock& found) {
  pool::VaultedBlock block{found.hash, {}, found.candidate};
  if (!courier_.knows(found.hash)) {
    block.hex = std::make_shared<const std::string>(pool::found_block_hex(found));
  }
  courier_.on_found(std::move(block), found.shard, instant());
}

void NodeThread::send(std::size_t node, const bitcoin::BlockHash& hash, const std::string& hex,
                      bool, std::uint32_t round) {
  std::string sent = hex;
  if (env_.broken == Break::bad_block) sent[150] = sent[150] == '0' ? '1' : '0';
  later(latency(), [this, node, hash, round, sent = std::move(sent)] {
    const bool lost = !node_.is_up() || chance(env_.random, env_.faults.rpc_fails);
    pool::SubmitReport report;
    const bool kept_back = env_.broken == Break::lose_block;
    if (kept_back) {
      report = {pool::SubmitReport::Kind::in_chain, pool::SubmissionAnswer::duplicate, ""};
    } else if (!lost) {
      report = node_.submit(sent);
    }
    // It may have taken the block, and not been able to say so.
    if (chance(env_.random, env_.faults.rpc_fails)) report = {};
    later(latency(), [this, node, hash, round, report] {
      courier_.on_report(hash, node, round, report, instant());
    });
  });
}

void NodeThread::store(const pool::VaultedBlock& block) {
  std::string text = *block.hex + pool::vault_file_rest(block.candidate);
  later(between(env_.random, 100, 50 * millisecond),
        [this, hash = block.hash, text = std::move(text)] {
          const bool failed = chance(env_.random, env_.faults.vault_fails);
          if (!failed) vault_[hash] = text;
          if (failed) env_.transcript.note("node thread", "vault fails", 0, "");
          later(latency(), [this, hash, failed] {
            courier_.on_stored(hash, failed ? "the disk refuses" : "", instant());
          });
        });
}

void NodeThread::retire(const bitcoin::BlockHash& hash, Fate) {
  later(latency(), [this, hash] { vault_.erase(hash); });
}

void NodeThread::block_vaulted(pool::ShardIndex shard, const bitcoin::BlockHash& hash,
                               bool stored) {
  hooks_.vaulted(shard, {hash, stored});
}

void NodeThread::became_tip(const bitcoin::BlockHash& hash, std::size_t) {
  pool::TipNews news = node_.news(hash, pool::TipSource::zmq_rawblock);
  news.source = pool::TipSource::own_block;
  source_.on_tip(news, instant());
}

// ---------------------------------------------------------------- the journal

void NodeThread::add_record(const pool::JournalRecord& record, std::function<void()> on_durable) {
  ++journal_records_;
  journal_.add({record}, [this, on_durable = std::move(on_durable)] {
    --journal_records_;
    if (on_durable) on_durable();
  });
}

void NodeThread::journal(const pool::JournalRecord& record) { add_record(record, {}); }

void NodeThread::journal_outcome(const pool::BlockOutcomeRecord& outcome) {
  add_record(outcome,
             [this, hash = outcome.hash] { courier_.on_outcome_durable(hash, instant()); });
}

void NodeThread::on_durable(pool::Durable message) { journal_.on_durable(message.up_to); }

void NodeThread::on_not_durable(pool::NotDurable message) {
  journal_.on_not_durable(message.first, message.last);
}

}  // namespace sim
