#include "pool/http/page.h"

#include "common/bitcoin/hash.h"
#include "pool/http/format.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace pool {
namespace {

constexpr std::size_t blocks_shown_max = 12;

std::string unit(const Figure& figure) {
  return escape_html(figure.number) + "<span class=\"unit\">" + escape_html(figure.unit) +
         "</span>";
}

std::string link(const char* anchor, const std::string& text) {
  return std::string("<a href=\"#") + anchor + "\">" + escape_html(text) + "</a>";
}

std::string plural(std::uint64_t count, const char* word) {
  return format_count(count) + "\u00a0" + word + (count == 1 ? "" : "s");
}

std::string hashrate_text(double rate) {
  const Figure figure = format_hashrate(rate);
  return figure.number + "\u00a0" + figure.unit;
}

// The rate that the sentence and the title show: five minutes, long enough not to jump.
double headline_rate(const PoolSnapshot& s) { return s.hashrate[1]; }

// Blocks that a node took: the database's count where there is one, else that of this process. (On
// regtest nearly every share is a candidate, so candidates say little.)
std::string blocks_text(const PoolSnapshot& s) {
  std::uint64_t accepted = s.node->blocks_accepted;
  if (!s.blocks_by_status.empty()) {
    accepted = 0;
    for (const char* status : {"accepted", "confirmed"}) {
      const auto found = s.blocks_by_status.find(status);
      if (found != s.blocks_by_status.end()) accepted += found->second;
    }
  }
  return accepted == 0 ? "no block yet" : plural(accepted, "block") + " accepted";
}

std::string sentence(const PoolSnapshot& s) {
  switch (s.condition()) {
    case PoolCondition::starting:
      return "Starting: the node has not answered yet.";
    case PoolCondition::no_node:
      return "No node answers, so there is no new work.";
    case PoolCondition::journal_broken:
      return "Shares can\u2019t be written to disk, so none are accepted.";
    default:
      break;
  }
  std::string out = "On the tip at height " + link("tip", format_count(s.node->height)) + ". ";
  if (s.workers == 0)
    return out + "Waiting for the first miner: " + link("connect", "connect one") + ".";
  out += "Work sent to " + link("miners", plural(s.connections, "connection"));
  if (s.notify_latency_us) out += " in " + link("miners", format_latency(*s.notify_latency_us));
  return out + ". " + link("rate", hashrate_text(headline_rate(s))) + "; " +
         link("blocks", blocks_text(s)) + ".";
}

// Why it is so, what still works, and since when the figures stand; empty when all is well.
std::string notice(const PoolSnapshot& s) {
  switch (s.condition()) {
    case PoolCondition::no_node:
      return "<b>No node answers.</b> Miners keep their last work, shares are still journaled, and "
             "found blocks are kept on disk until a node takes them. The log says why.";
    case PoolCondition::journal_broken:
      return "<b>The share journal can\u2019t be written.</b> The log says why.";
    case PoolCondition::database_away:
      return "<b>The database is away.</b> Mining goes on: shares are journaled on disk and stored "
             "when it is back. Blocks are those last read.";
    default:
      return {};
  }
}

std::string percent_attribute(double part, double whole) {
  std::array<char, 16> text{};
  const double percent = whole > 0 ? std::clamp(100 * part / whole, 0.0, 100.0) : 0;
  std::snprintf(text.data(), text.size(), "%.1f%%", percent);
  return text.data();
}

std::string hashrate_row(const std::string& window, double rate, double largest) {
  std::string out = "<tr><th scope=\"row\">";
  out += window;
  out += "</th><td class=\"num value\" data-rate=\"";
  out += window;
  out += "\">";
  out += unit(format_hashrate(rate));
  out += "</td><td class=\"plot\"><svg class=\"bar\" height=\"16\" aria-hidden=\"true\">";
  out +=
      "<rect class=\"rail\" width=\"100%\" height=\"2\" y=\"7\"/><rect class=\"fill\" data-bar=\"";
  out += window;
  out += "\" width=\"";
  out += percent_attribute(rate, largest);
  out += "\" height=\"6\" y=\"5\"/></svg></td></tr>\n";
  return out;
}

std::string hashrate_rows(const PoolSnapshot& s) {
  const double largest = *std::max_element(s.hashrate.begin(), s.hashrate.end());
  std::string out;
  for (std::size_t i = 0; i < s.hashrate.size(); ++i) {
    out += hashrate_row(std::string(HashrateWindows::names[i]), s.hashrate[i], largest);
  }
  return out;
}

// "low_difficulty" to "Low difficulty".
std::string reason_label(stratum::RejectReason reason) {
  std::string label(stratum::reject_name(reason));
  std::replace(label.begin(), label.end(), '_', ' ');
  if (!label.empty()) label[0] = static_cast<char>(label[0] - 'a' + 'A');
  return label;
}

// Every reason has its row; those without a case are hidden, so that the script need only count.
std::string reject_rows(const PoolSnapshot& s) {
  std::string out;
  const auto all = static_cast<double>(s.shares_accepted + s.shares_rejected());
  for (std::size_t i = 0; i < s.rejects.size(); ++i) {
    const auto reason = static_cast<stratum::RejectReason>(i);
    out += "<tr data-reason=\"" + std::string(stratum::reject_name(reason)) + "\"" +
           (s.rejects[i] == 0 ? " hidden" : "") + "><th scope=\"row\">" + reason_label(reason) +
           " <span class=\"faint small\">" + std::to_string(stratum::reject_code(reason)) +
           "</span></th><td class=\"num\">" + format_count(s.rejects[i]) +
           "</td><td class=\"num faint\">" +
           escape_html(format_percent(static_cast<double>(s.rejects[i]), all)) + "</td></tr>\n";
  }
  return out;
}

struct StatusTag {
  const char* status;
  const char* css;
  const char* label;
};
constexpr std::array<StatusTag, 5> status_tags{{{"submitted", "part", "Submitted"},
                                                {"accepted", "", "Accepted"},
                                                {"rejected", "bad", "Rejected"},
                                                {"confirmed", "", "Confirmed"},
                                                {"orphaned", "warn", "Orphaned"}}};

constexpr std::int64_t confirmations_wanted = 100;  // then the coinbase can be spent

bool is_maturing(const BlockRow& row) { return row.status == "accepted" && row.confirmations; }

std::string status_label(const BlockRow& row) {
  if (is_maturing(row)) {
    const std::int64_t shown =
        std::clamp<std::int64_t>(*row.confirmations, 0, confirmations_wanted);
    return std::to_string(shown) + " of " + std::to_string(confirmations_wanted);
  }
  const auto known = std::find_if(status_tags.begin(), status_tags.end(),
                                  [&](const StatusTag& tag) { return row.status == tag.status; });
  return known == status_tags.end() ? row.status : known->label;
}

std::string status_text(const BlockRow& row) {
  const auto blocks = [](std::int64_t n) {
    return plural(static_cast<std::uint64_t>(std::max<std::int64_t>(n, 0)), "block");
  };
  if (row.status == "confirmed") return "In the chain; its coinbase can be spent";
  if (is_maturing(row)) {
    return "In the chain; its coinbase can be spent in " + blocks(row.matures_in.value_or(0));
  }
  if (row.status == "accepted") return "A node took it; not seen in the chain yet";
  if (row.status == "orphaned") return "The chain goes another way, for now or for good";
  if (row.status == "submitted" && row.detail.empty()) return "No node has answered yet";
  return row.detail;
}

// In words what the tag says in one: what it means, and what each node said.
std::string status_title(const BlockRow& row) {
  std::string title = status_text(row);
  for (const BlockAnswer& answer : row.answers) {
    title += "\n" + answer.node + ": " + answer.answer;
    if (!answer.detail.empty()) title += ", " + answer.detail;
  }
  return title;
}

std::string status_tag(const BlockRow& row) {
  const auto known = std::find_if(status_tags.begin(), status_tags.end(),
                                  [&](const StatusTag& tag) { return row.status == tag.status; });
  const std::string css = is_maturing(row)             ? "part"
                          : known == status_tags.end() ? "off"
                                                       : known->css;
  return "<span class=\"tag " + css + "\" title=\"" + escape_html(status_title(row)) + "\">" +
         escape_html(status_label(row)) + "</span>";
}

std::string block_row(const BlockRow& row) {
  return "<tr><th scope=\"row\">" + format_count(row.height) + "</th><td>" + status_tag(row) +
         "</td><td><time datetime=\"" + format_utc_machine(row.time_us) + "\" title=\"" +
         format_utc(row.time_us) + "\">" + format_utc(row.time_us) +
         "</time></td><td class=\"num\">" + format_btc(row.reward_sats) +
         "</td><td><code title=\"" + escape_html(row.address) + "\">" +
         escape_html(shorten(row.address, 8, 4)) + "</code> <span class=\"faint\">" +
         escape_html(row.worker) + "</span></td><td><code title=\"" + escape_html(row.hash) +
         "\">" + escape_html(shorten(row.hash, 0, 12)) + "</code></td></tr>\n";
}

std::string block_rows(const PoolSnapshot& s) {
  if (s.blocks.empty()) {
    return std::string("<tr><td colspan=\"6\" class=\"faint\">") +
           (s.database_read_us ? "None yet." : "Not read from the database yet.") + "</td></tr>\n";
  }
  std::string out;
  for (std::size_t i = 0; i < std::min(s.blocks.size(), blocks_shown_max); ++i) {
    out += block_row(s.blocks[i]);
  }
  return out;
}

// "12 accepted, 1 orphaned"
std::string blocks_note(const PoolSnapshot& s) {
  std::string out;
  for (const auto& [status, count] : s.blocks_by_status) {
    if (count > 0) out += (out.empty() ? "" : ", ") + format_count(count) + " " + status;
  }
  return out;
}

void add_status(const PoolSnapshot& s, PageValues& out) {
  const bool node_well = s.node && s.node->connected;
  out["node_class"] = node_well ? "" : s.node ? "bad" : "off";
  out["node_state"] = node_well ? "On the tip" : s.node ? "No answer" : "Not asked yet";
  out["node_detail"] = s.node ? (node_well ? s.node->version : s.node->error) : "";
  const bool database_well = s.database_connected();
  out["database_class"] = database_well ? "" : s.stored ? "warn" : "off";
  out["database_state"] = database_well ? "Connected" : s.stored ? "Away" : "Not tried yet";
  out["database_detail"] = !s.stored        ? ""
                           : !database_well ? s.stored->error
                                            : plural(s.stored->shares_stored, "share") + " stored";
  const bool journal_well = s.journal && s.journal->writable;
  out["journal_class"] = journal_well ? "" : s.journal ? "bad" : "off";
  out["journal_state"] = journal_well ? "Writing" : s.journal ? "Can\u2019t write" : "Not open yet";
  out["journal_detail"] = !s.journal      ? ""
                          : !journal_well ? s.journal->error
                          : s.journal->fsyncs == 0
                              ? ""
                              : "last fsync " + format_latency(s.journal->last_fsync_us);
}

void add_chain(const PoolSnapshot& s, PageValues& out) {
  const std::string unknown(unknown_figure);
  const bool known = s.node && s.node->height > 0;
  const bool has_template = s.node && s.node->template_time_us > 0;
  out["height"] = known ? format_count(s.node->height) : unknown;
  out["tip_full"] = known ? s.node->tip.display_hex() : "";
  out["tip"] = known ? shorten(out["tip_full"], 0, 16) : unknown;
  out["network_difficulty"] = known ? format_difficulty(s.node->network_difficulty) : unknown;
  out["network_hashrate"] = known ? hashrate_text(s.node->network_hashrate) : unknown;
  out["coinbase"] = has_template ? format_btc(s.node->coinbase_sats) : unknown;
  out["template_transactions"] =
      has_template ? format_count(s.node->template_transactions) : unknown;
}

void add_shares(const PoolSnapshot& s, PageValues& out) {
  const std::string unknown(unknown_figure);
  const std::uint64_t rejected = s.shares_rejected();
  out["accepted"] = format_count(s.shares_accepted);
  out["rejected"] = format_count(rejected);
  out["rejected_part"] = format_percent(static_cast<double>(rejected),
                                        static_cast<double>(s.shares_accepted + rejected));
  out["stored"] = s.stored ? format_count(s.stored->shares_stored) : unknown;
  out["pending"] = format_count(s.shares_pending);
  out["best_share"] =
      s.best_share_difficulty > 0 ? format_difficulty(s.best_share_difficulty) : unknown;
  out["latency"] = s.notify_latency_us ? format_latency(*s.notify_latency_us) : unknown;
}

// Millionths as a percentage, exactly: "1 %", "0.25 %".
std::string fee_text(std::uint32_t ppm) {
  std::string rest = std::to_string(10'000 + ppm % 10'000).substr(1);
  rest.resize(rest.find_last_not_of('0') + 1);
  return std::to_string(ppm / 10'000) + (rest.empty() ? "" : "." + rest) + "\u2009%";
}

std::string upper_case(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

}  // namespace

std::string reachable_url(const std::string& stratum_url, std::string_view host) {
  const std::size_t port = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  if (port != std::string_view::npos && (bracket == std::string_view::npos || bracket < port)) {
    host = host.substr(0, port);
  }
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  };
  if (host.empty() || host.size() > 253 || !std::all_of(host.begin(), host.end(), is_plain)) {
    return stratum_url;
  }
  for (const std::string_view any : {"//0.0.0.0:", "//[::]:", "//:::"}) {
    const std::size_t at = stratum_url.find(any);
    if (at == std::string::npos) continue;
    return stratum_url.substr(0, at + 2) + std::string(host) +
           stratum_url.substr(at + any.size() - 1);
  }
  return stratum_url;
}

PageValues page_values(const PoolSnapshot& s, std::string_view host) {
  PageValues out;
  const PoolCondition condition = s.condition();
  out["state"] = name_of(condition);
  out["title"] = "Phasepool: " + (s.node && s.node->connected
                                      ? hashrate_text(headline_rate(s)) + ", on the tip at " +
                                            format_count(s.node->height)
                                      : std::string(name_of(condition)));
  std::replace(out["title"].begin(), out["title"].end(), '_', ' ');
  out["sentence"] = sentence(s);
  out["notice"] = notice(s);
  out["notice_class"] = condition == PoolCondition::database_away ? "" : "error";
  out["time"] = format_utc(s.time_us);
  out["time_machine"] = format_utc_machine(s.time_us);
  out["network"] = std::string(bitcoin::network_name(s.facts.network));
  out["scheme"] = upper_case(s.facts.scheme);
  out["fee"] = fee_text(s.facts.fee_ppm);
  out["uptime"] = format_duration(s.uptime_seconds);
  out["version"] = s.facts.version;
  out["stratum"] = reachable_url(s.facts.stratum_url, host);
  out["miners"] = format_count(s.miners);
  out["workers"] = format_count(s.workers);
  out["connections"] = format_count(s.connections);
  out["hashrate_rows"] = hashrate_rows(s);
  out["reject_rows"] = reject_rows(s);
  out["block_rows"] = block_rows(s);
  out["blocks_note"] = blocks_note(s);
  add_shares(s, out);
  add_chain(s, out);
  add_status(s, out);
  return out;
}

std::string fill_template(std::string_view html, const PageValues& values) {
  std::string out;
  out.reserve(html.size() * 2);
  for (;;) {
    const std::size_t open = html.find("{{");
    const std::size_t close = html.find("}}", open == std::string_view::npos ? open : open + 2);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    out += html.substr(0, open);
    std::string_view name = html.substr(open + 2, close - open - 2);
    const bool markup = !name.empty() && name.front() == '&';
    if (markup) name.remove_prefix(1);
    const auto value = values.find(name);
    if (value == values.end()) {
      out += html.substr(open, close + 2 - open);
    } else {
      out += markup ? value->second : escape_html(value->second);
    }
    html.remove_prefix(close + 2);
  }
  out += html;
  return out;
}

}  // namespace pool
