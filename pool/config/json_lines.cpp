#include "pool/config/json_lines.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <vector>

namespace pool {
namespace {

// Follows the reader through the text. A value's line is that of the reader when the value is
// reported: strings hold no raw newline, so it is the line the value begins on.
class Locator : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Locator> {
 public:
  Locator(std::string_view text, const rapidjson::MemoryStream& stream)
      : text_(text), stream_(stream) {}

  bool Default() { return add({}); }
  bool RawNumber(const char* digits, rapidjson::SizeType length, bool /*copy*/) {
    return add(std::string(digits, length));
  }
  bool StartObject() { return open(false); }
  bool StartArray() { return open(true); }
  bool EndObject(rapidjson::SizeType /*members*/) { return close(); }
  bool EndArray(rapidjson::SizeType /*elements*/) { return close(); }
  bool Key(const char* key, rapidjson::SizeType length, bool /*copy*/) {
    open_.back().key.assign(key, length);
    const std::string pointer = next_pointer();
    const auto [place, is_new] = lines_.try_emplace(pointer, JsonPlace{line(), {}});
    if (is_new) return true;
    return refuse(pointer + " is given twice (first on line " + std::to_string(place->second.line) +
                  ")");
  }

  JsonLines&& take() { return std::move(lines_); }
  const std::string& refusal() const { return refusal_; }
  int line() {
    const std::size_t offset = std::min(stream_.Tell(), text_.size());
    line_ +=
        static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                    text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
    counted_ = offset;
    return line_;
  }

 private:
  struct Open {
    std::string pointer;
    bool is_array = false;
    std::size_t next = 0;  // an array's
    std::string key;       // an object's
  };

  std::string next_pointer() {
    if (open_.empty()) return {};
    Open& parent = open_.back();
    return pointer_step(parent.pointer, parent.is_array ? std::to_string(parent.next) : parent.key);
  }
  bool add(std::string number) {
    const std::string pointer = next_pointer();
    if (!open_.empty() && open_.back().is_array) ++open_.back().next;
    // A key's line was noted when it was read; an array's element is noted here.
    JsonPlace& place = lines_.try_emplace(pointer, JsonPlace{line(), {}}).first->second;
    place.number = std::move(number);
    return true;
  }
  bool open(bool is_array) {
    if (open_.size() == json_depth_max) {
      return refuse("nested deeper than " + std::to_string(json_depth_max) + " levels");
    }
    std::string pointer = next_pointer();
    add({});
    open_.push_back(Open{std::move(pointer), is_array, 0, {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  bool refuse(std::string why) {
    refusal_ = std::move(why);
    return false;
  }

  const std::string_view text_;
  const rapidjson::MemoryStream& stream_;
  std::vector<Open> open_;
  JsonLines lines_;
  std::string refusal_;
  std::size_t counted_ = 0;
  int line_ = 1;
};

}  // namespace

std::string pointer_step(std::string_view parent, std::string_view key) {
  std::string out(parent);
  out += '/';
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

int line_at(std::string_view text, std::size_t offset) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(offset, text.size()));
  return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

base::Result<JsonLines, JsonTextError> locate_json(std::string_view text) {
  // The reader takes a zero byte for the end of the text: what follows would go unread.
  const std::size_t zero = text.find('\0');
  if (zero != std::string_view::npos) {
    return base::err(JsonTextError{line_at(text, zero), "not a text file: it holds a zero byte"});
  }
  rapidjson::MemoryStream stream(text.data(), text.size());
  Locator locator(text, stream);
  rapidjson::Reader reader;
  constexpr unsigned flags = rapidjson::kParseCommentsFlag | rapidjson::kParseIterativeFlag |
                             rapidjson::kParseNumbersAsStringsFlag |
                             rapidjson::kParseValidateEncodingFlag;
  if (reader.Parse<flags>(stream, locator)) return locator.take();
  if (!locator.refusal().empty()) {
    return base::err(JsonTextError{locator.line(), locator.refusal()});
  }
  return base::err(JsonTextError{
      line_at(text, reader.GetErrorOffset()),
      std::string("not valid JSON: ") + rapidjson::GetParseError_En(reader.GetParseErrorCode())});
}

}  // namespace pool
