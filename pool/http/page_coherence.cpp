#include "common/coherence/kuramoto.h"
#include "pool/http/format.h"
#include "pool/http/page_parts.h"
#include "pool/http/page_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace pool {
namespace {

// What a watt-second buys, for the energy column: a core's power and its speed, as measured for
// docs/coherence.md.
constexpr double core_watts = 28;
constexpr double core_rounds_per_second = 60e6;

constexpr std::size_t epochs_shown_max = 8;

std::string rounds(std::optional<double> count) {
  return count ? escape_html(format_difficulty(*count)) : std::string(unknown_figure);
}

std::string joules(std::optional<double> rounds_done) {
  if (!rounds_done) return std::string(unknown_figure);
  std::array<char, 32> text{};
  const double energy = *rounds_done / core_rounds_per_second * core_watts;
  std::snprintf(text.data(), text.size(), energy < 10 ? "%.2f" : "%.0f", energy);
  return std::string(text.data()) + "\u00a0J";
}

std::string took(double seconds) {
  return seconds < 10 ? format_latency(static_cast<std::int64_t>(seconds * 1e6))
                      : format_duration(static_cast<std::int64_t>(seconds));
}

std::string chain_row(const JsonView& block) {
  const std::string height = std::to_string(block.at("height").integer_or(0));
  const std::string shown = show(block, "count", "height");
  const std::string hash = block.at("hash").text();
  const auto expected = decimal(block.at("expected_work"));
  const auto seconds = block.at("seconds").number();
  return "<tr data-key=\"" + height + "\" data-height=\"" + height + "\"><th scope=\"row\">" +
         shown + "</th><td>" +
         time_tag(block.at("appended_us").integer_or(block.at("time").integer_or(0) * 1'000'000),
                  "day") +
         "</td><td class=\"num\">" + show(block, "count", "bloom_end") + "</td><td class=\"num\">" +
         rounds(expected) + "</td><td class=\"num\">" + joules(expected) +
         "</td><td class=\"num\">" +
         (seconds ? escape_html(took(*seconds)) : std::string(unknown_figure)) + "</td><td>" +
         miner_link(block.at("address").text()) + "</td><td>" +
         code_text(shorten(hash, 0, 12), hash) +
         "</td><td><span class=\"tag off\" data-own=\"seen\" data-seen=\"" + height +
         "\">Not yet</span></td><td class=\"needs-js\"><button class=\"button tiny\" "
         "type=\"button\" data-replay=\"" +
         height + "\">Replay<span class=\"unseen\"> block " + shown +
         "</span></button></td></tr>\n";
}

std::string chain_rows(const JsonView& chain, std::string_view trouble) {
  std::string out;
  for (const JsonView& block : chain.at("blocks").items()) out += chain_row(block);
  return out.empty() ? empty_row(10, trouble.empty() ? "The chain has no block yet." : trouble)
                     : out;
}

std::string epoch_row(const JsonView& epoch) {
  const std::int64_t level = epoch.at("level").integer_or(-1);
  const bool known = level >= 0 && level < static_cast<std::int64_t>(coherence::couplings.size());
  const auto seconds = epoch.at("mean_seconds").number();
  return row_begin(show(epoch, "count", "epoch")) + "<th scope=\"row\">" +
         show(epoch, "count", "epoch") + "</th><td>" +
         time_tag(epoch.at("time").integer_or(0) * 1'000'000, "day") + "</td><td class=\"num\">" +
         show(epoch, "count", "height") + "</td><td class=\"num\">" +
         show(epoch, "count", "blocks") + "</td><td class=\"num\">" +
         (known ? format_count(static_cast<std::uint64_t>(
                      coherence::couplings[static_cast<std::size_t>(level)]))
                : std::string(unknown_figure)) +
         "</td><td class=\"num\">" + show(epoch, "difficulty", "expected_blooms") +
         "</td><td class=\"num\">" + rounds(decimal(epoch.at("expected_work"))) +
         "</td><td class=\"num\">" +
         (seconds ? escape_html(took(*seconds)) : std::string(unknown_figure)) + "</td></tr>\n";
}

// The newest epochs, the newest first; the API has the oldest first.
std::string epoch_rows(const JsonView& epochs, std::string_view trouble) {
  const auto items = epochs.at("epochs").items();
  std::string out;
  for (std::size_t i = 0; i < std::min(items.size(), epochs_shown_max); ++i) {
    out += epoch_row(items[items.size() - 1 - i]);
  }
  return out.empty() ? empty_row(8, trouble.empty() ? "The chain has no block yet." : trouble)
                     : out;
}

std::string kappa_text(const JsonView& coherence) {
  const auto level =
      coherence.at("tip.level").is_there() ? coherence.at("tip.level") : coherence.at("job.level");
  std::string out = "level " + format_as("count", level, 0);
  if (coherence.at("difficulty.kappa").is_there())
    out += ", \u03ba = " + show(coherence, "count", "difficulty.kappa");
  return out;
}

std::string now_facts(const JsonView& c) {
  const std::string work = rounds(c.at("difficulty.rounds_per_block").number());
  return fact("Coupling", kappa_text(c)) +
         fact("Rounds per bloom", show(c, "count", "difficulty.rounds_per_bloom")) +
         fact("Blooms per block", show(c, "difficulty", "difficulty.blooms_per_block")) +
         fact("Rounds per block", work) + fact("Coherence miners", show(c, "count", "clients")) +
         fact("Speed", show(c, "difficulty", "rounds_per_second.5m") + " rounds/s") +
         fact("Retarget in", (c.at("difficulty.retarget_in").is_there()
                                  ? plural(count_of(c.at("difficulty.retarget_in")), "block")
                                  : std::string(unknown_figure))) +
         fact("Proofs accepted", show(c, "count", "proofs.accepted")) +
         fact("Proofs refused", show(c, "count", "proofs.rejected")) +
         fact("A proof is verified in",
              [&] {
                const auto us = c.at("verifiers.mean_us").number();
                return us ? escape_html(format_latency(static_cast<std::int64_t>(*us)))
                          : std::string(unknown_figure);
              }()) +
         fact("Their part of a reward", c.at("reward_ppm").is_there()
                                            ? ppm_text(c.at("reward_ppm").integer_or(0))
                                            : std::string(unknown_figure));
}

std::string sentence(const PageInput& in, const JsonView& coherence) {
  if (!coherence.is_there()) return escape_html(in.trouble("coherence", "The proof chain"));
  if (!coherence.at("enabled").flag())
    return "This pool takes no coherence work. What it is, and a proof computed in your browser, "
           "is below all the same.";
  const JsonView tip = coherence.at("tip");
  if (!tip.is_there())
    return "The proof chain has no block yet: the first coherence miner begins it.";
  return "The share log is notarised by <b>" +
         format_count(static_cast<std::uint64_t>(tip.at("height").integer_or(0)) + 1) +
         "</b> chained proofs. Your browser computes the newest one again.";
}

}  // namespace

void fill_coherence(const PageInput& in, PageValues& out) {
  const JsonView coherence = in.body("coherence");
  out["title"] = "Coherence: Phasepool";
  out["sentence"] = sentence(in, coherence);
  const JsonView tip = coherence.at("tip");
  out["chain_state"] = tip.is_there() ? "Proof chain at height " + show(tip, "count", "height")
                                      : std::string("No proof chain yet");
  out["chain_rows"] = chain_rows(in.body("chain"), in.trouble("chain"));
  const auto seconds = coherence.at("rules.block_seconds").integer();
  out["chain_note"] =
      seconds ? "one block every " + format_duration(*seconds) + ", as it is meant" : std::string();
  out["now_facts"] = now_facts(coherence);
  const auto epoch = coherence.at("rules.retarget_blocks").integer();
  out["epoch_note"] = epoch && seconds
                          ? "each epoch is " + format_count(static_cast<std::uint64_t>(*epoch)) +
                                " blocks; aim " + format_duration(*seconds)
                          : std::string();
  out["epoch_rows"] = epoch_rows(in.body("epochs"), in.trouble("epochs"));
  out["more"] = more_link("/coherence", "before", in.body("chain").at("next"), "Older proofs");
}

}  // namespace pool
