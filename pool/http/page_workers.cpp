#include "pool/http/page_workers.h"

#include "pool/http/format.h"

#include <algorithm>

namespace pool {
namespace {

constexpr double reject_part_to_mind = 0.02;       // of a worker's shares: then it needs somebody
constexpr double submits_to_judge = 20;            // fewer say nothing of that part
constexpr std::int64_t silence_to_mind = 15 * 60;  // seconds without a share

double reject_part(const JsonView& worker) {
  const double rejected = worker.at("rejected_1d").number_or(0);
  const double all = rejected + worker.at("shares_1d").number_or(0);
  return all >= submits_to_judge ? rejected / all : 0;
}

// Its last share; 0: none is known.
std::int64_t last_share_us(const JsonView& worker) {
  const auto live = worker.at("live.last_share_us").integer();
  const auto stored = worker.at("last_share_us").integer();
  return std::max(live.value_or(0), stored.value_or(0));
}

std::int64_t seconds_since(std::int64_t at_us, std::int64_t now_us) {
  return std::max<std::int64_t>((now_us - at_us) / 1'000'000, 0);
}

WorkerHealth connected_health(const JsonView& worker, std::int64_t now_us) {
  if (reject_part(worker) > reject_part_to_mind) {
    return {"warn", "Rejects " + format_percent(reject_part(worker), 1)};
  }
  const std::int64_t last_us = last_share_us(worker);
  const std::int64_t since_us = worker.at("live.connected_us").integer_or(0);
  const std::int64_t silent = seconds_since(std::max(last_us, since_us), now_us);
  if (silent > silence_to_mind) return {"warn", "Silent " + format_duration(silent)};
  const bool had_share = last_us > 0 && seconds_since(last_us, now_us) <= silence_to_mind;
  if (!had_share) return {"part", "No share yet"};
  return {"", "Well"};
}

}  // namespace

WorkerHealth worker_health(const JsonView& worker, bool live_known, std::int64_t now_us) {
  if (worker.at("live").is_there()) return connected_health(worker, now_us);
  const std::int64_t last_us = last_share_us(worker);
  const std::int64_t silent = seconds_since(last_us, now_us);
  if (!live_known && last_us > 0 && silent <= silence_to_mind) {
    return connected_health(worker, now_us);
  }
  return {"off", last_us > 0 ? "Offline " + format_duration(silent) : std::string("Offline")};
}

RateUnit table_unit(const std::vector<JsonView>& rows) {
  double largest = 0;
  for (const JsonView& row : rows) {
    for (const auto& [window, rate] : row.at("hashrate").members()) {
      largest = std::max(largest, rate.number_or(0));
    }
  }
  return rate_unit(largest);
}

std::string rate_cells(const JsonView& row, const std::vector<std::string_view>& windows,
                       const RateUnit& unit) {
  std::string out;
  for (const std::string_view window : windows) {
    const auto rate = row.at("hashrate").at(window).number();
    out += "<td class=\"num\">" + in_unit(rate, unit) + "</td>";
  }
  return out;
}

namespace {

// "Connected for 3 h, by 2 connections"; also what takes both kinds of work says so.
std::string since_when(const JsonView& live, std::int64_t now_us) {
  const auto since = live.at("connected_us").integer();
  if (!since) return {};
  std::string out = "Connected for " + format_duration(seconds_since(*since, now_us));
  const std::uint64_t connections = count_of(live.at("connections"));
  if (connections > 1) out += ", by " + plural(connections, "connection");
  if (live.at("coherence").flag()) out += "; takes coherence work";
  return out;
}

std::string worker_row(const JsonView& worker, const RateUnit& unit, bool live_known,
                       std::int64_t now_us) {
  const std::string name = worker.at("name").text();
  const WorkerHealth state = worker_health(worker, live_known, now_us);
  const double part = reject_part(worker);
  const std::int64_t last_us = last_share_us(worker);
  const std::string agent = escape_html(worker.at("live.user_agent").text());
  const double all = worker.at("rejected_1d").number_or(0) + worker.at("shares_1d").number_or(0);
  std::string out = row_begin("worker " + name) + "<th scope=\"row\">" +
                    (name.empty() ? "<span class=\"faint\">no name</span>" : escape_html(name)) +
                    "</th><td>" +
                    tag(state.css, state.word, since_when(worker.at("live"), now_us)) + "</td>";
  out += rate_cells(worker, {"5m", "1h", "1d"}, unit);
  // Of one that never had a share there is no history to ask for.
  out += worker.at("last_share_us").is_there()
             ? "<td><svg class=\"spark needs-js\" data-own=\"spark\" data-spark=\"" +
                   escape_html(name) + "\" aria-hidden=\"true\"></svg></td>"
             : "<td></td>";
  out += "<td class=\"num" + std::string(part > reject_part_to_mind ? " warn-ink" : "") + "\">" +
         escape_html(format_percent(part, all > 0 ? 1 : 0)) + "</td><td class=\"num\">" +
         show(worker, "count", "shares_1d") + "</td><td class=\"num\">" +
         show(worker, "difficulty", "live.difficulty") + "</td><td class=\"num\">" +
         show(worker, "difficulty", "best_share_difficulty") + "</td><td class=\"num age\">" +
         (last_us > 0 ? format_duration(seconds_since(last_us, now_us))
                      : std::string(unknown_figure)) +
         "</td><td class=\"faint\"><span class=\"cut agent\" title=\"" + agent + "\">" + agent +
         "</span></td></tr>\n";
  return out;
}

std::string workers_foot(const JsonView& miner, const RateUnit& unit) {
  const double rejected = miner.at("rejected_1d").number_or(0);
  const double all = rejected + miner.at("shares_1d").number_or(0);
  return "<tr><th scope=\"row\">" + plural(count_of(miner.at("workers_total")), "worker") +
         "</th><td></td>" + rate_cells(miner, {"5m", "1h", "1d"}, unit) +
         "<td></td><td class=\"num\">" + escape_html(format_percent(rejected, all)) +
         "</td><td class=\"num\">" + show(miner, "count", "shares_1d") +
         "</td><td></td><td class=\"num\">" + show(miner, "difficulty", "best_share_difficulty") +
         "</td><td></td><td></td></tr>\n";
}

}  // namespace

void fill_workers(const JsonView& miner, std::int64_t now_us, PageValues& out) {
  const auto workers = miner.at("workers").items();
  std::vector<JsonView> rows = workers;
  rows.push_back(miner);  // its foot has the sums
  const RateUnit unit = table_unit(rows);
  out["worker_unit"] = unit.name;
  std::string& all = out["worker_rows"];
  all.clear();
  const bool live_known = miner.at("live_complete").flag();
  for (const JsonView& worker : workers) all += worker_row(worker, unit, live_known, now_us);
  for (const JsonView& worker : miner.at("silent_workers").items())
    all += worker_row(worker, unit, live_known, now_us);
  if (all.empty()) all = empty_row(12, "No worker mined in the last day, and none is connected.");
  out["workers_foot"] = workers_foot(miner, unit);
}

}  // namespace pool
