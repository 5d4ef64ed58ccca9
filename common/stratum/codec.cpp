#include "common/stratum/codec.h"

#include <algorithm>

namespace stratum {

std::string_view describe(ProtocolError error) {
  switch (error) {
    case ProtocolError::not_json:
      return "the line is not valid JSON";
    case ProtocolError::not_an_object:
      return "the line is not a JSON object";
    case ProtocolError::too_deep:
      return "the JSON is nested too deeply";
    case ProtocolError::bad_id:
      return "the id is an array, an object or too long";
    case ProtocolError::line_too_long:
      return "the line is too long";
    case ProtocolError::no_method:
      return "the request has no method";
  }
  return "unknown protocol error";
}

namespace {

// Reverses the bytes of each 32-bit word: its own inverse.
void swap_words(std::array<std::uint8_t, 32>& bytes) {
  for (auto word = bytes.begin(); word != bytes.end(); word += 4) std::reverse(word, word + 4);
}

}  // namespace

std::string prevhash_to_wire(const bitcoin::BlockHash& hash) {
  auto words = hash.bytes;
  swap_words(words);
  return base::to_hex(words);
}

bool prevhash_from_wire(std::string_view hex, bitcoin::BlockHash& out) {
  if (!base::decode_hex(hex, out.bytes)) return false;
  swap_words(out.bytes);
  return true;
}

}  // namespace stratum
