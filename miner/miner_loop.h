// MinerLoop: the miner as a whole, on one loop: hands work from its source to the crew and what the
// crew finds back, keeps the witness log, and the console up to date.
//
// Thread: the loop's, all of it, but for the crew's mailbox.
#pragma once

#include "common/uv/loop.h"
#include "miner/console.h"
#include "miner/crew.h"
#include "miner/observer.h"
#include "miner/status.h"
#include "miner/witness_log.h"
#include "miner/work_source.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace miner {

struct MinerSettings {
  CrewSettings crew;
  std::string witness_path;      // empty: none
  Observer* observer = nullptr;  // null: none; it outlives the loop
};

class MinerLoop final : private WorkSourceHost {
 public:
  // `loop`, the kernels and `console` outlive it. Threads start at once and wait for work.
  MinerLoop(uv::Loop& loop, MinerSettings settings, const MinerKernels& kernels, Console& console,
            const MakeWorkSource& make_source);
  ~MinerLoop() override;
  MinerLoop(const MinerLoop&) = delete;
  MinerLoop& operator=(const MinerLoop&) = delete;

  void start();
  // Stops mining: what the batches under way find is submitted, and the answers that are due are
  // waited for, up to half a second. Then stops the loop.
  // Called again, it does not wait.
  void stop();

  // 0; 1 when the source gave up or the reader of the output went away.
  int exit_code() const { return exit_code_; }
  Status status() const;
  bool is_resolving() const { return source_->is_resolving(); }

 private:
  // WorkSourceHost
  void set_work(std::shared_ptr<const Work> work) override;
  void set_coherence_work(std::shared_ptr<const CoherenceWork> work) override;
  void report(const ClientEvent& event) override;
  void appetite_changed() override;
  void give_up(std::string_view why) override;

  void on_worker_message(WorkerMessage&& message);
  void on_tick();
  void on_second();
  void on_progress();
  void finish();
  void stop_if_unread(bool read);
  void note_witness(const CoherenceWork& work);

  uv::Loop& loop_;
  Console& console_;
  Observer* const observer_;
  std::optional<WitnessLog> witness_;
  const base::MonoTime started_at_;
  base::MonoTime batch_deadline_{};  // once stopping_: until when the threads may still find
  base::MonoTime stop_deadline_{};   // and until when answers are waited for
  bool exhausted_told_ = false;
  bool height_missing_told_ = false;  // of this connection
  bool has_work_ = false;
  bool has_coherence_work_ = false;
  bool stopping_ = false;
  bool finished_ = false;
  int exit_code_ = 0;

  uv::Timer tick_;
  uv::Timer second_;
  uv::Timer progress_;
  Crew crew_;
  std::unique_ptr<WorkSource> source_;
};

}  // namespace miner
