// TemplateReader: the fields of a getblocktemplate answer, one by one in any order, to a
// BlockTemplate. The JSON itself is block_template.cpp's; here are the rules for each field.
//
// Errors: every call returns false at the first field that is wrong; take_error() tells which.
// Thread: pure; one owner.
// Source: BIP22, BIP23, BIP9 (rules, vbrequired), BIP145 (txid, weight); Bitcoin Core,
//         rpc/mining.cpp; bcoin, lib/node/rpc.js.
#pragma once

#include "common/mining/block_template.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mining {

// One JSON value that is not looked into.
struct JsonScalar {
  enum class Kind : std::uint8_t { null, boolean, integer, other_number, string, container };
  Kind kind = Kind::null;
  std::int64_t integer = 0;
  std::string_view text;
};

class TemplateReader {
 public:
  // `json_bytes` is the answer's size: its transactions can't be more than half of it.
  explicit TemplateReader(std::size_t json_bytes);

  [[nodiscard]] bool top_field(std::string_view name, const JsonScalar& value);
  void begin_rules() { rules_given_ = true; }
  void begin_capabilities() { out_.takes_proposals = false; }
  void capability(const JsonScalar& value);
  [[nodiscard]] bool rule(const JsonScalar& value);
  [[nodiscard]] bool begin_transactions();
  [[nodiscard]] bool begin_transaction();
  [[nodiscard]] bool transaction_field(std::string_view name, const JsonScalar& value);
  [[nodiscard]] bool end_transaction();

  // Notes the error, if it is the first, and returns false.
  bool fail(std::string field, std::string why);
  TemplateError take_error() { return std::move(error_); }
  // The template, or what is missing.
  [[nodiscard]] base::Result<BlockTemplate, TemplateError> finish();

 private:
  bool read_integer(std::string_view name, const JsonScalar& value, std::int64_t least,
                    std::int64_t most, std::int64_t& out);
  bool read_u32(std::string_view name, const JsonScalar& value, std::uint32_t& out);
  bool read_hash(std::string_view name, const JsonScalar& value, bitcoin::Hash256& out);
  bool read_bits(const JsonScalar& value);
  bool read_version(const JsonScalar& value);
  bool read_commitment(const JsonScalar& value);
  bool read_signet_challenge(const JsonScalar& value);
  bool read_limit(std::string_view name, const JsonScalar& value,
                  std::optional<std::uint64_t>& out);
  bool read_expires(const JsonScalar& value);
  bool read_data(const JsonScalar& value);
  bool read_count(std::string_view name, const JsonScalar& value, std::int64_t most,
                  std::uint64_t& sum, bool& seen);
  bool wrong(std::string_view name, const JsonScalar& value, std::string_view expected);
  bool missing(std::string_view name) { return fail(std::string(name), "it is missing"); }
  // "bits", or "transactions[12].txid" inside a transaction.
  std::string path(std::string_view name) const;
  bool weigh_transaction();
  void note_witness();
  void settle_rules();
  void settle_limits();

  struct TransactionSeen {
    bool txid = false, hash = false, data = false, weight = false, fee = false, sigops = false;
    bitcoin::Hash256 wtxid;
    std::size_t data_begin = 0;
    std::size_t data_size = 0;
  };
  struct TopSeen {
    bool previousblockhash = false, version = false, bits = false, height = false, curtime = false,
         coinbasevalue = false, transactions = false;
  };

  const std::size_t json_bytes_;
  BlockTemplate out_;
  TemplateError error_;
  bool in_transaction_ = false;
  TransactionSeen transaction_;
  TopSeen top_;
  std::uint64_t fees_ = 0;
  bool rules_given_ = false;
  bool segwit_rule_ = false;
  bool signet_rule_ = false;               // mandatory
  std::optional<std::size_t> witness_at_;  // the first transaction that has one
  std::optional<std::uint64_t> weight_limit_;
  std::optional<std::uint64_t> sigop_limit_;
  std::optional<std::uint64_t> size_limit_;
  std::optional<std::int64_t> expires_;
};

}  // namespace mining
