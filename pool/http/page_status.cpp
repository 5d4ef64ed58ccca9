#include "pool/http/format.h"
#include "pool/http/page_parts.h"
#include "pool/http/page_text.h"

#include <algorithm>

namespace pool {
namespace {

std::string status_row(std::string_view part, const std::string& state, const std::string& detail) {
  return "<tr><th scope=\"row\">" + escape_html(part) + "</th><td>" + state +
         "</td><td class=\"num faint\">" + escape_html(detail) + "</td></tr>\n";
}

// "/Satoshi:27.0.0/" to "Satoshi 27.0.0"
std::string program_name(std::string version) {
  for (char& c : version) c = c == '/' || c == ':' ? ' ' : c;
  const std::size_t first = version.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return version.substr(first, version.find_last_not_of(' ') + 1 - first);
}

// A node that has just not heard of the newest tip is no reason to worry.
constexpr std::int64_t blocks_behind_to_mind = 2;

std::int64_t blocks_behind(const JsonView& node, std::int64_t height) {
  return std::max<std::int64_t>(height - node.at("height").integer_or(height), 0);
}

bool is_well(const JsonView& node, std::int64_t height) {
  return node.at("up").flag() && blocks_behind(node, height) < blocks_behind_to_mind;
}

std::string node_state(const JsonView& node, std::int64_t height) {
  if (!node.at("up").flag()) {
    return tag("bad", node.at("answering").flag() ? "Not usable" : "No answer",
               node.at("error").text());
  }
  const std::int64_t behind = blocks_behind(node, height);
  if (behind == 0) return tag("", "On the tip");
  return tag(behind < blocks_behind_to_mind ? "part" : "warn",
             plural(static_cast<std::uint64_t>(behind), "block") + " behind");
}

std::string node_detail(const JsonView& node) {
  if (!node.at("up").flag()) return node.at("error").text();
  const auto us = node.at("response_us").integer();
  return std::string(node.at("in_use").flag() ? "in use" : "in reserve") +
         (us ? ", " + format_latency(*us) : "");
}

std::string node_rows(const PageInput& in) {
  const std::int64_t height = in.pool.at("height").integer_or(0);
  std::string out;
  for (const JsonView& node : in.pool.at("nodes").items()) {
    const std::string version = program_name(node.at("version").text());
    out += status_row(spaced(node.at("name").text()) + (version.empty() ? "" : ", " + version),
                      node_state(node, height), node_detail(node));
  }
  if (!out.empty()) return out;
  const bool connected = in.pool.at("node.connected").flag();
  return status_row("Node", connected ? tag("", "On the tip") : tag("off", "Not heard of yet"),
                    in.pool.at("node.error").text());
}

std::string database_row(const PageInput& in) {
  const bool connected = in.pool.at("database.connected").flag();
  const auto behind = in.pool.at("database.records_behind").integer();
  const std::string state = !connected ? tag("warn", "Away", in.pool.at("database.error").text())
                            : behind && *behind > 10'000 ? tag("warn", "Catching up")
                                                         : tag("", "Up to date");
  const std::string detail =
      !connected ? in.pool.at("database.error").text()
      : behind   ? format_count(count_of(in.pool.at("database.records_behind"))) + " behind"
                 : "";
  return status_row("PostgreSQL", state, detail);
}

std::string journal_row(const PageInput& in) {
  const bool writable = in.pool.at("journal.writable").flag();
  const auto us = in.pool.at("journal.last_fsync_us").integer();
  return status_row("Share journal",
                    writable ? tag("", "Writing")
                             : tag("bad", "Can\u2019t write", in.pool.at("journal.error").text()),
                    !writable ? in.pool.at("journal.error").text()
                    : us      ? "fsync " + format_latency(*us)
                              : "");
}

std::string_view severity_css(const std::string& severity) {
  if (severity == "critical" || severity == "high") return "bad";
  return severity == "medium" ? "warn" : "off";
}

std::string event_rows(const JsonView& events, std::string_view trouble) {
  std::string out;
  for (const JsonView& event : events.at("events").items()) {
    const std::string severity = event.at("severity").text();
    out += row_begin(show(event, "count", "id")) + "<td>" +
           time_tag(event.at("time_us").integer_or(0), "day") + "</td><td>" +
           tag(severity_css(severity), spaced(severity)) + "</td><td>" +
           escape_html(event.at("component").text()) + "</td><td class=\"wrap\">" +
           escape_html(event.at("message").text()) + "</td></tr>\n";
  }
  return out.empty() ? empty_row(4, trouble.empty() ? "Nothing was reported." : trouble) : out;
}

// "zmq_rawblock" to "ZMQ rawblock"
std::string source_name(const std::string& name) {
  std::string out = spaced(name);
  return out.rfind("Zmq", 0) == 0 ? "ZMQ" + out.substr(3) : out;
}

std::string tip_rows(const JsonView& tips) {
  std::string out;
  for (const auto& [name, source] : tips.members()) {
    out += "<tr><th scope=\"row\">" + escape_html(source_name(name)) + "</th><td class=\"num\">" +
           show(source, "count", "first") + "</td><td class=\"num\">" +
           show(source, "count", "heard") + "</td><td class=\"num\">" +
           show(source, "latency", "mean_lag_us") + "</td></tr>\n";
  }
  return out.empty() ? empty_row(4, "No tip yet.") : out;
}

// Counts by name, those without a case left out.
std::string count_rows(const JsonView& counts, std::string_view none) {
  std::string out;
  for (const auto& [name, count] : counts.members()) {
    if (count.integer_or(0) == 0) continue;
    out += "<tr><th scope=\"row\">" + escape_html(spaced(name)) + "</th><td class=\"num\">" +
           format_count(count_of(count)) + "</td></tr>\n";
  }
  return out.empty() ? empty_row(2, none) : out;
}

struct Parts {
  int all = 0;
  int well = 0;
};

Parts parts(const PageInput& in) {
  Parts out;
  const auto add = [&](bool well) {
    ++out.all;
    out.well += well ? 1 : 0;
  };
  const auto nodes = in.pool.at("nodes").items();
  const std::int64_t height = in.pool.at("height").integer_or(0);
  for (const JsonView& node : nodes) add(is_well(node, height));
  if (nodes.empty()) add(in.pool.at("node.connected").flag());
  add(in.pool.at("database.connected").flag());
  add(in.pool.at("journal.writable").flag());
  return out;
}

std::string sentence(const PageInput& in) {
  const Parts count = parts(in);
  std::string out = count.well == count.all
                        ? "<b>All " + std::to_string(count.all) + " parts</b> are well"
                        : "<b>" + std::to_string(count.all - count.well) + " of " +
                              std::to_string(count.all) + " parts</b> need somebody";
  return out + "; the pool is up for <b>" + live_figure(in, "duration", "uptime_seconds") + "</b>.";
}

struct Endpoint {
  std::string host;
  std::string port;
};

// Of "stratum+tcp://host:port"; an IPv6 address keeps its brackets.
Endpoint endpoint_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::string rest = scheme == std::string::npos ? url : url.substr(scheme + 3);
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string::npos) return {rest, ""};
  return {rest.substr(0, colon), rest.substr(colon + 1)};
}

}  // namespace

std::string status_rows(const PageInput& in) {
  return node_rows(in) + database_row(in) + journal_row(in);
}

std::string part_count_note(const PageInput& in) {
  const Parts count = parts(in);
  return std::to_string(count.all) + " parts, " +
         (count.well == count.all ? "all well" : std::to_string(count.well) + " well");
}

void fill_status(const PageInput& in, PageValues& out) {
  out["title"] = "Status: Phasepool";
  out["sentence"] = sentence(in);
  out["status_rows"] = status_rows(in);
  out["status_note"] = part_count_note(in);
  out["tip_rows"] = tip_rows(in.pool.at("tips"));
  const JsonView events = in.body("events");
  out["event_rows"] = event_rows(events, in.trouble("events"));
  const JsonView counts = in.pool.at("connection_counts").is_there()
                              ? in.pool.at("connection_counts")
                              : in.pool.at("stratum");
  out["close_rows"] = count_rows(counts.at("closes"), "None.");
  out["turned_away_rows"] = count_rows(counts.at("turned_away"), "None.");
  out["more"] = more_link("/status", "before", events.at("next"), "Older events");
}

void fill_connect(const PageInput& in, PageValues& out) {
  out["title"] = "Connect: Phasepool";
  const std::string tls = reachable_url(in.pool.at("stratum_tls").text(), in.request.host);
  out["tls"] = tls;
  out["has_tls"] = tls.empty() ? "hidden" : "";
  const Endpoint secure = endpoint_of(tls);
  out["tls_host"] = secure.host;
  out["tls_port"] = secure.port;
  // What pooler's cpuminer calls TLS.
  out["tls_tcps"] = tls.empty() ? "" : "stratum+tcps://" + secure.host + ":" + secure.port;
  const Endpoint plain = endpoint_of(out["stratum"]);
  out["host"] = plain.host;
  out["port"] = plain.port;
  out["host_port"] = plain.port.empty() ? plain.host : plain.host + ":" + plain.port;
  out["address_example"] = in.pool.at("network").text() == "regtest"   ? "bcrt1q\u2026youraddress"
                           : in.pool.at("network").text() == "mainnet" ? "bc1q\u2026youraddress"
                                                                       : "tb1q\u2026youraddress";
  const std::string minimum = show_with(in.pool, "sats", "payout.minimum_sats", "sats");
  out["minimum"] = in.pool.at("payout.minimum_sats").is_there()
                       ? "<span>paid from " + minimum + "</span>"
                       : std::string();
  out["has_coherence"] = in.pool.at("coherence.enabled").flag() ? "" : "hidden";
}

}  // namespace pool
