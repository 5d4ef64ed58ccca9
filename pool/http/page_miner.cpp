#include "pool/http/format.h"
#include "pool/http/page_parts.h"
#include "pool/http/page_rejects.h"
#include "pool/http/page_text.h"
#include "pool/http/page_workers.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pool {
namespace {

constexpr double blocks_a_day = 144;

// Sats a day at the rate of the last day; nullopt where that says nothing (a play chain).
std::optional<double> sats_a_day(const JsonView& miner) {
  const auto network = decimal(miner.at("if_block_now.network_work"));
  const double rate = miner.at("hashrate.1d").number_or(0);
  const auto reward = miner.at("if_block_now.reward_sats").number();
  if (!network || !reward || *network <= 0 || rate <= 0) return std::nullopt;
  const double blocks = rate * 86400 / *network;
  if (blocks > blocks_a_day) return std::nullopt;
  const double taken = miner.at("if_block_now.fee_ppm").number_or(0) +
                       miner.at("if_block_now.coherence_ppm").number_or(0);
  return blocks * *reward * (1 - taken / 1e6);
}

// How many of its workers are connected, and at which rate they mine.
std::string workers_sentence(const JsonView& miner) {
  const std::uint64_t all = count_of(miner.at("workers_total"));
  const std::string before = link("#workers", plural(all, "worker")) + " mined here before.";
  if (!miner.at("workers_online").is_there())
    return "Who is connected was not known in time; " + before;
  const std::uint64_t online = count_of(miner.at("workers_online"));
  if (online == 0) return "No worker is connected now; " + before;
  const std::string workers =
      link("#workers", online < all ? format_count(online) + " of " + plural(all, "worker")
                                    : plural(online, "worker"));
  const bool one = online == 1 && online >= all;
  if (count_of(miner.at("shares_total")) == 0)
    return workers + (one ? " is connected; its" : " are connected; their") +
           " first share is awaited.";
  if (miner.at("hashrate.5m").number_or(0) <= 0)
    return workers + (one ? " is" : " are") +
           " connected; no share came in the last 5\u00a0minutes.";
  std::string out = workers + (one ? " mines at " : " mine at ") +
                    link("#rate", show(miner, "hashrate", "hashrate.5m"));
  if (const auto daily = sats_a_day(miner)) {
    out += std::string(one ? " and earns " : " and earn ") +
           link("#earn", "about " + format_sats(static_cast<std::int64_t>(*daily)) + " sats") +
           " a day";
  }
  return out + ".";
}

std::string sentence(const JsonView& miner, std::int64_t now_us) {
  std::string out = workers_sentence(miner);
  std::uint64_t to_mind = 0;
  const bool live_known = miner.at("live_complete").flag();
  for (const char* list : {"workers", "silent_workers"}) {
    for (const JsonView& worker : miner.at(list).items())
      to_mind += worker_health(worker, live_known, now_us).css == "warn" ? 1 : 0;
  }
  if (to_mind > 0)
    out += " " + link("#workers", format_count(to_mind) + (to_mind == 1 ? " needs" : " need")) +
           " a look.";
  return out;
}

std::string earnings(const JsonView& miner) {
  const JsonView balance = miner.at("balance");
  const std::uint64_t waiting = miner.at("pending").items().size();
  const auto own = decimal(miner.at("round.work"));
  const auto all = decimal(miner.at("round.total_work"));
  const JsonView preview = miner.at("if_block_now.pplns");
  const auto window = decimal(preview.at("work"));
  const auto total = decimal(preview.at("total_work"));
  std::string out = fact("Pending, " + plural(waiting, "block") + " maturing",
                         waiting > 0 && !miner.at("pending_sats").is_there()
                             ? std::string("<span class=\"faint\">being computed</span>")
                             : show(miner, "sats", "pending_sats"));
  const auto minimum = balance.at("minimum_sats").integer();
  const bool payable = minimum && balance.at("balance_sats").integer_or(0) >= *minimum;
  out += fact("Balance",
              show(balance, "sats", "balance_sats") +
                  (payable   ? " <span class=\"faint\">payable</span>"
                   : minimum ? " <span class=\"faint\">of " + format_sats(*minimum) + "</span>"
                             : std::string()));
  if (balance.at("in_transit_sats").integer_or(0) > 0)
    out += fact("On its way", show(balance, "sats", "in_transit_sats"));
  out += fact("Paid in " + plural(count_of(balance.at("payments")), "payment"),
              show(balance, "sats", "paid_sats"));
  out += fact("Earned so far", show(balance, "sats", "earned_sats"));
  if (window && total && *total > 0)
    out += fact("Part of the window", escape_html(format_percent(*window, *total)));
  if (own && all && *all > 0)
    out += fact("Part of this round", escape_html(format_percent(*own, *all)));
  return out;
}

// Fourteen columns, a day each, as the rewards came.
std::string days_plot(const JsonView& miner) {
  const auto days = miner.at("days").items();
  double largest = 0;
  for (const JsonView& day : days) largest = std::max(largest, day.at("sats").number_or(0));
  if (days.empty() || largest <= 0)
    return "<p class=\"soft\">No reward was divided in these days.</p>";
  std::string out =
      "<svg class=\"bar\" height=\"112\" role=\"img\" aria-label=\"Rewards per day, the most " +
      format_sats(static_cast<std::int64_t>(largest)) + " sats\">";
  for (std::size_t i = 0; i < days.size(); ++i) {
    const double height = 84 * std::max(days[i].at("sats").number_or(0), 0.0) / largest;
    if (height <= 0) continue;
    const double count = static_cast<double>(days.size());
    out += "<rect class=\"fill2\" x=\"" + svg_percent((static_cast<double>(i) + 0.2) / count) +
           "\" width=\"" + svg_percent(0.6 / count) + "\" y=\"" +
           std::to_string(static_cast<int>(88 - height)) + "\" height=\"" +
           std::to_string(static_cast<int>(std::max(height, 1.0))) + "\"/>";
  }
  return out +
         "<line class=\"tick\" x1=\"0\" x2=\"100%\" y1=\"88.5\" y2=\"88.5\"/><text x=\"0\" "
         "y=\"106\">" +
         escape_html(days.front().at("day").text()) +
         "</text><text x=\"100%\" y=\"106\" text-anchor=\"end\">" +
         escape_html(days.back().at("day").text()) + "</text></svg>";
}

std::string scheme_row(const PageInput& in, const JsonView& preview, std::string_view scheme,
                       std::string_view how) {
  const JsonView part = preview.at(scheme);
  const bool in_force = preview.at("scheme").text() == scheme;
  const auto work = decimal(part.at("work"));
  const auto total = decimal(scheme == "pps" ? preview.at("network_work") : part.at("total_work"));
  const std::string name = upper_case(std::string(scheme));
  const std::string sats = format_as("sats", part.at("sats"), in.now_us);
  return "<tr" + std::string(in_force ? " class=\"pick\"" : "") + "><th scope=\"row\"><strong>" +
         name + "</strong>" + (in_force ? ", in force" : "") + "<span class=\"scheme\">" +
         std::string(how) + "</span></th><td class=\"num\">" +
         (in_force ? "<strong>" + sats + "</strong>" : sats) + "</td><td class=\"num\">" +
         show(part, "btc", "sats") + "</td><td class=\"num\">" +
         (work               ? escape_html(format_difficulty(*work / 4294967296.0))
          : scheme == "solo" ? "all"
                             : std::string(unknown_figure)) +
         "</td><td class=\"num\">" +
         (total              ? escape_html(format_difficulty(*total / 4294967296.0))
          : scheme == "solo" ? "all"
                             : std::string(unknown_figure)) +
         "</td></tr>\n";
}

std::string whatif_rows(const PageInput& in, const JsonView& preview) {
  if (!preview.is_there())
    return empty_row(5, "Not computed yet: it is asked for, and shows in a moment.");
  const std::string window = in.pool.at("payout.pplns_window").text();
  const std::string pplns =
      "the last " + (window.empty() ? std::string("shares")
                                    : escape_html(window) + " \u00d7 the network\u2019s work");
  return scheme_row(in, preview, "pplns", pplns) +
         scheme_row(in, preview, "prop", "since the last block") +
         scheme_row(in, preview, "pps",
                    "each share at its expected value, block or not; this round so far") +
         scheme_row(in, preview, "solo", "only if you find it");
}

std::string best_rows(const PageInput& in, const JsonView& miner) {
  const double network = in.pool.at("network_difficulty").number_or(0);
  std::string out;
  for (const JsonView& best : miner.at("best_shares").items()) {
    const double difficulty = best.at("difficulty").number_or(0);
    out += "<tr><th scope=\"row\">" + escape_html(format_difficulty(difficulty)) +
           "</th><td class=\"plot\">" + part_bar(network > 0 ? difficulty / network : 0, "fill") +
           "</td><td>" + escape_html(best.at("worker").text()) + "</td><td class=\"num faint\">" +
           escape_html(best.at("day").text()) + "</td></tr>\n";
  }
  return out.empty() ? empty_row(4, "No share yet.") : out;
}

std::string payout_rows(const JsonView& miner) {
  std::string out;
  for (const JsonView& payment : miner.at("payments").items()) {
    const std::string txid = payment.at("txid").text();
    const std::string state = payment.at("state").text();
    out += row_begin("payment " + show(payment, "count", "payment")) + "<th scope=\"row\">" +
           time_tag(payment.at("changed_us").integer_or(0), "day") + "</th><td>Payment " +
           show(payment, "count", "payment") + "</td><td>" +
           tag(state == "settled"     ? ""
               : state == "cancelled" ? "off"
                                      : "part",
               spaced(state)) +
           "</td><td class=\"num\">\u2212" + show(payment, "sats", "sats") + "</td><td>" +
           (txid.empty() ? std::string() : code_text(shorten(txid, 8, 8), txid)) + "</td></tr>\n";
  }
  for (const JsonView& part : miner.at("payouts").items()) {
    const std::string state = part.at("state").text();
    const std::string block = part.at("block").text();
    out += row_begin("run " + show(part, "count", "run")) + "<th scope=\"row\">" +
           time_tag(part.at("time_us").integer_or(0), "day") + "</th><td>" +
           link("/payouts?run=" + std::to_string(part.at("run").integer_or(0)),
                "Run " + std::to_string(part.at("run").integer_or(0))) +
           ", " + upper_case(part.at("scheme").text()) + "</td><td>" +
           tag(state == "applied" ? "" : "warn", spaced(state)) + "</td><td class=\"num\">" +
           show(part, "sats", "sats") + "</td><td>" +
           (block.empty() ? std::string()
                          : link("/blocks?block=" + url_part(block),
                                 "block " + format_as("count", part.at("height"), 0))) +
           "</td></tr>\n";
  }
  return out.empty() ? empty_row(5, "Nothing was divided or paid yet.") : out;
}

std::string rejects_note(const JsonView& miner) {
  std::string out =
      "last day: " + show(miner, "count", "rejected_1d") + " of " +
      format_count(count_of(miner.at("rejected_1d")) + count_of(miner.at("shares_1d")));
  std::string by;
  for (const auto& [name, count] : miner.at("rejects_1d").members()) {
    if (count.integer_or(0) > 0)
      by += (by.empty() ? "; " : ", ") + spaced(name) + " " + format_count(count_of(count));
  }
  return out + by;
}

// There is no such miner, or it was not read.
void fill_missing(const PageInput& in, int status, PageValues& out) {
  out["since"] = "";
  if (status == 404) {
    out["title"] = "No such miner: Phasepool";
    out["sentence"] = "No share of this address is known here. " +
                      link("/connect", "Connect a miner") +
                      ", and it shows a moment after its first share.";
  } else if (status == 400) {
    out["title"] = "No such miner: Phasepool";
    out["sentence"] = "That is not an address of Bitcoin " +
                      escape_html(in.pool.at("network").text()) + ". " +
                      link("/miner", "All miners") + ".";
  } else {
    out["title"] = "Miner: Phasepool";
    out["sentence"] = escape_html(in.trouble("miner", "This miner"));
  }
}

void fill_one(const PageInput& in, PageValues& out) {
  const JsonView miner = in.body("miner");
  out["address"] = in.request.address;
  if (!miner.is_there()) {
    const auto found = in.answers.find("miner");
    if (found == in.answers.end()) out["is_one"] = "";  // its parts are filled in later
    fill_missing(in, found == in.answers.end() ? 0 : found->second.status, out);
    return;
  }
  out["is_one"] = "";
  out["address"] = miner.at("address").text();
  out["title"] = shorten(out["address"], 8, 4) + ", " +
                 format_as("hashrate", miner.at("hashrate.5m"), 0) + ": Phasepool";
  const auto since = miner.at("first_seen_us").integer();
  out["since"] = since ? "<span>since " + time_tag(*since, "day") + "</span>" : std::string();
  out["sentence"] = sentence(miner, in.now_us);
  out["earnings"] = earnings(miner);
  out["days_plot"] = days_plot(miner);
  fill_workers(miner, in.now_us, out);
  out["reward"] = miner.at("if_block_now").is_there()
                      ? "reward " + show_with(miner, "sats", "if_block_now.reward_sats", "sats")
                      : std::string();
  out["whatif_rows"] = whatif_rows(in, miner.at("if_block_now"));
  out["best_rows"] = best_rows(in, miner);
  out["block_takes"] = show(in.pool, "difficulty", "network_difficulty");
  out["rejects_note"] = rejects_note(miner);
  out["reject_rows"] = reject_explanations(in.body("shares").at("rejects"), in.trouble("shares"));
  out["payout_rows"] = payout_rows(miner);
}

std::string miner_rows(const JsonView& miners, const RateUnit& unit, std::string_view trouble) {
  std::string out;
  for (const JsonView& miner : miners.at("miners").items()) {
    const std::string address = miner.at("address").text();
    out += row_begin(address) + "<th scope=\"row\">" + miner_link(address) + "</th>";
    out += rate_cells(miner, {"5m", "1h", "1d", "7d"}, unit);
    out += "<td class=\"num\">" + show(miner, "count", "workers") + "</td><td class=\"num\">" +
           show(miner, "count", "shares_1d") + "</td><td class=\"num\">" +
           show(miner, "difficulty", "best_share_difficulty") + "</td><td>" +
           time_tag(miner.at("last_share_us").integer_or(0), "day") + "</td></tr>\n";
  }
  return out.empty()
             ? empty_row(9, trouble.empty() ? "Nobody mined here in the last week." : trouble)
             : out;
}

void fill_list(const PageInput& in, PageValues& out) {
  const JsonView miners = in.body("miners");
  out["is_list"] = "";
  out["title"] = "Miners: Phasepool";
  const std::uint64_t total = count_of(miners.at("total"));
  out["sentence"] =
      !miners.is_there() ? escape_html(in.trouble("miners", "The list of miners"))
      : total == 0
          ? "Nobody has mined here in the last week. " + link("/connect", "Be the first") + "."
          : "<b>" + plural(total, "miner") + "</b> in the last week, <b>" +
                format_as("count", in.pool.at("workers"), 0) +
                "</b> workers connected now, together <b>" +
                escape_html(format_as("hashrate", in.pool.at("hashrate.5m"), 0)) + "</b>.";
  const RateUnit unit = table_unit(miners.at("miners").items());
  out["miner_unit"] = unit.name;
  out["miner_rows"] = miner_rows(miners, unit, in.trouble("miners"));
  out["more"] = more_link("/miner", "page", miners.at("next"), "More miners");
}

}  // namespace

void fill_miner(const PageInput& in, PageValues& out) {
  for (const char* name :
       {"address", "since", "earnings", "days_plot", "worker_rows", "workers_foot", "reward",
        "whatif_rows", "best_rows", "block_takes", "rejects_note", "reject_rows", "payout_rows",
        "miner_rows", "more", "miner_unit", "worker_unit"}) {
    out[name] = "";
  }
  const bool one = !in.request.address.empty();
  out["is_list"] = "hidden";
  out["is_one"] = "hidden";
  out["has_address"] = one ? "" : "hidden";
  if (one) return fill_one(in, out);
  fill_list(in, out);
}

}  // namespace pool
