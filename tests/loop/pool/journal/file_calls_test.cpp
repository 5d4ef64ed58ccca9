#include "pool/journal/file_calls.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cerrno>

namespace {

// Answers each write with the next of `answers` (negative: an errno), and notes what it was given.
struct ScriptedWrites {
  std::vector<long> answers;
  std::vector<std::size_t> counts;
  std::string bytes;

  pool::FileCalls calls() {
    pool::FileCalls calls = pool::system_file_calls();
    calls.write = [this](int, const void* data, std::size_t count) {
      REQUIRE_LT(counts.size(), answers.size());
      const long answer = answers[counts.size()];
      counts.push_back(count);
      if (answer < 0) {
        errno = static_cast<int>(-answer);
        return -1L;
      }
      bytes.append(static_cast<const char*>(data), static_cast<std::size_t>(answer));
      return answer;
    };
    return calls;
  }
};

}  // namespace

TEST_CASE("write_all goes on after short and interrupted writes") {
  ScriptedWrites script{{3, -EINTR, 1, 2}, {}, {}};
  CHECK(pool::write_all(script.calls(), 1, base::as_bytes("abcdef")));
  CHECK_EQ(script.bytes, "abcdef");
  CHECK_EQ(script.counts, std::vector<std::size_t>{6, 3, 3, 2});
}

TEST_CASE("write_all stops at an error, and takes a write of nothing for one") {
  ScriptedWrites full{{3, -ENOSPC}, {}, {}};
  CHECK_FALSE(pool::write_all(full.calls(), 1, base::as_bytes("abcdef")));
  CHECK_EQ(errno, ENOSPC);
  CHECK_EQ(pool::last_error_text(), "No space left on device");
  ScriptedWrites nothing{{0}, {}, {}};
  CHECK_FALSE(pool::write_all(nothing.calls(), 1, base::as_bytes("abcdef")));
  CHECK_EQ(errno, EIO);
}

TEST_CASE("a descriptor closes once, when its last owner goes") {
  int number = -1;
  {
    pool::FileDescriptor first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    number = first.get();
    const pool::FileDescriptor second(std::move(first));
    CHECK_EQ(second.get(), number);
    CHECK_EQ(::fcntl(number, F_GETFD), FD_CLOEXEC);
  }
  CHECK_EQ(::fcntl(number, F_GETFD), -1);
}
