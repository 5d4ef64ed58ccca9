#include "miner/console.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <ctime>

namespace miner {
namespace {

constexpr std::chrono::seconds plain_status_every{10};

std::string clock_text(const base::Instant& now) {
  const std::time_t seconds = static_cast<std::time_t>(now.unix_seconds());
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:%H:%M:%S}", local);
}

std::size_t terminal_width(std::FILE* out) {
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

void write_text(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

bool shown(ClientEventKind kind, bool quiet, bool debug) {
  switch (kind) {
    case ClientEventKind::problem:
    case ClientEventKind::rejected:
      return true;
    case ClientEventKind::connected:
    case ClientEventKind::difficulty:
    case ClientEventKind::message:
      return !quiet;
    case ClientEventKind::job:
    case ClientEventKind::accepted:
      return debug;  // the status line counts them
  }
  return true;
}

}  // namespace

Console::Console(const ConsoleOptions& options, std::FILE* out, std::FILE* err)
    : options_(options),
      out_(out),
      err_(err),
      is_terminal_(!is_for_programs() && !options.quiet && isatty(fileno(out)) == 1) {}

void Console::notice(std::string_view text, const base::Instant& now) { print_line(text, now); }

void Console::event(const ClientEvent& event, const base::Instant& now) {
  if (!shown(event.kind, options_.quiet, options_.debug)) return;
  std::uint64_t held_back = 0;
  if (!limiter_.allow(now.mono, held_back)) return;
  if (held_back > 0) print_line(fmt::format("({} lines not shown)", held_back), now);
  print_line(event.text, now);
}

bool Console::status(const Status& status, const base::Instant& now) {
  if (options_.json) return print_object(status_json(status, false));
  if (options_.quiet || options_.progress) return true;
  if (is_terminal_) {
    last_status_ = status_line(status).substr(0, terminal_width(out_) - 1);
    write_text(out_, fmt::format("\r{}\x1b[K", last_status_));
    status_shown_ = true;
  } else if (now.mono - last_status_line_at_ >= plain_status_every) {
    if (last_status_line_at_ != base::MonoTime()) print_line(status_line(status), now);
    last_status_line_at_ = now.mono;
  }
  return true;
}

void Console::totals(const Status& status) {
  clear_status_line();
  if (options_.json) {
    (void)print_object(status_json(status, true));
  } else {
    write_text(options_.progress ? err_ : out_, totals_text(status));
  }
}

void Console::clear_status_line() {
  if (status_shown_) write_text(out_, "\r\x1b[K");
  status_shown_ = false;
}

void Console::print_line(std::string_view text, const base::Instant& now) {
  const bool status_below = status_shown_;
  clear_status_line();
  write_text(is_for_programs() ? err_ : out_, fmt::format("[{}] {}\n", clock_text(now), text));
  if (!status_below) return;
  write_text(out_, last_status_);
  status_shown_ = true;
}

bool Console::progress(std::uint32_t round, std::uint16_t r_q) {
  return !options_.progress || print_object(progress_json(round, r_q));
}

bool Console::print_object(std::string_view json) {
  const std::string line = std::string(json) + "\n";
  const bool written = std::fwrite(line.data(), 1, line.size(), out_) == line.size();
  return written && std::fflush(out_) == 0;
}

}  // namespace miner
