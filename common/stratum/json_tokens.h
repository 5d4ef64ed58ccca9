// A line of JSON as a flat run of tokens: what codec_*.cpp reads requests and answers from.
//
// One pass over a copy of the line, no recursion, and for lines of ordinary size no allocation: the
// copy and the tokens live in a buffer inside the Document, which therefore belongs on the stack.
// Texts are views into that buffer, raws into the line; both must outlive the Values.
//
// Errors: not JSON, or nested deeper than depth_max. As not JSON count invalid UTF-8, control
//         characters, an escape for half of a surrogate pair, and a number beyond what a double
//         holds.
//         Of a key given twice the last wins.
// Thread: pure; one Document, one thread.
#pragma once

#include "common/base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

namespace stratum::json {

enum class JsonKind : std::uint8_t {
  missing,
  null,
  boolean_false,
  boolean_true,
  number,
  string,
  array,
  object,
  key
};
enum class JsonError { not_json, too_deep };

inline constexpr std::size_t depth_max = 8;

struct Token {
  JsonKind kind = JsonKind::missing;
  std::uint32_t next = 0;  // index of the first token after this one and what it holds
  std::string_view text;   // string, key: unescaped; number: as written
  std::string_view raw;    // as written, with brackets; a string's runs on to the line's end
};

// A token and what it holds; cheap to copy. A default Value is missing, and so is everything that
// is asked of a Value of another kind.
class Value {
 public:
  Value() = default;
  Value(const Token* first, const Token* self) : first_(first), self_(self) {}

  JsonKind kind() const { return self_ ? self_->kind : JsonKind::missing; }
  bool is(JsonKind wanted) const { return kind() == wanted; }
  bool is_missing_or_null() const { return is(JsonKind::missing) || is(JsonKind::null); }
  std::string_view text() const { return self_ ? self_->text : std::string_view(); }
  // As written, with quotes or brackets.
  std::string_view raw() const;

  // Elements of an array.
  std::size_t item_count() const;
  Value item(std::size_t index) const;
  Value member(std::string_view name) const;  // of an object

  // on_item(Value), in order.
  template <class OnItem>
  void for_each_item(OnItem&& on_item) const {
    if (!is(JsonKind::array)) return;
    for (const Token* at = self_ + 1; at != end(); at = first_ + at->next)
      on_item(Value(first_, at));
  }
  // on_member(std::string_view name, Value), in order, a repeated name each time.
  template <class OnMember>
  void for_each_member(OnMember&& on_member) const {
    if (!is(JsonKind::object)) return;
    for (const Token* at = self_ + 1; at != end(); at = first_ + (at + 1)->next) {
      on_member(at->text, Value(first_, at + 1));
    }
  }

 private:
  const Token* end() const { return first_ + self_->next; }
  const Token* first_ = nullptr;
  const Token* self_ = nullptr;
};

class Document {
 public:
  Document();
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // Once per Document. `json` must outlive it.
  [[nodiscard]] base::Result<Value, JsonError> parse(std::string_view json);

 private:
  friend class TokenBuilder;
  static constexpr std::size_t tokens_inline = 40;
  static constexpr std::size_t text_inline = 1024;
  alignas(Token) std::array<std::byte, tokens_inline * sizeof(Token) + text_inline> buffer_;
  std::pmr::monotonic_buffer_resource memory_;
  std::pmr::vector<Token> tokens_;
};

}  // namespace stratum::json
