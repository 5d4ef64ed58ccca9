#include "pool/core/coherence_record_codec.h"

#include "pool/core/journal_format.h"
#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>
#include <string>

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> counting(std::uint8_t first) {
  std::array<std::uint8_t, N> bytes{};
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

pool::CoherenceProofRecord a_proof() {
  pool::CoherenceProofRecord proof;
  proof.time_us = 1;
  proof.address = "a";
  proof.worker_name = "";
  proof.chain_height = 258;
  proof.header = counting<76>(0);
  proof.extranonce = 0x0123456789abcdef;
  proof.attempt = std::numeric_limits<std::uint64_t>::max();
  proof.params = 0x00010002;
  proof.target = base::U256(5);
  proof.work = base::U256::max();
  proof.took_us = -1;
  proof.certificate = counting<332>(1);
  proof.work_hash = counting<32>(2);
  return proof;
}

pool::JournalStretch a_stretch(std::uint32_t instance) {
  return {{instance, 7, 258, counting<32>(3)}, counting<16>(4)};
}

pool::CoherenceBlockRecord a_block(std::size_t stretches) {
  pool::CoherenceBlockRecord block;
  block.time_us = 1;
  block.height = 258;
  block.hash = counting<32>(2);
  block.header = counting<76>(0);
  block.params = 0x00010002;
  block.bitcoin_tip = bitcoin::BlockHash(counting<32>(5));
  for (std::size_t i = 0; i < stretches; ++i) {
    block.stretches.push_back(a_stretch(static_cast<std::uint32_t>(i)));
  }
  return block;
}

template <std::size_t N>
std::string hex(const std::array<std::uint8_t, N>& bytes) {
  return base::to_hex(bytes);
}

// Type byte and payload.
std::string hex_of(const pool::JournalRecord& record) {
  base::Bytes bytes;
  pool::append_record(bytes, record);
  return base::to_hex(bytes);
}

}  // namespace

TEST_CASE("the bytes of coherence records are those that docs/journal.md has") {
  CHECK_EQ(hex_of(a_proof()),
           "0c"
           "0100000000000000"
           "010061"
           "0000"
           "02010000" +
               hex(counting<76>(0)) +
               "efcdab8967452301"
               "ffffffffffffffff"
               "02000100"
               "0500000000000000" +
               std::string(48, '0') + std::string(64, 'f') + "ffffffffffffffff" +
               hex(counting<332>(1)) + hex(counting<32>(2)));
  CHECK_EQ(hex_of(a_block(1)),
           "0d"
           "0100000000000000"
           "02010000" +
               hex(counting<32>(2)) + hex(counting<76>(0)) + "02000100" + hex(counting<32>(5)) +
               "0100"
               "00000000"
               "0700000000000000"
               "0201000000000000" +
               hex(counting<32>(3)) + hex(counting<16>(4)));
}

TEST_CASE("coherence records come back as they were written, with no stretch and with the most") {
  for (const pool::JournalRecord& record :
       {pool::JournalRecord(a_proof()), pool::JournalRecord(a_block(0)),
        pool::JournalRecord(a_block(1)),
        pool::JournalRecord(a_block(pool::limits::stretches_per_block_max))}) {
    base::Bytes payload;
    pool::append_payload(payload, record);
    base::Bytes frame;
    REQUIRE_EQ(pool::append_frames(frame, payload, 1), 1);
    CHECK(frame.size() <= pool::limits::journal_record_bytes_max);
    const auto parsed = pool::parse_frame(frame);
    REQUIRE(parsed.has_value());
    CHECK(parsed->record == record);
  }
}

TEST_CASE("a coherence record that is cut anywhere or has a byte left over is none") {
  for (const pool::JournalRecord& record :
       {pool::JournalRecord(a_proof()), pool::JournalRecord(a_block(2))}) {
    base::Bytes bytes;
    pool::append_record(bytes, record);
    const base::ByteSpan payload = base::ByteSpan(bytes).subspan(1);
    for (std::size_t size = 0; size < payload.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(pool::parse_record(bytes[0], payload.first(size)));
    }
    CHECK(pool::parse_record(bytes[0], payload) == record);
    bytes.push_back(0);
    CHECK_FALSE(pool::parse_record(bytes[0], base::ByteSpan(bytes).subspan(1)));
  }
}

TEST_CASE("more stretches than a block may have are refused before room is made for them") {
  base::Bytes bytes;
  pool::append_record(bytes, a_block(0));
  base::write_le16(std::span(bytes).last(2), 65535);
  CHECK_FALSE(pool::parse_record(bytes[0], base::ByteSpan(bytes).subspan(1)));

  base::Bytes most;
  pool::append_record(most, a_block(pool::limits::stretches_per_block_max));
  const std::size_t count_at = 1 + 8 + 4 + 32 + 76 + 4 + 32;
  const auto count = static_cast<std::uint16_t>(pool::limits::stretches_per_block_max + 1);
  base::write_le16(std::span(most).subspan(count_at), count);
  most.resize(most.size() + 68);
  CHECK_FALSE(pool::parse_record(most[0], base::ByteSpan(most).subspan(1)));
}
