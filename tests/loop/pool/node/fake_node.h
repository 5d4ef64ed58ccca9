// FakeNode: an HTTP server that answers JSON-RPC as a test tells it to, for what a real node does
// too rarely or too politely: refusals, silence, lies.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/hash.h"
#include "common/net/http.h"
#include "common/rpc/rpc_client.h"
#include "common/uv/tcp.h"
#include "pool/config/config.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rapidjson/document.h>

namespace pool::test {

inline bitcoin::BlockHash numbered_hash(std::uint8_t n) {
  bitcoin::BlockHash hash;
  hash.bytes.fill(n);
  return hash;
}

class FakeNode {
 public:
  struct Reply {
    std::string result = "null";
    std::string error = "null";
    int status = 200;
    bool silent = false;                  // no answer at all
    std::optional<std::string> raw = {};  // sent as it is, instead of an answer
    bool cut = false;                     // then the connection ends
  };
  struct Call {
    std::string method;
    std::string text;  // the whole request
    bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
  };

  explicit FakeNode(uv::Loop& loop, std::uint16_t port = 0) : loop_(loop) {
    auto made = uv::TcpListener::listen(
        loop_, {.host = "127.0.0.1", .port = port}, {},
        [this](std::unique_ptr<uv::TcpStream> stream) { on_accept(std::move(stream)); });
    REQUIRE(made.has_value());
    listener_ = std::move(*made);
  }

  std::uint16_t port() const { return listener_->bound_port(); }
  NodeConfig config() const {
    NodeConfig made;
    made.rpc = fmt::format("http://127.0.0.1:{}", port());
    made.user = "u";
    made.password = "p";
    return made;
  }
  rpc::RpcEndpoint endpoint() const {
    return {.host = "127.0.0.1",
            .port = port(),
            .path = "/",
            .user = "u",
            .password = "p",
            .cookie_file = {}};
  }
  std::size_t connections() const { return peers_.size(); }  // made so far
  int calls(const std::string& method) const {
    const auto at = calls_.find(method);
    return at == calls_.end() ? 0 : at->second;
  }

  // The chain it claims to have; templates and tips follow from it.
  std::string chain = "regtest";
  bool initial_download = false;
  std::uint32_t height = 100;
  std::uint8_t tip = 1;
  // Asked first; an empty function, or one that gives nullopt, leaves the answer to the claims.
  std::function<std::optional<Reply>(const Call&)> handler;
  std::string on_proposal = "null";    // its word on them, as JSON
  std::vector<std::string> submitted;  // blocks in hex
  std::vector<std::string> targets;    // the path of each request

  std::string template_json() const {
    return fmt::format(
        R"({{"version":536870912,"rules":["csv","segwit"],"previousblockhash":"{}",)"
        R"("transactions":[],"coinbaseaux":{{}},"coinbasevalue":5000000000,"longpollid":"{}x",)"
        R"("target":"7fffff0000000000000000000000000000000000000000000000000000000000",)"
        R"("mintime":1600000000,"mutable":["time"],"noncerange":"00000000ffffffff",)"
        R"("sigoplimit":80000,"sizelimit":4000000,"weightlimit":4000000,"curtime":1700000000,)"
        R"("bits":"207fffff","height":{}}})",
        numbered_hash(tip).display_hex(), numbered_hash(tip).display_hex(), height + 1);
  }

 private:
  struct Peer {
    std::unique_ptr<uv::TcpStream> stream;
    net::HttpRequestParser parser{{.header_bytes_max = 16 * 1024, .body_bytes_max = 1 << 24}};
    bool closed = false;
  };

  void on_accept(std::unique_ptr<uv::TcpStream> stream) {
    auto peer = std::make_shared<Peer>();
    peer->stream = std::move(stream);
    Peer* raw = peer.get();
    raw->stream->set_callbacks({.on_bytes =
                                    [this, raw](base::ByteSpan bytes) {
                                      (void)raw->parser.push(bytes,
                                                             [&](net::HttpRequest&& request) {
                                                               targets.push_back(request.target);
                                                               on_request(*raw, request.body);
                                                             });
                                    },
                                .on_close = [raw](uv::CloseCause) { raw->closed = true; },
                                .on_drain = {}});
    raw->stream->start_reading();
    peers_.push_back(std::move(peer));
  }

  void on_request(Peer& peer, const std::string& body) {
    rapidjson::Document request;
    REQUIRE(!request.Parse(body.data(), body.size()).HasParseError());
    const Call call{request["method"].GetString(), body};
    const bool proposal = call.has(R"("mode":"proposal")");
    ++calls_[proposal ? "proposal" : call.method];
    if (call.method == "submitblock") submitted.emplace_back(request["params"][0].GetString());
    auto scripted = handler && !proposal ? handler(call) : std::nullopt;
    if (proposal) scripted = Reply{on_proposal};
    const Reply reply = scripted ? *scripted : claim(call);
    if (reply.silent) return;
    if (reply.raw) peer.stream->write(base::as_bytes(*reply.raw));
    if (reply.cut) peer.stream->close_after_flush(std::chrono::seconds(1));
    if (reply.raw || reply.cut) return;
    peer.stream->write(net::write_response(
        {.status = reply.status,
         .headers = {{"content-type", "application/json"}},
         .body = fmt::format(R"({{"result":{},"error":{},"id":{}}})", reply.result, reply.error,
                             request["id"].GetInt64()),
         .keep_alive = true}));
  }

  Reply claim(const Call& call) const {
    if (call.method == "getblockchaininfo") {
      return {fmt::format(R"({{"chain":"{}","blocks":{},"bestblockhash":"{}",)"
                          R"("initialblockdownload":{},"verificationprogress":0.5}})",
                          chain, height, numbered_hash(tip).display_hex(), initial_download)};
    }
    if (call.method == "getbestblockhash") {
      return {fmt::format("\"{}\"", numbered_hash(tip).display_hex())};
    }
    if (call.method == "getblocktemplate") {
      Reply reply{template_json()};
      reply.silent = call.has("longpollid");
      return reply;
    }
    if (call.method == "getblockheader" && call.has(numbered_hash(tip).display_hex())) {
      return {
          fmt::format(R"({{"hash":"{}","confirmations":1,"height":{},"previousblockhash":"{}"}})",
                      numbered_hash(tip).display_hex(), height,
                      numbered_hash(static_cast<std::uint8_t>(tip - 1)).display_hex())};
    }
    if (call.method == "getnetworkinfo") return {R"({"subversion":"/Fake:1/"})"};
    if (call.method == "getnetworkhashps") return {"1234.5"};
    if (call.method == "submitblock") return {"null"};
    return {"0"};
  }

  uv::Loop& loop_;
  std::vector<std::shared_ptr<Peer>> peers_;
  std::map<std::string, int> calls_;
  std::unique_ptr<uv::TcpListener> listener_;
};

}  // namespace pool::test
