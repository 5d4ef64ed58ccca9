// A web loop on its own thread, for the tests; ends with the test.
#pragma once

#include "pool/http/http_loop.h"
#include "tests/loop/pool/http/client.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace pool {

class Running {
 public:
  explicit Running(HttpLoop::Options options = {}, HttpLoop::Hooks hooks = {}) {
    options.listen = "127.0.0.1:0";
    options.network = bitcoin::Network::regtest;
    options.stratum_hint = "stratum+tcp://127.0.0.1:3333";
    auto opened = HttpLoop::open(std::move(options), std::move(hooks));
    REQUIRE(opened);
    loop_ = std::move(*opened);
    thread_ = std::thread([this] { loop_->run(); });
  }
  ~Running() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    loop_->mailbox().post_reserved(Shutdown{});
    thread_.join();
  }
  HttpLoop& loop() { return *loop_; }
  std::uint16_t port() const { return loop_->bound_port(); }
  void post(HttpMessage message) { CHECK(loop_->mailbox().post(std::move(message))); }

  std::string get(const std::string& target, const std::string& method = "GET") const {
    Client client(port());
    CHECK(client.send(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    return client.read_to_end();
  }
  // GETs until the answer holds `part`; false after twenty seconds.
  bool wait_for(const std::string& target, const std::string& part) const {
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < until) {
      if (get(target).find(part) != std::string::npos) return true;
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }

 private:
  std::unique_ptr<HttpLoop> loop_;
  std::thread thread_;
};

}  // namespace pool
