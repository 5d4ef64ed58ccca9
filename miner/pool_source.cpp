#include "miner/pool_source.h"

#include "common/base/assert.h"
#include "common/uv/clock.h"
#include "miner/pool_totals.h"
#include "miner/pool_trust.h"
#include "miner/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

base::MonoTime mono_now() { return uv::read_clock().mono; }

std::string seconds_text(std::chrono::milliseconds pause) {
  return fmt::format("{:.1f} s", static_cast<double>(pause.count()) / 1000);
}

PoolLinkSettings link_settings(const PoolSourceSettings& all, std::uint32_t number) {
  const PoolSettings& pool = all.pools[number];
  PoolLinkSettings link;
  link.pool = pool;
  link.client = all.client;
  link.client.pool = number;
  link.client.host = pool.host;
  link.client.username = pool.username;
  link.client.password = pool.password;
  link.retry_first = all.retry_first;
  link.retry_most = all.retry_most;
  link.seed = all.seed + number;
  link.dump = all.dump;
  return link;
}

}  // namespace

PoolSource::PoolSource(uv::Loop& loop, PoolSourceSettings settings, WorkSourceHost& host)
    : settings_(std::move(settings)), host_(host) {
  ASSERT(!settings_.pools.empty());
  for (std::uint32_t number = 0; number < settings_.pools.size(); ++number) {
    PoolLinkSettings link = link_settings(settings_, number);
    auto trust = trust_of(link.pool);
    if (!trust && unusable_.empty()) unusable_ = trust.error();
    if (trust) link.tls = std::move(*trust);
    links_.push_back(
        std::make_unique<PoolLink>(loop, std::move(link), static_cast<PoolLinkHost&>(*this)));
  }
}

PoolSource::~PoolSource() = default;

void PoolSource::start() {
  if (!unusable_.empty()) return host_.give_up(unusable_);
  start_wanted(mono_now());
}

void PoolSource::stop() {
  stopping_ = true;
  for (const auto& link : links_) link->stop();
}

void PoolSource::end() {
  for (const auto& link : links_) link->end();
}

// --- whom to mine for ---

std::optional<std::uint32_t> PoolSource::choice(base::MonoTime now) const {
  const bool has_work = active_ && links_[*active_]->is_ready();
  for (std::uint32_t i = 0; i < links_.size(); ++i) {
    if (!links_[i]->is_ready() || !links_[i]->is_wanted()) continue;
    if (!has_work || i == *active_) return i;
    if (i < *active_ && now - links_[i]->ready_since() >= settings_.return_after) return i;
  }
  return std::nullopt;
}

void PoolSource::choose(base::MonoTime now) {
  if (stopping_) return;
  const auto chosen = choice(now);
  if (chosen == active_) return;
  if (!chosen) {
    // Those before it go on being tried; the next one joins them now.
    wanted_ = std::min(*active_ + 2, static_cast<std::uint32_t>(links_.size()));
    active_.reset();
    return start_wanted(now);
  }
  active_ = chosen;
  wanted_ = *chosen + 1;
  const PoolLink& link = *links_[*chosen];
  if (links_.size() > 1) {
    host_.report({ClientEventKind::message, fmt::format("mining for {}", url_of(link.pool()))});
  }
  start_wanted(now);
  host_.set_work(link.client().work());
  const CoherenceClient* coherence = link.client().coherence();
  if (coherence != nullptr) host_.set_coherence_work(coherence->work());
  host_.appetite_changed();
}

// While nobody has work: one pool more, where the last one gives no hope.
void PoolSource::widen(base::MonoTime now) {
  if (active_ || stopping_ || wanted_ == links_.size()) return;
  const PoolLink& last = *links_[wanted_ - 1];
  if (!last.is_pausing() && now - last.began() < settings_.patience) return;
  ++wanted_;
  start_wanted(now);
}

void PoolSource::start_wanted(base::MonoTime now) {
  for (std::uint32_t i = 0; i < links_.size(); ++i) {
    if (i < wanted_) {
      links_[i]->start();
    } else {
      links_[i]->leave(now);
    }
  }
}

// --- what the links say ---

void PoolSource::on_link_work(std::uint32_t link) {
  const bool was_active = active_ == link;
  choose(mono_now());
  // A new choice has been told of its work already.
  if (was_active && (active_ == link || !active_)) host_.set_work(links_[link]->client().work());
}

void PoolSource::on_link_coherence_work(std::uint32_t link) {
  const bool was_active = active_ == link;
  choose(mono_now());
  if (was_active && (active_ == link || !active_)) {
    host_.set_coherence_work(links_[link]->client().coherence()->work());
  }
}

bool PoolSource::all_have_failed() const {
  return settings_.retries >= 0 &&
         std::all_of(links_.begin(), links_.end(), [this](const auto& link) {
           return link->failures_in_a_row() > settings_.retries;
         });
}

void PoolSource::on_link_failed(std::uint32_t link, std::string_view why,
                                std::chrono::milliseconds pause) {
  if (stopping_) return;
  choose(mono_now());
  if (all_have_failed()) {
    const std::int64_t attempts = links_[link]->failures_in_a_row();
    const std::string each = links_.size() > 1 ? " at the last of the pools" : "";
    return host_.give_up(fmt::format("{}; giving up after {} attempts{}", why, attempts, each));
  }
  host_.report(
      {ClientEventKind::problem, fmt::format("{}; {}next attempt in {}", why,
                                             active_ ? "" : "not mining, ", seconds_text(pause))});
  widen(mono_now());
}

void PoolSource::on_link_heard(std::uint32_t link) {
  if (active_ == link) host_.appetite_changed();
}

// --- what the crew found, and time ---

void PoolSource::on_share(FoundShare share, base::MonoTime now) {
  PoolLink& link = *links_.at(share.work->pool);
  link.on_share(std::move(share), now);
}

void PoolSource::on_proof(FoundProof proof, base::MonoTime now) {
  PoolLink& link = *links_.at(proof.work->pool);
  link.on_proof(std::move(proof), now);
}

void PoolSource::on_tick(base::MonoTime now) {
  for (const auto& link : links_) link->on_tick(now);
  choose(now);
  widen(now);
}

Appetite PoolSource::appetite() const {
  return active_ ? links_[*active_]->client().appetite() : Appetite::nothing;
}

Appetite PoolSource::coherence_appetite() const {
  const CoherenceClient* coherence = active_ ? links_[*active_]->client().coherence() : nullptr;
  return coherence != nullptr ? coherence->appetite() : Appetite::nothing;
}

bool PoolSource::awaits_answers() const {
  return std::any_of(links_.begin(), links_.end(),
                     [](const auto& link) { return link->client().awaits_answers(); });
}

bool PoolSource::is_resolving() const {
  return std::any_of(links_.begin(), links_.end(),
                     [](const auto& link) { return link->is_resolving(); });
}

// --- for people ---

// The one that is mined for, or the one that is nearest to being it.
const PoolLink& PoolSource::shown() const {
  if (active_) return *links_[*active_];
  const auto alive = std::find_if(links_.begin(), links_.end(), [](const auto& link) {
    return link->state() != LinkState::disconnected;
  });
  return alive != links_.end() ? **alive : *links_.front();
}

void PoolSource::describe(Status& status) const {
  const PoolLink& link = shown();
  status.link = link.state();
  status.difficulty = link.client().difficulty();
  status.job_id = link.client().job_id();
  status.unanswered = 0;
  status.reconnects = 0;
  for (const auto& one : links_) {
    add(status.counters, one->client().counters());
    status.unanswered += one->client().unanswered();
    status.reconnects += one->reconnects();
  }
  describe_pools(status);
  if (!status.coherence || link.client().coherence() == nullptr) return;
  status.coherence->work = link.client().coherence()->work();
  for (const auto& one : links_) {
    add(status.coherence->counters, one->client().coherence()->counters());
    status.coherence->unanswered += one->client().coherence()->unanswered();
  }
}

void PoolSource::describe_pools(Status& status) const {
  for (const auto& link : links_) {
    PoolStatus& one = status.pools.emplace_back();
    one.url = url_of(link->pool());
    one.user = link->pool().username;
    one.active = link.get() == &shown();
    one.accepted = link->client().counters().accepted;
    one.rejected = link->client().counters().rejected;
    one.difficulty_accepted = link->client().counters().difficulty_accepted;
  }
}

}  // namespace miner
