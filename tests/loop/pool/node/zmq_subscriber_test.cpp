// A real PUB socket stands in for the node's publisher.
#include "pool/node/zmq_subscriber.h"

#include "common/base/bytes.h"
#include "tests/loop/pool/node/waiting.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include <zmq.hpp>

namespace pool {
namespace {

using namespace std::chrono_literals;

struct Publisher {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::xpub};
  std::string endpoint;

  explicit Publisher(const std::string& at = "tcp://127.0.0.1:*") {
    socket.set(zmq::sockopt::linger, 0);
    socket.bind(at);
    endpoint = socket.get(zmq::sockopt::last_endpoint);
  }
  // An XPUB socket is told of each subscription: from then on nothing is lost.
  bool has_subscriber() {
    zmq::message_t subscription;
    return socket.recv(subscription, zmq::recv_flags::dontwait).has_value();
  }
  void send(const std::vector<std::string>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto flags = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      socket.send(zmq::buffer(frames[i]), flags);
    }
  }
  void announce(char first_display_byte, std::uint32_t sequence) {
    std::string hash(32, '\0');
    hash[0] = first_display_byte;
    std::array<std::uint8_t, 4> counter{};
    base::write_le32(counter, sequence);
    send({"hashblock", hash, std::string(base::as_text(counter))});
  }
};

struct Bench {
  uv::Loop loop;
  Publisher publisher;
  std::vector<BlockAnnouncement> heard;
  std::unique_ptr<ZmqSubscriber> subscriber;

  Bench() {
    auto made =
        ZmqSubscriber::connect(loop, publisher.endpoint,
                               [this](const BlockAnnouncement& block) { heard.push_back(block); });
    REQUIRE(made);
    subscriber = std::move(*made);
    REQUIRE(test::wait_until(loop, [&] { return publisher.has_subscriber(); }));
  }
  bool wait_for(std::size_t announcements) {
    return test::wait_until(
        loop, [&] { return heard.size() >= announcements; }, 10s);
  }
};

}  // namespace

TEST_CASE("an announced block arrives with its bytes in internal order") {
  Bench b;
  b.publisher.announce('\x7a', 0);
  REQUIRE(b.wait_for(1));
  CHECK_EQ(b.heard[0].hash.display_hex().substr(0, 4), "7a00");
  CHECK_EQ(b.heard[0].hash.bytes[31], 0x7a);
  CHECK_FALSE(b.heard[0].after_gap);
}

TEST_CASE("a burst behind one wake arrives whole and in order") {
  Bench b;
  for (std::uint32_t i = 0; i < 200; ++i) b.publisher.announce(static_cast<char>(i), i);
  REQUIRE(b.wait_for(200));
  for (std::size_t i = 0; i < 200; ++i) CHECK_EQ(b.heard[i].hash.bytes[31], i);
  CHECK_EQ(b.subscriber->gaps(), 0);
}

TEST_CASE("a sequence number that is not the next one marks the announcement") {
  struct Row {
    const char* why;
    std::vector<std::uint32_t> sequence;
    std::vector<bool> after_gap;
  };
  const Row rows[] = {
      {"the first number may be anything", {17}, {false}},
      {"one by one", {5, 6, 7}, {false, false, false}},
      {"one missed", {5, 7, 8}, {false, true, false}},
      {"the node started anew", {5, 6, 0}, {false, false, true}},
      {"the counter wraps", {0xffffffff, 0}, {false, false}},
      {"the same again", {5, 5}, {false, true}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Bench b;
    for (const std::uint32_t sequence : row.sequence) b.publisher.announce('\1', sequence);
    REQUIRE(b.wait_for(row.sequence.size()));
    for (std::size_t i = 0; i < row.after_gap.size(); ++i) {
      CHECK_EQ(b.heard[i].after_gap, row.after_gap[i]);
    }
  }
}

TEST_CASE("messages of another shape are counted and do no harm") {
  Bench b;
  const std::string hash(32, 'h');
  const std::string counter(4, '\0');
  b.publisher.send({"hashblock"});
  b.publisher.send({"hashblock", hash});
  b.publisher.send({"hashblock", hash.substr(1), counter});
  b.publisher.send({"hashblock", hash, counter.substr(1)});
  b.publisher.send({"hashblock", hash, counter, "more"});
  b.publisher.send({"hashblocks", hash, counter});  // passes libzmq's prefix match
  b.publisher.send(std::vector<std::string>(50, "hashblock"));
  b.publisher.announce('\1', 1);
  REQUIRE(b.wait_for(1));
  CHECK_GE(b.subscriber->malformed(), 7);
  CHECK_EQ(b.heard.size(), 1);
}

TEST_CASE("a publisher that comes back is heard again") {
  Bench b;
  b.publisher.announce('\1', 0);
  REQUIRE(b.wait_for(1));
  const std::string endpoint = b.publisher.endpoint;
  b.publisher.socket.close();
  std::optional<Publisher> second;
  REQUIRE(test::wait_until(b.loop, [&] {
    try {
      second.emplace(endpoint);
      return true;
    } catch (const zmq::error_t&) {
      return false;  // the port is let go of a moment later
    }
  }));
  REQUIRE(test::wait_until(b.loop, [&] { return second->has_subscriber(); }));
  second->announce('\2', 0);
  REQUIRE(b.wait_for(2));
  CHECK_EQ(b.heard[1].hash.bytes[31], 2);
  CHECK(b.heard[1].after_gap);
}

TEST_CASE("an endpoint that libzmq does not understand is an error with the endpoint in it") {
  uv::Loop loop;
  for (const char* endpoint : {"127.0.0.1:28332", "tcp://", "carrier-pigeon://x"}) {
    CAPTURE(endpoint);
    const auto made = ZmqSubscriber::connect(loop, endpoint, [](const BlockAnnouncement&) {});
    REQUIRE_FALSE(made);
    CHECK_NE(made.error().find(endpoint), std::string::npos);
  }
}

TEST_CASE("destroying a subscriber closes its descriptor's watch") {
  Bench b;
  b.publisher.announce('\1', 0);
  b.subscriber.reset();
  test::run_for(b.loop, 50ms);
  CHECK(b.heard.empty());
}

}  // namespace pool
