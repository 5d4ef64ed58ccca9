#include "common/rpc/rpc_answer.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <cstring>

namespace rpc {

namespace {

constexpr std::size_t error_message_bytes_max = 300;

// Walks over JSON text without recursion, so that nesting costs no stack.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  void skip_space() {
    while (!at_end() && is_space(text_[at_])) ++at_;
  }
  // Skips white space, then takes `c` if it is next.
  bool take(char c) {
    skip_space();
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // The string's text between its quotes, escapes as they are; null when there is no string here.
  bool take_string(std::string_view& out) {
    if (!take('"')) return false;
    const std::size_t begin = at_;
    if (!skip_to_end_of_string()) return false;
    out = text_.substr(begin, at_ - 1 - begin);
    return true;
  }

  // Any value, as raw text.
  bool take_value(std::string_view& out) {
    skip_space();
    const std::size_t begin = at_;
    if (at_end() || !skip_value()) return false;
    out = text_.substr(begin, at_ - begin);
    return !out.empty();
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

  bool skip_value() {
    const char first = text_[at_];
    if (first == '"') {
      ++at_;
      return skip_to_end_of_string();
    }
    if (first == '{' || first == '[') return skip_nested();
    at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    return true;
  }

  bool skip_nested() {
    std::size_t depth = 0;
    while (!at_end()) {
      switch (text_[at_++]) {
        case '{':
        case '[':
          ++depth;
          break;
        case '}':
        case ']':
          if (--depth == 0) return true;
          break;
        case '"':
          if (!skip_to_end_of_string()) return false;
          break;
        default:
          break;
      }
    }
    return false;
  }

  // From inside a string to after its closing quote: the one with an even number of backslashes
  // before it. A template is mostly long hex strings, which memchr() passes at memory speed.
  bool skip_to_end_of_string() {
    const std::size_t begin = at_;
    while (!at_end()) {
      const void* found = std::memchr(text_.data() + at_, '"', text_.size() - at_);
      if (found == nullptr) return false;
      const auto quote = static_cast<std::size_t>(static_cast<const char*>(found) - text_.data());
      at_ = quote + 1;
      std::size_t backslashes = 0;
      while (quote - backslashes > begin && text_[quote - backslashes - 1] == '\\') ++backslashes;
      if (backslashes % 2 == 0) return true;
    }
    return false;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

bool read_members(Scanner& scanner, RpcAnswer& answer) {
  if (scanner.take('}')) return true;
  do {
    std::string_view key;
    std::string_view value;
    if (!scanner.take_string(key) || !scanner.take(':') || !scanner.take_value(value)) return false;
    if (key == "result") answer.result = value;
    if (key == "error") answer.error = value;
    if (key == "id") answer.id = value;
  } while (scanner.take(','));
  return scanner.take('}');
}

}  // namespace

base::Result<RpcAnswer, AnswerError> parse_answer(std::string_view body) {
  constexpr std::string_view absent = "null";
  RpcAnswer answer;
  Scanner scanner(body);
  if (!scanner.take('{') || !read_members(scanner, answer)) {
    return base::err(AnswerError::not_an_answer);
  }
  scanner.skip_space();
  const bool says_something = !answer.result.empty() || !answer.error.empty();
  if (!scanner.at_end() || !says_something) return base::err(AnswerError::not_an_answer);
  if (answer.result.empty()) answer.result = absent;
  if (answer.error.empty()) answer.error = absent;
  if (answer.id.empty()) answer.id = absent;
  return answer;
}

NodeError parse_node_error(std::string_view json) {
  NodeError error;
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) {
    error.message = one_line(json, error_message_bytes_max);
    return error;
  }
  const auto code = document.FindMember("code");
  if (code != document.MemberEnd() && code->value.IsInt()) error.code = code->value.GetInt();
  const auto message = document.FindMember("message");
  if (message != document.MemberEnd() && message->value.IsString()) {
    const std::string_view text(message->value.GetString(), message->value.GetStringLength());
    error.message = one_line(text, error_message_bytes_max);
  }
  return error;
}

std::string one_line(std::string_view text, std::size_t bytes_max) {
  const bool cut = text.size() > bytes_max;
  std::string line(text.substr(0, bytes_max));
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return cut ? line + "..." : line;
}

}  // namespace rpc
