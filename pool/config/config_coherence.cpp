#include "pool/config/config_coherence.h"

#include "common/bitcoin/target.h"

#include <rapidjson/pointer.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace pool {
namespace {

using Checked = base::Result<void, ConfigError>;

// Verifying costs half a bloom on average, so at this hash difficulty a thousandth of the mining.
constexpr double min_difficulty_least = 512;
// Of a coinbase's 100 bytes of script, beside height, unique push, extranonces, and 17 bytes of the
// proof chain.
constexpr std::size_t tag_bytes_max = 55;

const rapidjson::Value* at(const ConfigDocument& document, const std::string& pointer) {
  return rapidjson::Pointer(pointer.data(), pointer.size()).Get(document.json());
}

// A target that is written in another form than its shortest would not be the one in the headers.
Checked read_initial_bits(const ConfigDocument& document, std::uint32_t& bits) {
  const rapidjson::Value* given = at(document, "/coherence/initial_bits");
  if (given == nullptr) return {};
  const std::string text = given->GetString();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits, 16);
  const auto target = bitcoin::Target256::from_compact(bits);
  if (error != std::errc{} || end != text.data() + text.size() || !target ||
      target->to_compact() != bits) {
    return base::err(document.complain_of_value("/coherence/initial_bits"));
  }
  return {};
}

Checked check_difficulties(const ConfigDocument& document, const Config& config,
                           CoherenceConfig& coherence) {
  if (at(document, "/coherence/start_difficulty") == nullptr) {
    coherence.start_difficulty = std::max(coherence.start_difficulty, coherence.min_difficulty);
  }
  const bool for_tests = config.network == bitcoin::Network::regtest;
  if (coherence.min_difficulty < min_difficulty_least && !for_tests) {
    return base::err(document.complain("/coherence/min_difficulty",
                                       document.number_text("/coherence/min_difficulty") +
                                           " is less than 512, which only regtest allows"));
  }
  if (coherence.start_difficulty < coherence.min_difficulty) {
    return base::err(document.complain(
        "/coherence/start_difficulty",
        document.number_text("/coherence/start_difficulty") + " is less than min_difficulty"));
  }
  return {};
}

}  // namespace

Checked check_coherence(const ConfigDocument& document, Config& config) {
  CoherenceConfig& coherence = config.coherence;
  if (auto ok = read_initial_bits(document, coherence.initial_bits); !ok) return ok;
  if (auto ok = check_difficulties(document, config, coherence); !ok) return ok;
  if (coherence.enabled && config.coinbase_tag.size() > tag_bytes_max) {
    return base::err(
        document.complain("/coinbase_tag", std::to_string(config.coinbase_tag.size()) +
                                               " characters leave no room for the proof chain's "
                                               "tip: at most 55, or coherence.enabled false"));
  }
  return {};
}

}  // namespace pool
