#include "pool/http/ckpool.h"

#include "pool/http/json_members.h"

#include <rapidjson/document.h>

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace pool {
namespace {

using rapidjson::Value;

constexpr double work_of_difficulty_1 = 4295032833.0;  // 2^256 / (0xffff * 2^208 + 1)
constexpr double percent = 100;

// The windows by their names there and their place in HashrateWindows.
struct Window {
  const char* name;
  std::size_t place;
};
constexpr std::array<Window, 7> windows{{{"hashrate1m", 0},
                                         {"hashrate5m", 1},
                                         {"hashrate15m", 2},
                                         {"hashrate1hr", 3},
                                         {"hashrate6hr", 4},
                                         {"hashrate1d", 5},
                                         {"hashrate7d", 6}}};
constexpr std::array<Window, 4> share_windows{
    {{"SPS1m", 0}, {"SPS5m", 1}, {"SPS15m", 2}, {"SPS1h", 3}}};

template <class Fill>
std::string line(const Fill& fill) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  fill(json);
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::uint64_t whole(double value) {
  return value >= 1 && value < 1.8e19 ? static_cast<std::uint64_t>(value) : 0;
}

double number_of(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found != object.MemberEnd() && found->value.IsNumber() ? found->value.GetDouble() : 0;
}

std::string text_of(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsString()) return {};
  return {found->value.GetString(), found->value.GetStringLength()};
}

// Decimal digits as they are, since they may be more than a double has.
void write_digits(JsonWriter& writer, const char* name, const std::string& digits) {
  writer.Key(name);
  const bool is_number =
      !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
  writer.RawValue(is_number ? digits.data() : "0", is_number ? digits.size() : 1,
                  rapidjson::kNumberType);
}

constexpr std::array<Window, 5> user_windows{{{"hashrate1m", 0},
                                              {"hashrate5m", 1},
                                              {"hashrate1hr", 2},
                                              {"hashrate1d", 3},
                                              {"hashrate7d", 4}}};
constexpr std::array<const char*, 5> rate_names{"1m", "5m", "1h", "1d", "7d"};
using Rates = std::array<double, 5>;

Rates rates_of(const Value& worker) {
  Rates rates{};
  const auto found = worker.FindMember("hashrate");
  if (found == worker.MemberEnd() || !found->value.IsObject()) return rates;
  for (std::size_t i = 0; i < rates.size(); ++i) rates[i] = number_of(found->value, rate_names[i]);
  return rates;
}

void write_rates(Members& json, const Rates& rates) {
  for (const Window& window : user_windows)
    json.text(window.name, ckpool_number(rates[window.place]));
}

struct Totals {
  Rates rates{};
  double best = 0;
  std::int64_t last_share = 0;
  std::int64_t workers = 0;  // with a share in the last day
};

Totals totals_of(const Value& workers, std::int64_t now_seconds) {
  constexpr std::int64_t day = 86'400;
  Totals totals;
  for (const Value& worker : workers.GetArray()) {
    if (!worker.IsObject()) continue;
    const Rates rates = rates_of(worker);
    for (std::size_t i = 0; i < rates.size(); ++i) totals.rates[i] += rates[i];
    totals.best = std::max(totals.best, number_of(worker, "best"));
    const auto last = static_cast<std::int64_t>(number_of(worker, "lastshare"));
    totals.last_share = std::max(totals.last_share, last);
    if (last > now_seconds - day) ++totals.workers;
  }
  return totals;
}

}  // namespace

std::string ckpool_number(double value) {
  constexpr std::array<char, 6> letters{'K', 'M', 'G', 'T', 'P', 'E'};
  if (!std::isfinite(value) || value < 1) return "0";
  if (value < 1000) return fmt::format("{}", static_cast<int>(value));
  std::size_t letter = 0;
  value /= 1000;
  // What would be shown as 1000 of a letter is one of the next.
  while (value >= 999.5 && letter + 1 < letters.size()) {
    value /= 1000;
    ++letter;
  }
  return fmt::format("{:.3g}{}", value, letters[letter]);
}

std::string ckpool_status(const PoolSnapshot& s) {
  const double accepted = s.work_accepted.to_double() / work_of_difficulty_1;
  const auto shares = static_cast<double>(s.shares_accepted);
  // What was refused had no difficulty: it counts with the mean of what was accepted.
  const double rejected =
      shares > 0 ? accepted / shares * static_cast<double>(s.shares_rejected()) : 0;
  std::string out = line([&](Members& json) {
    json.integer("runtime", s.uptime_seconds);
    json.integer("lastupdate", s.time_us / 1'000'000);
    json.count("Users", s.miners);
    json.count("Workers", s.workers);
    json.count("Idle", s.workers > s.connections ? 0 : s.connections - s.workers);
    json.count("Disconnected", 0);
  });
  out += line([&](Members& json) {
    for (const Window& window : windows)
      json.text(window.name, ckpool_number(s.hashrate[window.place]));
  });
  out += line([&](Members& json) {
    json.number("diff", s.round ? std::round(s.round->effort * percent * percent) / percent : 0);
    json.count("accepted", whole(accepted));
    json.count("rejected", whole(rejected));
    json.count("bestshare", whole(s.best_share_difficulty));
    for (const Window& window : share_windows) {
      const auto seconds =
          static_cast<double>(std::min<std::int64_t>(HashrateWindows::windows[window.place].count(),
                                                     std::max<std::int64_t>(s.uptime_seconds, 1)));
      const double rate = static_cast<double>(s.hashrate_shares[window.place]) / seconds;
      json.number(window.name, std::round(rate * 1000) / 1000);
    }
  });
  return out;
}

std::optional<std::string> ckpool_user(std::string_view text, std::int64_t now_seconds,
                                       std::optional<std::uint64_t> connected) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  if (document.HasParseError() || !document.IsObject()) return std::nullopt;
  const auto workers = document.FindMember("worker");
  if (workers == document.MemberEnd() || !workers->value.IsArray()) return std::nullopt;
  const Totals totals = totals_of(workers->value, now_seconds);
  const std::string address = text_of(document, "address");
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  write_rates(json, totals.rates);
  json.integer("lastshare", totals.last_share);
  json.count("workers", connected.value_or(static_cast<std::uint64_t>(totals.workers)));
  write_digits(writer, "shares", text_of(document, "shares"));
  json.number("bestshare", totals.best);
  json.count("bestever", whole(totals.best));
  json.integer("authorised", static_cast<std::int64_t>(number_of(document, "authorised")));
  json.array("worker", workers->value.GetArray(), [&](const Value& worker) {
    if (!worker.IsObject()) return;
    const std::string name = text_of(worker, "name");
    json.text("workername", name.empty() ? address : address + "." + name);
    write_rates(json, rates_of(worker));
    json.integer("lastshare", static_cast<std::int64_t>(number_of(worker, "lastshare")));
    write_digits(writer, "shares", text_of(worker, "shares"));
    json.number("bestshare", number_of(worker, "best"));
    json.count("bestever", whole(number_of(worker, "best")));
  });
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace pool
