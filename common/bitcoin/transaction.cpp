#include "common/bitcoin/transaction.h"

#include "common/crypto/sha256.h"

#include <algorithm>

namespace bitcoin {
namespace {

// The fewest bytes that one of each takes. A count that would need more than there is left is
// refused before anything is allocated for it.
constexpr std::size_t input_bytes_min = 32 + 4 + 1 + 4;
constexpr std::size_t output_bytes_min = 8 + 1;
constexpr std::size_t witness_item_bytes_min = 1;

constexpr std::uint8_t witness_marker = 0x00;
constexpr std::uint8_t witness_flag = 0x01;

void append_string(base::Bytes& out, const base::Bytes& bytes) {
  append_compact_size(out, bytes.size());
  base::append(out, bytes);
}

void append_input(base::Bytes& out, const TxIn& input) {
  base::append(out, input.prev_txid.bytes);
  base::append_le32(out, input.prev_index);
  append_string(out, input.script_sig);
  base::append_le32(out, input.sequence);
}

void append_output(base::Bytes& out, const TxOut& output) {
  base::append_le64(out, static_cast<std::uint64_t>(output.value.value));
  append_string(out, output.script_pubkey);
}

void append_witness(base::Bytes& out, const std::vector<base::Bytes>& witness) {
  append_compact_size(out, witness.size());
  for (const base::Bytes& item : witness) append_string(out, item);
}

base::Bytes serialize(const Transaction& transaction, bool with_witness) {
  base::Bytes out;
  base::append_le32(out, transaction.version);
  if (with_witness) {
    out.push_back(witness_marker);
    out.push_back(witness_flag);
  }
  append_compact_size(out, transaction.inputs.size());
  for (const TxIn& input : transaction.inputs) append_input(out, input);
  append_compact_size(out, transaction.outputs.size());
  for (const TxOut& output : transaction.outputs) append_output(out, output);
  if (with_witness) {
    for (const TxIn& input : transaction.inputs) append_witness(out, input.witness);
  }
  base::append_le32(out, transaction.lock_time);
  return out;
}

// Reads a transaction from the front of a span. The first error is kept and everything after it
// reads as zero or empty, so that callers need not ask after every field.
class Reader {
 public:
  explicit Reader(base::ByteSpan bytes) : rest_(bytes) {}

  std::uint32_t u32() {
    const base::ByteSpan field = take(4);
    return field.empty() ? 0 : base::read_le32(field);
  }
  std::uint64_t u64() {
    const base::ByteSpan field = take(8);
    return field.empty() ? 0 : base::read_le64(field);
  }
  std::uint8_t u8() {
    const base::ByteSpan field = take(1);
    return field.empty() ? std::uint8_t{0} : field[0];
  }
  // A CompactSize. A truncated one and one that is too long for its value are different errors.
  std::uint64_t size() {
    if (failed()) return 0;
    if (auto value = read_compact_size(rest_)) return *value;
    const std::size_t length = rest_.empty() ? 1 : compact_size_bytes(rest_[0]);
    fail(rest_.size() < length ? TransactionError::truncated
                               : TransactionError::non_canonical_size);
    return 0;
  }
  // How many things of at least `bytes_each` follow.
  std::size_t count(std::size_t bytes_each) {
    const std::uint64_t value = size();
    if (value > rest_.size() / bytes_each) {
      fail(TransactionError::truncated);
      return 0;
    }
    return static_cast<std::size_t>(value);
  }
  base::Bytes string() {
    const base::ByteSpan bytes = take(count(1));
    return base::Bytes(bytes.begin(), bytes.end());
  }
  Txid txid() {
    Txid id;
    const base::ByteSpan bytes = take(id.bytes.size());
    std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
    return id;
  }

  void fail(TransactionError error) {
    if (!error_) error_ = error;
  }
  bool failed() const { return error_.has_value(); }
  TransactionError error() const { return *error_; }
  base::ByteSpan rest() const { return rest_; }

 private:
  // How many bytes a CompactSize with this first byte takes.
  static std::size_t compact_size_bytes(std::uint8_t first) {
    return first < 0xfd ? 1 : first == 0xfd ? 3 : first == 0xfe ? 5 : 9;
  }
  base::ByteSpan take(std::size_t count) {
    if (!failed() && count > rest_.size()) fail(TransactionError::truncated);
    if (failed()) return {};
    const base::ByteSpan taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  base::ByteSpan rest_;
  std::optional<TransactionError> error_;
};

void read_inputs(Reader& reader, std::vector<TxIn>& inputs) {
  const std::size_t count = reader.count(input_bytes_min);
  for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
    TxIn& input = inputs.emplace_back();
    input.prev_txid = reader.txid();
    input.prev_index = reader.u32();
    input.script_sig = reader.string();
    input.sequence = reader.u32();
  }
}

void read_outputs(Reader& reader, std::vector<TxOut>& outputs) {
  const std::size_t count = reader.count(output_bytes_min);
  for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
    TxOut& output = outputs.emplace_back();
    output.value = Sats{static_cast<std::int64_t>(reader.u64())};
    output.script_pubkey = reader.string();
  }
}

void read_witness(Reader& reader, std::vector<base::Bytes>& witness) {
  const std::size_t count = reader.count(witness_item_bytes_min);
  for (std::size_t i = 0; i < count && !reader.failed(); ++i) witness.push_back(reader.string());
}

// The marker of BIP144 is where the number of inputs would be, which is never 0 in a block.
bool has_witness_marker(const Reader& reader) {
  const base::ByteSpan rest = reader.rest();
  return rest.size() >= 2 && rest[0] == witness_marker && rest[1] != 0;
}

}  // namespace

bool Transaction::has_witness() const {
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const TxIn& input) { return !input.witness.empty(); });
}

base::Bytes Transaction::serialize_legacy() const { return serialize(*this, false); }
base::Bytes Transaction::serialize_witness() const { return serialize(*this, has_witness()); }
Txid Transaction::txid() const { return Txid{crypto::sha256d(serialize_legacy())}; }
Wtxid Transaction::wtxid() const { return Wtxid{crypto::sha256d(serialize_witness())}; }

base::Result<Transaction, TransactionError> Transaction::parse_front(base::ByteSpan& bytes) {
  Reader reader(bytes);
  Transaction transaction;
  transaction.version = reader.u32();
  const bool with_witness = has_witness_marker(reader);
  if (with_witness) {
    reader.u8();
    if (reader.u8() != witness_flag) reader.fail(TransactionError::bad_flag);
  }
  read_inputs(reader, transaction.inputs);
  read_outputs(reader, transaction.outputs);
  if (with_witness) {
    for (TxIn& input : transaction.inputs) read_witness(reader, input.witness);
    if (!transaction.has_witness()) reader.fail(TransactionError::superfluous_witness);
  }
  transaction.lock_time = reader.u32();
  if (reader.failed()) return base::err(reader.error());
  bytes = reader.rest();
  return transaction;
}

base::Result<Transaction, TransactionError> Transaction::parse(base::ByteSpan bytes) {
  auto transaction = parse_front(bytes);
  if (transaction && !bytes.empty()) return base::err(TransactionError::trailing_bytes);
  return transaction;
}

void append_compact_size(base::Bytes& out, std::uint64_t value) {
  if (value < 0xfd) {
    out.push_back(static_cast<std::uint8_t>(value));
  } else if (value <= 0xffff) {
    out.push_back(0xfd);
    base::append_le16(out, static_cast<std::uint16_t>(value));
  } else if (value <= 0xffffffff) {
    out.push_back(0xfe);
    base::append_le32(out, static_cast<std::uint32_t>(value));
  } else {
    out.push_back(0xff);
    base::append_le64(out, value);
  }
}

std::size_t compact_size_length(std::uint64_t value) {
  return value < 0xfd ? 1 : value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9;
}

std::optional<std::uint64_t> read_compact_size(base::ByteSpan& bytes) {
  if (bytes.empty()) return std::nullopt;
  const std::uint8_t first = bytes[0];
  const std::size_t length = first < 0xfd ? 1 : first == 0xfd ? 3 : first == 0xfe ? 5 : 9;
  if (bytes.size() < length) return std::nullopt;
  std::uint64_t value = first;
  if (length == 3) value = base::read_le16(bytes.subspan(1));
  if (length == 5) value = base::read_le32(bytes.subspan(1));
  if (length == 9) value = base::read_le64(bytes.subspan(1));
  if (compact_size_length(value) != length) return std::nullopt;
  bytes = bytes.subspan(length);
  return value;
}

}  // namespace bitcoin
