#include "pool/config/config_schema.h"

#include "common/base/assert.h"
#include "pool/config/config.h"

#include <algorithm>
#include <optional>

namespace pool {

extern const std::string_view pool_schema_json;  // embedded at build time

std::string_view config_schema() { return pool_schema_json; }

const rapidjson::Document& schema_document() {
  static const rapidjson::Document document = [] {
    rapidjson::Document parsed;
    parsed.Parse(pool_schema_json.data(), pool_schema_json.size());
    ASSERT(!parsed.HasParseError());
    return parsed;
  }();
  return document;
}

std::vector<std::string> pointer_steps(std::string_view pointer) {
  std::vector<std::string> steps;
  for (std::size_t i = 0; i < pointer.size(); ++i) {
    if (pointer[i] == '/') {
      steps.emplace_back();
    } else if (!steps.empty() && pointer[i] == '~' && i + 1 < pointer.size()) {
      steps.back() += pointer[++i] == '1' ? '/' : '~';
    } else if (!steps.empty()) {
      steps.back() += pointer[i];
    }
  }
  return steps;
}

namespace {

constexpr std::size_t guessed_key_bytes_max = 64;

bool is_index(const std::string& step) {
  return !step.empty() && std::all_of(step.begin(), step.end(),
                                      [](unsigned char c) { return c >= '0' && c <= '9'; });
}

const rapidjson::Value* member(const rapidjson::Value& value, std::string_view name) {
  const auto found =
      value.FindMember(rapidjson::Value(rapidjson::StringRef(name.data(), name.size())));
  return found == value.MemberEnd() ? nullptr : &found->value;
}

std::string_view text_of(const rapidjson::Value& entry, std::string_view keyword) {
  const rapidjson::Value* text = member(entry, keyword);
  return text == nullptr ? std::string_view{}
                         : std::string_view(text->GetString(), text->GetStringLength());
}

// Edits between two short words; swapping two neighbours is one edit.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({replaced, d[i - 1][j] + 1, d[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::vector<std::string> keys_of(const rapidjson::Value& entry) {
  std::vector<std::string> keys;
  const rapidjson::Value* properties = member(entry, "properties");
  if (properties == nullptr) return keys;
  for (const auto& property : properties->GetObject()) {
    const std::string name = property.name.GetString();
    if (name != "$schema") keys.push_back(name);
  }
  return keys;
}

// Where else in the schema a key of this very name lives: "stratum.shards".
std::optional<std::string> home_of(const rapidjson::Value& entry, const std::string& path,
                                   const std::string& key) {
  const rapidjson::Value* properties = member(entry, "properties");
  if (properties == nullptr) return std::nullopt;
  for (const auto& property : properties->GetObject()) {
    const std::string here =
        path.empty() ? property.name.GetString() : path + "." + property.name.GetString();
    if (key == property.name.GetString()) return here;
    const rapidjson::Value* items = member(property.value, "items");
    if (auto found = items != nullptr ? home_of(*items, here + "[]", key)
                                      : home_of(property.value, here, key)) {
      return found;
    }
  }
  return std::nullopt;
}

std::string number_text(const rapidjson::Value& number) {
  if (number.IsInt64()) return std::to_string(number.GetInt64());
  if (number.IsUint64()) return std::to_string(number.GetUint64());
  return std::to_string(number.GetDouble());
}

std::string enum_text(const rapidjson::Value& values) {
  std::string out;
  for (rapidjson::SizeType i = 0; i < values.Size(); ++i) {
    if (i > 0) out += i + 1 == values.Size() ? " or " : ", ";
    out += std::string("\"") + values[i].GetString() + "\"";
  }
  return out;
}

}  // namespace

std::string readable_path(std::string_view pointer) {
  std::string out;
  for (const std::string& step : pointer_steps(pointer)) {
    if (is_index(step)) {
      out += "[" + step + "]";
    } else {
      out += out.empty() ? step : "." + step;
    }
  }
  return out;
}

const rapidjson::Value* schema_at(std::string_view pointer) {
  const rapidjson::Value* entry = &schema_document();
  for (const std::string& step : pointer_steps(pointer)) {
    const rapidjson::Value* properties = member(*entry, "properties");
    entry = properties != nullptr ? member(*properties, step) : member(*entry, "items");
    if (entry == nullptr) return nullptr;
  }
  return entry;
}

std::string expected_text(const rapidjson::Value& entry) {
  if (const std::string_view told = text_of(entry, "expected"); !told.empty()) {
    return std::string(told);
  }
  if (const rapidjson::Value* values = member(entry, "enum")) return enum_text(*values);
  const std::string_view type = text_of(entry, "type");
  if (type == "integer") {
    return "an integer from " + number_text(*member(entry, "minimum")) + " to " +
           number_text(*member(entry, "maximum"));
  }
  if (type == "boolean") return "true or false";
  if (type == "string") return "a string";
  if (type == "array") return "a list";
  return "an object in braces";
}

std::string hint_for_unknown_key(std::string_view pointer) {
  const std::size_t last = pointer.rfind('/');
  const std::string key = pointer_steps(pointer.substr(last)).front();
  const rapidjson::Value* parent = schema_at(pointer.substr(0, last));
  if (parent == nullptr) return {};
  const std::vector<std::string> known = keys_of(*parent);
  if (const auto home = home_of(schema_document(), {}, key)) return "did you mean " + *home + "?";
  if (key.size() <= guessed_key_bytes_max) {
    const auto nearest = std::min_element(known.begin(), known.end(),
                                          [&](const std::string& a, const std::string& b) {
                                            return distance(key, a) < distance(key, b);
                                          });
    if (nearest != known.end() &&
        distance(key, *nearest) <= std::max<std::size_t>(1, nearest->size() / 3)) {
      return "did you mean \"" + *nearest + "\"?";
    }
  }
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  return "known here: " + list;
}

}  // namespace pool
