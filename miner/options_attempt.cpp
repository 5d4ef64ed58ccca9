// The options of coherence-attempt, which say the job to the last bit.
#include "common/base/bytes.h"
#include "miner/options_values.h"

#include <array>
#include <span>
#include <utility>

namespace miner {
namespace {

Mistake read_hex(std::string_view option, const std::string& text, std::span<std::uint8_t> out,
                 std::string_view meaning) {
  if (text.empty()) {
    return fmt::format("{} is missing: expected {} hex digits ({})", option, 2 * out.size(),
                       meaning);
  }
  if (base::decode_hex(text, out)) return std::nullopt;
  return expected(option, text, fmt::format("{} hex digits ({})", 2 * out.size(), meaning));
}

Mistake read_hex16(std::string_view option, const std::string& text, std::string_view meaning,
                   std::uint64_t& out) {
  std::array<std::uint8_t, 8> bytes{};
  if (Mistake mistake = read_hex(option, text, bytes, meaning)) return mistake;
  out = 0;
  for (const std::uint8_t byte : bytes) out = out << 8 | byte;
  return std::nullopt;
}

}  // namespace

Mistake read_attempt_options(const AttemptTexts& texts, Options& options) {
  std::uint32_t level = 0;
  for (Mistake& mistake : std::array{
           read_hex("--header76", texts.header76, options.job.header, "the header's 76 bytes"),
           read_hex16("--extranonce", texts.extranonce, "a numeral", options.job.extranonce),
           read_hex16("--attempt", texts.attempt, "a numeral", options.attempt),
           read_number("--level", texts.level, 0, coherence::levels - 1, "", level)}) {
    if (mistake) return std::move(mistake);
  }
  if (texts.level.empty()) return "--level is missing: expected a whole number from 0 to 5";
  options.job.params = coherence::params_of(level);
  return std::nullopt;
}

}  // namespace miner
