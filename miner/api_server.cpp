#include "miner/api_server.h"

#include "common/uv/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace miner {
namespace {

constexpr std::chrono::milliseconds sweep_every{100};
constexpr std::chrono::milliseconds flush_deadline{1000};
constexpr std::size_t answer_bytes_max = std::size_t{1} << 20;  // 1024 threads and 8 commands fit

}  // namespace

struct ApiServer::Client {
  std::unique_ptr<uv::TcpStream> stream;
  base::MonoTime since{};
  std::string received;
  bool answered = false;
  bool over = false;
};

ApiServer::ApiServer(uv::Loop& loop, GetFacts get_facts)
    : get_facts_(std::move(get_facts)), sweeper_(loop, [this] { sweep(); }) {}

ApiServer::~ApiServer() = default;

base::Result<std::unique_ptr<ApiServer>, std::string> ApiServer::listen(uv::Loop& loop,
                                                                        const ApiSettings& where,
                                                                        GetFacts get_facts) {
  std::unique_ptr<ApiServer> server(new ApiServer(loop, std::move(get_facts)));
  uv::ListenOptions options;
  options.host = where.host;
  options.port = where.port;
  // Who comes too many is closed at once. In a full backlog they would wait half a minute for the
  // kernel to offer the connection again.
  uv::TcpOptions streams;
  streams.write_queue_bytes_max = answer_bytes_max;
  auto listener = uv::TcpListener::listen(
      loop, options, streams, [self = server.get()](std::unique_ptr<uv::TcpStream> stream) {
        self->on_accept(std::move(stream));
      });
  if (!listener) {
    return base::err(fmt::format("cannot listen on {}:{}: {}", where.host, where.port,
                                 uv::describe(listener.error())));
  }
  server->listener_ = std::move(*listener);
  server->sweeper_.start(sweep_every, sweep_every);
  return server;
}

void ApiServer::on_accept(std::unique_ptr<uv::TcpStream> stream) {
  std::erase_if(clients_, [](const std::unique_ptr<Client>& client) { return client->over; });
  if (clients_.size() >= api_clients_max) return;  // closed by its destructor
  auto client = std::make_unique<Client>();
  client->stream = std::move(stream);
  client->since = uv::read_clock().mono;
  Client& one = *client;
  one.stream->set_callbacks({[this, &one](base::ByteSpan bytes) { on_bytes(one, bytes); },
                             [&one](uv::CloseCause) { one.over = true; },
                             {}});
  one.stream->start_reading();
  clients_.push_back(std::move(client));
}

void ApiServer::on_bytes(Client& client, base::ByteSpan bytes) {
  if (client.answered) return;
  client.received += base::as_text(
      bytes.first(std::min(bytes.size(), api_request_bytes_max + 1 - client.received.size())));
  if (const auto request = complete_api_request(client.received)) {
    answer(client, *request);
  } else if (client.received.size() > api_request_bytes_max) {
    answer(client, std::string_view(client.received).substr(0, api_request_bytes_max));
  }
}

void ApiServer::answer(Client& client, std::string_view request) {
  client.answered = true;
  std::string text = answer_api(request, get_facts_());
  text += '\0';
  client.stream->write(text);
  client.stream->close_after_flush(flush_deadline);
}

void ApiServer::sweep() {
  const base::MonoTime now = uv::read_clock().mono;
  std::erase_if(clients_, [&](const std::unique_ptr<Client>& client) {
    if (client->over) return true;
    if (now - client->since <= api_client_time_max) return false;
    if (client->answered) return now - client->since > 2 * api_client_time_max;
    answer(*client, client->received);  // it may be a command that nobody knows
    return false;
  });
}

}  // namespace miner
