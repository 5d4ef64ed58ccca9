#include "pool/node/zmq_subscriber.h"

#include "common/base/bytes.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <zmq.hpp>

namespace pool {

namespace {

constexpr std::size_t hash_bytes = 32;
constexpr std::size_t counter_bytes = 4;
constexpr int reconnect_first_ms = 100;
constexpr int reconnect_most_ms = 5000;
// A node that vanished without a word is noticed, and connected anew, within a minute.
constexpr int heartbeat_interval_ms = 15'000;
constexpr int heartbeat_timeout_ms = 45'000;

base::ByteSpan bytes_of(const zmq::message_t& frame) {
  return {static_cast<const std::uint8_t*>(frame.data()), frame.size()};
}

bitcoin::BlockHash hash_from_display(base::ByteSpan displayed) {
  bitcoin::BlockHash hash;
  std::reverse_copy(displayed.begin(), displayed.begin() + hash_bytes, hash.bytes.begin());
  return hash;
}

// What one message comes to.
struct Heard {
  bool well_formed = false;
  bool goes_back = false;       // a block was taken back
  std::optional<TipNews> news;  // empty: nothing about the tip
};

Heard read_hashblock(base::ByteSpan body) {
  if (body.size() != hash_bytes) return {};
  return {true, false, TipNews{hash_from_display(body), TipSource::zmq_hashblock, {}, {}, {}}};
}

Heard read_rawblock(base::ByteSpan body) {
  bitcoin::HeaderBytes header;
  if (body.size() <= header.size()) return {};
  std::copy_n(body.begin(), header.size(), header.begin());
  return {true, false,
          TipNews{bitcoin::hash_header(header),
                  TipSource::zmq_rawblock,
                  bitcoin::Header::parse(header),
                  {},
                  {}}};
}

Heard read_sequence(base::ByteSpan body) {
  if (body.size() <= hash_bytes) return {};
  const std::uint8_t what = body[hash_bytes];
  const bool of_block = what == 'C' || what == 'D';
  const bool of_mempool = what == 'A' || what == 'R';
  const std::size_t size = hash_bytes + 1 + (of_mempool ? sizeof(std::uint64_t) : 0);
  if ((!of_block && !of_mempool) || body.size() != size) return {};
  Heard heard{true, what == 'D', {}};
  if (what == 'C') heard.news = {hash_from_display(body), TipSource::zmq_sequence, {}, {}, {}};
  return heard;
}

struct Topic {
  std::string_view name;
  Heard (*read)(base::ByteSpan body);
  std::int64_t message_bytes_max;  // libzmq ends the topic's connection for anything longer
  int messages_waiting_max;
};
constexpr std::array<Topic, 3> topics = {{
    {"hashblock", read_hashblock, limits::zmq_notice_bytes_max, limits::zmq_notices_waiting_max},
    {"rawblock", read_rawblock, limits::zmq_block_bytes_max, limits::zmq_blocks_waiting_max},
    {"sequence", read_sequence, limits::zmq_notice_bytes_max, limits::zmq_notices_waiting_max},
}};

// One topic's connection.
struct Subscription {
  const Topic& topic;
  zmq::socket_t socket;
  std::optional<std::uint32_t> last_count;
  // Last, so that it is closed before the socket whose descriptor it watches.
  std::optional<uv::Poll> poll;

  Subscription(zmq::context_t& context, const Topic& of)
      : topic(of), socket(context, zmq::socket_type::sub) {}
  void open(const std::string& endpoint);
};

// May throw zmq::error_t; connect() is where that ends.
void Subscription::open(const std::string& endpoint) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvhwm, topic.messages_waiting_max);
  socket.set(zmq::sockopt::maxmsgsize, topic.message_bytes_max);
  socket.set(zmq::sockopt::reconnect_ivl, reconnect_first_ms);
  socket.set(zmq::sockopt::reconnect_ivl_max, reconnect_most_ms);
  socket.set(zmq::sockopt::heartbeat_ivl, heartbeat_interval_ms);
  socket.set(zmq::sockopt::heartbeat_timeout, heartbeat_timeout_ms);
  socket.set(zmq::sockopt::ipv6, 1);
  socket.set(zmq::sockopt::subscribe, topic.name);
  socket.connect(endpoint);
}

}  // namespace

struct ZmqSubscriber::State {
  zmq::context_t context{1};
  Events events;
  std::uint64_t malformed = 0;
  std::uint64_t gaps = 0;
  std::array<std::optional<Subscription>, topics.size()> subscriptions;

  enum class Received { nothing, odd, whole };
  static Received receive(Subscription& from, std::array<zmq::message_t, 3>& frames);
  void drain(Subscription& subscription);
  void on_frames(Subscription& subscription, const std::array<zmq::message_t, 3>& frames);
};

// The next message, if one has arrived, read to its end whatever its shape. An error reads as
// nothing: the poll behind ZMQ goes on.
ZmqSubscriber::State::Received ZmqSubscriber::State::receive(
    Subscription& from, std::array<zmq::message_t, 3>& frames) {
  try {
    std::size_t count = 0;
    bool more = true;
    while (more) {
      zmq::message_t frame;
      // Only the first frame can be missing: libzmq delivers messages whole.
      if (!from.socket.recv(frame, zmq::recv_flags::dontwait)) return Received::nothing;
      more = frame.more();
      if (count < frames.size()) frames[count] = std::move(frame);
      ++count;
    }
    return count == frames.size() ? Received::whole : Received::odd;
  } catch (const zmq::error_t&) {
    return Received::nothing;
  }
}

void ZmqSubscriber::State::drain(Subscription& subscription) {
  for (int read = 0; read < limits::zmq_messages_per_turn_max; ++read) {
    std::array<zmq::message_t, 3> frames;
    const Received received = receive(subscription, frames);
    if (received == Received::nothing) return;
    if (received == Received::odd) {
      ++malformed;
    } else {
      on_frames(subscription, frames);
    }
  }
}

void ZmqSubscriber::State::on_frames(Subscription& subscription,
                                     const std::array<zmq::message_t, 3>& frames) {
  const auto& [topic, body, counter] = frames;
  // libzmq matches the beginning of the topic only.
  const bool ours = base::as_text(bytes_of(topic)) == subscription.topic.name;
  const Heard heard = ours ? subscription.topic.read(bytes_of(body)) : Heard{};
  if (!heard.well_formed || counter.size() != counter_bytes) {
    ++malformed;
    return;
  }
  const std::uint32_t count = base::read_le32(bytes_of(counter));
  const bool gap = subscription.last_count && count != *subscription.last_count + 1;
  subscription.last_count = count;
  if (gap) ++gaps;
  if (heard.news) events.on_block(*heard.news);
  if (gap || heard.goes_back) events.on_doubt();
}

base::Result<std::unique_ptr<ZmqSubscriber>, std::string> ZmqSubscriber::connect(
    uv::Loop& loop, const std::string& endpoint, Events events) {
  try {
    auto state = std::make_unique<State>();
    state->events = std::move(events);
    for (std::size_t i = 0; i < topics.size(); ++i) {
      Subscription& subscription = state->subscriptions[i].emplace(state->context, topics[i]);
      subscription.open(endpoint);
      const int fd = subscription.socket.get(zmq::sockopt::fd);
      subscription.poll.emplace(
          loop, fd, [owner = state.get(), &subscription] { owner->drain(subscription); });
      subscription.poll->start();
    }
    return std::unique_ptr<ZmqSubscriber>(new ZmqSubscriber(std::move(state)));
  } catch (const zmq::error_t& error) {
    return base::err(fmt::format("zmq \"{}\": {}; expected something like tcp://127.0.0.1:28332",
                                 endpoint, error.what()));
  }
}

ZmqSubscriber::ZmqSubscriber(std::unique_ptr<State> state) : state_(std::move(state)) {}
ZmqSubscriber::~ZmqSubscriber() = default;

void ZmqSubscriber::drain() {
  for (auto& subscription : state_->subscriptions) state_->drain(*subscription);
}

std::uint64_t ZmqSubscriber::malformed() const { return state_->malformed; }
std::uint64_t ZmqSubscriber::gaps() const { return state_->gaps; }

}  // namespace pool
