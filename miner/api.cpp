#include "miner/api.h"

#include "miner/api_text.h"
#include "miner/text.h"
#include "miner/version.h"

#include <fmt/format.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace miner {
namespace {

constexpr std::string_view api_version = "3.7";
constexpr double mega = 1e6;
// Work of a difficulty-1 share in hashes, by which cgminer counts "Diff1" and work utility.
constexpr double hashes_per_diff1 = 4294967296.0;

double per_minute(double count, const Status& status) {
  return 60 * count / static_cast<double>(std::max<std::int64_t>(1, status.uptime.count()));
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

double average_mhs(std::uint64_t hashes, const Status& status) {
  return per_minute(static_cast<double>(hashes), status) / 60 / mega;
}

ApiReply version_reply() {
  return {{'S', 22, "phaseminer versions"},
          "VERSION",
          {{{"Phaseminer", program_version}, {"API", api_version}}}};
}

ApiReply config_reply(const Status& status) {
  return {{'S', 33, "phaseminer config"},
          "CONFIG",
          {{{"ASC Count", std::uint64_t{0}},
            {"PGA Count", std::uint64_t{0}},
            {"CPU Count", std::uint64_t{status.per_thread.size()}},
            {"Pool Count", std::uint64_t{status.pools.size()}},
            {"Strategy", "Failover"},
            {"Log Interval", std::uint64_t{10}},
            {"Device Code", "CPU "},
            {"OS", "Linux"},
            {"Hotplug", "None"},
            {"Kernel", status.kernel}}}};
}

ApiReply summary_reply(const Status& status) {
  const ClientCounters& c = status.counters;
  const std::uint64_t answered = c.accepted + c.rejected;
  return {{'S', 11, "Summary"},
          "SUMMARY",
          {{{"Elapsed", static_cast<std::uint64_t>(status.uptime.count())},
            {"MHS av", average_mhs(status.hashes, status)},
            {"MHS 5s", status.hash_rate / mega},
            {"Found Blocks", c.blocks_found},
            {"Getworks", c.jobs},
            {"Accepted", c.accepted},
            {"Rejected", c.rejected},
            {"Hardware Errors", status.wrong_proposals},
            {"Utility", per_minute(static_cast<double>(c.accepted), status)},
            {"Discarded", c.dropped_full + c.dropped_repeat},
            {"Stale", c.dropped_stale},
            {"Get Failures", status.reconnects},
            {"Remote Failures", c.unanswered_lost},
            {"Total MH", static_cast<double>(status.hashes) / mega},
            {"Work Utility", per_minute(c.difficulty_accepted, status)},
            {"Difficulty Accepted", c.difficulty_accepted},
            {"Best Share", c.best_share},
            {"Pool Rejected%", percent(c.rejected, answered)},
            {"Pool Stale%", percent(c.dropped_stale, answered + c.dropped_stale)}}}};
}

ApiReply devs_reply(const Status& status) {
  ApiReply reply{{'S', 9, fmt::format("{} CPU(s)", status.per_thread.size())}, "DEVS", {}};
  const bool alive = status.link == LinkState::mining;
  std::uint64_t number = 0;
  for (const ThreadStatus& thread : status.per_thread) {
    reply.sections.push_back(
        {{"CPU", number},
         {"Name", status.kernel},
         {"ID", number},
         {"Enabled", "Y"},
         {"Status", alive ? "Alive" : "NoStart"},
         {"MHS av", average_mhs(thread.hashes, status)},
         {"MHS 5s", thread.hash_rate / mega},
         {"Accepted", thread.accepted},
         {"Rejected", thread.rejected},
         {"Difficulty Accepted", thread.difficulty_accepted},
         {"Hardware Errors", thread.wrong_proposals},
         {"Total MH", static_cast<double>(thread.hashes) / mega},
         {"Device Elapsed", static_cast<std::uint64_t>(status.uptime.count())},
         {"Diff1 Work", static_cast<double>(thread.hashes) / hashes_per_diff1}});
    ++number;
  }
  if (reply.sections.empty()) reply.status = {'E', 10, "No CPUs"};
  return reply;
}

ApiReply pools_reply(const Status& status) {
  ApiReply reply{{'S', 7, fmt::format("{} Pool(s)", status.pools.size())}, "POOLS", {}};
  const bool connected =
      status.link == LinkState::mining || status.link == LinkState::waiting_for_job;
  std::uint64_t number = 0;
  for (const PoolStatus& pool : status.pools) {
    const bool active = pool.active && connected;
    reply.sections.push_back(
        {{"POOL", number},
         {"URL", pool.url},
         {"Status", active ? "Alive" : "Dead"},
         {"Priority", number},
         {"Quota", std::uint64_t{1}},
         {"Long Poll", "N"},
         {"Accepted", pool.accepted},
         {"Rejected", pool.rejected},
         {"User", pool.user},
         {"Difficulty Accepted", pool.difficulty_accepted},
         {"Has Stratum", true},
         {"Stratum Active", active},
         {"Stratum URL", active ? std::string_view(pool.url) : ""},
         {"Stratum Difficulty", active ? status.difficulty : 0.0},
         {"Pool Rejected%", percent(pool.rejected, pool.accepted + pool.rejected)}});
    ++number;
  }
  if (reply.sections.empty()) reply.status = {'E', 8, "No pools"};
  return reply;
}

constexpr std::string_view commands[] = {"version", "config", "summary", "devs", "pools"};
// What cgminer would do for those it lets.
constexpr std::string_view commands_that_change[] = {
    "addpool",     "ascdisable", "ascenable",     "ascset",     "debug",
    "disablepool", "enablepool", "failover-only", "hotplug",    "poolpriority",
    "poolquota",   "privileged", "quit",          "removepool", "restart",
    "save",        "setconfig",  "switchpool",    "zero"};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

ApiReply reply_to(std::string_view command, const Status& status) {
  if (command == "version") return version_reply();
  if (command == "config") return config_reply(status);
  if (command == "summary") return summary_reply(status);
  if (command == "devs") return devs_reply(status);
  if (command == "pools") return pools_reply(status);
  if (contains(commands_that_change, command)) {
    return {{'E', 45, fmt::format("Access denied to '{}' command", command)}, "", {}};
  }
  return {{'E', 14, "Invalid command"}, "", {}};
}

std::vector<std::string_view> split_commands(std::string_view joined) {
  std::vector<std::string_view> names;
  while (names.size() < api_commands_max) {
    const std::size_t plus = joined.find('+');
    names.push_back(joined.substr(0, plus));
    if (plus == std::string_view::npos) break;
    joined.remove_prefix(plus + 1);
  }
  return names;
}

std::string answer_joined(std::string_view joined, const ApiFacts& facts) {
  std::string json = "{";
  std::vector<std::string_view> done;
  for (const std::string_view name : split_commands(joined)) {
    if (contains(done, name)) continue;
    done.push_back(name);
    json += fmt::format("{}:[{}],", json_string(name),
                        api_json(reply_to(name, facts.status), facts.unix_seconds));
  }
  return json + "\"id\":1}";
}

std::string answer_json(std::string_view request, const ApiFacts& facts) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseStopWhenDoneFlag>(
      request.data(), request.size());
  if (document.HasParseError() || !document.IsObject()) {
    return api_json({{'E', 23, "Invalid JSON"}, "", {}}, facts.unix_seconds);
  }
  const auto command = document.FindMember("command");
  if (command == document.MemberEnd() || !command->value.IsString()) {
    return api_json({{'E', 24, "Missing JSON 'command'"}, "", {}}, facts.unix_seconds);
  }
  const std::string_view name(command->value.GetString(), command->value.GetStringLength());
  if (name.find('+') != std::string_view::npos) return answer_joined(name, facts);
  return api_json(reply_to(name, facts.status), facts.unix_seconds);
}

bool is_whole_json(std::string_view bytes) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseStopWhenDoneFlag>(bytes.data(),
                                                                                     bytes.size());
  return !document.HasParseError();
}

}  // namespace

std::optional<std::string_view> complete_api_request(std::string_view bytes) {
  using namespace std::string_view_literals;
  const std::size_t end = bytes.find_first_of("\r\n\0"sv);
  const std::string_view line = bytes.substr(0, end);
  if (bytes.starts_with('{')) {
    // A JSON text may have newlines in it.
    if (is_whole_json(bytes)) return bytes;
    return std::nullopt;
  }
  if (end != std::string_view::npos) return line;
  const std::string_view command = line.substr(0, line.find('|'));
  if (contains(commands, command)) return line;
  return std::nullopt;
}

std::string answer_api(std::string_view request, const ApiFacts& facts) {
  if (request.starts_with('{')) return answer_json(request, facts);
  const std::string_view command = request.substr(0, request.find('|'));
  if (command.find('+') != std::string_view::npos) return answer_joined(command, facts);
  return api_plain_text(reply_to(command, facts.status), facts.unix_seconds);
}

}  // namespace miner
