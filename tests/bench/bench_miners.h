// BenchMiners: thousands of sockets on which a pool's jobs arrive, read by one thread, and when.
//
// Times are those at which the kernel had the bytes for the miner (SO_TIMESTAMPNS), so that how
// fast this program reads does not count; it reads all the time nevertheless, so that a second job
// is told from the first.
//
// Units:  CLOCK_REALTIME nanoseconds.
// Thread: one.
#pragma once

#include "common/bitcoin/hash.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bench {

class BenchMiners {
 public:
  // Of one miner, for the tip that is expected; 0: not yet.
  struct Heard {
    std::int64_t first_ns = 0;  // any job on the tip
    std::int64_t full_ns = 0;   // one with transactions, where there are any
  };

  BenchMiners();
  ~BenchMiners();
  BenchMiners(const BenchMiners&) = delete;
  BenchMiners& operator=(const BenchMiners&) = delete;

  // Takes the socket, which is a connected one.
  void add(int fd);
  // Connects until there are `count`, logs them in, and waits for a job each.
  void grow(std::uint16_t port, std::size_t count);
  std::size_t size() const { return miners_.size(); }

  // From here on jobs on this tip count; earlier ones are forgotten.
  void expect(const bitcoin::BlockHash& tip, bool has_transactions);
  // Until every miner has full work on the tip; false after `limit`.
  bool wait(std::chrono::milliseconds limit);
  // Reads on, for the pause between two tips.
  void pause(std::chrono::milliseconds length);
  const Heard& heard(std::size_t miner) const { return miners_[miner].heard; }
  // The job on the expected tip that came last, with its newline.
  const std::string& line() const { return line_; }

 private:
  struct Miner {
    int fd = -1;
    std::string partial;  // of a line
    bool has_job = false;
    Heard heard;
  };

  void read_for(std::chrono::milliseconds limit);
  void read(Miner& miner);
  void on_line(Miner& miner, std::string_view line, std::int64_t at_ns);

  const int epoll_;
  std::vector<Miner> miners_;
  std::string prevhash_;
  bool has_transactions_ = false;
  std::size_t missing_ = 0;  // miners without full work on the expected tip
  std::size_t jobless_ = 0;
  std::string line_;
};

// A connected pair of loopback sockets: {the pool's end, the miner's}.
std::pair<int, int> loopback_pair();

}  // namespace bench
