#include "pool/http/api_coherence.h"

#include "common/base/bytes.h"
#include "common/bitcoin/target.h"
#include "common/coherence/difficulty.h"
#include "common/coherence/kuramoto.h"
#include "pool/http/json_members.h"

#include <rapidjson/document.h>

#include <cmath>

namespace pool {
namespace {

constexpr double seconds_per_micro = 1e-6;

void write_rules(Members& json, const coherence::ChainRules& rules) {
  json.count("block_seconds", rules.block_seconds);
  json.count("retarget_blocks", rules.retarget_blocks);
  json.text("initial_bits", base::u32_hex(rules.initial_bits));
  json.count("start_time", rules.start_time);
}

void write_tip(Members& json, const coherence::ChainTip& tip) {
  json.count("height", tip.height);
  json.text("hash", base::to_hex(tip.hash));
  json.count("time", tip.time);
  json.text("bits", base::u32_hex(tip.bits));
  json.count("level", tip.level);
}

// The work that miners have.
void write_job(Members& json, const CoherenceStatus& status) {
  json.count("height", status.height);
  json.count("level", status.level);
  json.text("bits", base::u32_hex(status.bits));
  json.text("bitcoin_tip", status.bitcoin_tip.display_hex());
  json.number("age_seconds", static_cast<double>(status.job_age_us) * seconds_per_micro);
  json.count("stretches", status.stretches);
}

// What the job asks for, on average. Of bits and levels that no chain has: nothing.
void write_difficulty(Members& json, const CoherenceStatus& status) {
  const auto target = bitcoin::Target256::from_compact(status.bits);
  const bool known = status.job_age_us >= 0 && target &&
                     status.level < coherence::rounds_per_bloom.size() &&
                     status.level < coherence::couplings.size();
  if (!known) return json.null("difficulty");
  const double blooms =
      std::ldexp(1.0, 256) / base::U256::from_le_bytes(target->bytes()).to_double();
  const std::uint32_t rounds = coherence::rounds_per_bloom[status.level];
  json.object("difficulty", [&] {
    json.integer("kappa", coherence::couplings[status.level]);
    json.count("rounds_per_bloom", rounds);
    json.number("blooms_per_block", blooms);
    json.number("rounds_per_block", blooms * rounds);
    if (!status.rules || status.rules->retarget_blocks == 0) return json.null("retarget_in");
    const std::uint32_t epoch = status.rules->retarget_blocks;
    json.count("retarget_in", epoch - status.height % epoch);
  });
}

void write_proofs(Members& json, const CoherenceStats& sums) {
  std::uint64_t rejected = 0;
  for (const std::uint64_t count : sums.rejects) rejected += count;
  json.count("accepted", sums.proofs_accepted);
  json.count("verifying", sums.proofs_verifying);
  json.count("unstored", sums.proofs_unstored);
  json.count("rejected", rejected);
  json.object("rejects", [&] {
    for (std::size_t i = 0; i < sums.rejects.size(); ++i) {
      json.count(stratum::reject_name(static_cast<stratum::RejectReason>(i)), sums.rejects[i]);
    }
  });
}

void write_verifiers(Members& json, const CoherenceStatus& status) {
  const VerifierCounts& counts = status.counts;
  json.count("threads", status.verifiers);
  json.text("kernel", status.kernel);
  json.count("waiting", counts.waiting);
  json.count("verified", counts.verified);
  json.count("false", counts.false_proofs);
  if (counts.verified == 0) return json.null("mean_us");
  json.number("mean_us",
              static_cast<double>(counts.busy_us) / static_cast<double>(counts.verified));
}

void write_rates(Members& json, const PoolSnapshot& s) {
  for (std::size_t i = 0; i < s.coherence_rates.size(); ++i) {
    json.number(HashrateWindows::names[i], s.coherence_rates[i]);
  }
}

template <class Write>
void object_or_null(Members& json, std::string_view name, bool known, const Write& write) {
  if (!known) return json.null(name);
  json.object(name, write);
}

void write_all(Members& json, const PoolSnapshot& s, const CoherenceStatus& status) {
  json.text_or_null("error", status.error);
  object_or_null(json, "rules", status.rules.has_value(),
                 [&] { write_rules(json, *status.rules); });
  object_or_null(json, "tip", status.tip.has_value(), [&] { write_tip(json, *status.tip); });
  object_or_null(json, "job", status.job_age_us >= 0, [&] { write_job(json, status); });
  write_difficulty(json, status);
  json.count("jobs", status.jobs);
  json.flag("database", status.database);
  json.number_or_null(
      "chain_age_seconds",
      status.chain_age_us < 0
          ? std::nullopt
          : std::optional<double>(static_cast<double>(status.chain_age_us) * seconds_per_micro));
  json.count("clients", s.coherence.clients);
  json.object("proofs", [&] { write_proofs(json, s.coherence); });
  json.text("work_rounds", s.coherence.work_accepted.decimal());
  json.object("rounds_per_second", [&] { write_rates(json, s); });
  json.count("blocks_found", s.coherence.blocks_found);
  json.count("reward_ppm", s.facts.coherence_ppm);
  json.object("verifiers", [&] { write_verifiers(json, status); });
}

// Members as page_coherence() makes them: numbers and plain texts alone.
bool is_block(const rapidjson::Value& item) {
  if (!item.IsObject()) return false;
  for (const auto& member : item.GetObject()) {
    if (!member.value.IsInt64() && !member.value.IsString()) return false;
  }
  return true;
}

}  // namespace

std::string coherence_json(const PoolSnapshot& s) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.flag("enabled", s.coherence_status.has_value());
  if (s.coherence_status) {
    write_all(json, s, *s.coherence_status);
    writer.Key("blocks");
    const std::string_view blocks =
        s.chain_blocks.empty() ? std::string_view("null") : std::string_view(s.chain_blocks);
    writer.RawValue(blocks.data(), blocks.size(), rapidjson::kArrayType);
  }
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

void write_coherence_summary(Members& json, const PoolSnapshot& s) {
  const auto& status = s.coherence_status;
  json.flag("enabled", status.has_value());
  json.text_or_null("error", status ? status->error : "");
  const bool has_tip = status && status->tip;
  json.integer_or_null("chain_height",
                       has_tip ? std::optional<std::int64_t>(status->tip->height) : std::nullopt);
  json.text_or_null("chain_tip", has_tip ? base::to_hex(status->tip->hash) : "");
  json.count("clients", s.coherence.clients);
  json.count("proofs_accepted", s.coherence.proofs_accepted);
  json.number("rounds_per_second", s.coherence_rates.front());
}

std::optional<std::string> parse_chain_blocks(std::string_view text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (document.HasParseError() || !document.IsArray()) return std::nullopt;
  for (const auto& item : document.GetArray()) {
    if (!is_block(item)) return std::nullopt;
  }
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  document.Accept(writer);
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace pool
