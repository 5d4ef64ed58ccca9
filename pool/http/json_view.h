// JsonView: a look into a JSON document that never fails: what is missing, null or of another kind
// is simply not there. The pages read the API's answers with it.
// Inner to pool/http: it names RapidJSON.
// Thread: pure; valid while the document is.
#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pool {

class JsonView {
 public:
  JsonView() = default;
  explicit JsonView(const rapidjson::Value& value) : value_(value.IsNull() ? nullptr : &value) {}

  bool is_there() const { return value_ != nullptr; }
  // A member of a member: "shares.accepted". (No name in the API holds a dot.)
  JsonView at(std::string_view path) const;

  std::optional<double> number() const;
  // A whole number that fits; 3.0 is none.
  std::optional<std::int64_t> integer() const;
  std::string text() const;  // empty: not there
  bool flag() const;         // false: not there
  std::vector<JsonView> items() const;
  std::vector<std::pair<std::string, JsonView>> members() const;

  double number_or(double other) const { return number().value_or(other); }
  std::int64_t integer_or(std::int64_t other) const { return integer().value_or(other); }

 private:
  const rapidjson::Value* value_ = nullptr;
};

// Decimal digits as a number, to a double's precision; nullopt where the view is no such text.
std::optional<double> decimal(const JsonView& view);

}  // namespace pool
