// Reporter: --report-dir. Gathers what happens into lines and has them written, once a second, by a
// thread of its own: a disk that is full, slow or gone costs reports, never a hash.
//
// Bounds: an hour has at most so many lines, of so many bytes, and proofs; what waits for a slow
// disk has so many
//         bytes; all files together have at most report_bytes_max, the oldest going first. What was
//         left out is counted in the hour's system report.
// Errors: told once, and again after it went well in between.
// Thread: the loop's.
#pragma once

#include "common/uv/worker.h"
#include "miner/observer.h"
#include "miner/report_files.h"
#include "miner/report_records.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace miner {

inline constexpr std::uint64_t report_bytes_max = std::uint64_t{512} << 20;
inline constexpr std::uint32_t report_errors_per_hour_max = 600;
inline constexpr std::uint32_t report_ledger_lines_per_hour_max = 20'000;
inline constexpr std::size_t report_lines_bytes_per_hour_max = std::size_t{32} << 20;
inline constexpr std::uint32_t report_proofs_per_hour_max = 256;
inline constexpr std::size_t report_waiting_bytes_max = std::size_t{4} << 20;
inline constexpr std::int64_t report_refresh_seconds = 60;

struct ReporterSettings {
  std::string report_dir;
  std::string id;        // of this miner: letters, digits, '-'
  std::string username;  // as the pool was told, or the address
  std::uint64_t bytes_max = report_bytes_max;
};

class Reporter final : public Observer {
 public:
  using OnProblem = std::function<void(std::string_view)>;

  // `on_problem` is told why reports can't be written; it must not come back here.
  Reporter(uv::Loop& loop, ReporterSettings settings, OnProblem on_problem);
  // Finishes what is being written.
  ~Reporter() override;

  void on_event(const ClientEvent& event, const base::Instant& now) override;
  void on_work(const Work& work, const base::Instant& now) override;
  void on_coherence_work(const CoherenceWork& work, const base::Instant& now) override;
  void on_block(const FoundShare& block, const base::Instant& now) override;
  void on_status(const Status& status, const base::Instant& now) override;
  void on_give_up(std::string_view why, const base::Instant& now) override;
  void on_end(const Status& status, const base::Instant& now) override;

 private:
  struct Batch;

  void error(Severity severity, std::string_view component, std::string_view message,
             std::string_view recovery_action, std::int64_t now);
  void add_to_ledger(const std::string& line, std::int64_t now);
  void add_proof(const std::string& name, std::function<std::string()> write, std::int64_t now);
  // False: the hour, or the queue, is full.
  bool admit(std::uint32_t& count, std::uint32_t most, std::size_t bytes);
  void add(FileWrite::How how, std::string path, const std::string& text);
  void add_system_report(const Status& status, std::int64_t now);
  void begin_hour(const Status& status, std::int64_t now);
  void flush(std::int64_t now, bool trim);
  void on_written(const std::shared_ptr<Batch>& batch);

  const ReporterSettings settings_;
  const OnProblem on_problem_;
  std::uint32_t errors_ = 0;  // since the start
  std::shared_ptr<Batch> next_;
  bool writing_ = false;
  bool ended_ = false;
  bool problem_told_ = false;

  // Of the hour.
  std::int64_t hour_ = -1;
  std::int64_t refreshed_at_ = 0;
  ReportPeriod period_;
  std::uint32_t errors_in_hour_ = 0;
  std::uint32_t lines_in_hour_ = 0;
  std::uint32_t proofs_in_hour_ = 0;
  std::size_t line_bytes_in_hour_ = 0;
  Status last_status_;

  uv::Worker writer_;  // last: it uses what is above
};

}  // namespace miner
