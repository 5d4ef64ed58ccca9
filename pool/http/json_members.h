// Members: JSON objects as lists of members; and what JSON needs of a text.
// Inner to pool/http: it names RapidJSON.
// Thread: pure.
#pragma once

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

using JsonWriter = rapidjson::Writer<rapidjson::StringBuffer>;

// The text with U+FFFD in place of every byte that is not UTF-8 (RFC 3629).
std::string valid_utf8(std::string_view text);

// A name with a value of any kind; keeps the functions below down to lists of members.
class Members {
 public:
  explicit Members(JsonWriter& writer) : writer_(writer) {}

  void text(std::string_view name, std::string_view value) {
    key(name);
    // Names and errors come from peers and nodes; bytes that are not UTF-8 would spoil the
    // document.
    const std::string clean = valid_utf8(value);
    writer_.String(clean.data(), static_cast<rapidjson::SizeType>(clean.size()));
  }
  void text_or_null(std::string_view name, std::string_view value) {
    if (value.empty()) return null(name);
    text(name, value);
  }
  void count(std::string_view name, std::uint64_t value) {
    key(name);
    writer_.Uint64(value);
  }
  void integer(std::string_view name, std::int64_t value) {
    key(name);
    writer_.Int64(value);
  }
  void number(std::string_view name, double value) {
    if (!std::isfinite(value)) return null(name);  // JSON has no other way to say it
    key(name);
    writer_.Double(value);
  }
  void integer_or_null(std::string_view name, std::optional<std::int64_t> value) {
    if (!value) return null(name);
    integer(name, *value);
  }
  void number_or_null(std::string_view name, std::optional<double> value) {
    if (!value) return null(name);
    number(name, *value);
  }
  void flag(std::string_view name, bool value) {
    key(name);
    writer_.Bool(value);
  }
  void null(std::string_view name) {
    key(name);
    writer_.Null();
  }
  template <class Fill>
  void object(std::string_view name, const Fill& fill) {
    key(name);
    writer_.StartObject();
    fill();
    writer_.EndObject();
  }

  // An object for each of the items.
  template <class Items, class Fill>
  void array(std::string_view name, const Items& items, const Fill& fill) {
    key(name);
    writer_.StartArray();
    for (const auto& item : items) {
      writer_.StartObject();
      fill(item);
      writer_.EndObject();
    }
    writer_.EndArray();
  }

 private:
  void key(std::string_view name) {
    writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  }
  JsonWriter& writer_;
};

}  // namespace pool
