// A real PUB socket stands in for the node's publisher.
#include "pool/node/zmq_subscriber.h"

#include "pool/core/limits.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/node/waiting.h"
#include "tests/loop/pool/node/zmq_publisher.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace pool {
namespace {

using namespace std::chrono_literals;
using test::numbered_hash;
using test::Publisher;

struct Bench {
  uv::Loop loop;
  Publisher publisher;
  std::vector<TipNews> heard;
  std::vector<std::size_t> doubts;  // how many blocks had been heard of
  std::unique_ptr<ZmqSubscriber> subscriber;

  Bench() {
    ZmqSubscriber::Events events;
    events.on_block = [this](const TipNews& news) { heard.push_back(news); };
    events.on_doubt = [this] { doubts.push_back(heard.size()); };
    auto made = ZmqSubscriber::connect(loop, publisher.endpoint, std::move(events));
    REQUIRE(made);
    subscriber = std::move(*made);
    REQUIRE(test::wait_until(loop, [&] { return publisher.has_all_subscriptions(); }));
  }
  bool wait_for(std::size_t announcements) {
    return test::wait_until(
        loop, [&] { return heard.size() >= announcements; }, 10s);
  }
};

}  // namespace

TEST_CASE("hashblock: the hash arrives with its bytes in internal order") {
  Bench b;
  bitcoin::BlockHash hash;
  hash.bytes[31] = 0x7a;
  b.publisher.hashblock(hash, 0);
  REQUIRE(b.wait_for(1));
  CHECK_EQ(b.heard[0].hash.display_hex().substr(0, 4), "7a00");
  CHECK_EQ(b.heard[0].hash, hash);
  CHECK(b.heard[0].source == TipSource::zmq_hashblock);
  CHECK_FALSE(b.heard[0].header);
  CHECK(b.doubts.empty());
}

TEST_CASE("rawblock: the header of a block of any size, with its hash") {
  Bench b;
  bitcoin::Header header;
  header.version = 0x20000000;
  header.prev_hash = numbered_hash(3);
  header.ntime = 1'700'000'000;
  header.nbits = 0x207fffff;
  header.nonce = 5;
  b.publisher.rawblock(header, 0);
  b.publisher.rawblock(header, 1, 4'000'000 - 80);  // the largest block there can be
  REQUIRE(b.wait_for(2));
  for (const TipNews& news : b.heard) {
    CHECK(news.source == TipSource::zmq_rawblock);
    CHECK_EQ(news.header, header);
    CHECK_EQ(news.hash, header.hash());
  }
}

TEST_CASE("sequence: a connected block is news, one taken back is doubt, the mempool is neither") {
  Bench b;
  b.publisher.sequence(numbered_hash(1), 'A', 8);
  b.publisher.sequence(numbered_hash(2), 'R', 9);
  b.publisher.sequence(numbered_hash(3), 'C', 10);
  REQUIRE(b.wait_for(1));
  CHECK_EQ(b.heard[0].hash, numbered_hash(3));
  CHECK(b.heard[0].source == TipSource::zmq_sequence);
  CHECK(b.doubts.empty());
  b.publisher.sequence(numbered_hash(3), 'D', 11);
  b.publisher.sequence(numbered_hash(4), 'C', 12);
  REQUIRE(b.wait_for(2));
  CHECK_EQ(b.doubts, std::vector<std::size_t>{1});
  CHECK_EQ(b.subscriber->gaps(), 0);
  CHECK_EQ(b.subscriber->malformed(), 0);
}

TEST_CASE("a flood of the mempool's messages loses no announcement of a block") {
  Bench b;
  constexpr std::uint32_t flood = 50'000;
  for (std::uint32_t i = 0; i < flood; ++i) b.publisher.sequence(numbered_hash(1), 'A', i);
  b.publisher.hashblock(numbered_hash(2), 0);
  REQUIRE(b.wait_for(1));
  CHECK(b.heard[0].source == TipSource::zmq_hashblock);
}

TEST_CASE("a burst behind one wake arrives whole and in order") {
  Bench b;
  for (std::uint32_t i = 0; i < 200; ++i) {
    b.publisher.hashblock(numbered_hash(static_cast<std::uint8_t>(i)), i);
  }
  REQUIRE(b.wait_for(200));
  for (std::size_t i = 0; i < 200; ++i) CHECK_EQ(b.heard[i].hash.bytes[31], i);
  CHECK_EQ(b.subscriber->gaps(), 0);
}

TEST_CASE("a count that is not the next one of its topic is a doubt") {
  struct Row {
    const char* why;
    std::vector<std::uint32_t> counts;
    std::vector<std::size_t> doubts;
  };
  const Row rows[] = {
      {"the first number may be anything", {17}, {}},
      {"one by one", {5, 6, 7}, {}},
      {"one missed", {5, 7, 8}, {2}},
      {"the node started anew", {5, 6, 0}, {3}},
      {"the counter wraps", {0xffffffff, 0}, {}},
      {"the same again", {5, 5}, {2}},
  };
  for (const Row& row : rows) {
    for (const char* topic : {"hashblock", "rawblock", "sequence"}) {
      CAPTURE(row.why);
      CAPTURE(topic);
      Bench b;
      for (const std::uint32_t count : row.counts) {
        if (topic[0] == 'h') b.publisher.hashblock(numbered_hash(1), count);
        if (topic[0] == 'r') b.publisher.rawblock(bitcoin::Header{}, count);
        if (topic[0] == 's') b.publisher.sequence(numbered_hash(1), 'C', count);
      }
      REQUIRE(b.wait_for(row.counts.size()));
      CHECK_EQ(b.doubts, row.doubts);
      CHECK_EQ(b.subscriber->gaps(), row.doubts.size());
    }
  }
}

TEST_CASE("each topic has a count of its own, and a missed message of the mempool is a gap too") {
  Bench b;
  b.publisher.sequence(numbered_hash(1), 'A', 70);
  b.publisher.sequence(numbered_hash(1), 'A', 72);
  b.publisher.sequence(numbered_hash(2), 'C', 73);
  REQUIRE(b.wait_for(1));
  CHECK_EQ(b.doubts, std::vector<std::size_t>{0});
  b.publisher.hashblock(numbered_hash(2), 5);
  b.publisher.rawblock(bitcoin::Header{}, 900);
  REQUIRE(b.wait_for(3));
  CHECK_EQ(b.doubts.size(), 1);
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
  b.publisher.hashblock(numbered_hash(1), 1);
  REQUIRE(b.wait_for(1));
  CHECK_EQ(b.subscriber->malformed(), 7);

  b.publisher.send({"rawblock", std::string(80, 'b'), counter});  // a header is no block
  b.publisher.send({"rawblock", "", counter});
  b.publisher.rawblock(bitcoin::Header{}, 1);
  REQUIRE(b.wait_for(2));
  CHECK_EQ(b.subscriber->malformed(), 9);

  b.publisher.send({"sequence", hash, counter});
  b.publisher.send({"sequence", hash + "X", counter});
  b.publisher.send({"sequence", hash + "C12345678", counter});
  b.publisher.send({"sequence", hash + "A", counter});
  b.publisher.sequence(numbered_hash(1), 'C', 1);
  REQUIRE(b.wait_for(3));
  CHECK_EQ(b.subscriber->malformed(), 13);
  CHECK(b.doubts.empty());
}

TEST_CASE("what is too large for a block ends that topic's connection, and the others go on") {
  Bench b;
  b.publisher.rawblock(bitcoin::Header{}, 0, std::size_t{limits::zmq_block_bytes_max});
  b.publisher.rawblock(bitcoin::Header{}, 1);
  b.publisher.hashblock(numbered_hash(1), 0);
  b.publisher.sequence(numbered_hash(1), 'C', 0);
  REQUIRE(b.wait_for(2));
  test::run_for(b.loop, 50ms);
  for (const TipNews& news : b.heard) CHECK_EQ(news.hash, numbered_hash(1));
}

TEST_CASE("a publisher that comes back is heard again, and its first word is a gap") {
  Bench b;
  b.publisher.hashblock(numbered_hash(1), 0);
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
  REQUIRE(test::wait_until(b.loop, [&] { return second->has_all_subscriptions(); }));
  second->hashblock(numbered_hash(2), 0);
  REQUIRE(b.wait_for(2));
  CHECK_EQ(b.heard[1].hash, numbered_hash(2));
  CHECK_EQ(b.doubts, std::vector<std::size_t>{2});
}

TEST_CASE("an endpoint that libzmq does not understand is an error with the endpoint in it") {
  uv::Loop loop;
  for (const char* endpoint : {"127.0.0.1:28332", "tcp://", "carrier-pigeon://x"}) {
    CAPTURE(endpoint);
    const auto made = ZmqSubscriber::connect(loop, endpoint, {});
    REQUIRE_FALSE(made);
    CHECK_NE(made.error().find(endpoint), std::string::npos);
  }
}

TEST_CASE("destroying a subscriber closes its descriptors' watches") {
  Bench b;
  b.publisher.hashblock(numbered_hash(1), 0);
  b.subscriber.reset();
  test::run_for(b.loop, 50ms);
  CHECK(b.heard.empty());
}

}  // namespace pool
