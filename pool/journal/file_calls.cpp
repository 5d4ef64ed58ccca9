#include "pool/journal/file_calls.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace pool {

void FileDescriptor::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

FileCalls system_file_calls() {
  return FileCalls{
      [](const char* path, int flags) { return ::open(path, flags, 0640); },
      [](int fd, const void* bytes, std::size_t count) {
        return static_cast<long>(::write(fd, bytes, count));
      },
      [](int fd) { return ::fdatasync(fd); },
  };
}

bool write_all(const FileCalls& calls, int fd, base::ByteSpan bytes) {
  while (!bytes.empty()) {
    const long written = calls.write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written == 0) errno = EIO;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

std::string last_error_text() { return std::generic_category().message(errno); }

}  // namespace pool
