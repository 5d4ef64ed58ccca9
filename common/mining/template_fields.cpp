#include "common/mining/template_fields.h"

#include "common/bitcoin/transaction.h"
#include "common/mining/template_network.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace mining {

namespace {

constexpr std::int64_t block_weight_max = 4'000'000;  // BIP141
constexpr std::int64_t block_sigops_max = 80'000;     // BIP141
constexpr std::int64_t block_bytes_max = 4'000'000;   // by the weight
constexpr std::int64_t old_block_sigops_max = 20'000;
constexpr std::int64_t old_block_bytes_max = 1'000'000;
// What a node may list, which a real one does by the handful.
constexpr std::size_t rules_max = 64;
constexpr std::size_t rule_bytes_max = 64;
constexpr std::size_t script_bytes_max = 10'000;
constexpr std::int64_t u32_max = std::numeric_limits<std::uint32_t>::max();

// Rules that a block builder need not do anything for, or that we obey.
constexpr std::array known_rules{std::string_view("csv"), std::string_view("segwit"),
                                 std::string_view("signet"), std::string_view("taproot")};

std::string shown(const JsonScalar& value) {
  using Kind = JsonScalar::Kind;
  switch (value.kind) {
    case Kind::null:
      return "null";
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
      return std::to_string(value.integer);
    case Kind::other_number:
      return "a number that is no 64-bit integer";
    case Kind::container:
      return "an array or object";
    case Kind::string:
      break;
  }
  constexpr std::size_t bytes_max = 40;
  std::string text(value.text.substr(0, bytes_max));
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return "\"" + text + (value.text.size() > bytes_max ? "\"..." : "\"");
}

bool is_string(const JsonScalar& value) { return value.kind == JsonScalar::Kind::string; }
bool is_null(const JsonScalar& value) { return value.kind == JsonScalar::Kind::null; }

std::uint64_t weight_of(const bitcoin::Transaction& transaction) {
  return 3 * transaction.serialize_legacy().size() + transaction.serialize_witness().size();
}

}  // namespace

TemplateReader::TemplateReader(std::size_t json_bytes) : json_bytes_(json_bytes) {}

bool TemplateReader::fail(std::string field, std::string why) {
  if (error_.field.empty()) error_ = {std::move(field), std::move(why)};
  return false;
}

std::string TemplateReader::path(std::string_view name) const {
  if (!in_transaction_) return std::string(name);
  // A transaction counts from when its txid was read or its object ends; its index is the number
  // of those before it.
  const std::size_t index = out_.txids.size() - (transaction_.txid ? 1 : 0);
  return "transactions[" + std::to_string(index) + "]." + std::string(name);
}

bool TemplateReader::wrong(std::string_view name, const JsonScalar& value,
                           std::string_view expected) {
  return fail(path(name), shown(value) + " is not " + std::string(expected));
}

bool TemplateReader::read_integer(std::string_view name, const JsonScalar& value,
                                  std::int64_t least, std::int64_t most, std::int64_t& out) {
  if (value.kind != JsonScalar::Kind::integer || value.integer < least || value.integer > most) {
    return wrong(name, value,
                 "an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  out = value.integer;
  return true;
}

bool TemplateReader::read_u32(std::string_view name, const JsonScalar& value, std::uint32_t& out) {
  std::int64_t number = 0;
  if (!read_integer(name, value, 0, u32_max, number)) return false;
  out = static_cast<std::uint32_t>(number);
  return true;
}

bool TemplateReader::read_hash(std::string_view name, const JsonScalar& value,
                               bitcoin::Hash256& out) {
  if (is_string(value)) {
    if (const auto hash = bitcoin::Hash256::from_display_hex(value.text)) {
      out = *hash;
      return true;
    }
  }
  return wrong(name, value, "64 hex digits");
}

bool TemplateReader::read_bits(const JsonScalar& value) {
  std::array<std::uint8_t, 4> bytes{};
  if (!is_string(value) || !base::decode_hex(value.text, bytes)) {
    return wrong("bits", value, "8 hex digits");
  }
  out_.nbits = base::read_be32(bytes);
  const auto target = bitcoin::Target256::from_compact(out_.nbits);
  if (!target) return wrong("bits", value, "the compact form of a target");
  out_.network_target = *target;
  top_.bits = true;
  return true;
}

// A node may give nVersion as the signed number that consensus code sees.
bool TemplateReader::read_version(const JsonScalar& value) {
  std::int64_t version = 0;
  if (!read_integer("version", value, std::numeric_limits<std::int32_t>::min(), u32_max, version)) {
    return false;
  }
  out_.version = static_cast<std::uint32_t>(version);
  top_.version = true;
  return true;
}

bool TemplateReader::read_commitment(const JsonScalar& value) {
  if (is_null(value)) return true;
  // BIP141: OP_RETURN, a push of 36 bytes or more, aa21a9ed, and 32 bytes of commitment.
  auto script = is_string(value) ? base::from_hex(value.text)
                                 : base::Result<base::Bytes, base::HexError>(base::Bytes());
  if (!script || script->size() < 38 || (*script)[0] != 0x6a || script->size() > script_bytes_max) {
    return wrong("default_witness_commitment", value, "the script of a commitment output in hex");
  }
  out_.default_witness_commitment = std::move(*script);
  return true;
}

bool TemplateReader::read_signet_challenge(const JsonScalar& value) {
  auto script = is_string(value) ? base::from_hex(value.text)
                                 : base::Result<base::Bytes, base::HexError>(base::Bytes());
  if (!script || script->empty() || script->size() > script_bytes_max) {
    return wrong("signet_challenge", value, "a script in hex");
  }
  if (!needs_no_solution(*script)) {
    return fail("signet_challenge", shown(value) + " " + std::string(unminable_signet));
  }
  out_.signet_challenge = std::move(*script);
  return true;
}

bool TemplateReader::read_limit(std::string_view name, const JsonScalar& value,
                                std::optional<std::uint64_t>& out) {
  std::int64_t number = 0;
  if (is_null(value)) return true;
  if (!read_integer(name, value, 1, std::numeric_limits<std::int64_t>::max(), number)) return false;
  out = static_cast<std::uint64_t>(number);
  return true;
}

// BIP23 means seconds from the answer on; bcoin gives the time itself.
bool TemplateReader::read_expires(const JsonScalar& value) {
  std::int64_t number = 0;
  if (is_null(value)) return true;
  if (!read_integer("expires", value, std::numeric_limits<std::int32_t>::min(), u32_max, number)) {
    return false;
  }
  expires_ = number;
  return true;
}

void TemplateReader::capability(const JsonScalar& value) {
  if (is_string(value) && value.text == "proposal") out_.takes_proposals = true;
}

bool TemplateReader::top_field(std::string_view name, const JsonScalar& value) {
  std::int64_t number = 0;
  if (name == "previousblockhash") {
    bitcoin::Hash256 hash;
    if (!read_hash(name, value, hash)) return false;
    out_.prev_hash = bitcoin::BlockHash(hash.bytes);
    return top_.previousblockhash = true;
  }
  if (name == "version") return read_version(value);
  if (name == "bits") return read_bits(value);
  if (name == "height") {
    if (!read_integer(name, value, 1, std::numeric_limits<std::int32_t>::max(), number))
      return false;
    out_.height = static_cast<std::uint32_t>(number);
    return top_.height = true;
  }
  if (name == "curtime") {
    top_.curtime = true;
    return read_u32(name, value, out_.curtime);
  }
  if (name == "mintime") return read_u32(name, value, out_.mintime);
  if (name == "coinbasevalue") {
    if (!read_integer(name, value, 0, bitcoin::max_money.value, number)) return false;
    out_.coinbase_value = bitcoin::Sats(number);
    return top_.coinbasevalue = true;
  }
  if (name == "default_witness_commitment") return read_commitment(value);
  if (name == "signet_challenge") return read_signet_challenge(value);
  if (name == "weightlimit") return read_limit(name, value, weight_limit_);
  if (name == "sigoplimit") return read_limit(name, value, sigop_limit_);
  if (name == "sizelimit") return read_limit(name, value, size_limit_);
  if (name == "expires") return read_expires(value);
  if (name == "longpollid") {
    if (!is_string(value)) return wrong(name, value, "a string");
    out_.longpollid = value.text;
  }
  // BIP9: bits that the server wants set in a submission. No deployed server asks for any, and the
  // version bits that miners roll could not keep them.
  if (name == "vbrequired" && (value.kind != JsonScalar::Kind::integer || value.integer != 0)) {
    return wrong(name, value, "0: required version bits are not supported");
  }
  if (name == "transactions") return wrong(name, value, "an array");
  if (name == "rules") return wrong(name, value, "an array");
  return true;
}

// BIP9: a rule with '!' must be understood by whoever builds on the template.
bool TemplateReader::rule(const JsonScalar& value) {
  if (!is_string(value)) return wrong("rules", value, "a string");
  if (value.text.size() > rule_bytes_max || out_.rules.size() == rules_max) {
    return fail("rules", shown(value) + " is too long, or one too many");
  }
  out_.rules.emplace_back(value.text);
  if (value.text == "segwit" || value.text == "!segwit") segwit_rule_ = true;
  if (value.text == "!signet") signet_rule_ = true;
  if (!value.text.starts_with('!')) return true;
  const std::string_view name = value.text.substr(1);
  if (std::find(known_rules.begin(), known_rules.end(), name) != known_rules.end()) return true;
  return fail("rules", shown(value) + " is mandatory and not a rule that the pool knows");
}

bool TemplateReader::begin_transactions() {
  if (top_.transactions) return fail("transactions", "it is there twice");
  out_.transactions.reserve(json_bytes_ / 2);
  return top_.transactions = true;
}

bool TemplateReader::begin_transaction() {
  in_transaction_ = true;
  transaction_ = TransactionSeen();
  return true;
}

bool TemplateReader::read_data(const JsonScalar& value) {
  if (transaction_.data) return fail(path("data"), "it is there twice");
  transaction_.data_begin = out_.transactions.size();
  if (!is_string(value) || value.text.empty() ||
      !base::append_decoded_hex(value.text, out_.transactions)) {
    return wrong("data", value, "a transaction in hex");
  }
  transaction_.data_size = out_.transactions.size() - transaction_.data_begin;
  return transaction_.data = true;
}

bool TemplateReader::read_count(std::string_view name, const JsonScalar& value, std::int64_t most,
                                std::uint64_t& sum, bool& seen) {
  std::int64_t number = 0;
  if (seen) return fail(path(name), "it is there twice");
  if (!read_integer(name, value, 0, most, number)) return false;
  sum += static_cast<std::uint64_t>(number);
  return seen = true;
}

bool TemplateReader::transaction_field(std::string_view name, const JsonScalar& value) {
  if (name == "data") return read_data(value);
  if (name == "txid") {
    if (transaction_.txid) return fail(path(name), "it is there twice");
    bitcoin::Hash256 hash;
    if (!read_hash(name, value, hash)) return false;
    out_.txids.push_back(hash);
    return transaction_.txid = true;
  }
  if (name == "hash") {
    return transaction_.hash = read_hash(name, value, transaction_.wtxid);
  }
  if (name == "fee") {
    return read_count(name, value, bitcoin::max_money.value, fees_, transaction_.fee);
  }
  if (name == "weight") {
    return read_count(name, value, block_weight_max, out_.transactions_weight, transaction_.weight);
  }
  if (name == "sigops") {
    return read_count(name, value, block_sigops_max, out_.transactions_sigops, transaction_.sigops);
  }
  return true;
}

bool TemplateReader::end_transaction() {
  if (!transaction_.data) return missing(path("data"));
  if (!transaction_.txid) return missing(path("txid"));
  if (!transaction_.weight && !weigh_transaction()) return false;
  note_witness();
  in_transaction_ = false;
  return true;
}

// BIP145: `hash` differs from `txid` just where there is a witness. Where it is not told, BIP144's
// marker and flag behind the version do.
void TemplateReader::note_witness() {
  const auto bytes =
      base::ByteSpan(out_.transactions).subspan(transaction_.data_begin, transaction_.data_size);
  const bool marked = bytes.size() > 6 && bytes[4] == 0 && bytes[5] != 0;
  const bool has_witness = transaction_.hash ? transaction_.wtxid != out_.txids.back() : marked;
  if (has_witness && !witness_at_) witness_at_ = out_.txids.size() - 1;
}

// For servers from before BIP145, which do not tell weights.
bool TemplateReader::weigh_transaction() {
  const auto bytes =
      base::ByteSpan(out_.transactions).subspan(transaction_.data_begin, transaction_.data_size);
  const auto parsed = bitcoin::Transaction::parse(bytes);
  if (!parsed) return fail(path("data"), "it is not a transaction, and its weight is not given");
  out_.transactions_weight += weight_of(*parsed);
  return true;
}

void TemplateReader::settle_rules() {
  // bcoin sends a commitment before segwit is active on its chain; a block that then carries the
  // coinbase witness which goes with it is refused ("unexpected-witness").
  out_.segwit = segwit_rule_ || !rules_given_;
  if (!out_.segwit) out_.default_witness_commitment.reset();
  if (witness_at_ && !out_.default_witness_commitment) {
    fail("default_witness_commitment",
         "it is missing, while transactions[" + std::to_string(*witness_at_) + "] has a witness");
  }
  // BIP325: the solution stands in the commitment's output, even an empty one.
  if (signet_rule_ && !out_.signet_challenge) missing("signet_challenge");
  if (out_.signet_challenge && !out_.default_witness_commitment) {
    fail("default_witness_commitment", "it is missing, and a signet's blocks need one");
  }
}

// A node may ask for less than consensus allows; for more, no other node would follow.
void TemplateReader::settle_limits() {
  const auto settle = [](const std::optional<std::uint64_t>& told, std::int64_t most) {
    const auto bound = static_cast<std::uint64_t>(most);
    return std::min(told.value_or(bound), bound);
  };
  out_.weight_limit = settle(weight_limit_, block_weight_max);
  out_.sigop_limit = settle(sigop_limit_, out_.segwit ? block_sigops_max : old_block_sigops_max);
  out_.size_limit = settle(size_limit_, out_.segwit ? block_bytes_max : old_block_bytes_max);
  const bool is_time = expires_ && *expires_ > 1'000'000'000;
  if (expires_ && *expires_ <= (is_time ? std::int64_t{out_.curtime} : 0)) {
    fail("expires", std::to_string(*expires_) + ": the node calls its own template expired");
  }
}

base::Result<BlockTemplate, TemplateError> TemplateReader::finish() {
  const std::pair<bool, std::string_view> needed[] = {
      {top_.previousblockhash, "previousblockhash"},
      {top_.version, "version"},
      {top_.bits, "bits"},
      {top_.height, "height"},
      {top_.curtime, "curtime"},
      {top_.coinbasevalue, "coinbasevalue"},
      {top_.transactions, "transactions"},
  };
  for (const auto& [seen, name] : needed) {
    if (!seen) missing(name);
  }
  if (fees_ > static_cast<std::uint64_t>(out_.coinbase_value.value)) {
    fail("coinbasevalue", std::to_string(out_.coinbase_value.value) + " is less than the fees of " +
                              std::to_string(fees_));
  }
  settle_rules();
  settle_limits();
  if (!error_.field.empty()) return base::err(take_error());
  out_.fees = bitcoin::Sats(static_cast<std::int64_t>(fees_));
  return std::move(out_);
}

}  // namespace mining
