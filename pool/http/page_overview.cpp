#include "common/stratum/reject.h"
#include "pool/http/format.h"
#include "pool/http/page_parts.h"
#include "pool/http/page_round.h"
#include "pool/http/page_text.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pool {
namespace {

constexpr std::array<std::string_view, 7> windows{"1m", "5m", "15m", "1h", "6h", "1d", "7d"};
constexpr std::int64_t longest_window_seconds = 7 * 86'400;
constexpr std::size_t blocks_shown_max = 8;

// A live figure that leads to the panel that explains it.
std::string live_link(const PageInput& in, std::string_view anchor, std::string_view form,
                      std::string_view path) {
  const std::string text = format_as(form, in.pool.at(path), in.now_us);
  return "<a href=\"" + std::string(anchor) + "\" data-v=\"" + std::string(path) + "\" data-as=\"" +
         std::string(form) + "\">" + escape_html(text) + "</a>";
}

// "no block yet", "2 orphaned of 31", "31 blocks found"
std::string blocks_said(const PageInput& in) {
  const JsonView by_status = in.pool.at("blocks");
  const auto count = [&](std::string_view status) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(by_status.at(status).integer_or(0), 0));
  };
  const std::uint64_t orphaned = count("orphaned");
  std::uint64_t found = orphaned + count("accepted") + count("confirmed");
  if (!by_status.is_there() || by_status.members().empty()) {
    found = static_cast<std::uint64_t>(
        std::max<std::int64_t>(in.pool.at("node.blocks_accepted").integer_or(0), 0));
  }
  if (found == 0) return link("/blocks", "no block yet");
  if (orphaned > 0) {
    return link("/blocks", plural(found, "block")) + " found, " + format_count(orphaned) +
           " orphaned";
  }
  return link("/blocks", plural(found, "block")) + " found, none orphaned";
}

std::string sentence(const PageInput& in) {
  const std::string state = in.pool.at("state").text();
  if (state == "starting" || state.empty()) return "Starting: the node has not answered yet.";
  if (state == "no_node") {
    return "No node answers, so there is no new work. Shares on the last work still count.";
  }
  if (state == "journal_broken") {
    return "Shares can\u2019t be written to disk, so none are accepted.";
  }
  std::string out = "On the tip at height " + live_link(in, "#tip", "count", "height") + ". ";
  if (in.pool.at("workers").integer_or(0) == 0) {
    return out + "Waiting for the first miner: " + link("/connect", "connect one") +
           ", and its first share shows here.";
  }
  const auto counted = [&](std::string_view path, std::string_view word) {
    const bool one = in.pool.at(path).integer_or(0) == 1;
    return live_link(in, "/miner", "count", path) + " " + std::string(word) + (one ? "" : "s");
  };
  out += "Work sent to " + counted("workers", "worker") + " of " + counted("miners", "miner");
  if (in.pool.at("notify_latency_us").is_there()) {
    out += " in " + live_link(in, "#delivery", "latency", "notify_latency_us");
  }
  return out + ". " + live_link(in, "#rate", "hashrate", "hashrate.5m") + "; " + blocks_said(in) +
         ".";
}

RateUnit ladder_unit(const PageInput& in) {
  double largest = 0;
  for (const std::string_view window : windows) {
    largest = std::max(largest, in.pool.at("hashrate").at(window).number_or(0));
  }
  return rate_unit(largest);
}

// How far a window is from the mean of a day, with the scatter that luck alone gives it.
std::string ladder_plot(double deviation, double error, double scale) {
  const auto x = [&](double part) { return svg_percent(0.5 + 0.42 * part / scale); };
  std::string out =
      "<svg class=\"bar\" height=\"16\" aria-hidden=\"true\"><line class=\"zero\" x1=\"50%\" "
      "x2=\"50%\" y1=\"0\" y2=\"16\"/>";
  if (error > 0.002 * scale) {
    out += "<line class=\"err\" x1=\"" + x(deviation - error) + "\" x2=\"" + x(deviation + error) +
           "\" y1=\"8\" y2=\"8\"/>";
  }
  return out + "<circle class=\"pt\" cx=\"" + x(deviation) + "\" cy=\"8\" r=\"3.5\"/></svg>";
}

// What luck alone does to a window's rate, as a part of it; 0: unknown.
double scatter(const PageInput& in, std::string_view window) {
  const double shares = in.pool.at("hashrate_shares").at(window).number_or(0);
  return shares > 0 ? 1 / std::sqrt(shares) : 0;
}

std::string ladder_rows(const PageInput& in, const RateUnit& unit) {
  const double day = in.pool.at("hashrate.1d").number_or(0);
  double scale = 0.05;
  for (const std::string_view window : windows) {
    const double rate = in.pool.at("hashrate").at(window).number_or(0);
    if (day > 0 && rate > 0)
      scale = std::max(scale, std::abs(rate / day - 1) + scatter(in, window));
  }
  std::string out;
  for (const std::string_view window : windows) {
    const auto rate = in.pool.at("hashrate").at(window).number();
    const double error = scatter(in, window);
    const double deviation = day > 0 ? rate.value_or(0) / day - 1 : 0;
    const std::string name(window);
    out += "<tr><th scope=\"row\">" + name + "</th><td class=\"num value\">" + in_unit(rate, unit) +
           "</td><td class=\"num faint small\">" +
           (error > 0 ? "\u00b1\u00a0" + format_percent(error, 1) : std::string(unknown_figure)) +
           "</td><td class=\"plot\">" +
           (rate && day > 0 ? ladder_plot(deviation, error, scale) : "") +
           "<span class=\"unseen\">" +
           (window == "1d" ? "the reference" : format_signed_percent(deviation)) +
           "</span></td></tr>\n";
  }
  return out;
}

// What the plot's lines are, and how far back the windows can reach.
std::string ladder_note(const PageInput& in) {
  std::string out =
      "\u00b1 is the scatter that luck alone gives the window. A change inside it is noise.";
  const auto uptime = in.pool.at("uptime_seconds").integer();
  if (!uptime || *uptime >= longest_window_seconds) return out;
  return out + " The pool started " + format_duration(*uptime) +
         " ago: longer windows are of the time since.";
}

int code_of(std::string_view reason) {
  for (std::size_t i = 0; i < stratum::reject_reason_count; ++i) {
    const auto known = static_cast<stratum::RejectReason>(i);
    if (stratum::reject_name(known) == reason) return stratum::reject_code(known);
  }
  return 0;
}

// Rejects by reason, the most frequent first.
std::string reject_rows(const JsonView& shares) {
  std::vector<std::pair<std::string, std::int64_t>> reasons;
  std::int64_t rejected = 0;
  for (const auto& [name, count] : shares.at("rejects").members()) {
    if (count.integer_or(0) > 0) reasons.emplace_back(name, count.integer_or(0));
    rejected += count.integer_or(0);
  }
  std::stable_sort(reasons.begin(), reasons.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (reasons.empty()) return empty_row(4, "No share was refused.");
  const double all = static_cast<double>(rejected) + shares.at("accepted").number_or(0);
  std::string out;
  for (const auto& [name, count] : reasons) {
    const int code = code_of(name);
    out += "<tr><th scope=\"row\">" + escape_html(spaced(name)) +
           (code > 0 ? " <span class=\"faint small\">" + std::to_string(code) + "</span>" : "") +
           "</th><td class=\"plot\">" +
           part_bar(static_cast<double>(count) / static_cast<double>(rejected), "fill2") +
           "</td><td class=\"num\">" + format_count(static_cast<std::uint64_t>(count)) +
           "</td><td class=\"num faint\">" +
           escape_html(format_percent(static_cast<double>(count), all)) + "</td></tr>\n";
  }
  return out;
}

void fill_shares(const PageInput& in, PageValues& out) {
  // The last hour where the pool tells it, else all since the start.
  const bool hour = in.pool.at("shares_hour").is_there();
  const JsonView shares = in.pool.at(hour ? "shares_hour" : "shares");
  const std::int64_t seconds = shares.at("seconds").integer_or(3600);
  out["shares_note"] = !hour             ? "since the start"
                       : seconds >= 3600 ? "last hour"
                                         : "last " + format_duration(seconds);
  const double accepted = shares.at("accepted").number_or(0);
  const double rejected = shares.at("rejected").number_or(0);
  const std::string root = hour ? "shares_hour" : "shares";
  out["accepted"] = "<span data-v=\"" + root + ".accepted\" data-as=\"count\">" +
                    format_as("count", shares.at("accepted"), 0) + "</span>";
  out["rejected_part"] = with_units(format_percent(rejected, accepted + rejected));
  out["reject_rows"] = reject_rows(shares);
}

void fill_chain(const PageInput& in, PageValues& out) {
  const std::string tip = in.pool.at("tip").text();
  out["tip_hash"] = tip.empty() ? std::string(unknown_figure) : code_text(shorten(tip, 0, 16), tip);
  const double network = in.pool.at("network_hashrate").number_or(0);
  const double here = in.pool.at("hashrate.1h").number_or(0);
  // The node's estimate is of past blocks: on a play chain it may be far below what mines here now.
  out["network_part"] =
      network >= here && network > 0 ? ", of it here " + format_percent(here, network) : "";
  const double difficulty = in.pool.at("network_difficulty").number_or(0);
  const double best = in.pool.at("best_share_difficulty").number_or(0);
  const auto faint = [](const std::string& markup) {
    return "<span class=\"faint\">" + markup + "</span>";
  };
  out["best_of_block"] = difficulty > 0 && best > 0
                             ? faint(escape_html(format_effort(best / difficulty)) + " of a block")
                             : std::string();
  out["tip_age"] = in.pool.at("tip_time_us").is_there()
                       ? faint(live_figure(in, "ago", "tip_time_us") + " ago")
                       : std::string();
  out["coinbase"] = in.pool.at("coinbase_sats").is_there()
                        ? live_figure(in, "btc", "coinbase_sats") + " BTC"
                        : std::string(unknown_figure);
  out["transactions"] = in.pool.at("template_transactions").is_there()
                            ? live_figure(in, "count", "template_transactions") + " transactions"
                            : std::string(unknown_figure);
}

std::string promise(std::string_view what, const std::string& figure, const std::string& how) {
  return "<div><dt>" + std::string(what) + "</dt><dd class=\"figure\">" + figure +
         "</dd><dd class=\"how\">" + how + "</dd></div>\n";
}

// What the pool promises, as far as its own figures tell whether it holds.
std::string promises(const PageInput& in) {
  const auto count = [&](std::string_view path) {
    return escape_html(format_as("count", in.pool.at(path), 0));
  };
  const std::int64_t orphaned = in.pool.at("blocks.orphaned").integer_or(0);
  const std::int64_t rejected = in.pool.at("blocks.rejected").integer_or(0);
  const std::int64_t found = orphaned + rejected + in.pool.at("blocks.accepted").integer_or(0) +
                             in.pool.at("blocks.confirmed").integer_or(0);
  const std::int64_t tips = in.pool.at("notify.tips").integer_or(0);
  const auto slow = in.pool.at("notify.slow").integer();
  const std::size_t nodes = in.pool.at("nodes").items().size();
  return promise("Records that the database lacks", count("database.records_behind"),
                 "of " + count("shares.accepted") +
                     " shares accepted. Each is on disk before its reply; what the database lacks "
                     "follows by itself, once.") +
         promise("Found blocks that no node took", escape_html(format_sats(rejected)),
                 "of " + plural(static_cast<std::uint64_t>(found), "block") +
                     ". Each is written to disk and sent to " +
                     (nodes > 1 ? "all " + std::to_string(nodes) + " nodes" : "the node") +
                     " at once; " + format_sats(orphaned) + " lost the race to another block.") +
         promise("Tips slower than 50\u00a0ms to the last miner",
                 slow ? escape_html(format_sats(*slow)) : std::string(unknown_figure),
                 tips == 0 ? std::string("of none yet: the first one is measured when it comes.")
                           : "half of the last " + plural(static_cast<std::uint64_t>(tips), "tip") +
                                 " took " + show(in.pool, "latency", "notify.p50_us") + " or less" +
                                 (in.pool.at("notify.max_us").is_there()
                                      ? ", the slowest " + show(in.pool, "latency", "notify.max_us")
                                      : std::string()) +
                                 ".") +
         promise("Of a reward that miners get",
                 in.pool.at("payout.fee_ppm").is_there()
                     ? with_units(ppm_text(1'000'000 - in.pool.at("payout.fee_ppm").integer_or(0)))
                     : std::string(unknown_figure),
                 "in whole satoshis that sum to the reward exactly. " +
                     link("/payouts", "Every split") +
                     " can be computed again from the share log, with the SQL that is published.");
}

std::string payout_line(const PageInput& in) {
  const JsonView payouts = in.body("payouts");
  const auto payments = payouts.at("payments").items();
  const auto runs = payouts.at("runs").items();
  if (!payments.empty()) {
    const JsonView last = payments.front();
    const std::string txid = last.at("txid").text();
    return "<div><dt>Last payment</dt><dd>" + time_tag(last.at("changed_us").integer_or(0), "day") +
           ", " + plural(static_cast<std::uint64_t>(last.at("miners").integer_or(0)), "miner") +
           "</dd></div><div><dt>Sum</dt><dd>" + format_as("btc", last.at("sats"), 0) +
           " BTC</dd></div><div><dt>Transaction</dt><dd>" +
           (txid.empty() ? escape_html(last.at("state").text())
                         : code_text(shorten(txid, 8, 8), txid)) +
           "</dd></div>";
  }
  if (runs.empty()) {
    return "<div><dt>Payouts</dt><dd>" +
           std::string(payouts.is_there() ? "none yet" : "not read yet") + "</dd></div>";
  }
  const JsonView last = runs.front();
  return "<div><dt>Last reward divided</dt><dd>" +
         time_tag(last.at("time_us").integer_or(0), "day") + "</dd></div><div><dt>Among</dt><dd>" +
         plural(static_cast<std::uint64_t>(last.at("miners").integer_or(0)), "miner") +
         "</dd></div><div><dt>Sum</dt><dd>" + format_as("btc", last.at("reward_sats"), 0) +
         " BTC</dd></div>";
}

std::string first_rows(const JsonView& blocks, std::string_view trouble) {
  const std::string all = block_rows(blocks, trouble);
  std::size_t end = 0;
  for (std::size_t i = 0; i < blocks_shown_max && end != std::string::npos; ++i) {
    end = all.find("</tr>\n", end);
    if (end != std::string::npos) end += 6;
  }
  return all.substr(0, end);
}

std::string title(const PageInput& in) {
  const std::string state = in.pool.at("state").text();
  if (state != "mining" && state != "database_away") {
    return "Phasepool: " + (state.empty() ? "starting" : spaced(state));
  }
  return "Phasepool: " + format_as("hashrate", in.pool.at("hashrate.5m"), 0) + ", on the tip at " +
         format_as("count", in.pool.at("height"), 0);
}

}  // namespace

void fill_overview(const PageInput& in, PageValues& out) {
  out["title"] = title(in);
  out["sentence"] = sentence(in);
  const RateUnit unit = ladder_unit(in);
  out["rate_unit"] = unit.name;
  out["ladder_rows"] = ladder_rows(in, unit);
  out["ladder_note"] = ladder_note(in);
  fill_shares(in, out);
  fill_chain(in, out);
  fill_round(in, out);
  fill_delivery(in, out);
  out["block_rows"] = first_rows(in.body("blocks").at("blocks"), in.trouble("blocks"));
  out["blocks_note"] = blocks_note(in.pool.at("blocks"));
  out["status_rows"] = status_rows(in);
  out["status_note"] = part_count_note(in);
  out["payout_line"] = payout_line(in);
  const std::string tls = in.pool.at("stratum_tls").text();
  out["tls"] = reachable_url(tls, in.request.host);
  out["has_tls"] = tls.empty() ? "hidden" : "";
  out["promises"] = promises(in);
}

}  // namespace pool
