// What may stand between a miner and its pool: a TLS end and a SOCKS5 proxy, each a listener that
// passes bytes on to a port of this machine. On the test's own loop.
#pragma once

#include "common/net/tls.h"
#include "common/uv/tcp.h"
#include "tests/unit/common/net/tls_fixture.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace miner::fake {

// A file that goes with its test.
struct TextFile {
  explicit TextFile(std::string_view text) {
    std::string name = "/tmp/phaseminer-test-XXXXXX";
    const int fd = mkstemp(name.data());
    REQUIRE_GE(fd, 0);
    path = name;
    REQUIRE_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(fd);
  }
  ~TextFile() { std::remove(path.c_str()); }
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;
  std::string path;
};

// A listener that keeps what it accepts.
class Listener {
 public:
  using OnBytes = std::function<void(uv::TcpStream&, base::ByteSpan)>;
  Listener(uv::Loop& loop, OnBytes on_bytes) : on_bytes_(std::move(on_bytes)) {
    auto listener = uv::TcpListener::listen(
        loop, {.host = "127.0.0.1", .port = 0}, {},
        [this](std::unique_ptr<uv::TcpStream> stream) { on_accept(std::move(stream)); });
    REQUIRE(listener.has_value());
    listener_ = std::move(*listener);
  }
  std::uint16_t port() const { return listener_->bound_port(); }
  std::vector<std::unique_ptr<uv::TcpStream>> streams;
  std::function<void(uv::TcpStream&)> on_stream;
  std::string heard;  // of all

 private:
  void on_accept(std::unique_ptr<uv::TcpStream> stream) {
    uv::TcpStream& one = *stream;
    streams.push_back(std::move(stream));
    one.set_callbacks({[this, &one](base::ByteSpan bytes) {
                         heard += base::as_text(bytes);
                         if (on_bytes_) on_bytes_(one, bytes);
                       },
                       {},
                       {}});
    one.start_reading();
    if (on_stream) on_stream(one);
  }
  OnBytes on_bytes_;
  std::unique_ptr<uv::TcpListener> listener_;
};

// One connection from a miner, and the one that it is passed on to.
class Relay {
 public:
  virtual ~Relay() = default;
  Relay(uv::Loop& loop, std::unique_ptr<uv::TcpStream> near) : loop_(loop), near_(std::move(near)) {
    near_->set_callbacks({[this](base::ByteSpan bytes) { from_near(bytes); },
                          [this](uv::CloseCause) {
                            if (far_) far_->close();
                          },
                          {}});
    near_->start_reading();
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

 protected:
  virtual void from_near(base::ByteSpan bytes) = 0;
  virtual void from_far(base::ByteSpan bytes) = 0;
  virtual void on_far_open() {}
  void open_far(std::uint16_t port) {
    connector_ = std::make_unique<uv::TcpConnector>(
        loop_, "127.0.0.1", port, std::chrono::seconds(30), uv::TcpOptions{}, [this](auto result) {
          if (!result) return near_->close();
          far_ = std::move(*result);
          far_->set_callbacks({[this](base::ByteSpan bytes) { from_far(bytes); },
                               [this](uv::CloseCause) { near_->close(); },
                               {}});
          far_->start_reading();
          on_far_open();
        });
  }
  uv::Loop& loop_;
  std::unique_ptr<uv::TcpStream> near_;
  std::unique_ptr<uv::TcpStream> far_;
  std::unique_ptr<uv::TcpConnector> connector_;
};

class TlsRelay final : public Relay {
 public:
  TlsRelay(uv::Loop& loop, std::unique_ptr<uv::TcpStream> near,
           std::shared_ptr<const net::TlsContext> context, std::uint16_t far_port)
      : Relay(loop, std::move(near)), tls_(net::Tls::accept(std::move(context))) {
    open_far(far_port);
  }

 private:
  void from_near(base::ByteSpan bytes) override {
    std::string back;
    const auto done = tls_->receive(bytes, waiting_, back);
    near_->write(back);
    if (!done) return near_->close();
    on_far_open();
  }
  void from_far(base::ByteSpan bytes) override {
    std::string out;
    REQUIRE(tls_->send(bytes, out));
    near_->write(out);
  }
  void on_far_open() override {
    if (far_) far_->write(std::exchange(waiting_, {}));
  }
  std::unique_ptr<net::Tls> tls_;
  std::string waiting_;
};

// Knows every name, as this machine. With a login it wants exactly that.
class SocksRelay final : public Relay {
 public:
  SocksRelay(uv::Loop& loop, std::unique_ptr<uv::TcpStream> near, std::string login,
             std::string& asked_for)
      : Relay(loop, std::move(near)), login_(std::move(login)), asked_for_(asked_for) {}

 private:
  enum class Stage { greeting, login, request, open };
  void from_near(base::ByteSpan bytes) override {
    got_ += base::as_text(bytes);
    if (stage_ == Stage::greeting && got_.size() >= 2 &&
        got_.size() >= 2 + static_cast<std::size_t>(got_[1])) {
      const bool offers_login = got_[1] == 2;
      got_.erase(0, 2 + static_cast<std::size_t>(got_[1]));
      if (!login_.empty() && !offers_login) return near_->write(std::string_view("\x05\xff", 2));
      near_->write(login_.empty() ? std::string_view("\x05\x00", 2)
                                  : std::string_view("\x05\x02", 2));
      stage_ = login_.empty() ? Stage::request : Stage::login;
    }
    if (stage_ == Stage::login && !got_.empty()) {
      const std::size_t user = got_.size() > 1 ? static_cast<std::size_t>(got_[1]) : 255;
      if (got_.size() < 3 + user ||
          got_.size() < 3 + user + static_cast<std::size_t>(got_[2 + user])) {
        return;
      }
      const auto password = static_cast<std::size_t>(got_[2 + user]);
      const bool right = got_.substr(2, user) + ":" + got_.substr(3 + user, password) == login_;
      got_.erase(0, 3 + user + password);
      near_->write(right ? std::string_view("\x01\x00", 2) : std::string_view("\x01\x01", 2));
      stage_ = Stage::request;
    }
    if (stage_ == Stage::request && got_.size() > 5) read_request();
    if (stage_ == Stage::open && far_) far_->write(std::exchange(got_, {}));
  }
  void read_request() {
    const bool is_name = got_[3] == 3;
    const std::size_t address = is_name ? static_cast<std::size_t>(got_[4]) : 4;
    const std::size_t begin = is_name ? 5 : 4;
    if (got_.size() < begin + address + 2) return;
    asked_for_ = is_name ? got_.substr(begin, address) : std::string("(an address)");
    const auto port =
        static_cast<std::uint16_t>(static_cast<std::uint8_t>(got_[begin + address]) * 256 +
                                   static_cast<std::uint8_t>(got_[begin + address + 1]));
    got_.erase(0, begin + address + 2);
    stage_ = Stage::open;
    open_far(port);
  }
  void on_far_open() override {
    near_->write(std::string_view("\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00", 10));
    far_->write(std::exchange(got_, {}));
  }
  void from_far(base::ByteSpan bytes) override { near_->write(bytes); }

  const std::string login_;
  std::string& asked_for_;
  std::string got_;
  Stage stage_ = Stage::greeting;
};

// A pool's port with TLS before it.
struct TlsFront {
  TlsFront(uv::Loop& loop, const tls_test::Certificate& certificate, std::uint16_t far_port) {
    auto context =
        net::TlsContext::from_pem({certificate.chain, "cert.pem"}, {certificate.key, "key.pem"});
    REQUIRE(context);
    auto listening = uv::TcpListener::listen(
        loop, {.host = "127.0.0.1", .port = 0}, {},
        [this, &loop, context = *context, far_port](std::unique_ptr<uv::TcpStream> stream) {
          relays.push_back(std::make_unique<TlsRelay>(loop, std::move(stream), context, far_port));
        });
    REQUIRE(listening);
    listener = std::move(*listening);
  }
  std::uint16_t port() const { return listener->bound_port(); }
  std::vector<std::unique_ptr<TlsRelay>> relays;
  std::unique_ptr<uv::TcpListener> listener;
};

struct SocksProxy {
  explicit SocksProxy(uv::Loop& loop, const std::string& login = {}) {  // "user:password"
    auto listening = uv::TcpListener::listen(
        loop, {.host = "127.0.0.1", .port = 0}, {},
        [this, &loop, login](std::unique_ptr<uv::TcpStream> stream) {
          relays.push_back(std::make_unique<SocksRelay>(loop, std::move(stream), login, asked_for));
        });
    REQUIRE(listening);
    listener = std::move(*listening);
  }
  std::uint16_t port() const { return listener->bound_port(); }
  std::string asked_for;  // the newest host
  std::vector<std::unique_ptr<SocksRelay>> relays;
  std::unique_ptr<uv::TcpListener> listener;
};

}  // namespace miner::fake
