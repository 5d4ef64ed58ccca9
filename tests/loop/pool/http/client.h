// A blocking web client for the tests of the loop, with a deadline on every wait.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>

namespace pool {

using namespace std::chrono_literals;

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False when the peer has gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Reads until `done(read so far)`, the end of the stream, or twenty seconds without a byte.
  template <class Done>
  std::string read_until(const Done& done) {
    std::string text;
    while (!done(text) && read_some(text, 20s)) {
    }
    return text;
  }
  std::string read_to_end() {
    return read_until([](const std::string&) { return false; });
  }
  // One response with a Content-Length, body included.
  std::string read_response() {
    return read_until([](const std::string& text) {
      const std::size_t end = text.find("\r\n\r\n");
      const std::size_t length = text.find("content-length: ");
      const std::size_t length2 = text.find("Content-Length: ");
      const std::size_t at = length != std::string::npos ? length : length2;
      if (end == std::string::npos || at == std::string::npos) return false;
      return text.size() >= end + 4 + std::stoul(text.substr(at + 16));
    });
  }
  bool ended() const { return ended_; }

 private:
  bool read_some(std::string& text, std::chrono::milliseconds patience) {
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(patience.count())) != 1) return false;
    char bytes[16384];
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    text.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int socket_;
  bool ended_ = false;
};

inline bool starts_with(const std::string& text, std::string_view head) {
  return text.compare(0, head.size(), head) == 0;
}

inline int count(const std::string& text, std::string_view part) {
  int found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++found;
  return found;
}

}  // namespace pool
