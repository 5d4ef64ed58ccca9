#include "common/stratum/json_tokens.h"

#include "common/stratum/json_text.h"

// The vector scan reads up to 15 bytes past a string, which only this file's padded copy allows. A
// namespace of its own keeps it apart from RapidJSON as the other files see it.
#define RAPIDJSON_NAMESPACE rapidjson_tokens
#if defined(__SSE2__)
#define RAPIDJSON_SSE2
#elif defined(__ARM_NEON)
#define RAPIDJSON_NEON
#endif
#include <rapidjson/reader.h>

#include <cstring>

namespace stratum::json {

namespace rj = rapidjson_tokens;

namespace {

constexpr std::size_t scan_padding = 32;

}  // namespace

// RapidJSON's events to tokens. The copy it parses in place and the line have the same offsets, so
// a value's place in the copy is its place in the line.
class TokenBuilder {
 public:
  TokenBuilder(Document& document, std::string_view json, const char* copy,
               rj::InsituStringStream& stream)
      : document_(document),
        json_(json),
        has_escapes_(json.find('\\') != std::string_view::npos),
        copy_(copy),
        stream_(stream) {}

  bool too_deep() const { return too_deep_; }

  // A literal's event comes when it has been taken; a bracket's before.
  bool Null() { return add(JsonKind::null, stream_.Tell() - 4, 4); }
  bool Bool(bool value) {
    return value ? add(JsonKind::boolean_true, stream_.Tell() - 4, 4)
                 : add(JsonKind::boolean_false, stream_.Tell() - 5, 5);
  }
  bool RawNumber(const char* text, rj::SizeType length, bool) {
    add(JsonKind::number, static_cast<std::size_t>(text - copy_), length);
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
  // Never called: every number comes raw.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

 private:
  bool add(JsonKind kind, std::size_t begin, std::size_t length) {
    const auto next = static_cast<std::uint32_t>(document_.tokens_.size() + 1);
    document_.tokens_.push_back({kind, next, {}, json_.substr(begin, length)});
    return true;
  }
  bool add_text(JsonKind kind, std::string_view text) {
    // RapidJSON takes an escaped low surrogate without its high one, which UTF-8 can't write.
    if (has_escapes_ && !is_utf8(text)) return false;
    const auto quote = static_cast<std::size_t>(text.data() - copy_) - 1;
    add(kind, quote, std::string_view::npos);
    document_.tokens_.back().text = text;
    return true;
  }
  bool open(JsonKind kind) {
    if (depth_ == depth_max) {
      too_deep_ = true;
      return false;
    }
    open_[depth_++] = document_.tokens_.size();
    return add(kind, stream_.Tell(), 1);
  }
  bool close() {
    Token& token = document_.tokens_[open_[--depth_]];
    token.next = static_cast<std::uint32_t>(document_.tokens_.size());
    const auto begin = static_cast<std::size_t>(token.raw.data() - json_.data());
    token.raw = json_.substr(begin, stream_.Tell() + 1 - begin);
    return true;
  }

  Document& document_;
  const std::string_view json_;
  const bool has_escapes_;
  const char* const copy_;
  rj::InsituStringStream& stream_;
  std::array<std::size_t, depth_max> open_{};
  std::size_t depth_ = 0;
  bool too_deep_ = false;
};

Document::Document() : memory_(buffer_.data(), buffer_.size()), tokens_(&memory_) {
  tokens_.reserve(tokens_inline);
}

base::Result<Value, JsonError> Document::parse(std::string_view json) {
  // RapidJSON takes a NUL for the end of the text, so that whatever follows it would go unread, and
  // its vector scan passes over 0x1a to 0x1f in a string.
  if (has_control(json) || !is_utf8(json)) return base::err(JsonError::not_json);
  char* copy = static_cast<char*>(memory_.allocate(json.size() + scan_padding, 1));
  json.copy(copy, json.size());
  std::memset(copy + json.size(), 0, scan_padding);

  using Allocator = rj::MemoryPoolAllocator<>;
  alignas(std::max_align_t) char scratch[512];
  Allocator allocator(scratch, sizeof scratch);
  rj::GenericReader<rj::UTF8<>, rj::UTF8<>, Allocator> reader(&allocator, 128);
  rj::InsituStringStream stream(copy);
  TokenBuilder builder(*this, json, copy, stream);
  constexpr unsigned flags =
      rj::kParseIterativeFlag | rj::kParseInsituFlag | rj::kParseNumbersAsStringsFlag;
  if (reader.Parse<flags>(stream, builder).IsError()) {
    return base::err(builder.too_deep() ? JsonError::too_deep : JsonError::not_json);
  }
  return Value(tokens_.data(), tokens_.data());
}

std::string_view Value::raw() const {
  if (self_ == nullptr) return {};
  const std::string_view raw = self_->raw;
  if (!is(JsonKind::string) && !is(JsonKind::key)) return raw;
  std::size_t end = 1;
  while (raw[end] != '"') end += raw[end] == '\\' ? 2 : 1;
  return raw.substr(0, end + 1);
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
