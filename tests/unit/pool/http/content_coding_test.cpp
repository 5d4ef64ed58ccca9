#include "pool/http/content_coding.h"

#include <doctest/doctest.h>

using namespace pool;

TEST_CASE("the client gets the packed form it likes best, and the smaller among equals") {
  struct Row {
    const char* accept_encoding;
    ContentCoding coding;
  };
  const Row rows[] = {
      {"", ContentCoding::identity},
      {"gzip, deflate, br", ContentCoding::brotli},  // browsers
      {"gzip, deflate, br, zstd", ContentCoding::brotli},
      {"gzip, deflate", ContentCoding::gzip},
      {"deflate", ContentCoding::identity},
      {"*", ContentCoding::brotli},
      {"br;q=0.5, gzip", ContentCoding::gzip},
      {"br;q=0.5,gzip;q=0.501", ContentCoding::gzip},
      {"br;q=0, *", ContentCoding::gzip},
      {"br;q=0.000, gzip;q=0", ContentCoding::identity},
      {"*;q=0", ContentCoding::identity},
      {"gzip;q=0.5, identity", ContentCoding::identity},
      {"identity;q=0.5, gzip;q=1.0", ContentCoding::gzip},
      {"identity;q=0", ContentCoding::identity},  // there is nothing else it takes
      {" GZIP ; Q=0.9 ", ContentCoding::gzip},
      {"\tbr\t;\tq=1", ContentCoding::brotli},
      {"brotli, xgzip, gzipx", ContentCoding::identity},
      {"br;q=", ContentCoding::identity},
      {"br;q=2", ContentCoding::identity},
      {"br;q=1.5", ContentCoding::brotli},  // at most 1
      {"br;q=0.1234", ContentCoding::identity},
      {"br;q=-1", ContentCoding::identity},
      {"br;q=0x1", ContentCoding::identity},
      {"br;level=3", ContentCoding::identity},
      {",,;,;q=1,", ContentCoding::identity},
      {",br", ContentCoding::brotli},
  };
  for (const Row& row : rows) {
    CAPTURE(row.accept_encoding);
    CHECK_EQ(name_of(choose_coding(row.accept_encoding)), name_of(row.coding));
  }
}
