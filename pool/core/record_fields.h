// The fields of journal records, one by one: what the record codecs write and read with.
//
// Private to pool/core's record codecs.
// Thread: pure.
#pragma once

#include "common/base/bytes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

// Longer texts are cut when they are written: an event's four still fit one record.
inline constexpr std::size_t text_bytes_max = 8 * 1024;

inline void append_i64(base::Bytes& out, std::int64_t value) {
  base::append_le64(out, std::bit_cast<std::uint64_t>(value));
}

inline void append_double(base::Bytes& out, double value) {
  base::append_le64(out, std::bit_cast<std::uint64_t>(value));
}

inline void append_text(base::Bytes& out, std::string_view text) {
  text = text.substr(0, text_bytes_max);
  base::append_le16(out, static_cast<std::uint16_t>(text.size()));
  base::append(out, base::as_bytes(text));
}

// Whether it is there, in a byte; then the value, if it is.
template <class T, class Append>
void append_optional(base::Bytes& out, const std::optional<T>& value, Append&& append) {
  out.push_back(value ? 1 : 0);
  if (value) append(*value);
}

// Takes fields off the front of a payload. After the first field that is not there, ok() is false
// and everything reads as zero: callers check once, at the end.
class PayloadReader {
 public:
  explicit PayloadReader(base::ByteSpan bytes) : rest_(bytes) {}

  base::ByteSpan take(std::size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const base::ByteSpan taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  template <std::size_t N>
  void take_into(std::array<std::uint8_t, N>& out) {
    const base::ByteSpan taken = take(N);
    if (taken.size() == N) std::copy(taken.begin(), taken.end(), out.begin());
  }
  std::uint8_t u8() {
    const base::ByteSpan taken = take(1);
    return taken.empty() ? std::uint8_t{0} : taken[0];
  }
  std::uint16_t u16() {
    const base::ByteSpan taken = take(2);
    return taken.empty() ? std::uint16_t{0} : base::read_le16(taken);
  }
  std::uint32_t u32() {
    const base::ByteSpan taken = take(4);
    return taken.empty() ? 0 : base::read_le32(taken);
  }
  std::uint64_t u64() {
    const base::ByteSpan taken = take(8);
    return taken.empty() ? 0 : base::read_le64(taken);
  }
  std::int64_t i64() { return std::bit_cast<std::int64_t>(u64()); }
  double f64() { return std::bit_cast<double>(u64()); }
  // An enumeration whose enumerators run from 0 to `last`.
  template <class Enum>
  Enum enumerator(Enum last) {
    const std::uint8_t value = u8();
    if (value > static_cast<std::uint8_t>(last)) fail();
    return static_cast<Enum>(value);
  }
  // As append_optional() wrote it.
  template <class T, class Read>
  std::optional<T> optional(Read&& read) {
    const std::uint8_t there = u8();
    if (there > 1) fail();
    if (there != 1) return std::nullopt;
    return T(read());
  }
  std::string text() {
    const std::size_t size = u16();
    return std::string(base::as_text(take(size)));
  }
  // Every field was there and nothing is left over.
  bool ok() const { return ok_ && rest_.empty(); }
  void fail() { ok_ = false; }

 private:
  base::ByteSpan rest_;
  bool ok_ = true;
};

}  // namespace pool
