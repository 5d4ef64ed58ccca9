// What goes to a proxy, byte by byte as RFC 1928 and RFC 1929 have it, and what its answers mean.
#include "common/net/socks5.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using net::Socks5;
using net::Socks5Target;

std::string hex_of(std::string_view bytes) { return base::to_hex(base::as_bytes(bytes)); }

// A proxy that says `answers` (in hex) in pieces, whatever it is asked.
struct Talk {
  std::string sent;  // hex
  std::string rest;  // what the proxy said after its last answer
  std::string error;
  bool open = false;

  Talk(const Socks5Target& target, std::string_view answers, std::size_t piece = 1000) {
    std::string out;
    auto socks = Socks5::begin(target, out);
    if (!socks) {
      error = socks.error();
      return;
    }
    const base::Bytes all = base::from_hex(answers).value();
    for (std::size_t at = 0; at < all.size(); at += piece) {
      base::ByteSpan bytes = base::ByteSpan(all).subspan(at, std::min(piece, all.size() - at));
      const auto done = socks->receive(bytes, out);
      if (!done) {
        error = done.error();
        break;
      }
      rest.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    open = socks->is_open();
    sent = hex_of(out);
  }
};

const Socks5Target by_name{"pool.example", 3333, "", ""};
const std::string asks_for_name =
    "0501000"
    "30c" +
    hex_of("pool.example") + "0d05";
const std::string opened =
    "05000001"
    "00000000"
    "0000";

TEST_CASE("a name goes to the proxy as it is, and what follows the answer is the pool's") {
  for (const std::size_t piece : {1, 2, 3, 5, 1000}) {
    CAPTURE(piece);
    const Talk talk(by_name, "0500" + opened + hex_of("{\"id\":1}"), piece);
    CHECK_EQ(talk.error, "");
    CHECK(talk.open);
    CHECK_EQ(talk.sent, "050100" + asks_for_name);
    CHECK_EQ(talk.rest, "{\"id\":1}");
  }
}

TEST_CASE("addresses go as four or sixteen bytes") {
  CHECK_EQ(Talk({"192.0.2.7", 443, "", ""}, "0500").sent,
           "050100"
           "05010001"
           "c0000207"
           "01bb");
  CHECK_EQ(Talk({"2001:db8::1", 3333, "", ""}, "0500").sent,
           "050100"
           "05010004"
           "20010db8000000000000000000000001"
           "0d05");
}

TEST_CASE("a login is offered beside none; the proxy decides") {
  const Socks5Target with_login{"pool.example", 3333, "miner", "s3cret"};
  const std::string offer = "05020002";
  const std::string login = "0105" + hex_of("miner") + "06" + hex_of("s3cret");
  for (const std::size_t piece : {1, 1000}) {
    const Talk asked(with_login,
                     "0502"
                     "0100" +
                         opened,
                     piece);
    CHECK(asked.open);
    CHECK_EQ(asked.sent, offer + login + asks_for_name);
  }
  CHECK_EQ(Talk(with_login, "0500" + opened).sent, offer + asks_for_name);
  CHECK_EQ(Talk(with_login,
                "0502"
                "0101")
               .error,
           "the proxy refused the username or its password");
  CHECK_EQ(Talk(with_login, "05ff").error, "the proxy accepts no login of ours");
  const Talk without_password({"pool.example", 3333, "miner", ""},
                              "0502"
                              "0100" +
                                  opened);
  CHECK(without_password.open);
}

TEST_CASE("the address in the answer may be of any type, and is passed over") {
  const std::string v6 = "05000004" + std::string(32, '0') + "0d05";
  const std::string name = "0500000305" + hex_of("a.b.c") + "0d05";
  const std::string longest = "05000003ff" + std::string(2 * 255, '6') + "0d05";
  CHECK_EQ(longest.size(), 2 * net::socks5_answer_bytes_max);
  for (const std::string& answer : {opened, v6, name, longest,
                                    "0500000300"
                                    "0d05" +
                                        std::string()}) {
    for (const std::size_t piece : {1, 4, 5, 1000}) {
      const Talk talk(by_name, "0500" + answer + "7b", piece);
      CHECK(talk.open);
      CHECK_EQ(talk.rest, "{");
    }
  }
}

TEST_CASE("what a proxy refuses, in words") {
  struct Row {
    const char* answers;
    const char* says;
  };
  const Row rows[] = {
      {"05ff", "the proxy wants a login"},
      {"0502", "chose method 0x02, which it was not offered"},
      {"0501", "chose method 0x01"},
      {"0400", "does not speak SOCKS5: it began with byte 0x04"},
      {"4854545020", "does not speak SOCKS5: it began with byte 0x48"},  // HTTP
      {"05000505", "connection refused (reply 5)"},
      {"050005010001", "general failure (reply 1)"},
      {"05000502", "not allowed by its rules"},
      {"05000503", "network unreachable"},
      {"05000504", "host unreachable"},
      {"05000506", "time to live expired"},
      {"05000507", "command not supported"},
      {"05000508", "address type not supported"},
      {"05000509", "an unknown reason (reply 9)"},
      {"05000400", "began with byte 0x04"},
      {"050005000002", "address type 0x02"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.answers);
    const Talk talk(by_name, row.answers);
    CHECK_FALSE(talk.open);
    CHECK_NE(talk.error.find(row.says), std::string::npos);
  }
}

TEST_CASE("texts that are too long for the protocol") {
  const std::string most(255, 'a');
  const std::string more(256, 'a');
  CHECK_EQ(Talk({most, 1, most, most}, "0502").error, "");
  CHECK_EQ(Talk({more, 1, "", ""}, "0500").error,
           "the host name has 256 bytes: expected at most 255");
  CHECK_EQ(Talk({"h", 1, more, ""}, "0500").error,
           "the proxy username has 256 bytes: expected at most 255");
  CHECK_EQ(Talk({"h", 1, "u", more}, "0500").error,
           "the proxy password has 256 bytes: expected at most 255");
}

TEST_CASE("any two bytes for each answer: an end with words, or on to the next") {
  for (std::uint32_t first = 0; first < 0x10000; ++first) {
    const base::Bytes bytes{static_cast<std::uint8_t>(first >> 8),
                            static_cast<std::uint8_t>(first & 0xff)};
    const Talk talk({"pool.example", 3333, "u", "p"}, base::to_hex(bytes));
    const bool goes_on = first == 0x0500 || first == 0x0502;
    CHECK_EQ(talk.error.empty(), goes_on);
  }
}

}  // namespace
