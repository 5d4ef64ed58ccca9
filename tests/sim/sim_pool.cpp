#include "tests/sim/sim_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sim {

SimPool::SimPool(Environment& env, Owner owner, const Outside& outside, const PoolOptions& options)
    : env_(env), owner_(owner), outside_(outside), options_(options), mail_(env, owner) {}

bool SimPool::start() {
  make_journal();
  store_ = std::make_unique<SimStore>(
      env_, owner_, outside_.disk, outside_.database, outside_.auditor, options_.removes_segments,
      [this](const pool::JournalPosition& stored) {
        mail_.post(store_thread, journal_thread, [this, stored] { journal_->on_stored(stored); });
      });
  if (!journal_->open(options_.segment_bytes_max, options_.journal_bytes_max)) return false;
  make_node(options_);
  make_shards(options_);
  node_->start();
  return true;
}

void SimPool::make_journal() {
  SimJournal::Hooks hooks;
  hooks.durable = [this](pool::JournalSource source, pool::Durable message) {
    const bool of_node = source == pool::journal_source_node;
    mail_.post(journal_thread, of_node ? node_thread : source.value, [this, source, message] {
      if (source == pool::journal_source_node) return node_->on_durable(message);
      shards_.at(source.value)->on_durable(message);
    });
  };
  hooks.not_durable = [this](pool::JournalSource source, pool::NotDurable message) {
    const bool of_node = source == pool::journal_source_node;
    mail_.post(journal_thread, of_node ? node_thread : source.value, [this, source, message] {
      if (source == pool::journal_source_node) return node_->on_not_durable(message);
      shards_.at(source.value)->on_not_durable(message);
    });
  };
  hooks.advanced = [this](pool::JournalPosition to) {
    mail_.post(journal_thread, store_thread, [this, to] { store_->on_advanced(to); });
  };
  journal_ = std::make_unique<SimJournal>(env_, owner_, outside_.disk, std::move(hooks));
}

void SimPool::make_node(const PoolOptions& options) {
  NodeThread::Hooks hooks;
  hooks.publish = [this](const pool::NewJob& message) {
    for (std::uint32_t i = 0; i < shards_.size(); ++i) {
      mail_.post(node_thread, i, [this, i, message] { shards_[i]->on_new_job(message); });
    }
  };
  hooks.no_work = [this](bool over) {
    for (std::uint32_t i = 0; i < shards_.size(); ++i) {
      mail_.post(node_thread, i, [this, i, over] { shards_[i]->on_no_work(over); });
    }
  };
  hooks.journal = [this](pool::JournalAppend append) {
    mail_.post(node_thread, journal_thread,
               [this, append = std::move(append)]() mutable { journal_->post(std::move(append)); });
  };
  hooks.vaulted = [this](pool::ShardIndex shard, const pool::BlockVaulted& message) {
    if (shard.value >= shards_.size()) return;
    mail_.post(node_thread, shard.value,
               [this, shard, message] { shards_[shard.value]->on_block_vaulted(message); });
  };
  node_ = std::make_unique<NodeThread>(env_, owner_, outside_.node, outside_.vault,
                                       options.job_source, std::move(hooks));
}

ShardThread::Hooks SimPool::shard_hooks(std::uint32_t index) {
  ShardThread::Hooks hooks;
  hooks.journal = [this, index](pool::JournalAppend append) {
    mail_.post(index, journal_thread,
               [this, append = std::move(append)]() mutable { journal_->post(std::move(append)); });
  };
  hooks.found = [this, index](pool::FoundBlock found) {
    mail_.post(index, node_thread, [this, found = std::move(found)] { node_->on_found(found); });
  };
  hooks.ban = [this, index](const pool::Ban& ban) {
    for (std::uint32_t i = 0; i < shards_.size(); ++i) {
      if (i != index) mail_.post(index, i, [this, i, ban] { shards_[i]->on_ban(ban); });
    }
  };
  hooks.learnt = [this, index](const std::vector<pool::DifficultyMemory::Entry>& entries) {
    for (std::uint32_t i = 0; i < shards_.size(); ++i) {
      if (i == index) continue;
      mail_.post(index, i, [this, i, entries] { shards_[i]->on_difficulties(entries); });
    }
  };
  hooks.moved = [this, index](WireId wire, std::uint32_t miner, const pool::Peer& peer,
                              const pool::HandOver& state) {
    move(index, wire, miner, peer, state);
  };
  return hooks;
}

void SimPool::make_shards(const PoolOptions& options) {
  for (std::uint32_t i = 0; i < options.shards; ++i) {
    pool::ShardOptions of_shard = options.shard;
    of_shard.index = pool::ShardIndex{i};
    of_shard.shard_count = options.shards;
    of_shard.first_extranonce_counter = static_cast<std::uint16_t>(env_.random.next());
    shards_.push_back(
        std::make_unique<ShardThread>(env_, owner_, outside_.network, of_shard, shard_hooks(i)));
  }
}

// ---------------------------------------------------------------- connections

ShardThread* SimPool::shard_of(WireId wire) {
  for (const auto& shard : shards_) {
    if (shard->has(wire)) return shard.get();
  }
  return nullptr;
}

bool SimPool::on_connected(WireId wire, std::uint32_t miner) {
  if (stopping_) return false;
  return shards_[env_.random.below(shards_.size())]->on_connected(wire, miner);
}

void SimPool::on_bytes(WireId wire, std::string_view bytes) {
  if (ShardThread* shard = shard_of(wire)) return shard->on_bytes(wire, bytes);
  const auto moving = moving_.find(wire);
  if (moving != moving_.end()) moving->second.append(bytes);
}

void SimPool::on_cut(WireId wire) {
  moving_.erase(wire);
  if (ShardThread* shard = shard_of(wire)) shard->on_cut(wire);
}

void SimPool::move(std::uint32_t from, WireId wire, std::uint32_t miner, const pool::Peer& peer,
                   const pool::HandOver& state) {
  ++hand_overs_;
  env_.transcript.note("shard", "hands over wire", wire.value, "");
  moving_[wire];
  const std::uint32_t to = state.owner.value;
  mail_.post(from, to, [this, wire, miner, peer, state, to] {
    const auto moving = moving_.find(wire);
    if (moving == moving_.end()) return;  // cut meanwhile
    const std::string unread = std::move(moving->second);
    moving_.erase(moving);
    shards_.at(to)->on_moved(wire, miner, peer, state);
    if (!unread.empty()) shards_[to]->on_bytes(wire, unread);
  });
}

// ---------------------------------------------------------------- what the world asks

void SimPool::begin_stop() {
  stopping_ = true;
  for (const auto& shard : shards_) shard->drain();
}

bool SimPool::has_stopped() const {
  return std::all_of(shards_.begin(), shards_.end(),
                     [](const auto& shard) { return shard->is_at_rest(); }) &&
         journal_->is_at_rest() && node_->is_at_rest() && mail_.waiting() == 0;
}

std::string SimPool::unrest() const {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    if (!shards_[i]->is_at_rest()) return fmt::format("shard {} has unanswered shares", i);
  }
  if (!journal_->is_at_rest()) return "the journal has something to write";
  if (!node_->is_at_rest()) return "a block is under way";
  if (outside_.database.stored_to().sequence != journal_->durable_to().sequence) {
    return fmt::format("the store has record {}, the journal {}",
                       outside_.database.stored_to().sequence, journal_->durable_to().sequence);
  }
  return {};
}

void SimPool::tell_totals() const {
  for (const auto& shard : shards_) {
    if (env_.broken == Break::forget_totals && shard == shards_.front()) continue;
    const pool::ShardStats stats = shard->stats();
    env_.oracle.on_pool_totals(stats.shares_accepted, stats.work_accepted);
  }
}

}  // namespace sim
