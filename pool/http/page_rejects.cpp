#include "pool/http/page_rejects.h"

#include "pool/http/format.h"
#include "pool/http/page_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace pool {
namespace {

// A new tip reaches a miner and its share the pool within this: nobody's fault.
constexpr std::int64_t usual_stale_ms = 1000;

std::string seconds_text(std::int64_t ms) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), ms < 10'000 ? "%.2f" : "%.0f",
                static_cast<double>(ms) / 1000);
  return std::string(text.data()) + "\u00a0s";
}

std::string stale_advice(const JsonView& reject) {
  const auto ms = reject.at("stale_ms").integer();
  if (!ms) return "Its job is no longer worked on: the pool had given a newer one.";
  if (*ms <= usual_stale_ms) {
    return "Sent " + seconds_text(*ms) +
           " after its job was replaced. Normal: it was on its way when the new block came.";
  }
  return "Sent " + seconds_text(*ms) +
         " after its job was replaced. The miner holds on to old work: look at its network and "
         "whether its firmware follows mining.notify.";
}

std::string difficulty_advice(const JsonView& reject) {
  const auto met = reject.at("share_difficulty").number();
  const auto wanted = reject.at("difficulty").number();
  std::string out;
  if (met && wanted && *wanted > 0) {
    out = "Its hash met " + format_difficulty(*met) + " of " + format_difficulty(*wanted) + ". ";
    if (*met < *wanted / 1000)
      return out +
             "So little points at a wrong header: byte order, version bits or extranonce of the "
             "miner.";
  }
  return out +
         "Often a share that was found at the difficulty of before; many of them: the firmware "
         "ignores mining.set_difficulty.";
}

struct Advice {
  std::string_view reason;
  const char* text;
};
constexpr std::array<Advice, 10> advice{{
    {"duplicate",
     "The very same share had come before. Often: a hash board returns each nonce twice, or the "
     "miner resends what was answered."},
    {"job_not_found",
     "Its job is too old to be known, or was never given on this connection: the miner mixes up "
     "connections, or slept."},
    {"ntime_too_old", "Its time is before the job\u2019s. The miner must not roll the time back."},
    {"ntime_too_new", "Its time is too far ahead: look at the machine\u2019s clock."},
    {"bad_version_bits",
     "It rolled version bits that were not agreed on: the firmware ignores "
     "mining.set_version_mask."},
    {"bad_extranonce2", "Its extranonce2 has another length than mining.subscribe told."},
    {"unauthorized",
     "The connection had not logged in under this name. The user name is an address, a dot and a "
     "name."},
    {"bad_address", "The user name does not begin with an address of this network."},
    {"not_subscribed", "Sent before mining.subscribe was answered."},
    {"not_stored",
     "The pool could not write it to disk, so it did not count it. The fault is the pool\u2019s."},
}};

}  // namespace

std::string reject_advice(const JsonView& reject) {
  const std::string reason = reject.at("reason").text();
  const std::string detail = reject.at("detail").text();
  if (reason == "stale") return stale_advice(reject);
  if (reason == "low_difficulty") return difficulty_advice(reject);
  const auto known = std::find_if(advice.begin(), advice.end(),
                                  [&](const Advice& one) { return one.reason == reason; });
  if (known != advice.end()) return known->text;
  return detail.empty() ? reject.at("message").text() + "." : spaced(detail) + ".";
}

namespace {

std::string offset_text(const JsonView& reject) {
  const auto offset = reject.at("ntime_offset_seconds").integer();
  if (!offset) return std::string(unknown_figure);
  return (*offset < 0 ? "\u2212" : "+") + std::to_string(std::abs(*offset)) + "\u00a0s";
}

std::string row(const JsonView& reject) {
  const auto age = reject.at("job_age_ms").integer();
  const auto met = reject.at("share_difficulty").number();
  const auto wanted = reject.at("difficulty").number();
  const std::string worker = reject.at("worker").text();
  const std::size_t dot = worker.find('.');
  const std::string name = dot == std::string::npos ? worker : worker.substr(dot + 1);
  const std::string difficulties = (met ? format_difficulty(*met) : std::string(unknown_figure)) +
                                   (wanted ? " of " + format_difficulty(*wanted) : std::string());
  return row_begin(std::to_string(reject.at("time_us").integer_or(0)) + reject.at("nonce").text()) +
         "<td>" + time_tag(reject.at("time_us").integer_or(0), "clock") +
         "</td><th scope=\"row\">" + escape_html(name) + "</th><td>" +
         escape_html(spaced(reject.at("reason").text())) + " <span class=\"faint small\">" +
         std::to_string(reject.at("code").integer_or(0)) +
         "</span></td><td class=\"num\" data-label=\"job\">" +
         (age ? seconds_text(*age) : std::string(unknown_figure)) +
         "</td><td class=\"num\" data-label=\"difficulty\">" + escape_html(difficulties) +
         "</td><td class=\"num\" data-label=\"time offset\">" + offset_text(reject) +
         "</td><td class=\"wrap advice\" title=\"" + escape_html(reject.at("user_agent").text()) +
         "\">" + escape_html(reject_advice(reject)) + "</td></tr>\n";
}

}  // namespace

std::string reject_explanations(const JsonView& rejects, std::string_view trouble) {
  std::string out;
  for (const JsonView& reject : rejects.items()) out += row(reject);
  return out.empty()
             ? empty_row(
                   7, trouble.empty() ? "None that the pool remembers since its start." : trouble)
             : out;
}

}  // namespace pool
