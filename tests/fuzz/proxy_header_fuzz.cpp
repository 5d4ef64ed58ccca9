// parse_proxy_header: what it says of a header does not depend on what follows it, it is understood
// at its last byte and not before, and no header is longer than its limit.
//
// Input: the bytes as they come from the proxy.
#include "common/net/proxy_header.h"
#include "tests/fuzz/fuzz_check.h"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteSpan bytes{data, size};
  const auto whole = net::parse_proxy_header(bytes);
  if (!whole) {
    FUZZ_CHECK(size > 0 && !net::describe(whole.error()).empty());
    return 0;
  }
  // Whoever has sent nothing wrong yet gets an answer in the end.
  if (!*whole) {
    FUZZ_CHECK(size < net::proxy_header_bytes_max);
    for (std::size_t cut = 0; cut < size; ++cut) {
      const auto early = net::parse_proxy_header(bytes.first(cut));
      FUZZ_CHECK(early && !*early);
    }
    return 0;
  }
  const net::ProxyHeader& header = **whole;
  FUZZ_CHECK(header.bytes > 0 && header.bytes <= std::min(size, net::proxy_header_bytes_max));
  const auto exact = net::parse_proxy_header(bytes.first(header.bytes));
  FUZZ_CHECK(exact && *exact && (*exact)->bytes == header.bytes &&
             (*exact)->source == header.source);
  const auto early = net::parse_proxy_header(bytes.first(header.bytes - 1));
  FUZZ_CHECK(early && !*early);
  if (header.source) {
    const auto& address = header.source->address;
    FUZZ_CHECK(base::IpAddress::parse(address.text()) == address);
  }
  return 0;
}
