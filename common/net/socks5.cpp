#include "common/net/socks5.h"

#include "common/base/ip_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace net {
namespace {

constexpr std::uint8_t version = 5;
constexpr std::uint8_t login_version = 1;
constexpr std::uint8_t method_none = 0x00;
constexpr std::uint8_t method_login = 0x02;
constexpr std::uint8_t method_refused = 0xff;
constexpr std::uint8_t command_connect = 1;
constexpr std::uint8_t address_v4 = 1;
constexpr std::uint8_t address_name = 3;
constexpr std::uint8_t address_v6 = 4;

void append(std::string& out, std::initializer_list<std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) out.push_back(static_cast<char>(byte));
}

void append_text(std::string& out, std::string_view text) {
  append(out, {static_cast<std::uint8_t>(text.size())});
  out += text;
}

// RFC 1928, section 6.
std::string_view describe_reply(std::uint8_t code) {
  constexpr std::array<std::string_view, 9> texts = {"succeeded",
                                                     "general failure",
                                                     "not allowed by its rules",
                                                     "network unreachable",
                                                     "host unreachable",
                                                     "connection refused",
                                                     "time to live expired",
                                                     "command not supported",
                                                     "address type not supported"};
  return code < texts.size() ? texts[code] : std::string_view("an unknown reason");
}

std::optional<std::string> not_socks5(std::uint8_t byte) {
  return fmt::format("the proxy does not speak SOCKS5: it began with byte {:#04x}", byte);
}

}  // namespace

base::Result<Socks5, std::string> Socks5::begin(Socks5Target target, std::string& to_proxy) {
  for (const auto& [name, text] : {std::pair{"host name", &target.host},
                                   {"proxy username", &target.username},
                                   {"proxy password", &target.password}}) {
    if (text->size() > socks5_text_bytes_max) {
      return base::err(fmt::format("the {} has {} bytes: expected at most {}", name, text->size(),
                                   socks5_text_bytes_max));
    }
  }
  if (target.username.empty()) {
    append(to_proxy, {version, 1, method_none});
  } else {
    append(to_proxy, {version, 2, method_none, method_login});
  }
  return Socks5(std::move(target));
}

base::Result<void, std::string> Socks5::receive(base::ByteSpan& bytes, std::string& to_proxy) {
  while (!is_open() && !bytes.empty()) {
    const std::size_t missing = bytes_wanted() - answer_.size();
    const std::size_t count = std::min(missing, bytes.size());
    answer_.insert(answer_.end(), bytes.begin(),
                   bytes.begin() + static_cast<std::ptrdiff_t>(count));
    bytes = bytes.subspan(count);
    if (answer_.size() < bytes_wanted()) continue;  // the bytes that came may want more
    if (auto why = take_answer(to_proxy)) return base::err(std::move(*why));
    answer_.clear();
  }
  return {};
}

std::size_t Socks5::bytes_wanted() const {
  constexpr std::size_t head = 4;  // version, reply, reserved, address type
  constexpr std::size_t port = 2;
  if (stage_ != Stage::reply || answer_.size() < 2) return 2;
  // A refusal need not be complete: some proxies close after the code.
  if (answer_[0] != version || answer_[1] != 0) return 2;
  if (answer_.size() < head) return head;
  switch (answer_[3]) {
    case address_v4:
      return head + 4 + port;
    case address_v6:
      return head + 16 + port;
    case address_name:
      return answer_.size() == head ? head + 1 : head + 1 + answer_[4] + port;
    default:
      return head;
  }
}

std::optional<std::string> Socks5::take_answer(std::string& to_proxy) {
  switch (stage_) {
    case Stage::method:
      return take_method(to_proxy);
    case Stage::login:
      return take_login(to_proxy);
    case Stage::reply:
      return take_reply();
    case Stage::open:
      break;
  }
  return std::nullopt;
}

std::optional<std::string> Socks5::take_method(std::string& to_proxy) {
  if (answer_[0] != version) return not_socks5(answer_[0]);
  const std::uint8_t method = answer_[1];
  if (method == method_none) {
    ask_to_connect(to_proxy);
    return std::nullopt;
  }
  if (method == method_login && !target_.username.empty()) {
    append(to_proxy, {login_version});
    append_text(to_proxy, target_.username);
    append_text(to_proxy, target_.password);
    stage_ = Stage::login;
    return std::nullopt;
  }
  if (method == method_refused) {
    return target_.username.empty() ? "the proxy wants a login"
                                    : "the proxy accepts no login of ours";
  }
  return fmt::format("the proxy chose method {:#04x}, which it was not offered", method);
}

std::optional<std::string> Socks5::take_login(std::string& to_proxy) {
  if (answer_[0] != login_version) return not_socks5(answer_[0]);
  if (answer_[1] != 0) return "the proxy refused the username or its password";
  ask_to_connect(to_proxy);
  return std::nullopt;
}

void Socks5::ask_to_connect(std::string& to_proxy) {
  append(to_proxy, {version, command_connect, 0});
  if (const auto address = base::IpAddress::parse(target_.host)) {
    const auto& all = address->v6_bytes();
    const std::span bytes = std::span(all).subspan(address->is_v4() ? 12 : 0);
    append(to_proxy, {address->is_v4() ? address_v4 : address_v6});
    for (const std::uint8_t byte : bytes) append(to_proxy, {byte});
  } else {
    append(to_proxy, {address_name});
    append_text(to_proxy, target_.host);
  }
  append(to_proxy, {static_cast<std::uint8_t>(target_.port >> 8),
                    static_cast<std::uint8_t>(target_.port & 0xff)});
  stage_ = Stage::reply;
}

std::optional<std::string> Socks5::take_reply() {
  if (answer_[0] != version) return not_socks5(answer_[0]);
  if (answer_[1] != 0) {
    return fmt::format("the proxy could not connect: {} (reply {})", describe_reply(answer_[1]),
                       answer_[1]);
  }
  const std::uint8_t type = answer_[3];
  if (type != address_v4 && type != address_v6 && type != address_name) {
    return fmt::format("the proxy answered with address type {:#04x}", type);
  }
  stage_ = Stage::open;
  return std::nullopt;
}

}  // namespace net
