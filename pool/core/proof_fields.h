// ProofFields: reads the members of a proof record's JSON object and remembers the first that is
// wrong. A record that is to be judged is read strictly: each member has the one form that it is
// written in.
//
// Units:  bytes are hex of their exact length; numerals and display hashes have their most
//         significant byte first.
// Errors: why() is empty, or one line: member, value, what was expected. What is read after the
//         first wrong one is unspecified.
// Thread: pure; one owner.
#pragma once

#include "common/base/bytes.h"
#include "common/base/u256.h"
#include "common/bitcoin/hash.h"
#include "common/stratum/json_tokens.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace pool {

class ProofFields {
 public:
  // `where` stands before each member's name in an error.
  explicit ProofFields(stratum::json::Value object, std::string where = {})
      : object_(object), where_(std::move(where)) {}

  void bytes(std::string_view name, std::span<std::uint8_t> out);
  // Any number of bytes up to `most`.
  base::Bytes bytes_up_to(std::string_view name, std::size_t most);
  // A numeral of the integer's full width.
  template <class Unsigned>
  void numeral(std::string_view name, Unsigned& out) {
    std::array<std::uint8_t, sizeof(Unsigned)> most_significant_first{};
    bytes(name, most_significant_first);
    out = 0;
    for (const std::uint8_t byte : most_significant_first) {
      out = static_cast<Unsigned>(out << 8 | byte);
    }
  }
  void numeral(std::string_view name, base::U256& out);
  void hash(std::string_view name, bitcoin::BlockHash& out);
  std::uint64_t integer(std::string_view name, std::uint64_t most);
  std::string text(std::string_view name, std::size_t bytes_max);
  stratum::json::Value list(std::string_view name, std::size_t items_max);
  void expect_text(std::string_view name, std::string_view expected);

  // Does nothing when something was wrong before.
  void wrong(std::string_view name, std::string_view expected);
  bool ok() const { return why_.empty(); }
  const std::string& why() const { return why_; }

 private:
  std::string_view hex_text(std::string_view name, std::size_t size);

  stratum::json::Value object_;
  std::string where_;
  std::string why_;
};

}  // namespace pool
