// HttpServer: a listener and its connections. HttpLoop has one for everybody and one for the
// operator.
//
// Full of connections: the one that has been idle longest makes room; when all are busy, 503.
// Errors: open() tells in one line which address could not be bound, and the option to change.
// Thread: the loop's.
#pragma once

#include "common/base/result.h"
#include "common/uv/loop.h"
#include "common/uv/tcp.h"
#include "pool/http/http_connection.h"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace pool {

class HttpServer {
 public:
  struct Options {
    std::string key;     // of the configuration, for errors: "http.listen"
    std::string listen;  // "127.0.0.1:8080"; port 0: any free one
    std::size_t connections_max = 0;
    HttpDeadlines deadlines{};
  };

  // `shared` outlives it.
  [[nodiscard]] static base::Result<std::unique_ptr<HttpServer>, std::string> open(
      uv::Loop& loop, Options options, HttpShared& shared);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t bound_port() const { return bound_port_; }
  // About once a second.
  void check_deadlines(base::MonoTime now);
  // At the end of each turn of the loop: frees what has closed in it.
  void end_turn() { graveyard_.clear(); }
  // Nobody is let in any more; what has been asked is still answered.
  void stop();
  bool is_empty() const { return connections_.empty(); }
  std::size_t connections() const { return connections_.size(); }

 private:
  HttpServer(Options options, HttpShared& shared) : options_(std::move(options)), shared_(shared) {}

  void on_accept(std::unique_ptr<uv::TcpStream> stream);
  bool make_room();
  void refuse(std::unique_ptr<uv::TcpStream> stream, HttpClose why);
  void on_closed(std::uint64_t connection);

  const Options options_;
  HttpShared& shared_;
  std::unordered_map<std::uint64_t, std::unique_ptr<HttpConnection>> connections_;
  std::uint64_t next_connection_ = 1;
  std::vector<std::unique_ptr<HttpConnection>> graveyard_;
  std::vector<std::unique_ptr<uv::TcpStream>> refused_;  // saying goodbye
  std::unique_ptr<uv::TcpListener> listener_;
  std::uint16_t bound_port_ = 0;
};

}  // namespace pool
