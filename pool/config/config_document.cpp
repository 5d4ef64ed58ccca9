#include "pool/config/config_document.h"

#include "common/base/assert.h"
#include "pool/config/config_environment.h"
#include "pool/config/config_schema.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/pointer.h>
#include <rapidjson/schema.h>
#include <rapidjson/stringbuffer.h>

namespace pool {
namespace {

using rapidjson::Value;

constexpr std::size_t shown_bytes_max = 60;

const Value* value_at(const rapidjson::Document& json, std::string_view pointer) {
  return rapidjson::Pointer(pointer.data(), pointer.size()).Get(json);
}

// In quotes, on one line, and short, whatever the file held.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text.substr(0, shown_bytes_max)) {
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out + (text.size() > shown_bytes_max ? "…\"" : "\"");
}

std::string shown(const Value& value, const std::string& number) {
  if (value.IsString()) return quoted({value.GetString(), value.GetStringLength()});
  if (value.IsNumber()) return number.substr(0, shown_bytes_max);
  if (value.IsBool()) return value.GetBool() ? "true" : "false";
  if (value.IsNull()) return "null";
  if (value.IsArray()) {
    return value.Empty() ? "an empty list" : "a list of " + std::to_string(value.Size());
  }
  return "an object";
}

// False where the file holds something else than an object or a list above `pointer`: the schema
// is to complain of that, so the environment must not paper over it.
bool can_hold(const rapidjson::Document& json, std::string_view pointer) {
  for (std::size_t at = pointer.rfind('/'); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : pointer.rfind('/', at - 1)) {
    const Value* parent = value_at(json, pointer.substr(0, at));
    if (parent != nullptr && !parent->IsObject() && !parent->IsArray()) return false;
  }
  return true;
}

}  // namespace

base::Result<ConfigDocument, ConfigError> ConfigDocument::parse(std::string_view text,
                                                                std::string_view file_name,
                                                                const GetEnv& getenv) {
  ConfigDocument document;
  document.file_name_ = file_name;
  if (auto parsed = document.parse_text(text); !parsed) return base::err(parsed.error());
  for (const EnvironmentValue& given : environment_values(getenv)) {
    if (!can_hold(document.json_, given.pointer)) continue;
    auto& allocator = document.json_.GetAllocator();
    rapidjson::Pointer(given.pointer.data(), given.pointer.size())
        .Set(document.json_, environment_json(given.text, *given.entry, allocator), allocator);
    document.variables_[given.pointer] = given.variable;
    document.env_numbers_[given.pointer] = given.text;
  }
  if (auto valid = document.validate(); !valid) return base::err(valid.error());
  return document;
}

base::Result<void, ConfigError> ConfigDocument::parse_text(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (text.substr(0, byte_order_mark.size()) == byte_order_mark) {
    text.remove_prefix(byte_order_mark.size());
  }
  auto lines = locate_json(text);
  if (!lines) {
    return base::err(ConfigError{
        {}, file_name_ + ":" + std::to_string(lines.error().line) + ": " + lines.error().why});
  }
  lines_ = std::move(*lines);
  rapidjson::MemoryStream stream(text.data(), text.size());
  constexpr unsigned flags = rapidjson::kParseCommentsFlag | rapidjson::kParseFullPrecisionFlag |
                             rapidjson::kParseIterativeFlag;
  json_.ParseStream<flags>(stream);
  // The pass above has read the same text, so this is not expected.
  if (json_.HasParseError()) {
    return base::err(ConfigError{{}, file_name_ + ": not valid JSON"});
  }
  return {};
}

base::Result<void, ConfigError> ConfigDocument::validate() const {
  const rapidjson::SchemaDocument schema(schema_document());
  rapidjson::SchemaValidator validator(schema);
  if (json_.Accept(validator)) return {};
  rapidjson::StringBuffer buffer;
  validator.GetInvalidDocumentPointer().Stringify(buffer);
  const std::string pointer(buffer.GetString(), buffer.GetSize());
  const std::string_view keyword = validator.GetInvalidSchemaKeyword();
  if (keyword == "additionalProperties") return base::err(complain_of_key(pointer));
  if (keyword == "required") return base::err(complain_of_missing(pointer));
  return base::err(complain_of_value(pointer));
}

std::string ConfigDocument::number_text(std::string_view pointer) const {
  if (const auto set = env_numbers_.find(pointer); set != env_numbers_.end()) return set->second;
  const auto place = lines_.find(pointer);
  return place == lines_.end() ? std::string{} : place->second.number;
}

// "pool.json:12", or the variable that gave the value. A place that nobody wrote is named by the
// nearest one around it.
std::string ConfigDocument::origin(std::string_view pointer) const {
  for (;;) {
    if (const auto set = variables_.find(pointer); set != variables_.end()) {
      return "environment " + set->second;
    }
    const auto place = lines_.find(pointer);
    if (place != lines_.end()) return file_name_ + ":" + std::to_string(place->second.line);
    if (pointer.empty()) return file_name_;
    pointer = pointer.substr(0, pointer.rfind('/'));
  }
}

ConfigError ConfigDocument::complain(std::string_view pointer, std::string_view what) const {
  const std::string path = readable_path(pointer);
  return ConfigError{
      std::string(pointer),
      origin(pointer) + ": " + (path.empty() ? "" : path + ": ") + std::string(what)};
}

ConfigError ConfigDocument::complain_of_value(std::string_view pointer) const {
  const Value* entry = schema_at(pointer);
  ASSERT(entry != nullptr);
  const Value* value = value_at(json_, pointer);
  const bool secret = entry->HasMember("secret");
  const std::string what =
      value == nullptr || secret ? "the value given" : shown(*value, number_text(pointer));
  return complain(pointer, what + " is not " + (*entry)["title"].GetString() + " (expected " +
                               expected_text(*entry) + ")");
}

ConfigError ConfigDocument::complain_of_key(std::string_view pointer) const {
  const std::string path = quoted(readable_path(pointer));
  return ConfigError{std::string(pointer), origin(pointer) + ": " +
                                               path.substr(1, path.size() - 2) + ": unknown key; " +
                                               hint_for_unknown_key(pointer)};
}

ConfigError ConfigDocument::complain_of_missing(std::string_view pointer) const {
  const Value* entry = schema_at(pointer);
  const Value* object = value_at(json_, pointer);
  ASSERT(entry != nullptr && object != nullptr);
  for (const Value& name : (*entry)["required"].GetArray()) {
    if (object->HasMember(name)) continue;
    const std::string key = pointer_step(pointer, name.GetString());
    return ConfigError{key, file_name_ + ": " + readable_path(key) + ": missing (expected " +
                                expected_text(*schema_at(key)) + ", here or in " +
                                environment_variable(key) + ")"};
  }
  return complain(pointer, "a key is missing");
}

}  // namespace pool
