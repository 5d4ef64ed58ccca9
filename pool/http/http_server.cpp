#include "pool/http/http_server.h"

#include "common/base/host_port.h"
#include "pool/http/site.h"

#include <algorithm>
#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto refused_deadline = 1s;
constexpr std::size_t refused_max = 32;

}  // namespace

base::Result<std::unique_ptr<HttpServer>, std::string> HttpServer::open(uv::Loop& loop,
                                                                        Options options,
                                                                        HttpShared& shared) {
  const auto where = base::parse_host_port(options.listen);
  if (!where) {
    return base::err(options.key + ": " + options.listen +
                     " is not host:port: " + std::string(base::describe(where.error())));
  }
  std::unique_ptr<HttpServer> self(new HttpServer(std::move(options), shared));
  uv::ListenOptions listen;
  listen.host = where->host;
  listen.port = where->port;
  uv::TcpOptions streams;
  streams.write_queue_bytes_max = limits::http_write_queue_bytes_max;
  HttpServer& server = *self;
  auto listener = uv::TcpListener::listen(
      loop, listen, streams,
      [&server](std::unique_ptr<uv::TcpStream> stream) { server.on_accept(std::move(stream)); });
  if (!listener) {
    const std::string& key = server.options_.key;
    return base::err(key + ": can't listen on " + server.options_.listen + ": " +
                     uv::describe(listener.error()) + "; stop what uses it, or set " + key +
                     " to another address");
  }
  server.listener_ = std::move(*listener);
  server.bound_port_ = server.listener_->bound_port();
  return self;
}

void HttpServer::on_accept(std::unique_ptr<uv::TcpStream> stream) {
  if (connections_.size() >= options_.connections_max && !make_room()) {
    return refuse(std::move(stream), HttpClose::full);
  }
  const auto from = shared_.meter.client_of(base::IpAddress::parse(stream->peer_address()), {});
  if (from && !shared_.meter.on_connect(*from)) {
    return refuse(std::move(stream), HttpClose::address);
  }
  const std::uint64_t id = next_connection_++;
  auto connection = std::make_unique<HttpConnection>(std::move(stream), shared_, from,
                                                     [this, id] { on_closed(id); });
  HttpConnection& accepted = *connection;
  connections_.emplace(id, std::move(connection));
  accepted.start();
}

// Closes the connection that has been idle longest; false when none is idle.
bool HttpServer::make_room() {
  auto idlest = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    if (!it->second->is_idle()) continue;
    if (idlest == connections_.end() ||
        it->second->last_progress() < idlest->second->last_progress()) {
      idlest = it;
    }
  }
  if (idlest == connections_.end()) return false;
  shared_.counts.closed(HttpClose::made_room);
  graveyard_.push_back(std::move(idlest->second));
  graveyard_.back()->close();
  connections_.erase(idlest);
  return true;
}

void HttpServer::refuse(std::unique_ptr<uv::TcpStream> stream, HttpClose why) {
  shared_.counts.closed(why);
  // What speaks TLS would not understand it; what may speak either has not said yet.
  if (shared_.tls.context) return;
  if (refused_.size() >= refused_max) return;  // closes as it goes
  stream->set_callbacks({});
  stream->write(net::write_response(Site::answer_busy()));
  stream->close_after_flush(refused_deadline);
  refused_.push_back(std::move(stream));
}

void HttpServer::on_closed(std::uint64_t connection) {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;  // made room
  graveyard_.push_back(std::move(found->second));
  connections_.erase(found);
}

void HttpServer::check_deadlines(base::MonoTime now) {
  shared_.meter.expire(now);
  for (auto& [id, connection] : connections_) connection->check_deadlines(now, options_.deadlines);
  refused_.erase(std::remove_if(refused_.begin(), refused_.end(),
                                [](const auto& stream) { return !stream->is_open(); }),
                 refused_.end());
}

void HttpServer::stop() {
  listener_.reset();
  for (auto& [id, connection] : connections_) {
    if (connection->is_idle()) {
      connection->close();
    } else {
      connection->finish();
    }
  }
}

}  // namespace pool
