#include "tests/sim/sim_miner.h"

#include "common/stratum/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

namespace sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t line_bytes_max = 256 * 1024;
constexpr Micros tick_period = 2500 * millisecond;
constexpr std::uint32_t hashes_per_step = 64;
constexpr std::size_t found_kept_max = 64;

miner::ClientOptions client_options(const MinerOptions& options) {
  miner::ClientOptions made;
  made.username = options.worker;
  made.user_agent = "sim/1";
  made.resume_window = 0s;  // its own way of coming back is told to the oracle
  return made;
}

std::uint64_t job_number(std::string_view job_id) {
  std::uint64_t job = 0;
  std::from_chars(job_id.data(), job_id.data() + job_id.size(), job, 16);
  return job;
}

bool has(std::string_view line, std::string_view what) {
  return line.find(what) != std::string_view::npos;
}

}  // namespace

SimMiner::SimMiner(Environment& env, SimNetwork& network, MinerOptions options)
    : env_(env),
      network_(network),
      options_(std::move(options)),
      client_(client_options(options_), *this),
      search_(0, 1, *options_.kernel),
      backoff_(1s, 30s),
      lines_(std::in_place, line_bytes_max) {}

void SimMiner::start(Micros when) {
  env_.schedule.at(when, world_owner, [this] { connect(); });
  env_.schedule.at(when, world_owner, [this] { tick(); });
}

void SimMiner::tick() {
  client_.on_tick(mono());
  env_.schedule.after(tick_period, world_owner, [this] { tick(); });
}

// ---------------------------------------------------------------- connections

void SimMiner::connect() { wire_ = network_.connect(options_.index); }

void SimMiner::connect_later(Micros pause) {
  const Micros wait = 1000 * backoff_.next(env_.random).count();
  env_.schedule.after(std::max(pause, wait), world_owner, [this] { connect(); });
}

void SimMiner::forget_wire() {
  connected_ = false;
  wire_ = WireId{};
  lines_.emplace(line_bytes_max);
  for (const Asked& asked : std::exchange(unanswered_, {})) env_.oracle.on_no_answer(asked.hash);
}

void SimMiner::on_connected(WireId wire) {
  if (wire != wire_) return;
  connected_ = true;
  client_.on_connected(mono());
}

void SimMiner::on_cut(WireId wire) {
  if (wire != wire_) return;
  forget_wire();
  client_.on_disconnected();
  connect_later(0);
}

void SimMiner::disconnect(std::chrono::seconds pause) {
  const WireId wire = wire_;
  forget_wire();
  network_.close_by_miner(wire);
  connect_later(pause.count() * second);
}

void SimMiner::report(const miner::ClientEvent& event) {
  using Kind = miner::ClientEventKind;
  if (event.kind == Kind::connected) backoff_.reset();
  if (event.kind == Kind::problem || event.kind == Kind::rejected) {
    env_.transcript.note("miner", "reports", options_.index, event.text);
  }
}

// ---------------------------------------------------------------- what it hears

void SimMiner::on_bytes(WireId wire, std::string_view bytes) {
  if (wire != wire_) return;
  (void)lines_->push(base::as_bytes(bytes), [this](std::string_view line) {
    if (!has(line, "\"method\"")) on_response(line);
    return true;
  });
  client_.on_bytes(base::as_bytes(bytes), mono());
}

void SimMiner::on_response(std::string_view line) {
  const auto message = stratum::parse_server_message(line);
  if (!message) return;
  const auto* answer = std::get_if<stratum::ServerResponse>(&*message);
  if (answer == nullptr) return;
  if (answer->accepted && answer->result_json.starts_with("[[")) {
    const auto subscribed = stratum::parse_subscribe_result(answer->result_json);
    if (subscribed) session_id_ = subscribed->session_id;
  }
  std::uint64_t id = 0;
  const std::string& text = answer->id_json;
  std::from_chars(text.data(), text.data() + text.size(), id);
  const auto asked = std::find_if(unanswered_.begin(), unanswered_.end(),
                                  [id](const Asked& submit) { return submit.id == id; });
  if (asked == unanswered_.end()) return;
  if (asked != unanswered_.begin()) {
    env_.oracle.fail("answers", fmt::format("miner {} has an answer to submit {} before that to {}",
                                            options_.index, id, unanswered_.front().id));
  }
  env_.oracle.on_answer(asked->hash, answer->accepted, answer->error_code, answer->error_text);
  unanswered_.erase(asked);
}

bool SimMiner::has_job_on(const bitcoin::BlockHash& tip, std::uint64_t job_least) const {
  if (!work_ || work_->notify.prev_hash != tip) return false;
  return job_number(work_->notify.job_id) >= job_least;
}

std::string SimMiner::state() const {
  return fmt::format("miner {}: {}, job {} on {}, {} unanswered, {} queued", options_.index,
                     connected_ ? "connected" : "away", client_.job_id(),
                     work_ ? work_->notify.prev_hash.display_hex() : "nothing",
                     client_.unanswered(), client_.queued());
}

// ---------------------------------------------------------------- shares

void SimMiner::set_work(std::shared_ptr<const miner::Work> work) {
  if (work && work_ && work->notify.prev_hash != work_->notify.prev_hash) keep_late_share(*work);
  work_ = std::move(work);
  search_.set_work(work_);
  schedule_share();
}

// The time to the next share has no memory, so a new target may draw it anew.
void SimMiner::schedule_share() {
  const std::uint64_t plan = ++share_plan_;
  if (!work_ || !mining_) return;
  const double hashes = work_->share_target.work().to_double();
  const double seconds = hashes / options_.hashes_per_second;
  const Micros wait = exponential(env_.random, static_cast<Micros>(seconds * second));
  env_.schedule.after(wait, world_owner, [this, plan] {
    if (plan == share_plan_ && mining_) find_share();
  });
}

void SimMiner::find_share() {
  if (auto share = search_once()) client_.on_share(std::move(*share), mono());
  schedule_share();
}

std::optional<miner::FoundShare> SimMiner::search_once() {
  std::optional<miner::FoundShare> found;
  while (!found && search_.active()) {
    (void)search_.step(hashes_per_step, miner::Appetite::shares, [&](miner::FoundShare share) {
      found = std::move(share);
      return false;
    });
  }
  if (!found) return found;
  const stratum::Notify& notify = found->work->notify;
  env_.oracle.on_found(found->hash,
                       {options_.index, options_.worker, found->work->difficulty.value(),
                        found->is_block, notify.prev_hash, job_number(notify.job_id)});
  if (found_.size() == found_kept_max) found_.erase(found_.begin());
  found_[{found->work->notify.job_id, base::to_hex(found->extranonce2), found->ntime,
          found->nonce}] = *found;
  return found;
}

// One that it had nearly found when the clean job came, and sends when that is long over.
void SimMiner::keep_late_share(const miner::Work&) {
  if (!mining_ || !connected_ || !chance(env_.random, env_.faults.late_shares)) return;
  if (const auto share = search_once()) {
    send_raw(*share, options_.stale_grace + between(env_.random, 1, 10 * second), true);
  }
}

void SimMiner::send_raw(const miner::FoundShare& share, Micros delay, bool stale) {
  env_.schedule.after(delay, world_owner, [this, share, stale, wire = wire_] {
    if (wire != wire_ || !connected_) return;
    stratum::Submit submit;
    submit.worker_name = options_.worker;
    submit.job_id = share.work->notify.job_id;
    submit.extranonce2_hex = base::to_hex(share.extranonce2);
    submit.ntime = share.ntime;
    submit.nonce = share.nonce;
    submit.version_bits = share.version_bits;
    const std::uint64_t id = next_raw_id_++;
    unanswered_.push_back({id, share.hash});
    env_.transcript.note("miner", "submits raw", id, share.hash.display_hex());
    env_.oracle.on_submit(share.hash, stale);
    network_.send_up(wire, stratum::write_submit(id, submit));
  });
}

void SimMiner::send(std::string_view line) {
  if (has(line, "\"mining.submit\"")) on_submit_sent(line);
  const bool comes_back = options_.resumes && !session_id_.empty();
  if (comes_back && has(line, "\"mining.subscribe\"")) {
    const auto request = stratum::parse_request(line);
    std::uint64_t id = 0;
    const std::string& text = request->id.json;
    std::from_chars(text.data(), text.data() + text.size(), id);
    return network_.send_up(wire_, stratum::write_subscribe(id, {"sim/1", session_id_}));
  }
  network_.send_up(wire_, line);
}

void SimMiner::on_submit_sent(std::string_view line) {
  const auto request = stratum::parse_request(line);
  if (!request) return env_.oracle.fail("answers", "the client sent a line that is no request");
  const auto& submit = std::get<stratum::Submit>(request->message);
  const auto found =
      found_.find({submit.job_id, submit.extranonce2_hex, submit.ntime, submit.nonce});
  if (found == found_.end()) return env_.oracle.on_odd_submit();  // of long ago
  std::uint64_t id = 0;
  const std::string& text = request->id.json;
  std::from_chars(text.data(), text.data() + text.size(), id);
  unanswered_.push_back({id, found->second.hash});
  env_.transcript.note("miner", "submits", id, found->second.hash.display_hex());
  env_.oracle.on_submit(found->second.hash, false);
  if (chance(env_.random, env_.faults.duplicates)) {
    send_raw(found->second, static_cast<Micros>(env_.random.below(2 * second)), false);
  }
  if (chance(env_.random, env_.faults.garbage)) {
    constexpr std::string_view lines[] = {
        "{\"id\":\"a\",\"method\":\"mining.dance\",\"params\":[]}\n", "\n",
        "{\"id\":\"b\",\"method\":\"mining.submit\"}\n", "{]\n"};
    const std::string_view odd = lines[env_.random.below(std::size(lines))];
    if (has(odd, "submit")) env_.oracle.on_odd_submit();
    network_.send_up(wire_, odd);
  }
}

void SimMiner::chatter() {
  if (!connected_) return;
  std::string lines;
  for (int i = 0; i < 300; ++i) {
    lines +=
        fmt::format("{{\"id\":{},\"method\":\"mining.ping\",\"params\":[]}}\n", next_raw_id_++);
  }
  network_.send_up(wire_, lines);
}

}  // namespace sim
