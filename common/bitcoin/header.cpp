#include "common/bitcoin/header.h"

#include "common/crypto/sha256.h"

#include <algorithm>

namespace bitcoin {
namespace {

// Where each field stands in the 80 bytes.
constexpr std::size_t version_at = 0;
constexpr std::size_t prev_hash_at = 4;
constexpr std::size_t merkle_root_at = 36;
constexpr std::size_t ntime_at = 68;
constexpr std::size_t nbits_at = 72;
constexpr std::size_t nonce_at = 76;

}  // namespace

HeaderBytes Header::serialize() const {
  HeaderBytes bytes;
  const std::span<std::uint8_t> out(bytes);
  base::write_le32(out.subspan(version_at), version);
  std::copy(prev_hash.bytes.begin(), prev_hash.bytes.end(), out.subspan(prev_hash_at).begin());
  std::copy(merkle_root.bytes.begin(), merkle_root.bytes.end(),
            out.subspan(merkle_root_at).begin());
  base::write_le32(out.subspan(ntime_at), ntime);
  base::write_le32(out.subspan(nbits_at), nbits);
  base::write_le32(out.subspan(nonce_at), nonce);
  return bytes;
}

Header Header::parse(const HeaderBytes& bytes) {
  const base::ByteSpan in(bytes);
  Header header;
  header.version = base::read_le32(in.subspan(version_at));
  std::copy_n(in.subspan(prev_hash_at).begin(), 32, header.prev_hash.bytes.begin());
  std::copy_n(in.subspan(merkle_root_at).begin(), 32, header.merkle_root.bytes.begin());
  header.ntime = base::read_le32(in.subspan(ntime_at));
  header.nbits = base::read_le32(in.subspan(nbits_at));
  header.nonce = base::read_le32(in.subspan(nonce_at));
  return header;
}

BlockHash Header::hash() const { return hash_header(serialize()); }

BlockHash hash_header(const HeaderBytes& bytes) { return BlockHash{crypto::sha256d(bytes)}; }

}  // namespace bitcoin
