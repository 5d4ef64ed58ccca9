#include "common/stratum/json_tokens.h"

#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <cstring>

namespace stratum::json {

namespace rj = rapidjson;

// RapidJSON's events to tokens. Where a value began is not among what an event tells, so it is the
// first byte after the previous event's end that is not white space or punctuation.
class TokenBuilder : public rj::BaseReaderHandler<rj::UTF8<>, TokenBuilder> {
 public:
  TokenBuilder(Document& document, std::string_view json, const rj::MemoryStream& stream)
      : document_(document), json_(json), stream_(stream) {}

  bool too_deep() const { return too_deep_; }

  bool Null() { return add(JsonKind::null); }
  bool Bool(bool value) { return add(value ? JsonKind::boolean_true : JsonKind::boolean_false); }
  bool RawNumber(const char*, rj::SizeType, bool) {
    add(JsonKind::number);
    Token& token = document_.tokens_.back();
    token.text = token.raw;
    return true;
  }
  bool String(const char* text, rj::SizeType length, bool) {
    return add_text(JsonKind::string, {text, length});
  }
  bool Key(const char* text, rj::SizeType length, bool) {
    return add_text(JsonKind::key, {text, length});
  }
  bool StartObject() { return open(JsonKind::object); }
  bool StartArray() { return open(JsonKind::array); }
  bool EndObject(rj::SizeType) { return close(); }
  bool EndArray(rj::SizeType) { return close(); }

 private:
  bool add(JsonKind kind) {
    std::size_t begin = last_end_;
    while (begin < json_.size() && std::memchr(" \t\r\n:,", json_[begin], 6)) ++begin;
    last_end_ = stream_.Tell();
    Token token;
    token.kind = kind;
    token.next = static_cast<std::uint32_t>(document_.tokens_.size() + 1);
    token.raw = json_.substr(begin, last_end_ - begin);
    document_.tokens_.push_back(token);
    return true;
  }
  bool add_text(JsonKind kind, std::string_view text) {
    add(kind);
    Token& token = document_.tokens_.back();
    const std::string_view written = token.raw.substr(1, token.raw.size() - 2);
    if (written == text) {
      token.text = written;
    } else {  // it has escapes
      char* copy = static_cast<char*>(document_.memory_.allocate(text.size() + 1, 1));
      std::memcpy(copy, text.data(), text.size());
      token.text = {copy, text.size()};
    }
    return true;
  }
  bool open(JsonKind kind) {
    if (depth_ == depth_max) {
      too_deep_ = true;
      return false;
    }
    add(kind);
    last_end_ = stream_.Tell() + 1;  // the event comes before the bracket is taken
    open_[depth_++] = document_.tokens_.size() - 1;
    return true;
  }
  bool close() {
    Token& token = document_.tokens_[open_[--depth_]];
    last_end_ = stream_.Tell() + 1;
    token.next = static_cast<std::uint32_t>(document_.tokens_.size());
    const auto begin = static_cast<std::size_t>(token.raw.data() - json_.data());
    token.raw = json_.substr(begin, last_end_ - begin);
    return true;
  }

  Document& document_;
  const std::string_view json_;
  const rj::MemoryStream& stream_;
  std::array<std::size_t, depth_max> open_{};
  std::size_t depth_ = 0;
  std::size_t last_end_ = 0;
  bool too_deep_ = false;
};

Document::Document() : memory_(buffer_.data(), buffer_.size()), tokens_(&memory_) {
  tokens_.reserve(tokens_inline);
}

base::Result<Value, JsonError> Document::parse(std::string_view json) {
  // RapidJSON takes a NUL for the end of the text; whatever follows it would go unread.
  if (json.find('\0') != std::string_view::npos) return base::err(JsonError::not_json);
  using Allocator = rj::MemoryPoolAllocator<>;
  alignas(std::max_align_t) char scratch[2048];
  Allocator allocator(scratch, sizeof scratch);
  rj::GenericReader<rj::UTF8<>, rj::UTF8<>, Allocator> reader(&allocator);
  rj::MemoryStream stream(json.data(), json.size());
  TokenBuilder builder(*this, json, stream);
  constexpr unsigned flags =
      rj::kParseIterativeFlag | rj::kParseNumbersAsStringsFlag | rj::kParseValidateEncodingFlag;
  if (reader.Parse<flags>(stream, builder).IsError()) {
    return base::err(builder.too_deep() ? JsonError::too_deep : JsonError::not_json);
  }
  return Value(tokens_.data(), tokens_.data());
}

std::size_t Value::item_count() const {
  std::size_t count = 0;
  for_each_item([&](Value) { ++count; });
  return count;
}

Value Value::item(std::size_t index) const {
  if (!is(JsonKind::array)) return {};
  const Token* at = self_ + 1;
  while (at != end() && index > 0) {
    at = first_ + at->next;
    --index;
  }
  return at == end() ? Value() : Value(first_, at);
}

Value Value::member(std::string_view name) const {
  Value found;
  for_each_member([&](std::string_view key, Value value) {
    if (key == name) found = value;
  });
  return found;
}

}  // namespace stratum::json
