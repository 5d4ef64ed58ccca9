#include "pool/core/segment_header.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

namespace {

using base::Bytes;
using base::ByteSpan;
using pool::JournalError;

template <std::size_t N>
std::array<std::uint8_t, N> counting(std::uint8_t first) {
  std::array<std::uint8_t, N> bytes{};
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

pool::SegmentHeader a_header() {
  return {
      counting<16>(0x20), 0x1122334455667788, 99, {0x1122334455667700, 258, counting<32>(0x40)}};
}

}  // namespace

TEST_CASE("a segment header comes back as it was written, in both versions") {
  const pool::SegmentHeader header = a_header();
  CHECK_EQ(pool::parse_segment_header(pool::write_segment_header(header)), header);
  const pool::SegmentHeader old{counting<16>(200), 7, 1, {}, 1};
  const Bytes bytes = pool::write_segment_header(old);
  CHECK_EQ(bytes.size(), 64);
  CHECK_EQ(pool::parse_segment_header(bytes), old);
}

TEST_CASE("the bytes of a segment header are those that older programs wrote and read") {
  const std::string name = "5048504a524e4c31";  // PHPJRNL1
  CHECK_EQ(base::to_hex(pool::write_segment_header(a_header())),
           name +
               "02000000"
               "80000000"
               "202122232425262728292a2b2c2d2e2f"
               "8877665544332211"
               "6300000000000000"
               "0077665544332211"
               "0201000000000000"
               "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f" +
               std::string(48, '0') + "01d56c84" + "00000000");
  CHECK_EQ(base::to_hex(pool::write_segment_header({counting<16>(0), 5, 6, {}, 1})),
           name +
               "01000000"
               "40000000"
               "000102030405060708090a0b0c0d0e0f"
               "0500000000000000"
               "0600000000000000"
               "0000000000000000"
               "fa5361f1"
               "00000000");
}

TEST_CASE("a damaged, cut or foreign segment header is refused") {
  const Bytes versions[] = {pool::write_segment_header(a_header()),
                            pool::write_segment_header({counting<16>(1), 2, 3, {}, 1})};
  for (const Bytes& good : versions) {
    CAPTURE(good.size());
    for (std::size_t size = 0; size < good.size(); ++size) {
      CHECK_EQ(pool::parse_segment_header(ByteSpan(good).first(size)).error(),
               JournalError::truncated);
    }
    for (std::size_t bit = 0; bit < (good.size() - 4) * 8; ++bit) {
      CAPTURE(bit);
      Bytes bad = good;
      bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
      CHECK_FALSE(pool::parse_segment_header(bad).has_value());
    }
    Bytes newer = good;
    newer[8] = 3;
    CHECK_EQ(pool::parse_segment_header(newer).error(), JournalError::unknown_version);
    Bytes foreign = good;
    foreign[0] = 'X';
    CHECK_EQ(pool::parse_segment_header(foreign).error(), JournalError::bad_magic);
  }
}

TEST_CASE("a link exists where it names bytes") {
  CHECK_FALSE(pool::SegmentLink{}.exists());
  CHECK(a_header().previous.exists());
}

TEST_CASE("segment file names sort like their numbers, and only they are taken for segments") {
  CHECK_EQ(pool::segment_file_name(0x1a), "000000000000001a.journal");
  CHECK_EQ(pool::parse_segment_file_name("000000000000001a.journal"), 0x1a);
  CHECK_EQ(pool::parse_segment_file_name("ffffffffffffffff.journal"), 0xffffffffffffffff);
  for (const char* name :
       {"", "1a.journal", "000000000000001A.journal", "000000000000001a.journal.tmp",
        "00000000000000g0.journal", "000000000000001a.journa"}) {
    CAPTURE(name);
    CHECK_FALSE(pool::parse_segment_file_name(name).has_value());
  }
}
