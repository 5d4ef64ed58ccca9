// ApiServer: answers cgminer's API (miner/api.h) on a TCP port, by default on loopback only.
//
// A client sends one request and gets one answer, which a NUL ends; then the connection is closed.
// A few clients at a time, a request of 1 KiB, two seconds: beyond these the connection is closed,
// so that whoever connects can't make the miner hold memory or descriptors.
//
// Thread: the loop's.
#pragma once

#include "common/base/result.h"
#include "common/uv/loop.h"
#include "common/uv/tcp.h"
#include "miner/api.h"
#include "miner/options.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace miner {

inline constexpr std::size_t api_clients_max = 16;
inline constexpr std::chrono::milliseconds api_client_time_max{2000};

class ApiServer {
 public:
  using GetFacts = std::function<ApiFacts()>;

  // Listens at once. The error says where, and why not. `loop` outlives it.
  [[nodiscard]] static base::Result<std::unique_ptr<ApiServer>, std::string> listen(
      uv::Loop& loop, const ApiSettings& where, GetFacts get_facts);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  std::uint16_t port() const { return listener_->bound_port(); }
  std::size_t clients() const { return clients_.size(); }

 private:
  struct Client;

  ApiServer(uv::Loop& loop, GetFacts get_facts);
  void on_accept(std::unique_ptr<uv::TcpStream> stream);
  void on_bytes(Client& client, base::ByteSpan bytes);
  void answer(Client& client, std::string_view request);
  void sweep();

  const GetFacts get_facts_;
  std::list<std::unique_ptr<Client>> clients_;
  uv::Timer sweeper_;  // clients are freed here, never in their own callbacks
  std::unique_ptr<uv::TcpListener> listener_;
};

}  // namespace miner
