// What goes where when the output is not a terminal.
#include "miner/console.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>

namespace miner {
namespace {

using std::chrono::seconds;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

struct Output {
  std::unique_ptr<std::FILE, CloseFile> out{std::tmpfile()};
  std::unique_ptr<std::FILE, CloseFile> err{std::tmpfile()};

  static std::string text(std::FILE* file) {
    std::fflush(file);
    std::rewind(file);
    std::string text(65536, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    return text;
  }
  std::string on_out() const { return text(out.get()); }
  std::string on_err() const { return text(err.get()); }
};

base::Instant at(int second) {
  base::Instant now;
  now.mono = base::MonoTime(seconds(1000 + second));
  now.wall = base::WallTime(seconds(1700000000 + second));
  return now;
}

std::ptrdiff_t lines_of(const std::string& text) {
  return std::count(text.begin(), text.end(), '\n');
}

const ClientEvent connected{ClientEventKind::connected, "authorized as a"};
const ClientEvent problem{ClientEventKind::problem, "no word from the pool"};
const ClientEvent accepted{ClientEventKind::accepted, "share accepted"};

TEST_CASE("off a terminal: events as lines, the status every ten seconds, no escape codes") {
  Output files;
  Console console({}, files.out.get(), files.err.get());
  console.event(connected, at(0));
  console.event(accepted, at(0));
  for (int second = 0; second <= 30; ++second) CHECK(console.status(Status{}, at(second)));
  console.totals(Status{});
  const std::string text = files.on_out();
  CHECK_NE(text.find("] authorized as a\n"), std::string::npos);
  CHECK_EQ(text.find("share accepted"), std::string::npos);
  CHECK_EQ(lines_of(text), 1 + 3 + 3);
  CHECK_EQ(text.find('\x1b'), std::string::npos);
  CHECK_EQ(text.find('\r'), std::string::npos);
  CHECK(files.on_err().empty());
}

TEST_CASE("progress: its lines on stdout and nothing else there but the objects of json") {
  Output alone;
  Console console({.progress = true}, alone.out.get(), alone.err.get());
  console.event(connected, at(0));
  for (int second = 0; second <= 30; ++second) CHECK(console.status(Status{}, at(second)));
  CHECK(console.progress(4711, 56911));
  console.totals(Status{});
  CHECK_EQ(alone.on_out(), "{\"round\":4711,\"r\":0.86839}\n");
  CHECK_NE(alone.on_err().find("authorized as a"), std::string::npos);
  CHECK_NE(alone.on_err().find("shares: "), std::string::npos);

  Output beside;
  Console both({.json = true, .progress = true}, beside.out.get(), beside.err.get());
  CHECK(both.status(Status{}, at(0)));
  CHECK(both.progress(1, 65535));
  CHECK_EQ(lines_of(beside.on_out()), 2);

  Output none;
  Console not_chosen({}, none.out.get(), none.err.get());
  CHECK(not_chosen.progress(1, 65535));
  CHECK(none.on_out().empty());
}

TEST_CASE("quiet: problems and totals only") {
  Output files;
  Console console({.quiet = true}, files.out.get(), files.err.get());
  console.event(connected, at(0));
  console.event(problem, at(0));
  for (int second = 0; second <= 30; ++second) CHECK(console.status(Status{}, at(second)));
  const std::string text = files.on_out();
  CHECK_EQ(lines_of(text), 1);
  CHECK_NE(text.find("no word from the pool"), std::string::npos);
}

TEST_CASE("json: one object per second on stdout and nothing else; events on stderr") {
  Output files;
  Console console({.json = true}, files.out.get(), files.err.get());
  console.event(problem, at(0));
  CHECK(console.status(Status{}, at(1)));
  CHECK(console.status(Status{}, at(2)));
  console.totals(Status{});
  const std::string text = files.on_out();
  CHECK_EQ(lines_of(text), 3);
  CHECK_EQ(text.front(), '{');
  CHECK_NE(text.find("\"final\":true"), std::string::npos);
  CHECK_NE(files.on_err().find("no word from the pool"), std::string::npos);
}

TEST_CASE("json: a reader that went away is noticed") {
  Output files;
  std::unique_ptr<std::FILE, CloseFile> full(std::fopen("/dev/full", "w"));
  if (full == nullptr) {
    MESSAGE("SKIPPED: this system has no /dev/full");
    return;
  }
  Console console({.json = true}, full.get(), files.err.get());
  CHECK_FALSE(console.status(Status{}, at(1)));
}

TEST_CASE("a flood of events is cut to twenty lines in ten seconds") {
  Output files;
  Console console({}, files.out.get(), files.err.get());
  for (int i = 0; i < 1000; ++i) console.event(problem, at(0));
  CHECK_EQ(lines_of(files.on_out()), 20);
  console.event(problem, at(10));
  CHECK_NE(files.on_out().find("(980 lines not shown)"), std::string::npos);
}

TEST_CASE("debug shows what is usually counted only") {
  Output files;
  Console console({false, false, false, true}, files.out.get(), files.err.get());
  console.event(accepted, at(0));
  CHECK_NE(files.on_out().find("] share accepted\n"), std::string::npos);
}

// A terminal of so many columns, and what was written to it.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) {
    master_ = posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE_GE(master_, 0);
    REQUIRE_EQ(grantpt(master_), 0);
    REQUIRE_EQ(unlockpt(master_), 0);
    screen_.reset(std::fopen(ptsname(master_), "w"));
    REQUIRE_NE(screen_, nullptr);
    const winsize size{24, columns, 0, 0};
    REQUIRE_EQ(ioctl(master_, TIOCSWINSZ, &size), 0);
  }
  ~Terminal() { close(master_); }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  std::FILE* screen() const { return screen_.get(); }
  // All that was written, once it ends like this: the terminal may pass it on in pieces.
  std::string written(std::string_view end) const {
    std::string text;
    pollfd waiting{master_, POLLIN, 0};
    while (!text.ends_with(end) && poll(&waiting, 1, 60'000) > 0) {
      char piece[4096];
      const ssize_t size = read(master_, piece, sizeof(piece));
      if (size <= 0) break;
      text.append(piece, static_cast<std::size_t>(size));
    }
    return text;
  }

 private:
  int master_ = -1;
  std::unique_ptr<std::FILE, CloseFile> screen_;
};

TEST_CASE(
    "on a terminal: one line, rewritten each second, as wide as there is room, events above") {
  const Terminal terminal(40);
  Console console({}, terminal.screen(), terminal.screen());
  Status status;
  status.threads = 1;
  status.pools = {{"stratum+tcp://a.pool.with.a.long.name.example:3333", "a", true, 0, 0, 0}};
  CHECK(console.status(status, at(0)));
  const std::string first = terminal.written("\x1b[K");
  CHECK_EQ(first.rfind("\r0 H/s | 0 accepted, 0 rejected", 0), 0);
  CHECK_EQ(first.size(), 1 + 39 + 3);
  CHECK(first.ends_with("\x1b[K"));
  CHECK(console.status(status, at(1)));
  CHECK_EQ(terminal.written("\x1b[K"), first);  // no ten seconds in between
  console.event(connected, at(1));
  const std::string event = terminal.written(first.substr(1, 39));
  CHECK_EQ(event.rfind("\r\x1b[K[", 0), 0);
  CHECK_NE(event.find("] authorized as a\r\n0 H/s"), std::string::npos);
}

}  // namespace
}  // namespace miner
