#include "miner/solo_source.h"

#include "common/node/answers.h"
#include "common/uv/clock.h"
#include "miner/solo_answers.h"
#include "miner/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace miner {
namespace {

using namespace std::chrono_literals;

constexpr auto answer_deadline = 30s;
constexpr auto long_poll_deadline = 24h;
// A long-poll answered within this and without news is one that the node does not really do.
constexpr auto quick_answer = 1s;
constexpr std::uint32_t quick_answers_counted_max = 6;  // waits of up to 64 s
constexpr auto tip_every = 1s;
constexpr auto template_every = 30s;
constexpr auto silence_max = 2min;
constexpr std::size_t kept_files_read_at_once = 4;  // up to 9 MB each
constexpr std::chrono::seconds kept_pause_max = 1min;

base::MonoTime mono_now() { return uv::read_clock().mono; }

SoloClientOptions client_options(const SoloSourceSettings& settings, base::Bytes payout_script) {
  SoloClientOptions options;
  options.payout_script = std::move(payout_script);
  options.coinbase_tag = settings.solo.coinbase_tag;
  if (!settings.version_rolling) options.version_mask = 0;
  options.dry_run = settings.solo.dry_run;
  options.seed = settings.seed;
  return options;
}

}  // namespace

SoloSource::SoloSource(uv::Loop& loop, SoloSourceSettings settings, WorkSourceHost& host)
    : settings_(std::move(settings)),
      host_(host),
      random_(settings_.seed),
      backoff_(settings_.retry_first, settings_.retry_most),
      kept_(settings_.kept_blocks_folder),
      retry_(loop,
             [this] {
               if (client_) return request_template();
               ask_chain();
             }),
      templates_(loop, settings_.solo.node),
      long_polls_(loop, settings_.solo.node),
      tips_(loop, settings_.solo.node),
      blocks_(loop, settings_.solo.node),
      resumed_blocks_(loop, settings_.solo.node) {}

SoloSource::~SoloSource() = default;

std::string SoloSource::node_name() const {
  return fmt::format("{}:{}", settings_.solo.node.host, settings_.solo.node.port);
}

// --- the node ---

void SoloSource::ask_chain() {
  if (stopping_) return;
  asking_ = true;
  templates_.call("getblockchaininfo", "[]", answer_deadline,
                  [this](const rpc::RpcClient::Answer& answer) {
                    asking_ = false;
                    if (!stopping_) on_chain(answer);
                  });
}

void SoloSource::on_chain(const rpc::RpcClient::Answer& answer) {
  if (!answer) return retry_later(describe_failure(answer.error()));
  const auto chain = parse_chain(*answer);
  if (!chain) return retry_later(fmt::format("node {}: {}", node_name(), chain.error()));
  if (!make_client(chain->network)) return;
  host_.report(
      {ClientEventKind::connected,
       fmt::format("mining with the node at {}: {}, height {}; rewards go to {}{}", node_name(),
                   bitcoin::network_name(network_), chain->height, settings_.solo.address,
                   settings_.solo.dry_run ? " (dry run: no block is submitted)" : "")});
  find_kept_blocks();
  request_template();
}

bool SoloSource::make_client(bitcoin::Network network) {
  auto address = bitcoin::parse_address(settings_.solo.address, network);
  if (!address) {
    host_.give_up(fmt::format("--address \"{}\" is not valid on the node's chain, {}: {}",
                              settings_.solo.address, bitcoin::network_name(network),
                              bitcoin::describe(address.error())));
    return false;
  }
  network_ = network;
  client_.emplace(client_options(settings_, std::move(address->script_pubkey)),
                  static_cast<SoloHost&>(*this));
  return true;
}

void SoloSource::retry_later(std::string_view why) {
  ++failures_in_a_row_;
  if (settings_.retries >= 0 && failures_in_a_row_ > settings_.retries) {
    return host_.give_up(fmt::format("{}; giving up after {} attempts", why, failures_in_a_row_));
  }
  const std::chrono::milliseconds pause = backoff_.next(random_);
  host_.report({ClientEventKind::problem, fmt::format("{}; next attempt in {:.1f} s", why,
                                                      static_cast<double>(pause.count()) / 1000)});
  retry_.start(pause, 0ms);
}

// --- templates ---

void SoloSource::request_template() {
  if (stopping_) return;
  if (std::exchange(asking_, true)) {
    ask_again_ = true;
    return;
  }
  retry_.stop();
  templates_.call("getblocktemplate", node::template_params(network_), answer_deadline,
                  [this](rpc::RpcClient::Answer answer) {
                    asking_ = false;
                    if (!stopping_) on_template(std::move(answer));
                  });
}

void SoloSource::on_template(rpc::RpcClient::Answer answer) {
  if (!answer) return retry_later(describe_failure(answer.error()));
  auto block_template = node::read_template(*answer, network_);
  templates_.reuse(std::move(*answer));
  if (!block_template) {
    return retry_later(fmt::format("node {} {}", node_name(), block_template.error()));
  }
  if (failures_in_a_row_ > 0 && template_at_ != base::MonoTime()) {
    host_.report({ClientEventKind::message, fmt::format("node {} is back", node_name())});
  }
  use_template(std::move(*block_template));
  if (std::exchange(ask_again_, false)) request_template();
}

void SoloSource::use_template(mining::BlockTemplate block_template) {
  std::string id = block_template.longpollid;
  const auto used = client_->on_template(std::move(block_template));
  if (!used) return retry_later(used.error());
  failures_in_a_row_ = 0;
  backoff_.reset();
  long_poll_id_ = std::move(id);
  template_at_ = mono_now();
  host_.appetite_changed();
}

void SoloSource::long_poll() {
  const base::MonoTime now = mono_now();
  if (long_polling_ || long_poll_id_.empty() || now < long_poll_not_before_) return;
  long_polling_ = true;
  long_polls_.call("getblocktemplate",
                   node::template_params(network_, node::long_poll_member(long_poll_id_)),
                   long_poll_deadline, [this, now](rpc::RpcClient::Answer answer) {
                     long_polling_ = false;
                     if (!stopping_) on_long_poll(std::move(answer), now);
                   });
}

// Its failures are not told: the other questions find out whether the node is well.
void SoloSource::on_long_poll(rpc::RpcClient::Answer answer, base::MonoTime asked_at) {
  const bitcoin::BlockHash tip_before = client_->tip();
  bool usable = false;
  if (answer) {
    auto block_template = node::read_template(*answer, network_);
    long_polls_.reuse(std::move(*answer));
    usable = block_template.has_value();
    if (usable) use_template(std::move(*block_template));
  }
  const base::MonoTime now = mono_now();
  if (usable && (client_->tip() != tip_before || now - asked_at > quick_answer)) {
    quick_answers_ = 0;
    long_poll_not_before_ = now;
  } else {
    long_poll_not_before_ = now + 1s * (1 << quick_answers_);
    quick_answers_ = std::min(quick_answers_ + 1, quick_answers_counted_max);
  }
}

void SoloSource::ask_tip() {
  asking_tip_ = true;
  tips_.call("getbestblockhash", "[]", answer_deadline,
             [this](const rpc::RpcClient::Answer& answer) {
               asking_tip_ = false;
               if (stopping_) return;
               const auto tip = answer ? node::parse_best_block(*answer)
                                       : base::err(std::string("the node gave no answer"));
               // Without an answer the template's call finds out what is wrong, unless it has.
               const bool news = tip ? *tip != client_->tip() : failures_in_a_row_ == 0;
               if (news && !asking_) request_template();
             });
}

void SoloSource::set_solo_work(std::shared_ptr<const Work> work) {
  host_.set_work(std::move(work));
}

// --- blocks ---

// Before the first template: what an earlier run found may be the tip's next block.
void SoloSource::find_kept_blocks() {
  if (settings_.solo.dry_run) return;
  KeptBlocks::Listed listed = kept_.list();
  for (std::string& why : listed.problems) {
    host_.report({ClientEventKind::problem, std::move(why)});
  }
  for (std::string& path : listed.paths) kept_files_.push_back({std::move(path)});
  resume_kept_blocks(mono_now());
}

// As many as the client has room for; the others when these have been answered.
void SoloSource::resume_kept_blocks(base::MonoTime now) {
  for (std::size_t reads = 0; reads < kept_files_read_at_once && client_->may_resume(); ++reads) {
    const auto due = std::find_if(kept_files_.begin(), kept_files_.end(),
                                  [&](const KeptFile& file) { return file.not_before <= now; });
    if (due == kept_files_.end()) return;
    KeptFile file = std::move(*due);
    kept_files_.erase(due);
    auto block = kept_.read(file.path);
    if (!block) {
      host_.report({ClientEventKind::problem, std::move(block.error())});
      continue;
    }
    const bool is_told = std::exchange(file.is_told, true);
    if (!is_told) {
      host_.report({ClientEventKind::message,
                    fmt::format("handing over {}, which an earlier run found", file.path)});
    }
    file.path = kept_.path_of(block->hash);
    resumed_.push_back(std::move(file));
    client_->resume(std::move(*block), is_told);
  }
}

void SoloSource::on_resumed(const SoloBlock& block, bool unanswered, base::MonoTime now) {
  const std::string path = kept_.path_of(block.hash);
  const auto at = std::find_if(resumed_.begin(), resumed_.end(),
                               [&](const KeptFile& file) { return file.path == path; });
  if (at != resumed_.end()) {
    KeptFile file = std::move(*at);
    resumed_.erase(at);
    if (unanswered) {
      file.not_before = now + file.pause;
      file.pause = std::min(file.pause * 2, kept_pause_max);
      kept_files_.push_back(std::move(file));
    }
  }
  if (!stopping_) resume_kept_blocks(now);
}

// The file is written after the node's copy has left: it takes the disk's time.
void SoloSource::submit_block(const SoloBlock& block) {
  const bool dry = settings_.solo.dry_run;
  std::string params = dry ? node::template_params(network_, node::proposal_members(block.hex))
                           : fmt::format(R"(["{}"])", block.hex);
  rpc::RpcClient& node = block.of_earlier_run ? resumed_blocks_ : blocks_;
  node.call(dry ? "getblocktemplate" : "submitblock", std::move(params), answer_deadline,
            [this, block, dry](const rpc::RpcClient::Answer& answer) {
              on_submitted(block, !answer ? answer_of(answer.error())
                                  : dry   ? parse_proposal_answer(*answer)
                                          : parse_submit_answer(*answer));
            });
  if (!dry) keep_block(block);
}

void SoloSource::on_submitted(const SoloBlock& block, const SoloAnswer& answer) {
  const bool unanswered = answer.kind == SoloAnswer::Kind::unanswered;
  // An earlier run may have been on another chain than this node's: its blocks are not thrown away.
  const bool left = answer.kind == SoloAnswer::Kind::refused && block.of_earlier_run;
  if (!unanswered && !left && !settings_.solo.dry_run) kept_.remove(block.hash);
  if (ended_) return;  // in the loop's last turn: the client has counted the block
  const bool waits_anew =
      unanswered && !settings_.solo.dry_run && !block.of_earlier_run && block.id > told_up_to_;
  if (waits_anew) told_up_to_ = block.id;
  if (waits_anew || left) {
    host_.report({ClientEventKind::problem,
                  fmt::format("the block is kept in {}{}", kept_.path_of(block.hash),
                              left ? "" : " until the node has it")});
  }
  const base::MonoTime now = mono_now();
  client_->on_answer(block.id, answer, now);
  if (block.of_earlier_run) on_resumed(block, unanswered, now);
  host_.appetite_changed();
}

// Tried once; what can't be written is told, and the block waits in memory all the same.
void SoloSource::keep_block(const SoloBlock& block) {
  if (block.of_earlier_run || block.id <= kept_up_to_) return;
  kept_up_to_ = block.id;
  const auto kept = kept_.keep(block);
  if (kept) return;
  told_up_to_ = block.id;
  host_.report({ClientEventKind::problem, "the block can't be kept: " + kept.error()});
}

// --- what the crew found, and time ---

void SoloSource::on_share(FoundShare share, base::MonoTime) {
  if (client_) client_->on_share(std::move(share));
}

Appetite SoloSource::appetite() const { return client_ ? client_->appetite() : Appetite::nothing; }

void SoloSource::on_tick(base::MonoTime now) {
  if (!client_) return;
  client_->on_tick(now);
  if (!stopping_) resume_kept_blocks(now);
  if (stopping_ || template_at_ == base::MonoTime()) return;
  const bool answers = failures_in_a_row_ == 0;
  if (now - template_at_ > silence_max) client_->suspend();
  if (answers && !asking_ && now - template_at_ >= template_every) request_template();
  if (answers) long_poll();
  if (asking_tip_ || now < ask_tip_at_) return;
  ask_tip_at_ = now + tip_every;
  ask_tip();
}

void SoloSource::end() {
  stopping_ = ended_ = true;
  if (client_) client_->end();
}

void SoloSource::describe(Status& status) const {
  const bool mines = client_ && client_->work();
  status.link = mines && failures_in_a_row_ == 0 ? LinkState::mining
                : failures_in_a_row_ > 0         ? LinkState::disconnected
                : client_                        ? LinkState::waiting_for_job
                                                 : LinkState::connecting;
  PoolStatus& node = status.pools.emplace_back();
  node.url = fmt::format("http://{}", node_name());
  node.user = settings_.solo.address;
  node.active = true;
  if (!client_) return;
  status.counters = client_->counters();
  status.unanswered = client_->open_blocks();
  if (client_->work()) {
    status.job_id = client_->work()->notify.job_id;
    status.difficulty = client_->work()->difficulty.value();
  }
  node.accepted = status.counters.accepted;
  node.rejected = status.counters.rejected;
  node.difficulty_accepted = status.counters.difficulty_accepted;
}

}  // namespace miner
