#include "pool/config/config_environment.h"

#include "pool/config/config_schema.h"
#include "pool/config/json_lines.h"

namespace pool {
namespace {

using rapidjson::Value;

void collect(const Value& entry, const std::string& pointer, const GetEnv& getenv,
             std::vector<EnvironmentValue>& out) {
  if (entry.HasMember("properties")) {
    for (const auto& property : entry["properties"].GetObject()) {
      if (std::string_view(property.name.GetString()) == "$schema") continue;
      collect(property.value, pointer_step(pointer, property.name.GetString()), getenv, out);
    }
    return;
  }
  if (entry.HasMember("items") && entry["items"].HasMember("properties")) {
    for (unsigned i = 0; i < entry["maxItems"].GetUint(); ++i) {
      collect(entry["items"], pointer_step(pointer, std::to_string(i)), getenv, out);
    }
    return;
  }
  const std::string variable = environment_variable(pointer);
  if (auto text = getenv(variable)) {
    out.push_back(EnvironmentValue{variable, pointer, std::move(*text), &entry});
  }
}

Value string_json(std::string_view text, rapidjson::Document::AllocatorType& allocator) {
  return Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), allocator);
}

Value list_json(std::string_view text, rapidjson::Document::AllocatorType& allocator) {
  Value list(rapidjson::kArrayType);
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    list.PushBack(string_json(item, allocator), allocator);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
  }
  return list;
}

}  // namespace

std::string environment_variable(std::string_view pointer) {
  std::string out = "PHASEPOOL";
  for (const std::string& step : pointer_steps(pointer)) {
    out += '_';
    for (const char c : step) {
      out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return out;
}

std::vector<EnvironmentValue> environment_values(const GetEnv& getenv) {
  std::vector<EnvironmentValue> out;
  collect(schema_document(), {}, getenv, out);
  return out;
}

Value environment_json(std::string_view text, const Value& entry,
                       rapidjson::Document::AllocatorType& allocator) {
  const std::string_view type = entry["type"].GetString();
  if (type == "array") return list_json(text, allocator);
  if (type == "boolean" && (text == "true" || text == "1")) return Value(true);
  if (type == "boolean" && (text == "false" || text == "0")) return Value(false);
  if (type == "integer" || type == "number") {
    rapidjson::Document number;
    number.Parse(text.data(), text.size());
    if (!number.HasParseError() && number.IsNumber()) return Value(number, allocator);
  }
  return string_json(text, allocator);
}

}  // namespace pool
