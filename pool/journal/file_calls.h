// The system calls that can fail while the journal writes, as a table, so that a test can make them
// fail; and a file descriptor that closes itself.
//
// Errors: as the system calls have it: a negative result, and errno.
#pragma once

#include "common/base/bytes.h"

#include <functional>
#include <string>
#include <utility>

namespace pool {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  bool is_open() const { return fd_ >= 0; }
  int get() const { return fd_; }
  void reset();

 private:
  int fd_ = -1;
};

struct FileCalls {
  std::function<int(const char* path, int flags)> open;
  std::function<long(int fd, const void* bytes, std::size_t count)> write;
  std::function<int(int fd)> sync;  // fdatasync: the file's bytes and its size
};
FileCalls system_file_calls();

// Writes all of `bytes`, however often the system takes only a part. False: errno says why.
[[nodiscard]] bool write_all(const FileCalls& calls, int fd, base::ByteSpan bytes);

// "No space left on device", for errno as it stands.
std::string last_error_text();

}  // namespace pool
