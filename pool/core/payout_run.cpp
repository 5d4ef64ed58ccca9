#include "pool/core/payout_run.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace pool {
namespace {

using base::Natural;

constexpr std::string_view first_line = "phasepool-payout 1";

template <class Number>
std::string or_dash(const std::optional<Number>& value) {
  if (!value) return "-";
  if constexpr (std::is_same_v<Number, Natural>) {
    return value->decimal();
  } else {
    return fmt::format("{}", *value);
  }
}

// Takes the lines apart, one field after the other. After the first that is not as it must be, ok()
// is false and everything reads as empty: callers check once, at the end.
class TextReader {
 public:
  explicit TextReader(std::string_view text) : rest_(text) {}

  bool has(std::string_view name) const {
    return ok_ && rest_.starts_with(name) && rest_.substr(name.size()).starts_with(' ');
  }
  // The line begins with `name`.
  void line(std::string_view name) {
    const std::size_t end = rest_.find('\n');
    if (!ok_ || !has(name) || end == std::string_view::npos) return fail();
    ++number_;
    fields_ = rest_.substr(name.size() + 1, end - name.size() - 1);
    rest_.remove_prefix(end + 1);
  }
  std::string text() {
    const std::size_t end = std::min(fields_.find(' '), fields_.size());
    std::string field(fields_.substr(0, end));
    fields_.remove_prefix(std::min(end + 1, fields_.size()));
    if (field.empty()) fail();
    return field;
  }
  template <class Number>
  Number integer(int base = 10) {
    return to_integer<Number>(text(), base);
  }
  Natural natural() { return to_natural(text()); }
  template <class Number>
  std::optional<Number> optional_integer(int base = 10) {
    const std::string field = text();
    if (field == "-") return std::nullopt;
    return to_integer<Number>(field, base);
  }
  std::optional<Natural> optional_natural() {
    const std::string field = text();
    if (field == "-") return std::nullopt;
    return to_natural(field);
  }
  void first(std::string_view wanted) {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos || rest_.substr(0, end) != wanted) return fail();
    ++number_;
    rest_.remove_prefix(end + 1);
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  int number() const { return number_; }  // of the line read last

 private:
  void fail() { ok_ = false; }
  template <class Number>
  Number to_integer(const std::string& field, int base) {
    Number value{};
    const auto [end, error] =
        std::from_chars(field.data(), field.data() + field.size(), value, base);
    if (error != std::errc{} || end != field.data() + field.size()) fail();
    return value;
  }
  Natural to_natural(const std::string& field) {
    const auto value = Natural::from_decimal(field);
    if (!value) fail();
    return value.value_or(Natural());
  }

  std::string_view rest_;
  std::string_view fields_;
  int number_ = 0;
  bool ok_ = true;
};

void read_head(TextReader& in, PayoutRun& run) {
  in.first(first_line);
  in.line("kind");
  run.kind = in.text();
  in.line("block");
  run.block = in.text();
  if (run.block == "-") run.block.clear();
  in.line("height");
  run.height = in.optional_integer<std::uint32_t>();
  in.line("end");
  run.end_us = in.integer<std::int64_t>();
  in.line("scheme");
  run.scheme = in.text();
  in.line("pplns_window");
  run.pplns_window = in.text();
  in.line("fee_ppm");
  run.fee_ppm = in.integer<std::uint32_t>();
  in.line("coherence_ppm");
  run.coherence_ppm = in.integer<std::uint32_t>();
  in.line("reward_sats");
  run.reward_sats = in.natural();
  in.line("nbits");
  run.nbits = in.optional_integer<std::uint32_t>(16);
  in.line("window_work");
  run.window_work = in.optional_natural();
  in.line("start");
  run.start.kind = in.text();
  run.start.time_us = in.optional_integer<std::int64_t>();
  run.start.journal = in.optional_integer<std::int64_t>();
  run.start.sequence = in.optional_integer<std::uint64_t>();
  run.start.work = in.optional_natural();
}

void read_sums(TextReader& in, PayoutRun& run) {
  const std::pair<std::string_view, Natural*> sums[] = {{"work", &run.work},
                                                        {"coherence_work", &run.coherence_work},
                                                        {"fee_sats", &run.fee_sats},
                                                        {"coherence_sats", &run.coherence_sats},
                                                        {"reserve_sats", &run.reserve_sats}};
  for (const auto& [name, sum] : sums) {
    in.line(name);
    *sum = in.natural();
  }
}

void read_lists(TextReader& in, PayoutRun& run) {
  while (in.has("journal")) {
    in.line("journal");
    PayoutRun::Journal& journal = run.journals.emplace_back();
    journal.number = in.integer<std::int64_t>();
    journal.uuid = in.text();
    journal.sequence = in.integer<std::uint64_t>();
  }
  while (in.has("credit")) {
    in.line("credit");
    PayoutRun::Credit& credit = run.credits.emplace_back();
    credit.height = in.integer<std::uint32_t>();
    credit.nbits = in.integer<std::uint32_t>(16);
    credit.subsidy_sats = in.natural();
    credit.work = in.natural();
    credit.value_sats = in.natural();
  }
  while (in.has("miner")) {
    in.line("miner");
    PayoutRun::Miner& miner = run.miners.emplace_back();
    miner.address = in.text();
    for (Natural* field : {&miner.work, &miner.coherence_work, &miner.value_sats, &miner.share_sats,
                           &miner.coherence_sats}) {
      *field = in.natural();
    }
  }
}

}  // namespace

std::string write_payout_text(const PayoutRun& run) {
  std::string text = fmt::format(
      "{}\nkind {}\nblock {}\nheight {}\nend {}\nscheme {}\npplns_window {}\nfee_ppm {}\n"
      "coherence_ppm {}\nreward_sats {}\nnbits {}\nwindow_work {}\nstart {} {} {} {} {}\n",
      first_line, run.kind, run.block.empty() ? "-" : run.block, or_dash(run.height), run.end_us,
      run.scheme, run.pplns_window, run.fee_ppm, run.coherence_ppm, run.reward_sats.decimal(),
      run.nbits ? fmt::format("{:08x}", *run.nbits) : "-", or_dash(run.window_work), run.start.kind,
      or_dash(run.start.time_us), or_dash(run.start.journal), or_dash(run.start.sequence),
      or_dash(run.start.work));
  text +=
      fmt::format("work {}\ncoherence_work {}\nfee_sats {}\ncoherence_sats {}\nreserve_sats {}\n",
                  run.work.decimal(), run.coherence_work.decimal(), run.fee_sats.decimal(),
                  run.coherence_sats.decimal(), run.reserve_sats.decimal());
  for (const auto& journal : run.journals) {
    text += fmt::format("journal {} {} {}\n", journal.number, journal.uuid, journal.sequence);
  }
  for (const auto& credit : run.credits) {
    text += fmt::format("credit {} {:08x} {} {} {}\n", credit.height, credit.nbits,
                        credit.subsidy_sats.decimal(), credit.work.decimal(),
                        credit.value_sats.decimal());
  }
  for (const auto& miner : run.miners) {
    text += fmt::format("miner {} {} {} {} {} {}\n", miner.address, miner.work.decimal(),
                        miner.coherence_work.decimal(), miner.value_sats.decimal(),
                        miner.share_sats.decimal(), miner.coherence_sats.decimal());
  }
  return text;
}

base::Result<PayoutRun, std::string> parse_payout_text(std::string_view text) {
  TextReader in(text);
  PayoutRun run;
  read_head(in, run);
  read_sums(in, run);
  read_lists(in, run);
  if (!in.ok() || !in.at_end()) {
    return base::err(
        fmt::format("line {} or the one after it is not one of a run's text", in.number()));
  }
  return run;
}

}  // namespace pool
