#include "pool/node/node_loop.h"

#include "common/base/assert.h"
#include "common/base/test_faults.h"
#include "common/log.h"
#include "common/uv/clock.h"
#include "pool/core/limits.h"
#include "pool/node/block_submitter.h"
#include "pool/node/block_vault.h"
#include "pool/node/chain_watch.h"
#include "pool/node/header_answer.h"
#include "pool/node/node_journal.h"
#include "pool/node/node_link.h"
#include "pool/node/proposal_check.h"

#include <algorithm>
#include <utility>

namespace pool {

namespace {

using namespace std::chrono_literals;

// Of the node in use, a failure is seen within limits::node_poll, node_patience and this.
constexpr auto tick = 100ms;
constexpr auto status_interval = 1s;

std::int64_t whole_seconds(base::MonoTime::duration time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

// For tests that wait until a node is trusted again.
NodeChoiceOptions choice_options(NodeChoiceOptions options) {
  if (base::fault("nodes_trusted_soon")) options.steady_first = 1s;
  return options;
}

}  // namespace

NodeLoop::NodeLoop(Options options, Hooks hooks)
    : options_(std::move(options)),
      hooks_(std::move(hooks)),
      lag_(loop_, [this](auto lag) { health_.lag.add(lag); }),
      mailbox_(std::make_unique<uv::Mailbox<NodeMessage>>(
          loop_, limits::node_mailbox_messages_max,
          [this](NodeMessage&& message) { on_message(std::move(message)); },
          limits::node_mailbox_reserved_max)),
      source_(*this, options_.job_source),
      heights_(options_.network),
      journal_(std::make_unique<NodeJournal>(hooks_.journal)),
      vault_(std::make_unique<BlockVault>(loop_, options_.data_dir)),
      chain_watch_(std::make_unique<ChainWatch>(*journal_)),
      choice_(options_.nodes.size(), uv::read_clock().mono, choice_options(options_.choice)) {
  ASSERT(!options_.nodes.empty());
  mailbox_->on_batch(
      [this](std::size_t messages) { health_.queue.add(static_cast<std::int64_t>(messages)); });
  make_links();
  was_up_.resize(links_.size());
  ticker_ = std::make_unique<uv::Timer>(loop_, [this] { on_tick(); });
}

NodeLoop::~NodeLoop() = default;

void NodeLoop::make_links() {
  std::vector<NodeLink*> nodes;
  for (const NodeConfig& config : options_.nodes) {
    const std::size_t index = links_.size();
    NodeLink::Events events;
    events.on_state = [this, index] { on_link_state(index); };
    events.on_tip = [this, index](const TipNews& news) { on_tip(*links_[index], news); };
    events.on_template = [this, index](mining::BlockTemplate made, TemplateOrigin origin) {
      on_template(*links_[index], std::move(made), origin);
    };
    events.on_template_failed = [this, index] { on_template_failed(*links_[index]); };
    links_.push_back(
        std::make_unique<NodeLink>(loop_, config, options_.network, std::move(events)));
    proposals_.push_back(std::make_unique<ProposalCheck>(
        links_.back()->name(), options_.network,
        [this, index](auto method, auto params, auto deadline, auto on_answer) {
          links_[index]->ask_at_leisure(method, std::move(params), deadline, std::move(on_answer));
        },
        [this](bool) { leave_refusing_node(uv::read_clock()); }));
    nodes.push_back(links_.back().get());
  }
  BlockSubmitter::Hooks hooks;
  hooks.block_vaulted = hooks_.block_vaulted;
  hooks.on_new_tip = [this](const bitcoin::BlockHash& hash, NodeLink& link) {
    // Its own block is the node's tip: the next template need not wait for the announcement.
    link.announce(with_own_header({hash, TipSource::own_block, {}, {}, {}}));
    for (const auto& other : links_) other->poll_now();
  };
  hooks.on_known = [this](const bitcoin::BlockHash& hash) {
    chain_watch_->on_block(hash, uv::read_clock());
  };
  submitter_ =
      std::make_unique<BlockSubmitter>(*vault_, *journal_, std::move(nodes), std::move(hooks));
}

void NodeLoop::run() {
  const base::Instant now = uv::read_clock();
  work_at_ = now.mono;
  if (auto scheme = options_.scheme) {
    scheme->time_us = now.unix_micros();
    journal_->add({*scheme});
  }
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
  chain_watch_->take_up_settled(options_.data_dir, now);
  submitter_->resume(std::move(contents->blocks), now);
}

void NodeLoop::on_message(NodeMessage&& message) {
  if (const auto* found = std::get_if<FoundBlock>(&message)) {
    submitter_->on_found(*found, uv::read_clock());
    remember_found(*found);
  } else if (const auto* durable = std::get_if<Durable>(&message)) {
    journal_->on_durable(durable->up_to);
  } else if (const auto* lost = std::get_if<NotDurable>(&message)) {
    journal_->on_not_durable(lost->first, lost->last);
  } else if (const auto* chain = std::get_if<CoherenceTip>(&message)) {
    source_.set_coinbase_push(base::Bytes(chain->start.begin(), chain->start.end()));
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
  chain_watch_->on_tick(now);
  refuse_expired(now);
  leave_refusing_node(now);
  choose_node(now);
  if (choice_.in_use()) source_.on_tick(now);
  look_for_work(now);
  if (now.mono - reported_at_ >= status_interval) {
    reported_at_ = now.mono;
    report_status();
  }
}

// ------------------------------------------------------------------------- tips and templates

void NodeLoop::request_template() { links_[*choice_.in_use()]->request_template(); }

void NodeLoop::publish(std::shared_ptr<const mining::Job> job, std::chrono::milliseconds spread) {
  if (job->clean_jobs) {
    LOG(info, "new_tip", {"height", job->height()}, {"prev_hash", job->prev_hash().display_hex()},
        {"transactions", job->block_template->txids.size()},
        {"coinbase_sats", job->coinbase_value.value});
  }
  hooks_.publish(NewJob{job, false, spread});
  tell_bitcoin_tip(*job);
  if (const auto height = heights_.on_job(*job, uv::read_clock())) journal_->add({*height});
  proposals_[*choice_.in_use()]->on_job(*job);
}

// Both kinds of work change together: this one too with the empty work, before any template.
void NodeLoop::tell_bitcoin_tip(const mining::Job& job) {
  if (!hooks_.bitcoin_tip || tip_told_ == job.prev_hash()) return;
  tip_told_ = job.prev_hash();
  hooks_.bitcoin_tip(BitcoinTip{job.prev_hash(), job.tip_seen_at});
}

void NodeLoop::on_tip(NodeLink& link, const TipNews& news) {
  if (stop_by_ || !is_in_use(link)) return;
  const base::Instant now = uv::read_clock();
  tip_race_.on_tip(news.hash, news.source, now.mono);
  source_.on_tip(news.header ? news : with_own_header(news), now);
  chain_watch_->on_tip(news, now);
}

void NodeLoop::request_header(const bitcoin::BlockHash& hash) {
  NodeLink& link = *links_[*choice_.in_use()];
  if (link.open_questions() >= limits::node_questions_max) return;
  ask_header(
      [&link](std::string params, rpc::RpcClient::OnAnswer on_answer) {
        link.ask("getblockheader", std::move(params), limits::rpc_deadline, std::move(on_answer));
      },
      hash, [this, &link](const TipNews& news) { on_header(link, news); });
}

void NodeLoop::on_header(NodeLink& link, const TipNews& news) {
  if (stop_by_ || !is_in_use(link)) return;
  source_.on_header(news, uv::read_clock());
}

// A block of our own is work for the next one as soon as a node has taken it: all is known.
void NodeLoop::remember_found(const FoundBlock& found) {
  if (found_.size() == limits::recent_tips_max) found_.pop_front();
  found_.push_back({found.hash,
                    TipSource::own_block,
                    bitcoin::Header::parse(found.header),
                    found.job->height(),
                    {}});
}

// The node may announce it before it answers to the block's submission.
TipNews NodeLoop::with_own_header(TipNews news) const {
  for (const TipNews& found : found_) {
    if (found.hash != news.hash) continue;
    news.header = found.header;
    news.height = found.height;
  }
  return news;
}

void NodeLoop::on_template(NodeLink& link, mining::BlockTemplate block_template,
                           TemplateOrigin origin) {
  if (stop_by_ || !is_in_use(link)) return;
  const base::Instant now = uv::read_clock();
  template_time_us_ = now.unix_micros();
  if (origin == TemplateOrigin::pushed) {
    tip_race_.on_tip(block_template.prev_hash, TipSource::long_poll, now.mono);
  }
  source_.on_template(std::move(block_template), now, origin);
  if (source_.last_refusal().empty()) template_at_ = usable_at_ = work_at_ = now.mono;
  if (source_.current()) proposals_[*choice_.in_use()]->on_kept_job(*source_.current());
  log_refusal();
}

void NodeLoop::on_template_failed(NodeLink& link) {
  if (stop_by_ || !is_in_use(link)) return;
  const base::Instant now = uv::read_clock();
  link.count(NodeFailure::no_template);
  if (link.state().up) choice_.refuse(*choice_.in_use(), now.mono);
  source_.on_template_failed(now);
  choose_node(now);
}

// A node that would refuse our blocks is left for one of which that is not known. Where there is no
// such node, its work goes on: better a word to the operator than no work on a mistaken one.
void NodeLoop::leave_refusing_node(base::Instant now) {
  if (stop_by_ || !choice_.in_use() || !choice_.is_well(now.mono)) return;
  const std::size_t used = *choice_.in_use();
  if (proposals_[used]->refusal().empty()) return;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    if (!links_[i]->state().up || !proposals_[i]->refusal().empty()) continue;
    choice_.refuse(used, now.mono);
    return choose_node(now);
  }
}

void NodeLoop::log_refusal() {
  const std::string& refusal = source_.last_refusal();
  if (refusal == logged_refusal_) return;
  logged_refusal_ = refusal;
  if (!refusal.empty()) {
    LOG(warning, "template_refused", {"reason", refusal});
  } else {
    LOG(info, "template_usable_again", {"node", links_[*choice_.in_use()]->name()});
  }
}

// ------------------------------------------------------------------------- which node

bool NodeLoop::is_in_use(const NodeLink& link) const {
  return choice_.in_use() && links_[*choice_.in_use()].get() == &link;
}

void NodeLoop::on_link_state(std::size_t index) {
  const base::Instant now = uv::read_clock();
  NodeLink& link = *links_[index];
  const bool comes_up = link.state().up && !was_up_[index];
  was_up_[index] = link.state().up;
  if (comes_up) submitter_->on_node_up(link, now);
  if (comes_up) proposals_[index]->forget();
  if (stop_by_) return;
  report_health(index, now);
  const bool back_in_use = comes_up && is_in_use(link);
  choose_node(now);
  if (back_in_use && is_in_use(link)) {
    link.set_in_use(true);
    source_.on_node_changed(now);
    watch_chain_of(link, now);
  }
}

void NodeLoop::report_health(std::size_t index, base::Instant now) {
  const NodeState& state = links_[index]->state();
  choice_.report(
      index,
      {.known = state.known, .up = state.up, .answering = state.answering, .height = state.height},
      now.mono);
}

void NodeLoop::choose_node(base::Instant now) {
  for (std::size_t i = 0; i < links_.size(); ++i) report_health(i, now);
  std::optional<std::uint32_t> work_height;
  if (source_.current()) work_height = source_.current()->height();
  const auto before = choice_.in_use();
  const auto chosen = choice_.choose(now.mono, work_height);
  if (!chosen) return;
  NodeLink& link = *links_[*chosen];
  if (before) {
    links_[*before]->set_in_use(false);
    LOG(warning, "node_in_use", {"node", link.name()});
  }
  proposals_[*chosen]->forget();  // its word may be old
  template_at_ = now.mono;
  link.set_in_use(true);
  tip_race_.start_over();
  source_.on_node_changed(now);
  watch_chain_of(link, now);
}

void NodeLoop::watch_chain_of(NodeLink& link, base::Instant now) {
  chain_watch_->use_node(
      [&link](std::string_view method, std::string params, std::chrono::milliseconds deadline,
              rpc::RpcClient::OnAnswer on_answer) {
        link.ask(method, std::move(params), deadline, std::move(on_answer));
      },
      now);
  chain_watch_->on_tip({link.state().tip, TipSource::poll, {}, {}, {}}, now);
}

// A node that answers but has given no usable template for long is no better than one that fails.
void NodeLoop::refuse_expired(base::Instant now) {
  const bool expired = source_.current() && now.mono - template_at_ >= options_.expire;
  if (!expired || !choice_.is_well(now.mono)) return;
  links_[*choice_.in_use()]->count(NodeFailure::no_template);
  choice_.refuse(*choice_.in_use(), now.mono);
}

// Old work goes on while it may be valid. When no node has been well for so long that it hardly
// is, miners had better go elsewhere.
void NodeLoop::look_for_work(base::Instant now) {
  const bool fresh = now.mono - usable_at_ < options_.expire;
  if (fresh && choice_.is_well(now.mono)) work_at_ = now.mono;
  const auto without = now.mono - work_at_;
  if (without < options_.expire && std::exchange(work_expired_, false)) {
    LOG(info, "work_fresh_again");
  }
  if (without < options_.reconnect && std::exchange(no_work_told_, false)) {
    hooks_.no_work({.over = true});
  }
  if (source_.current() && !work_expired_ && without >= options_.expire) {
    work_expired_ = true;
    LOG(error, "work_expired", {"without_node_seconds", whole_seconds(without)},
        {"effect", "miners go on with the work they have"});
  }
  if (no_work_told_ || options_.reconnect == 0s || without < options_.reconnect) return;
  no_work_told_ = true;
  LOG(error, "no_work", {"without_node_seconds", whole_seconds(without)},
      {"effect", "miners are told to reconnect, and nobody is let in until a node is back"});
  hooks_.no_work({.over = false});
}

// ------------------------------------------------------------------------- status

void NodeLoop::report_status() {
  const std::size_t index = choice_.in_use().value_or(0);
  const NodeState& state = links_[index]->state();
  NodeStatus status;
  status.connected = state.up;
  status.error = !state.up ? state.error : links_[index]->template_error();
  if (status.error.empty()) status.error = source_.last_refusal();
  if (status.error.empty()) status.error = proposals_[index]->refusal();
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
  status.tips = tip_race_.stats();
  status.empty_jobs_published = source_.empty_jobs_published();
  status.blocks_accepted = submitter_->blocks_accepted();
  status.blocks_rejected = submitter_->blocks_rejected();
  status.work_expired = work_expired_;
  status.loop = health_;
  for (std::size_t i = 0; i < links_.size(); ++i) status.nodes.push_back(summary(i));
  if (status == reported_) return;
  reported_ = status;
  hooks_.status(std::move(status));
}

NodeSummary NodeLoop::summary(std::size_t index) const {
  const NodeLink& link = *links_[index];
  const NodeState& state = link.state();
  NodeSummary summary;
  summary.name = link.name();
  summary.up = state.up;
  summary.answering = state.answering;
  summary.in_use = choice_.in_use() == index;
  summary.error = state.up ? link.template_error() : state.error;
  if (summary.error.empty()) summary.error = proposals_[index]->refusal();
  summary.version = state.version;
  summary.height = state.height;
  summary.response_us = state.response_us;
  summary.failures = state.failures;
  summary.block_answers = submitter_->answers(index);
  summary.template_times = link.template_times();
  summary.submit_times = link.submit_times();
  return summary;
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
