#include "common/bitcoin/script.h"

#include "common/base/assert.h"

namespace bitcoin {
namespace {

constexpr std::uint8_t op_0 = 0x00;
constexpr std::uint8_t op_pushdata1 = 0x4c;
constexpr std::uint8_t op_pushdata2 = 0x4d;
constexpr std::uint8_t op_pushdata4 = 0x4e;
constexpr std::uint8_t op_1negate = 0x4f;
constexpr std::uint8_t op_1 = 0x51;
constexpr std::uint8_t op_dup = 0x76;
constexpr std::uint8_t op_equal = 0x87;
constexpr std::uint8_t op_equalverify = 0x88;
constexpr std::uint8_t op_hash160 = 0xa9;
constexpr std::uint8_t op_checksig = 0xac;
constexpr std::uint8_t op_checksigverify = 0xad;
constexpr std::uint8_t op_checkmultisig = 0xae;
constexpr std::uint8_t op_checkmultisigverify = 0xaf;
constexpr std::uint64_t multisig_keys_max = 20;

constexpr std::size_t push_bytes_max = 520;  // MAX_SCRIPT_ELEMENT_SIZE

// CScriptNum: little-endian magnitude in as few bytes as hold it and a sign in the highest bit.
base::Bytes encode_script_number(std::int64_t value) {
  base::Bytes bytes;
  if (value == 0) return bytes;
  const bool negative = value < 0;
  const auto unsigned_value = static_cast<std::uint64_t>(value);
  std::uint64_t magnitude = negative ? 0 - unsigned_value : unsigned_value;
  for (; magnitude != 0; magnitude >>= 8) bytes.push_back(static_cast<std::uint8_t>(magnitude));
  if (bytes.back() & 0x80) bytes.push_back(0);
  if (negative) bytes.back() |= 0x80;
  return bytes;
}

// Takes the operation in front, with what it pushes. False where the script ends within it.
bool take_operation(base::ByteSpan& script, std::uint8_t& op) {
  op = script[0];
  script = script.subspan(1);
  if (op > op_pushdata4) return true;
  const std::size_t length_bytes = op < op_pushdata1 ? 0 : std::size_t{1} << (op - op_pushdata1);
  if (script.size() < length_bytes) return false;
  std::size_t size = op;
  if (length_bytes > 0) {
    size = 0;
    for (std::size_t i = length_bytes; i-- > 0;) size = size << 8 | script[i];
  }
  script = script.subspan(length_bytes);
  if (script.size() < size) return false;
  script = script.subspan(size);
  return true;
}

}  // namespace

std::uint64_t legacy_sigops(base::ByteSpan script) {
  std::uint64_t count = 0;
  std::uint8_t op = 0;
  while (!script.empty() && take_operation(script, op)) {
    if (op == op_checksig || op == op_checksigverify) ++count;
    if (op == op_checkmultisig || op == op_checkmultisigverify) count += multisig_keys_max;
  }
  return count;
}

void append_push(base::Bytes& script, base::ByteSpan data) {
  ASSERT(data.size() <= push_bytes_max);
  if (data.size() < op_pushdata1) {
    script.push_back(static_cast<std::uint8_t>(data.size()));
  } else if (data.size() <= 0xff) {
    script.push_back(op_pushdata1);
    script.push_back(static_cast<std::uint8_t>(data.size()));
  } else {
    script.push_back(op_pushdata2);
    base::append_le16(script, static_cast<std::uint16_t>(data.size()));
  }
  base::append(script, data);
}

void append_script_number(base::Bytes& script, std::int64_t value) {
  if (value == 0) {
    script.push_back(op_0);
  } else if (value == -1) {
    script.push_back(op_1negate);
  } else if (value >= 1 && value <= 16) {
    script.push_back(static_cast<std::uint8_t>(op_1 + value - 1));
  } else {
    append_push(script, encode_script_number(value));
  }
}

base::Bytes bip34_height_push(std::uint32_t height) {
  ASSERT(height > 0);
  base::Bytes script;
  append_script_number(script, height);
  return script;
}

base::Bytes p2pkh_script(base::ByteSpan hash160) {
  ASSERT(hash160.size() == 20);
  base::Bytes script = {op_dup, op_hash160};
  append_push(script, hash160);
  script.push_back(op_equalverify);
  script.push_back(op_checksig);
  return script;
}

base::Bytes p2sh_script(base::ByteSpan hash160) {
  ASSERT(hash160.size() == 20);
  base::Bytes script = {op_hash160};
  append_push(script, hash160);
  script.push_back(op_equal);
  return script;
}

base::Bytes witness_script(int version, base::ByteSpan program) {
  ASSERT(version >= 0 && version <= 16);
  ASSERT(program.size() >= 2 && program.size() <= 40);
  base::Bytes script;
  append_script_number(script, version);
  append_push(script, program);
  return script;
}

}  // namespace bitcoin
