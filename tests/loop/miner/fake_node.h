// FakeNode: an HTTP server that answers a solo miner's JSON-RPC as a test tells it to.
#pragma once

#include "common/bitcoin/hash.h"
#include "common/net/http.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/tcp.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rapidjson/document.h>

namespace miner::fake {

class FakeNode {
 public:
  explicit FakeNode(uv::Loop& loop) : loop_(loop) { listen(0); }

  // Its connections end, and nobody listens on its port.
  void go_away() {
    port_ = port();
    listener_.reset();
    peers_.clear();
  }
  void come_back() { listen(port_); }
  std::uint16_t port() const { return listener_ ? listener_->bound_port() : port_; }
  rpc::RpcEndpoint endpoint() const {
    rpc::RpcEndpoint made;
    made.host = "127.0.0.1";
    made.port = port();
    made.user = "u";
    made.password = "p";
    return made;
  }
  int calls(const std::string& method) const {
    const auto at = calls_.find(method);
    return at == calls_.end() ? 0 : at->second;
  }
  // To those that ask with a long-poll.
  void answer_long_polls() {
    for (const Waiting& waiting : std::exchange(long_polls_, {})) {
      write(*waiting.peer, waiting.id, template_json(), "null");
    }
  }

  std::string chain = "regtest";
  std::uint8_t tip = 1;             // the hash of the best block, repeated
  bool answers_long_polls = false;  // at once, without news
  bool tells_tip = true;            // getbestblockhash's answer is the truth
  std::string nbits = "207fffff";
  std::string on_template_error;                    // an error object, instead of a template
  std::string on_submit = "null";                   // its word on blocks
  std::map<std::string, std::string> on_submit_of;  // the same on one block, by its hex
  bool new_tip_on_submit = true;                    // blocks are taken into its chain
  std::vector<std::string> submitted;               // in hex
  std::vector<std::string> proposed;

 private:
  struct Peer {
    std::unique_ptr<uv::TcpStream> stream;
    net::HttpRequestParser parser{{.header_bytes_max = 16 * 1024, .body_bytes_max = 1 << 24}};
  };
  struct Waiting {
    std::shared_ptr<Peer> peer;
    std::int64_t id;
  };

  void listen(std::uint16_t port) {
    auto made = uv::TcpListener::listen(
        loop_, {.host = "127.0.0.1", .port = port}, {},
        [this](std::unique_ptr<uv::TcpStream> stream) { on_accept(std::move(stream)); });
    REQUIRE(made.has_value());
    listener_ = std::move(*made);
  }

  void on_accept(std::unique_ptr<uv::TcpStream> stream) {
    auto peer = std::make_shared<Peer>();
    peer->stream = std::move(stream);
    const std::weak_ptr<Peer> weak = peer;
    peer->stream->set_callbacks(
        {.on_bytes =
             [this, weak](base::ByteSpan bytes) {
               const auto alive = weak.lock();
               if (!alive) return;
               (void)alive->parser.push(
                   bytes, [&](net::HttpRequest&& request) { on_request(alive, request.body); });
             },
         .on_close = [](uv::CloseCause) {},
         .on_drain = {}});
    peer->stream->start_reading();
    peers_.push_back(std::move(peer));
  }

  void on_request(const std::shared_ptr<Peer>& peer, const std::string& body) {
    rapidjson::Document request;
    REQUIRE(!request.Parse(body.data(), body.size()).HasParseError());
    const std::string method = request["method"].GetString();
    const std::int64_t id = request["id"].GetInt64();
    const bool long_poll = body.find("longpollid") != std::string::npos;
    const bool proposal = body.find("proposal") != std::string::npos;
    ++calls_[long_poll ? "longpoll" : proposal ? "proposal" : method];
    if (method == "getblockchaininfo") {
      return write(
          *peer, id,
          fmt::format(R"({{"chain":"{}","blocks":100,"bestblockhash":"{}"}})", chain, hash_of(tip)),
          "null");
    }
    if (method == "getbestblockhash") {
      return write(*peer, id, "\"" + hash_of(tells_tip ? tip : 1) + "\"", "null");
    }
    if (method == "submitblock") {
      submitted.emplace_back(request["params"][0].GetString());
      if (new_tip_on_submit) ++tip;
      const auto own = on_submit_of.find(submitted.back());
      return write(*peer, id, own == on_submit_of.end() ? on_submit : own->second, "null");
    }
    REQUIRE_EQ(method, "getblocktemplate");
    if (proposal) {
      proposed.emplace_back(request["params"][0]["data"].GetString());
      return write(*peer, id, "null", "null");
    }
    if (!on_template_error.empty()) return write(*peer, id, "null", on_template_error);
    if (long_poll && !answers_long_polls) return long_polls_.push_back({peer, id});
    write(*peer, id, template_json(), "null");
  }

  static std::string hash_of(std::uint8_t tip) {
    bitcoin::BlockHash hash;
    hash.bytes.fill(tip);
    return hash.display_hex();
  }

  std::string template_json() const {
    return fmt::format(
        R"({{"version":536870912,"rules":["csv","segwit"],"previousblockhash":"{}",)"
        R"("transactions":[],"coinbaseaux":{{}},"coinbasevalue":5000000000,"longpollid":"{}x",)"
        R"("mintime":1600000000,"mutable":["time"],"noncerange":"00000000ffffffff",)"
        R"("sigoplimit":80000,"sizelimit":4000000,"weightlimit":4000000,"curtime":1700000000,)"
        R"("bits":"{}","height":{}}})",
        hash_of(tip), hash_of(tip), nbits, 100 + tip);
  }

  static void write(Peer& peer, std::int64_t id, std::string_view result, std::string_view error) {
    peer.stream->write(net::write_response(
        {.status = 200,
         .headers = {{"content-type", "application/json"}},
         .body = fmt::format(R"({{"result":{},"error":{},"id":{}}})", result, error, id),
         .keep_alive = true}));
  }

  uv::Loop& loop_;
  std::uint16_t port_ = 0;
  std::vector<std::shared_ptr<Peer>> peers_;
  std::vector<Waiting> long_polls_;
  std::map<std::string, int> calls_;
  std::unique_ptr<uv::TcpListener> listener_;
};

}  // namespace miner::fake
