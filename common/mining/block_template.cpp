// parse_block_template: a getblocktemplate answer, read in one pass.
//
// A full mainnet answer has 8 MB, nearly all of it hex in "data". RapidJSON parses in place:
// strings are handed over where they lie, and each "data" is decoded straight to its place in the
// block.
#include "common/mining/block_template.h"

#include "common/mining/template_fields.h"

// The vector scan reads up to 15 bytes past a string, which only padded text allows. A
// namespace of its own keeps it apart from RapidJSON as the other files see it.
#define RAPIDJSON_NAMESPACE rapidjson_in_place
#if defined(__SSE2__)
#define RAPIDJSON_SSE2
#elif defined(__ARM_NEON)
#define RAPIDJSON_NEON
#endif
#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <cstring>
#include <memory>
#include <utility>

namespace mining {

namespace rj = rapidjson_in_place;

namespace {

constexpr std::size_t depth_max = 16;

// Where in the answer an event belongs. Everything else is passed over.
enum class Place { outside, top, rules, capabilities, transactions, transaction };

}  // namespace

// RapidJSON's events to TemplateReader's calls: keeps the place, and refuses what is too deep.
class TemplateEvents {
 public:
  explicit TemplateEvents(TemplateReader& reader) : reader_(reader) {}

  bool Null() { return scalar(JsonScalar{}); }
  bool Bool(bool) { return scalar(JsonScalar{JsonScalar::Kind::boolean, 0, {}}); }
  bool Int(int value) { return integer(value); }
  bool Uint(unsigned value) { return integer(value); }
  bool Int64(std::int64_t value) { return integer(value); }
  bool Uint64(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(INT64_MAX)) return Double(0);
    return integer(static_cast<std::int64_t>(value));
  }
  bool Double(double) { return scalar(JsonScalar{JsonScalar::Kind::other_number, 0, {}}); }
  bool RawNumber(const char*, rj::SizeType, bool) { return Double(0); }
  bool String(const char* text, rj::SizeType length, bool) {
    return scalar(JsonScalar{JsonScalar::Kind::string, 0, {text, length}});
  }
  bool Key(const char* text, rj::SizeType length, bool) {
    if (depth_ == 1 || place() == Place::transaction) key_ = {text, length};
    return true;
  }
  bool StartObject() {
    if (depth_ == 0) return enter(Place::top);
    if (place() == Place::transactions) {
      return reader_.begin_transaction() && enter(Place::transaction);
    }
    return container();
  }
  bool StartArray() {
    if (place() == Place::top && key_ == "transactions") {
      return reader_.begin_transactions() && enter(Place::transactions);
    }
    if (place() == Place::top && key_ == "rules") {
      reader_.begin_rules();
      return enter(Place::rules);
    }
    if (place() == Place::top && key_ == "capabilities") {
      reader_.begin_capabilities();
      return enter(Place::capabilities);
    }
    return container();
  }
  bool EndObject(rj::SizeType) {
    const bool was_transaction = place() == Place::transaction;
    --depth_;
    return !was_transaction || reader_.end_transaction();
  }
  bool EndArray(rj::SizeType) {
    --depth_;
    return true;
  }

 private:
  Place place() const { return depth_ == 0 ? Place::outside : places_[depth_ - 1]; }
  bool enter(Place place) {
    if (depth_ == depth_max) return reader_.fail("json", "it is nested too deeply");
    places_[depth_++] = place;
    return true;
  }
  // An array or object that we do not look into; in the place of a value we need, it is an error.
  bool container() {
    return scalar(JsonScalar{JsonScalar::Kind::container, 0, {}}) && enter(Place::outside);
  }
  bool integer(std::int64_t value) {
    return scalar(JsonScalar{JsonScalar::Kind::integer, value, {}});
  }
  bool scalar(const JsonScalar& value) {
    switch (place()) {
      case Place::top:
        return reader_.top_field(key_, value);
      case Place::transaction:
        return reader_.transaction_field(key_, value);
      case Place::rules:
        return reader_.rule(value);
      case Place::capabilities:
        reader_.capability(value);
        return true;
      case Place::transactions:
        return reader_.fail("transactions", "an entry is not an object");
      case Place::outside:
        break;
    }
    return depth_ > 0 || reader_.fail("json", "the answer is not an object");
  }

  TemplateReader& reader_;
  std::array<Place, depth_max> places_{};
  std::size_t depth_ = 0;
  std::string_view key_;  // of the object we are in, where we read it
};

base::Result<BlockTemplate, TemplateError> parse_block_template(std::string_view json) {
  const auto copy = std::make_unique_for_overwrite<char[]>(json.size() + json_padding_bytes);
  json.copy(copy.get(), json.size());
  return parse_block_template_in_place({copy.get(), json.size()});
}

base::Result<BlockTemplate, TemplateError> parse_block_template_in_place(std::span<char> json) {
  std::memset(json.data() + json.size(), 0, json_padding_bytes);  // its end, and for the scan
  TemplateReader reader(json.size());
  TemplateEvents events(reader);
  rj::Reader parser;
  rj::InsituStringStream stream(json.data());
  const auto result = parser.Parse<rj::kParseIterativeFlag | rj::kParseInsituFlag>(stream, events);
  if (result.IsError()) {
    if (result.Code() != rj::kParseErrorTermination) {
      reader.fail("json", "not valid at byte " + std::to_string(result.Offset()) + ": " +
                              rj::GetParseError_En(result.Code()));
    }
    return base::err(reader.take_error());
  }
  return reader.finish();
}

}  // namespace mining
