// A peer's HTTP, as server and as client: the messages do not depend on how the bytes were cut, and
// a body never exceeds its limit. The first byte chooses the size of the fragments.
#include "common/net/http.h"
#include "tests/fuzz/fuzz_check.h"

#include <algorithm>
#include <string>
#include <vector>

namespace {

constexpr net::HttpLimits limits{1024, 2048};

struct Outcome {
  std::vector<std::string> messages;
  bool failed = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::string flat(const net::HttpHeaders& headers) {
  std::string out;
  for (const auto& [name, value] : headers) out += name + ":" + value + "\n";
  return out;
}

template <class Parser, class Describe>
Outcome feed(base::ByteSpan bytes, std::size_t fragment, Describe describe) {
  Parser parser(limits);
  Outcome outcome;
  while (!bytes.empty() && !outcome.failed) {
    const std::size_t length = std::min(fragment, bytes.size());
    const auto pushed = parser.push(bytes.first(length), [&](auto&& message) {
      FUZZ_CHECK(message.body.size() <= limits.body_bytes_max);
      outcome.messages.push_back(describe(message));
    });
    outcome.failed = !pushed;
    bytes = bytes.subspan(length);
  }
  return outcome;
}

Outcome requests(base::ByteSpan bytes, std::size_t fragment) {
  return feed<net::HttpRequestParser>(bytes, fragment, [](const net::HttpRequest& message) {
    return message.method + " " + message.target + "\n" + flat(message.headers) + message.body;
  });
}

Outcome responses(base::ByteSpan bytes, std::size_t fragment) {
  return feed<net::HttpResponseParser>(bytes, fragment, [](const net::HttpResponse& message) {
    return std::to_string(message.status) + "\n" + flat(message.headers) + message.body;
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteSpan bytes(data, size);
  if (bytes.empty()) return 0;
  const std::size_t fragment = std::size_t{bytes[0]} + 1;
  bytes = bytes.subspan(1);
  FUZZ_CHECK(requests(bytes, fragment) == requests(bytes, bytes.size() + 1));
  FUZZ_CHECK(responses(bytes, fragment) == responses(bytes, bytes.size() + 1));
  return 0;
}
