// SOCKS5 as its client speaks it: what to send to a proxy, and what its answers mean, until the
// connection behind it is there.
//
// The host goes to the proxy as it was given: a name is looked up there and nowhere else, which is
// what proxies are used for. With a username the proxy is offered a login beside none, and decides.
//
// Strictness: an answer that RFC 1928 does not know ends the attempt.
// Errors: one line that says what the proxy refused, or what it sent instead of an answer.
// Limits: an answer has socks5_answer_bytes_max bytes at most; nothing more is kept.
// Thread: pure.
// Source: RFC 1928, RFC 1929 (username and password).
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace net {

// The longest: version, reply, reserved, a name of 255 bytes with its length, port.
inline constexpr std::size_t socks5_answer_bytes_max = 262;
// Of a host's name, a username and a password each.
inline constexpr std::size_t socks5_text_bytes_max = 255;

struct Socks5Target {
  std::string host;  // a name, or an address in numbers
  std::uint16_t port = 0;
  std::string username;  // empty: no login
  std::string password;
};

class Socks5 {
 public:
  // The error: a text is too long for the protocol.
  [[nodiscard]] static base::Result<Socks5, std::string> begin(Socks5Target target,
                                                               std::string& to_proxy);

  // Any piece of what the proxy sent. Appends what goes back to it. Once is_open(), the bytes that
  // follow the last answer are the peer's: they are left in `bytes`.
  [[nodiscard]] base::Result<void, std::string> receive(base::ByteSpan& bytes,
                                                        std::string& to_proxy);
  bool is_open() const { return stage_ == Stage::open; }

 private:
  enum class Stage : std::uint8_t { method, login, reply, open };

  explicit Socks5(Socks5Target target) : target_(std::move(target)) {}
  // How long the answer under way is, as far as its bytes tell.
  std::size_t bytes_wanted() const;
  [[nodiscard]] std::optional<std::string> take_answer(std::string& to_proxy);
  std::optional<std::string> take_method(std::string& to_proxy);
  std::optional<std::string> take_login(std::string& to_proxy);
  std::optional<std::string> take_reply();
  void ask_to_connect(std::string& to_proxy);

  Socks5Target target_;
  Stage stage_ = Stage::method;
  base::Bytes answer_;  // so far
};

}  // namespace net
