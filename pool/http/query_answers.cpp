#include "pool/http/query_answers.h"

#include "pool/http/format.h"

#include <rapidjson/document.h>

namespace pool {
namespace {

using rapidjson::Value;

std::string text_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsString()) return {};
  return {found->value.GetString(), found->value.GetStringLength()};
}

double number_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found != object.MemberEnd() && found->value.IsNumber() ? found->value.GetDouble() : 0;
}

std::int64_t integer_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found != object.MemberEnd() && found->value.IsInt64() ? found->value.GetInt64() : 0;
}

std::optional<std::int64_t> optional_integer_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsInt64()) return std::nullopt;
  return found->value.GetInt64();
}

std::vector<BlockAnswer> block_answers(const Value& object) {
  std::vector<BlockAnswer> answers;
  const auto list = object.FindMember("submissions");
  if (list == object.MemberEnd() || !list->value.IsArray()) return answers;
  for (const Value& item : list->value.GetArray()) {
    if (!item.IsObject()) continue;
    answers.push_back({text_member(item, "node"), text_member(item, "answer"),
                       text_member(item, "detail"),
                       parse_utc(text_member(item, "time")).value_or(0)});
  }
  return answers;
}

std::optional<double> optional_number_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsNumber()) return std::nullopt;
  return found->value.GetDouble();
}

// Null where it is no object.
const Value* object_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found != object.MemberEnd() && found->value.IsObject() ? &found->value : nullptr;
}

BlockRow block_row(const Value& object) {
  BlockRow row;
  const std::int64_t height = integer_member(object, "height");
  row.height = height >= 0 && height <= 0xffffffffLL ? static_cast<std::uint32_t>(height) : 0;
  row.hash = text_member(object, "hash");
  row.status = text_member(object, "status");
  row.detail = text_member(object, "detail");
  row.time_us = parse_utc(text_member(object, "time")).value_or(0);
  row.address = text_member(object, "address");
  row.worker = text_member(object, "worker");
  row.reward_sats = integer_member(object, "reward_sats");
  row.network_difficulty = number_member(object, "network_difficulty");
  row.share_difficulty = number_member(object, "share_difficulty");
  row.state = text_member(object, "state");
  row.confirmations = optional_integer_member(object, "confirmations");
  row.matures_in = optional_integer_member(object, "matures_in");
  row.answers = block_answers(object);
  return row;
}

}  // namespace

std::optional<std::vector<BlockRow>> parse_blocks(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsArray()) return std::nullopt;
  std::vector<BlockRow> rows;
  for (const Value& item : document.GetArray()) {
    if (!item.IsObject()) return std::nullopt;
    rows.push_back(block_row(item));
  }
  return rows;
}

std::optional<std::map<std::string, std::uint64_t>> parse_blocks_by_status(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) return std::nullopt;
  const auto list = document.FindMember("blocks");
  if (list == document.MemberEnd() || !list->value.IsObject()) return std::nullopt;
  std::map<std::string, std::uint64_t> out;
  for (const auto& member : list->value.GetObject()) {
    if (!member.value.IsUint64()) return std::nullopt;
    out[member.name.GetString()] = member.value.GetUint64();
  }
  return out;
}

namespace {

std::uint64_t count_member(const Value& object, const char* name) {
  const std::int64_t value = integer_member(object, name);
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

RoundFigures round_figures(const Value& object) {
  RoundFigures round;
  round.began_us = optional_integer_member(object, "began_us");
  round.shares = count_member(object, "shares");
  round.work = text_member(object, "work");
  round.network_work = text_member(object, "network_work");
  round.effort = number_member(object, "effort");
  const auto exact = object.FindMember("exact");
  round.exact = exact != object.MemberEnd() && exact->value.IsTrue();
  return round;
}

BlockBrief block_brief(const Value& object) {
  BlockBrief block;
  block.height = static_cast<std::uint32_t>(count_member(object, "height"));
  block.hash = text_member(object, "hash");
  block.time_us = integer_member(object, "time_us");
  block.status = text_member(object, "status");
  block.effort = optional_number_member(object, "effort");
  return block;
}

std::optional<LuckFigures> luck_figures(const Value& answer, const char* name) {
  const Value* object = object_member(answer, name);
  if (object == nullptr) return std::nullopt;
  return LuckFigures{count_member(*object, "blocks"), number_member(*object, "expected"),
                     optional_number_member(*object, "luck")};
}

}  // namespace

std::optional<RoundAnswer> parse_round(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) return std::nullopt;
  RoundAnswer answer;
  if (const Value* round = object_member(document, "round")) answer.round = round_figures(*round);
  if (const Value* block = object_member(document, "last_block"))
    answer.last_block = block_brief(*block);
  return answer;
}

std::optional<LuckAnswer> parse_luck(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) return std::nullopt;
  return LuckAnswer{luck_figures(document, "last_10"), luck_figures(document, "last_100")};
}

}  // namespace pool
