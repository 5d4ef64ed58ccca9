#include "pool/http/live_json.h"

#include "pool/core/limits.h"
#include "pool/http/json_members.h"

#include <set>
#include <utility>

namespace pool {
namespace {

using rapidjson::Document;
using rapidjson::Value;

Value text_value(std::string_view text, Document& document) {
  const std::string clean = valid_utf8(text);
  return Value(clean.data(), static_cast<rapidjson::SizeType>(clean.size()),
               document.GetAllocator());
}

std::string name_of(const Value& worker) {
  if (!worker.IsObject()) return {};
  const auto name = worker.FindMember("name");
  if (name == worker.MemberEnd() || !name->value.IsString()) return {};
  return {name->value.GetString(), name->value.GetStringLength()};
}

Value* workers_of(Document& answer) {
  const auto found = answer.FindMember("workers");
  return found != answer.MemberEnd() && found->value.IsArray() ? &found->value : nullptr;
}

void set(Value& object, const char* name, Value value, Document& document) {
  const auto found = object.FindMember(name);
  if (found != object.MemberEnd()) {
    found->value = std::move(value);
    return;
  }
  object.AddMember(Value(name, document.GetAllocator()), std::move(value), document.GetAllocator());
}

Value live_value(const LiveWorker& worker, Document& document) {
  auto& memory = document.GetAllocator();
  Value out(rapidjson::kObjectType);
  out.AddMember("connections", Value(worker.connections), memory);
  out.AddMember("user_agent", text_value(worker.user_agent, document), memory);
  out.AddMember("difficulty", worker.difficulty ? Value(*worker.difficulty) : Value(), memory);
  out.AddMember("coherence", Value(worker.takes_coherence), memory);
  out.AddMember("connected_us", Value(worker.connected_us), memory);
  out.AddMember("last_share_us", worker.last_share_us ? Value(*worker.last_share_us) : Value(),
                memory);
  return out;
}

// Connected, without a share, and not in the table.
Value silent_value(const LiveWorkers& live, const std::set<std::string>& listed,
                   Document& document) {
  Value out(rapidjson::kArrayType);
  for (const auto& [name, worker] : live.silent) {
    if (listed.contains(name)) continue;
    Value entry(rapidjson::kObjectType);
    entry.AddMember("name", text_value(name, document), document.GetAllocator());
    entry.AddMember("live", live_value(worker, document), document.GetAllocator());
    out.PushBack(std::move(entry), document.GetAllocator());
  }
  return out;
}

}  // namespace

std::vector<std::string> worker_names(const Document& answer) {
  std::vector<std::string> names;
  if (!answer.IsObject()) return names;
  const auto found = answer.FindMember("workers");
  if (found == answer.MemberEnd() || !found->value.IsArray()) return names;
  for (const Value& worker : found->value.GetArray()) {
    if (names.size() == limits::live_names_asked_max) break;
    names.push_back(name_of(worker));
  }
  return names;
}

void add_live(Document& answer, const LiveWorkers& live) {
  std::set<std::string> listed;
  if (Value* workers = workers_of(answer)) {
    for (Value& worker : workers->GetArray()) {
      if (!worker.IsObject()) continue;
      const auto found = live.asked.find(name_of(worker));
      listed.insert(name_of(worker));
      set(worker, "live", found == live.asked.end() ? Value() : live_value(found->second, answer),
          answer);
    }
  }
  set(answer, "live_complete", Value(live.complete), answer);
  set(answer, "workers_online", live.complete ? Value(live.connected) : Value(), answer);
  set(answer, "silent_workers", silent_value(live, listed, answer), answer);
}

std::string new_miner_json(std::string_view address, std::int64_t now_us) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  const std::vector<int> none;
  const auto nothing = [](int) {};
  writer.StartObject();
  json.integer("time_us", now_us);
  json.text("address", address);
  json.null("first_seen_us");
  json.object("hashrate", [&] {
    for (const char* window : {"1m", "5m", "1h", "1d", "7d"}) json.number(window, 0);
  });
  for (const char* count : {"workers_total", "workers_1d", "shares_1d", "shares_total"})
    json.count(count, 0);
  json.text("work_total", "0");
  json.count("rejected_1d", 0);
  json.object("rejects_1d", [] {});
  json.number("best_share_difficulty", 0);
  json.array("best_shares", none, nothing);
  json.object("balance", [&] {
    for (const char* sats : {"balance_sats", "in_transit_sats", "paid_sats"}) json.integer(sats, 0);
    json.null("minimum_sats");
    for (const char* sum : {"payments", "earned_sats"}) json.integer(sum, 0);
  });
  json.array("pending", none, nothing);
  for (const char* unknown : {"pending_sats", "if_block_now", "round"}) json.null(unknown);
  for (const char* list : {"days", "payouts", "payments", "workers", "blocks"})
    json.array(list, none, nothing);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string new_workers_json(std::string_view address, std::string_view page,
                             std::string_view per_page, std::int64_t now_us) {
  std::string out = "{\"time_us\":" + std::to_string(now_us) + ",\"address\":\"";
  out.append(address).append("\",\"page\":").append(page);
  out.append(",\"per_page\":").append(per_page);
  return out + ",\"total\":0,\"next\":null,\"workers\":[]}";
}

std::string connected_note(const LiveWorkers& live) {
  if (!live.complete || live.connected == 0) return {};
  return live.connected == 1
             ? "1 worker of this address is connected"
             : std::to_string(live.connected) + " workers of this address are connected";
}

}  // namespace pool
