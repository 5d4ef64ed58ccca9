#include "common/rpc/rpc_result.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using rpc::RpcResult;

namespace {

constexpr std::string_view text = R"({"a":[1,2]})";

RpcResult result_in(const std::string& before, const std::string& after, std::size_t spare = 0) {
  std::string body = before + std::string(text) + after;
  body.reserve(body.size() + spare);
  const auto result = std::string_view(body).substr(before.size(), text.size());
  return RpcResult(std::move(body), result);
}

}  // namespace

TEST_CASE("the text is the result alone, in a short body and in a long one") {
  for (const std::size_t spaces : {0, 3, 1000}) {
    CAPTURE(spaces);
    const RpcResult result = result_in("{" + std::string(spaces, ' '), ",\"id\":1}");
    CHECK_EQ(result.text(), text);
    RpcResult copied = result;
    const RpcResult moved = std::move(copied);
    CHECK_EQ(moved.text(), text);
    CHECK(moved == text);
  }
  CHECK_EQ(RpcResult().text(), "");
  CHECK_EQ(RpcResult("null").text(), "null");
}

TEST_CASE("made writable, the text has zeros behind it, whatever followed it") {
  for (const char* after :
       {"", "}", ",\"error\":null,\"id\":1234567890123456789012345678901234567}"}) {
    CAPTURE(std::string(after));
    RpcResult result = result_in("{\"result\":", after);
    const std::span<char> writable = result.writable(32);
    CHECK_EQ(std::string_view(writable.data(), writable.size()), text);
    CHECK(std::all_of(writable.data() + writable.size(), writable.data() + writable.size() + 32,
                      [](char c) { return c == '\0'; }));
    writable[0] = '[';
    CHECK_EQ(result.text().front(), '[');
    CHECK_EQ(result.text().size(), text.size());
  }
}

TEST_CASE(
    "the bytes of a long body stay where they are: moved, and made writable where it has room") {
  RpcResult result = result_in(std::string(1000, ' '), "}", 64);
  const char* const received_at = result.text().data();
  RpcResult moved = std::move(result);
  CHECK_EQ(static_cast<const void*>(moved.text().data()), received_at);
  CHECK_EQ(static_cast<const void*>(moved.writable(32).data()), received_at);
}
