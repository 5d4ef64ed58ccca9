#include "pool/http/format.h"
#include "pool/http/page_parts.h"
#include "pool/http/page_text.h"

#include <algorithm>

namespace pool {
namespace {

std::string run_link(const JsonView& run) {
  const std::string number = std::to_string(run.at("run").integer_or(0));
  return link("/payouts?run=" + number, "Run " + number);
}

std::string run_for(const JsonView& run) {
  if (run.at("kind").text() == "pps") {
    return "heights " + show(run, "count", "from_height") + " to " +
           show(run, "count", "to_height");
  }
  const std::string block = run.at("block").text();
  return "<a href=\"/blocks?block=" + url_part(block) + "\">block " + show(run, "count", "height") +
         "</a>";
}

std::string_view run_css(const std::string& state) { return state == "applied" ? "" : "warn"; }
std::string_view payment_css(const std::string& state) {
  return state == "settled" ? "" : state == "cancelled" ? "off" : "part";
}

std::string run_rows(const JsonView& payouts, std::string_view trouble) {
  std::string out;
  for (const JsonView& run : payouts.at("runs").items()) {
    const std::string state = run.at("state").text();
    out += row_begin(show(run, "count", "run")) + "<th scope=\"row\">" + run_link(run) +
           "</th><td>" + tag(run_css(state), spaced(state)) + "</td><td>" +
           time_tag(run.at("time_us").integer_or(0), "day") + "</td><td>" + run_for(run) +
           "</td><td>" + escape_html(upper_case(run.at("scheme").text())) +
           "</td><td class=\"num\">" + show(run, "btc", "reward_sats") + "</td><td class=\"num\">" +
           show(run, "sats", "fee_sats") + "</td><td class=\"num\">" +
           show(run, "sats", "coherence_sats") + "</td><td class=\"num\">" +
           show(run, "count", "miners") + "</td></tr>\n";
  }
  return out.empty()
             ? empty_row(
                   9, trouble.empty()
                          ? "No reward was divided yet: a block is, once it has 100 confirmations."
                          : trouble)
             : out;
}

std::string payment_rows(const JsonView& payouts, std::string_view trouble) {
  std::string out;
  for (const JsonView& payment : payouts.at("payments").items()) {
    const std::string state = payment.at("state").text();
    const std::string txid = payment.at("txid").text();
    out += row_begin(show(payment, "count", "payment")) + "<th scope=\"row\">" +
           show(payment, "count", "payment") + "</th><td>" +
           tag(payment_css(state), spaced(state)) + "</td><td>" +
           time_tag(payment.at("changed_us").integer_or(0), "day") + "</td><td class=\"num\">" +
           show(payment, "btc", "sats") + "</td><td class=\"num\">" +
           show(payment, "count", "miners") + "</td><td class=\"num\">" +
           show(payment, "sats", "fee_sats") + "</td><td>" +
           (txid.empty() ? std::string(unknown_figure) : code_text(shorten(txid, 8, 8), txid)) +
           "</td></tr>\n";
  }
  return out.empty() ? empty_row(7, trouble.empty() ? "No payment was made yet." : trouble) : out;
}

std::string scheme_facts(const PageInput& in, const JsonView& scheme) {
  const bool known = scheme.is_there();
  if (!known && !in.pool.at("payout.scheme").is_there())
    return fact("Scheme", std::string(unknown_figure));
  const JsonView from = known ? scheme : in.pool.at("payout");
  std::string out = fact("Scheme", escape_html(upper_case(from.at("scheme").text())));
  const std::string window = from.at("pplns_window").text();
  if (from.at("scheme").text() == "pplns" && !window.empty()) {
    out += fact("Window", "the last " + escape_html(window) + " \u00d7 the network\u2019s work");
  }
  out += fact("Fee", ppm_text(from.at("fee_ppm").integer_or(0))) +
         fact("For coherence work", ppm_text(from.at("coherence_ppm").integer_or(0)));
  out += fact("Paid from", show_with(from, "sats", "minimum_sats", "sats"));
  if (known) out += fact("In force since", time_tag(scheme.at("since_us").integer_or(0), "day"));
  return out;
}

std::string sentence(const PageInput& in, const JsonView& payouts) {
  if (!payouts.is_there()) return escape_html(in.trouble("payouts", "What is owed and paid"));
  const JsonView totals = payouts.at("totals");
  if (totals.at("owed_sats").integer_or(0) == 0 && totals.at("paid_sats").integer_or(0) == 0 &&
      payouts.at("runs").items().empty()) {
    return "Nothing to divide yet. A block\u2019s reward is split exactly, to the satoshi, once "
           "the block has 100 confirmations.";
  }
  return "<a href=\"#totals\">" + show(totals, "btc", "paid_sats") +
         "\u00a0BTC</a> paid, <a href=\"#totals\">" + show(totals, "btc", "owed_sats") +
         "\u00a0BTC</a> owed to <a href=\"#totals\">" +
         plural(count_of(totals.at("miners_owed")), "miner") +
         "</a>. Every satoshi of it can be computed again from the share log.";
}

std::string totals_facts(const JsonView& payouts) {
  const JsonView totals = payouts.at("totals");
  return fact("Owed to miners", show_with(totals, "btc", "owed_sats", "BTC")) +
         fact("Of it payable now", show_with(totals, "btc", "payable_sats", "BTC")) +
         fact("On its way", show_with(totals, "btc", "in_transit_sats", "BTC")) +
         fact("Paid", show_with(totals, "btc", "paid_sats", "BTC")) +
         fact("Fees of the pool", show_with(totals, "btc", "fees_sats", "BTC")) +
         fact("Miners owed", show(totals, "count", "miners_owed"));
}

std::string preview_rows(const PageInput& in, const JsonView& preview) {
  const std::string in_force = preview.at("scheme").text();
  std::string out;
  for (const JsonView& miner : preview.at("miners").items()) {
    out += row_begin(miner.at("address").text()) + "<th scope=\"row\">" +
           miner_link(miner.at("address").text()) + "</th>";
    for (const std::string scheme : {"pplns", "prop", "pps", "solo"}) {
      const std::string sats = show(miner, "sats", scheme + "_sats");
      out += "<td class=\"num" + std::string(scheme == in_force ? "" : " faint") + "\">" +
             (scheme == in_force ? "<strong>" + sats + "</strong>" : sats) + "</td>";
    }
    out += "</tr>\n";
  }
  if (!out.empty()) return out;
  const std::string trouble = in.trouble("preview");
  return empty_row(5, trouble.empty() ? "No share counts yet." : trouble);
}

std::string item_rows(const JsonView& run) {
  std::string out;
  for (const JsonView& item : run.at("items").items()) {
    const auto work = decimal(item.at("work"));
    out += "<tr><th scope=\"row\">" + miner_link(item.at("address").text()) +
           "</th><td class=\"num\">" +
           (work ? escape_html(format_difficulty(*work / 4294967296.0))
                 : std::string(unknown_figure)) +
           "</td><td class=\"num\">" + show(item, "sats", "share_sats") +
           "</td><td class=\"num\">" + show(item, "sats", "coherence_sats") +
           "</td><td class=\"num\"><strong>" + show(item, "sats", "sats") + "</strong></td></tr>\n";
  }
  return out.empty() ? empty_row(5, "It has no parts.") : out;
}

void fill_run(const PageInput& in, PageValues& out) {
  const JsonView detail = in.body("run");
  const JsonView run = detail.at("run");
  const std::string number = escape_html(in.request.run);
  out["title"] = "Payout run " + in.request.run + ": Phasepool";
  if (!run.is_there()) {
    const auto found = in.answers.find("run");
    const bool unknown =
        found != in.answers.end() && (found->second.status == 404 || found->second.status == 400);
    out["sentence"] =
        unknown ? "There is no payout run " + number + ". " + link("/payouts", "All runs") + "."
                : escape_html(in.trouble("run", "This run"));
    return;
  }
  out["is_one"] = "";
  out["sentence"] = "Run <b>" + number + "</b> divided <b>" + show(run, "btc", "reward_sats") +
                    "\u00a0BTC</b> of " + run_for(run) + " among <b>" +
                    plural(count_of(run.at("miners")), "miner") + "</b> by " +
                    escape_html(upper_case(run.at("scheme").text())) + ".";
  const std::string state = run.at("state").text();
  out["run_facts"] =
      fact("State", tag(run_css(state), spaced(state))) +
      fact("Window ends", time_tag(run.at("time_us").integer_or(0), "full")) +
      fact("Reward", show_with(run, "sats", "reward_sats", "sats")) +
      fact("Fee", show_with(run, "sats", "fee_sats", "sats")) +
      fact("For coherence work", show_with(run, "sats", "coherence_sats", "sats")) +
      fact("Digest", code_text(shorten(run.at("digest").text(), 8, 8), run.at("digest").text()));
  out["item_rows"] = item_rows(detail);
  out["run_number"] = std::to_string(run.at("run").integer_or(0));
  out["more"] =
      more_link("/payouts?run=" + out["run_number"], "page", detail.at("next"), "More miners");
}

}  // namespace

void fill_payouts(const PageInput& in, PageValues& out) {
  for (const char* name :
       {"run_facts", "item_rows", "run_number", "more", "scheme_facts", "totals_facts", "run_rows",
        "payment_rows", "preview_rows", "preview_note"}) {
    out[name] = "";
  }
  const bool one = !in.request.run.empty();
  out["is_one"] = "hidden";
  out["is_list"] = one ? "hidden" : "";
  if (one) return fill_run(in, out);
  const JsonView payouts = in.body("payouts");
  out["title"] = "Payouts: Phasepool";
  out["sentence"] = sentence(in, payouts);
  out["scheme_facts"] = scheme_facts(in, payouts.at("scheme"));
  out["totals_facts"] = totals_facts(payouts);
  out["run_rows"] = run_rows(payouts, in.trouble("payouts"));
  out["payment_rows"] = payment_rows(payouts, in.trouble("payouts"));
  const JsonView preview = in.body("preview");
  out["preview_rows"] = preview_rows(in, preview);
  out["preview_note"] = preview.is_there() ? "reward " + show(preview, "sats", "reward_sats") +
                                                 " sats; sats for each miner"
                                           : "";
  out["more"] = more_link("/payouts", "before", payouts.at("next"), "Older runs");
}

}  // namespace pool
