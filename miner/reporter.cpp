#include "miner/reporter.h"

#include <fmt/format.h>

#include <utility>

namespace miner {
namespace {

constexpr std::int64_t hour_seconds = 3600;
constexpr std::string_view goes_on = "none needed: mining goes on";

std::string file_name(std::string_view kind, std::string_view id, std::string_view ending) {
  return fmt::format("{}_{}.{}", kind, id, ending);
}

std::string_view active_pool(const Status& status) {
  for (const PoolStatus& pool : status.pools) {
    if (pool.active) return pool.url;
  }
  return "";
}

}  // namespace

// What one go of the writer has to do. Proofs are made there, since a replay takes milliseconds.
struct Reporter::Batch {
  struct Proof {
    std::string path;
    std::function<std::string()> write;
  };
  std::map<std::string, FileWrite> writes;  // by path
  std::vector<Proof> proofs;
  std::size_t bytes = 0;
  bool trim = false;
  std::string hour_suffix;
  std::optional<std::string> why_not;  // the writer's

  bool is_empty() const { return writes.empty() && proofs.empty() && !trim; }
};

Reporter::Reporter(uv::Loop& loop, ReporterSettings settings, OnProblem on_problem)
    : settings_(std::move(settings)),
      on_problem_(std::move(on_problem)),
      next_(std::make_shared<Batch>()),
      writer_(loop, 2) {}

Reporter::~Reporter() = default;

// --- what happens ---

void Reporter::on_event(const ClientEvent& event, const base::Instant& now) {
  const std::int64_t seconds = now.unix_seconds();
  if (event.share || event.proof) add_to_ledger(submission_line(event, seconds), seconds);
  if (event.kind == ClientEventKind::accepted && event.proof) {
    add_proof(
        fmt::format("coherence_{}.jsonl", base::to_hex(event.proof->work_hash)),
        [proof = event.proof] { return coherence_proof(*proof); }, seconds);
  }
  if (event.kind == ClientEventKind::rejected) {
    error(Severity::low, "submission", event.text, goes_on, seconds);
  } else if (event.kind == ClientEventKind::problem) {
    error(Severity::medium, "connection", event.text,
          "the miner tries again by itself, and mines as soon as it has work", seconds);
  }
}

void Reporter::on_work(const Work& work, const base::Instant& now) {
  const std::int64_t seconds = now.unix_seconds();
  add_to_ledger(attempt_line(work, last_status_.hashes, seconds), seconds);
}

void Reporter::on_coherence_work(const CoherenceWork& work, const base::Instant& now) {
  const std::int64_t seconds = now.unix_seconds();
  const std::uint64_t rounds = last_status_.coherence ? last_status_.coherence->rounds : 0;
  add_to_ledger(attempt_line(work, rounds, seconds), seconds);
}

void Reporter::on_block(const FoundShare& block, const base::Instant& now) {
  add_proof(
      fmt::format("block_{}.json", block.hash.display_hex()),
      [block, username = settings_.username, time = now.unix_micros()] {
        return block_proof(block, username, time);
      },
      now.unix_seconds());
}

void Reporter::on_status(const Status& status, const base::Instant& now) {
  const std::int64_t seconds = now.unix_seconds();
  const bool new_hour = seconds / hour_seconds != hour_;
  if (new_hour) begin_hour(status, seconds);
  if (status.wrong_proposals > last_status_.wrong_proposals) {
    error(Severity::high, "kernel",
          fmt::format("kernel {} proposed {} nonces that are none", status.kernel,
                      status.wrong_proposals),
          "what it proposes is checked, so nothing wrong is submitted; choose another --kernel",
          seconds);
  }
  last_status_ = status;
  if (new_hour || seconds - refreshed_at_ >= report_refresh_seconds) {
    refreshed_at_ = seconds;
    add_system_report(status, seconds);
  }
  flush(seconds, new_hour);
}

void Reporter::on_give_up(std::string_view why, const base::Instant& now) {
  error(Severity::critical, "connection", why, "the program ends", now.unix_seconds());
}

void Reporter::on_end(const Status& status, const base::Instant& now) {
  const std::int64_t seconds = now.unix_seconds();
  if (hour_ < 0) begin_hour(status, seconds);
  last_status_ = status;
  add(FileWrite::How::append,
      report_folder(ReportKind::ledger, seconds) + file_name("ledger", settings_.id, "jsonl"),
      session_line("end", status, seconds));
  add_system_report(status, seconds);
  ended_ = true;
  writing_ = false;  // it may be, but there is no later
  flush(seconds, false);
}

// --- lines ---

bool Reporter::admit(std::uint32_t& count, std::uint32_t most, std::size_t bytes) {
  if (count >= most || next_->bytes + bytes > report_waiting_bytes_max ||
      line_bytes_in_hour_ + bytes > report_lines_bytes_per_hour_max) {
    ++period_.lines_left_out;
    return false;
  }
  ++count;
  line_bytes_in_hour_ += bytes;
  return true;
}

void Reporter::add(FileWrite::How how, std::string path, const std::string& text) {
  next_->bytes += text.size();
  FileWrite& write = next_->writes[path];
  write.how = how;
  write.path = std::move(path);
  if (how == FileWrite::How::replace) write.text.clear();
  write.text += text;
}

void Reporter::error(Severity severity, std::string_view component, std::string_view message,
                     std::string_view recovery_action, std::int64_t now) {
  ErrorReport report;
  report.unix_seconds = now;
  report.number = errors_++;
  report.severity = severity;
  report.component = component;
  report.message = message;
  report.pool = active_pool(last_status_);
  report.job_id = last_status_.job_id;
  report.recovery_action = recovery_action;
  const std::string line = error_line(report);
  if (!admit(errors_in_hour_, report_errors_per_hour_max, line.size())) return;
  add(FileWrite::How::append,
      report_folder(ReportKind::errors, now) + file_name("errors", settings_.id, "jsonl"), line);
}

void Reporter::add_to_ledger(const std::string& line, std::int64_t now) {
  if (!admit(lines_in_hour_, report_ledger_lines_per_hour_max, line.size())) return;
  add(FileWrite::How::append,
      report_folder(ReportKind::ledger, now) + file_name("ledger", settings_.id, "jsonl"), line);
}

void Reporter::add_proof(const std::string& name, std::function<std::string()> write,
                         std::int64_t now) {
  if (!admit(proofs_in_hour_, report_proofs_per_hour_max, 0)) return;
  next_->proofs.push_back({report_folder(ReportKind::proofs, now) + name, std::move(write)});
}

void Reporter::add_system_report(const Status& status, std::int64_t now) {
  period_.to = now;
  period_.at_end = status;
  add(FileWrite::How::replace,
      report_folder(ReportKind::system, period_.from) +
          file_name("system_report", settings_.id, "json"),
      system_report(settings_.id, period_));
}

void Reporter::begin_hour(const Status& status, std::int64_t now) {
  const bool is_first = hour_ < 0;
  if (!is_first) {
    add_system_report(status, now);  // the last of the hour that is over
  } else {
    add(FileWrite::How::append,
        report_folder(ReportKind::ledger, now) + file_name("ledger", settings_.id, "jsonl"),
        session_line("start", status, now));
  }
  hour_ = now / hour_seconds;
  period_ = ReportPeriod();
  // What the first second did counts as well.
  if (!is_first) period_.at_start = status;
  period_.from = is_first ? now - status.uptime.count() : hour_ * hour_seconds;
  errors_in_hour_ = lines_in_hour_ = proofs_in_hour_ = 0;
  line_bytes_in_hour_ = 0;
}

// --- the writer ---

void Reporter::flush(std::int64_t now, bool trim) {
  next_->trim = next_->trim || trim;
  if (writing_ || next_->is_empty()) return;
  writing_ = true;
  constexpr std::size_t hour_bytes = std::string_view("2026/11/22/05/").size();
  const std::string folder = report_folder(ReportKind::ledger, now);
  next_->hour_suffix = folder.substr(folder.size() - hour_bytes);
  const std::shared_ptr<Batch> batch = std::exchange(next_, std::make_shared<Batch>());
  writer_.run(
      [batch, dir = settings_.report_dir, bytes_max = settings_.bytes_max] {
        std::vector<FileWrite> writes;
        // First, while there is room: a proof is made once.
        for (const Batch::Proof& proof : batch->proofs) {
          writes.push_back({FileWrite::How::replace, proof.path, proof.write()});
        }
        for (auto& [path, write] : batch->writes) writes.push_back(std::move(write));
        batch->why_not = write_files(dir, writes);
        if (batch->trim && !batch->why_not) {
          batch->why_not = trim_reports(dir, bytes_max, batch->hour_suffix);
        }
      },
      [this, batch] { on_written(batch); });
}

void Reporter::on_written(const std::shared_ptr<Batch>& batch) {
  writing_ = false;
  if (!batch->why_not) {
    problem_told_ = false;
  } else if (!std::exchange(problem_told_, true)) {
    on_problem_(fmt::format("reports: {}; mining goes on without them", *batch->why_not));
  }
}

}  // namespace miner
