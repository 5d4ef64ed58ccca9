// Publisher: a real PUB socket in the place of a node's.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

namespace pool::test {

struct Publisher {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::xpub};
  std::string endpoint;
  std::vector<std::string> topics;  // that were subscribed to, sorted

  explicit Publisher(const std::string& at = "tcp://127.0.0.1:*") {
    socket.set(zmq::sockopt::linger, 0);
    socket.bind(at);
    endpoint = socket.get(zmq::sockopt::last_endpoint);
  }
  // An XPUB socket is told of each subscription: from then on nothing is lost.
  bool has_all_subscriptions() {
    zmq::message_t subscription;
    while (socket.recv(subscription, zmq::recv_flags::dontwait)) {
      topics.push_back(subscription.to_string().substr(1));
    }
    std::sort(topics.begin(), topics.end());
    return topics == std::vector<std::string>{"hashblock", "rawblock", "sequence"};
  }
  void send(const std::vector<std::string>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto flags = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      socket.send(zmq::buffer(frames[i]), flags);
    }
  }
  void send(std::string_view topic, const std::string& body, std::uint32_t count) {
    std::array<std::uint8_t, 4> counter{};
    base::write_le32(counter, count);
    send({std::string(topic), body, std::string(base::as_text(counter))});
  }
  static std::string displayed(const bitcoin::BlockHash& hash) {
    return {hash.bytes.rbegin(), hash.bytes.rend()};
  }
  void hashblock(const bitcoin::BlockHash& hash, std::uint32_t count) {
    send("hashblock", displayed(hash), count);
  }
  // `rest`: the bytes of its transactions.
  void rawblock(const bitcoin::Header& header, std::uint32_t count, std::size_t rest = 100) {
    const bitcoin::HeaderBytes bytes = header.serialize();
    send("rawblock", std::string(bytes.begin(), bytes.end()) + std::string(rest, 'x'), count);
  }
  void sequence(const bitcoin::BlockHash& hash, char what, std::uint32_t count) {
    const bool of_mempool = what == 'A' || what == 'R';
    send("sequence", displayed(hash) + what + std::string(of_mempool ? 8 : 0, 'n'), count);
  }
};

}  // namespace pool::test
