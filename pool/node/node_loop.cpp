#include "pool/node/node_loop.h"

#include "common/base/assert.h"
#include "common/log.h"
#include "common/uv/clock.h"
#include "pool/core/limits.h"
#include "pool/node/block_submitter.h"
#include "pool/node/block_vault.h"
#include "pool/node/node_journal.h"
#include "pool/node/node_link.h"

#include <algorithm>
#include <utility>

namespace pool {

namespace {

using namespace std::chrono_literals;

constexpr auto tick = 250ms;
constexpr auto status_interval = 1s;
// At the start, the preferred node gets this long to answer before another is used.
constexpr auto preferred_grace = 2s;
// A node that is back is trusted again after this.
constexpr auto steady_after = 30s;
// A node without a usable template is passed over for this long.
constexpr auto refused_for = 30s;
// How long the node in use may be behind another before that one takes over; blocks do not reach
// all nodes at the same moment.
constexpr auto behind_grace = 15s;

}  // namespace

NodeLoop::NodeLoop(Options options, Hooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      mailbox_(std::make_unique<uv::Mailbox<NodeMessage>>(
          loop_, limits::node_mailbox_messages_max,
          [this](NodeMessage&& message) { on_message(std::move(message)); },
          limits::node_mailbox_reserved_max)),
      source_(*this, options_.job_source),
      journal_(std::make_unique<NodeJournal>(hooks_.journal)),
      vault_(std::make_unique<BlockVault>(loop_, options_.data_dir)),
      refused_until_(options_.nodes.size()) {
  ASSERT(!options_.nodes.empty());
  make_links();
  ticker_ = std::make_unique<uv::Timer>(loop_, [this] { on_tick(); });
}

NodeLoop::~NodeLoop() = default;

void NodeLoop::make_links() {
  std::vector<NodeLink*> nodes;
  for (const NodeConfig& config : options_.nodes) {
    const std::size_t index = links_.size();
    NodeLink::Events events;
    events.on_state = [this, index] { on_link_state(*links_[index]); };
    events.on_tip = [this, index](const TipNews& news) { on_tip(*links_[index], news); };
    events.on_template = [this, index](mining::BlockTemplate made, TemplateOrigin origin) {
      on_template(*links_[index], std::move(made), origin);
    };
    events.on_template_failed = [this, index] { on_template_failed(*links_[index]); };
    links_.push_back(
        std::make_unique<NodeLink>(loop_, config, options_.network, std::move(events)));
    nodes.push_back(links_.back().get());
  }
  BlockSubmitter::Hooks hooks;
  hooks.block_vaulted = hooks_.block_vaulted;
  hooks.on_new_tip = [this](const bitcoin::BlockHash& hash, NodeLink& link) {
    // Its own block is the node's tip: the next template need not wait for the announcement.
    link.announce({hash, TipSource::own_block, {}, {}, {}});
    for (const auto& other : links_) other->poll_now();
  };
  submitter_ =
      std::make_unique<BlockSubmitter>(*vault_, *journal_, std::move(nodes), std::move(hooks));
}

void NodeLoop::run() {
  const base::Instant now = uv::read_clock();
  started_at_ = now.mono;
  take_up_vault();
  for (const auto& link : links_) link->on_tick(now);
  ticker_->start(tick, tick);
  loop_.run();
}

void NodeLoop::take_up_vault() {
  if (auto opened = vault_->open(); !opened) {
    LOG(error, "vault_unusable", {"error", opened.error()});
    return;
  }
  auto contents = vault_->load();
  if (!contents) {
    LOG(error, "vault_unusable", {"error", contents.error()});
    return;
  }
  for (const std::string& why : contents->ignored) LOG(error, "vault_file_ignored", {"file", why});
  const base::Instant now = uv::read_clock();
  for (VaultedBlock& block : contents->blocks) submitter_->resume(std::move(block), now);
}

void NodeLoop::on_message(NodeMessage&& message) {
  if (const auto* found = std::get_if<FoundBlock>(&message)) {
    submitter_->on_found(*found, uv::read_clock());
  } else if (const auto* durable = std::get_if<Durable>(&message)) {
    journal_->on_durable(durable->up_to);
  } else if (const auto* lost = std::get_if<NotDurable>(&message)) {
    journal_->on_not_durable(lost->first, lost->last);
  } else {
    begin_stop();
  }
}

void NodeLoop::on_tick() {
  const base::Instant now = uv::read_clock();
  journal_->on_tick();
  submitter_->on_tick(now);
  if (stop_by_) return end_stop_if_settled(now);
  for (const auto& link : links_) link->on_tick(now);
  choose_node(now);
  if (in_use_) source_.on_tick(now);
  if (now.mono - reported_at_ >= status_interval) {
    reported_at_ = now.mono;
    report_status();
  }
}

// ------------------------------------------------------------------------- tips and templates

void NodeLoop::request_template() { links_[*in_use_]->request_template(); }

void NodeLoop::publish(std::shared_ptr<const mining::Job> job) {
  if (job->clean_jobs) {
    LOG(info, "new_tip", {"height", job->height()}, {"prev_hash", job->prev_hash().display_hex()},
        {"transactions", job->block_template->txids.size()},
        {"coinbase_sats", job->coinbase_value.value});
  }
  hooks_.publish(NewJob{std::move(job)});
}

void NodeLoop::on_tip(NodeLink& link, const TipNews& news) {
  if (stop_by_ || !in_use_ || links_[*in_use_].get() != &link) return;
  source_.on_tip(news, uv::read_clock());
}

void NodeLoop::on_template(NodeLink& link, mining::BlockTemplate block_template,
                           TemplateOrigin origin) {
  if (stop_by_ || !in_use_ || links_[*in_use_].get() != &link) return;
  const base::Instant now = uv::read_clock();
  template_time_us_ = now.unix_micros();
  source_.on_template(std::move(block_template), now, origin);
  log_refusal();
}

void NodeLoop::on_template_failed(NodeLink& link) {
  if (stop_by_ || !in_use_ || links_[*in_use_].get() != &link) return;
  const base::Instant now = uv::read_clock();
  if (link.state().up) refused_until_[*in_use_] = now.mono + refused_for;
  source_.on_template_failed(now);
  choose_node(now);
}

void NodeLoop::log_refusal() {
  const std::string& refusal = source_.last_refusal();
  if (refusal == logged_refusal_) return;
  logged_refusal_ = refusal;
  if (!refusal.empty()) LOG(warning, "template_refused", {"reason", refusal});
}

// ------------------------------------------------------------------------- which node

void NodeLoop::on_link_state(NodeLink& link) {
  const base::Instant now = uv::read_clock();
  if (link.state().up) submitter_->on_node_up(link, now);
  if (stop_by_) return;
  const bool back_in_use = in_use_ && links_[*in_use_].get() == &link && link.state().up;
  choose_node(now);
  if (back_in_use && links_[*in_use_].get() == &link) {
    link.set_in_use(true);
    source_.on_node_changed(now);
  }
}

bool NodeLoop::is_usable(const NodeLink& link, std::size_t index, base::Instant now) const {
  const NodeState& state = link.state();
  if (!state.up || now.mono < refused_until_[index]) return false;
  if (in_use_ == index || !in_use_) return true;
  // Taking over: steady, unless the one in use is gone; and not behind what miners have.
  const NodeLink& used = *links_[*in_use_];
  const bool needed = !used.state().up || now.mono < refused_until_[*in_use_];
  if (!needed && now.mono - state.up_since < steady_after) return false;
  return !source_.current() || state.height + 1 >= source_.current()->height();
}

std::optional<std::size_t> NodeLoop::best_node(base::Instant now) const {
  std::uint32_t best_height = 0;
  for (const auto& link : links_) {
    if (link->state().up) best_height = std::max(best_height, link->state().height);
  }
  const bool behind_too_long =
      behind_since_ != base::MonoTime{} && now.mono - behind_since_ >= behind_grace;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (!in_use_ && !links_[i]->state().known && now.mono - started_at_ < preferred_grace) {
      return std::nullopt;
    }
    if (!is_usable(*links_[i], i, now)) continue;
    // One that is behind is passed over, but the node in use gets some time to catch up.
    const bool behind = links_[i]->state().height < best_height;
    if (behind && (in_use_ != i || behind_too_long)) continue;
    return i;
  }
  return std::nullopt;
}

void NodeLoop::choose_node(base::Instant now) {
  if (in_use_) {
    const std::uint32_t height = links_[*in_use_]->state().height;
    const bool behind = std::any_of(links_.begin(), links_.end(), [&](const auto& link) {
      return link->state().up && link->state().height > height;
    });
    if (!behind) behind_since_ = {};
    if (behind && behind_since_ == base::MonoTime{}) behind_since_ = now.mono;
  }
  const auto best = best_node(now);
  if (best && best != in_use_) use_node(*best, now);
}

void NodeLoop::use_node(std::size_t index, base::Instant now) {
  if (in_use_) links_[*in_use_]->set_in_use(false);
  const bool first = !in_use_;
  in_use_ = index;
  behind_since_ = {};
  NodeLink& link = *links_[index];
  if (!first) LOG(warning, "node_in_use", {"node", link.name()});
  link.set_in_use(true);
  source_.on_node_changed(now);
}

// ------------------------------------------------------------------------- status

void NodeLoop::report_status() {
  const std::size_t index = in_use_.value_or(0);
  const NodeState& state = links_[index]->state();
  NodeStatus status;
  status.connected = state.up;
  status.error = !state.up ? state.error : links_[index]->template_error();
  if (status.error.empty()) status.error = source_.last_refusal();
  status.chain = state.chain;
  status.version = state.version;
  status.height = state.height;
  status.tip = state.tip;
  status.network_hashrate = state.network_hashrate;
  if (const auto& job = source_.current()) {
    // The tip may have been heard of without its height; the job on it knows.
    if (job->prev_hash() == state.tip) status.height = job->height() - 1;
    status.network_difficulty = job->network_target().difficulty();
    status.coinbase_sats = job->coinbase_value.value;
    status.template_transactions = job->block_template->txids.size();
  }
  status.template_time_us = template_time_us_;
  status.jobs_published = source_.jobs_published();
  status.blocks_accepted = submitter_->blocks_accepted();
  status.blocks_rejected = submitter_->blocks_rejected();
  if (status == reported_) return;
  reported_ = status;
  hooks_.status(std::move(status));
}

// ------------------------------------------------------------------------- stop

void NodeLoop::begin_stop() {
  if (stop_by_) return;
  const base::Instant now = uv::read_clock();
  stop_by_ = now.mono + limits::node_shutdown_deadline;
  for (const auto& link : links_) link->quiesce();
  end_stop_if_settled(now);
}

void NodeLoop::end_stop_if_settled(base::Instant now) {
  if (!submitter_->is_quiet() && now.mono < *stop_by_) return;
  ticker_->stop();
  loop_.stop();
}

}  // namespace pool
