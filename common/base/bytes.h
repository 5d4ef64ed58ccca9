// Byte buffers and their text forms: hex, fixed-width integers in a stated byte order.
//
// Errors: decoding is strict: [0-9a-fA-F] only, even length, no prefix, no white space.
// Thread: pure functions.
#pragma once

#include "common/base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace base {

using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;

enum class HexError { odd_length, wrong_length, not_hex };

// Lower case, two digits a byte, in the order of the bytes.
std::string to_hex(ByteSpan bytes);
void append_hex(std::string& out, ByteSpan bytes);
// Last byte first: the form in which Bitcoin software shows hashes.
std::string to_reversed_hex(ByteSpan bytes);

[[nodiscard]] Result<Bytes, HexError> from_hex(std::string_view hex);
// Exactly out.size() bytes, or an error and `out` is left in an unspecified state.
[[nodiscard]] Result<void, HexError> decode_hex(std::string_view hex, std::span<std::uint8_t> out);
// Appends the decoded bytes to `out`; on error `out` has its old size.
[[nodiscard]] Result<void, HexError> append_decoded_hex(std::string_view hex, Bytes& out);

// Eight lower-case digits of the integer, most significant first ("%08x").
std::string u32_hex(std::uint32_t value);
std::string u64_hex(std::uint64_t value);

// Fixed-width integers at the start of a span. REQUIRES: the span is long enough.
std::uint16_t read_le16(ByteSpan bytes);
std::uint32_t read_le32(ByteSpan bytes);
std::uint64_t read_le64(ByteSpan bytes);
std::uint32_t read_be32(ByteSpan bytes);
void write_le16(std::span<std::uint8_t> out, std::uint16_t value);
void write_le32(std::span<std::uint8_t> out, std::uint32_t value);
void write_le64(std::span<std::uint8_t> out, std::uint64_t value);
void write_be32(std::span<std::uint8_t> out, std::uint32_t value);

void append(Bytes& out, ByteSpan bytes);
void append_le16(Bytes& out, std::uint16_t value);
void append_le32(Bytes& out, std::uint32_t value);
void append_le64(Bytes& out, std::uint64_t value);

// The bytes of text, unchanged, and the reverse.
inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace base
