// SimDisk: the disk under the journal. The files are real, in a folder of memory (/dev/shm), and
// stand for the page cache: the real writer, reader and recovery work on them. What the writer's
// calls do to them is watched, so that a power cut can take back what was not synced: all of it, a
// part, or some sectors out of the middle.
//
// Faults: writes that fail or are cut short, a full disk, syncs that fail (and then the bytes are
// lost, whatever a later sync says), the machine's end in the middle of a call.
// Thread: the one there is.
#pragma once

#include "pool/journal/file_calls.h"
#include "tests/sim/environment.h"

#include <cstdint>
#include <map>
#include <string>

namespace sim {

// The pool ends in the middle of a call: thrown through it, to where the event began.
struct PowerCut {};

class SimDisk {
 public:
  explicit SimDisk(Environment& env);
  ~SimDisk();
  SimDisk(const SimDisk&) = delete;
  SimDisk& operator=(const SimDisk&) = delete;

  const std::string& folder() const { return folder_; }
  pool::FileCalls calls();
  // The folder's name is another one in each run; what is told of a run must not be.
  std::string without_folder(std::string text) const;

  void set_full(bool full) { full_ = full; }
  // The next call that writes or syncs does not return.
  void cut_power_in_next_call() { armed_ = true; }
  bool armed() const { return armed_; }
  // `power_cut`: the machine went down, else only the process. The pool is gone already.
  void crash(bool power_cut);

 private:
  struct File {
    std::string path;
    std::uint64_t synced = 0;  // bytes that outlast a power cut
    base::Bytes unsynced;      // written after them
    bool lying = false;        // a sync has failed: none that follows makes those bytes safe
  };

  int open(const char* path, int flags);
  long write(int fd, const void* bytes, std::size_t count);
  int sync(int fd);
  void lose_unsynced(File& file);
  [[noreturn]] void cut_power(const char* where);

  Environment& env_;
  std::string folder_;
  std::map<int, std::uint64_t> open_;  // descriptors, and the files behind them
  std::map<std::uint64_t, File> files_;
  std::uint64_t next_file_ = 0;
  bool full_ = false;
  bool armed_ = false;
};

}  // namespace sim
