#include "pool/node/zmq_subscriber.h"

#include "common/base/bytes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <zmq.hpp>

namespace pool {

namespace {

constexpr std::string_view topic = "hashblock";
constexpr std::size_t frames_expected = 3;
// Announcements are some 50 bytes; anything longer is dropped by libzmq, connection and all.
constexpr int message_bytes_max = 1024;
constexpr int messages_waiting_max = 1000;
constexpr int reconnect_first_ms = 100;
constexpr int reconnect_most_ms = 5000;
// A node that vanished without a word is noticed, and connected anew, within a minute.
constexpr int heartbeat_interval_ms = 15'000;
constexpr int heartbeat_timeout_ms = 45'000;

base::ByteSpan bytes_of(const zmq::message_t& frame) {
  return {static_cast<const std::uint8_t*>(frame.data()), frame.size()};
}

}  // namespace

struct ZmqSubscriber::State {
  zmq::context_t context{1};
  zmq::socket_t socket{context, zmq::socket_type::sub};
  OnBlock on_block;
  std::optional<std::uint32_t> last_sequence;
  std::uint64_t malformed = 0;
  std::uint64_t gaps = 0;
  // Last, so that it is closed before the socket whose descriptor it watches.
  std::optional<uv::Poll> poll;

  void open(const std::string& endpoint);
  std::optional<std::vector<zmq::message_t>> receive();
  void on_frames(const std::vector<zmq::message_t>& frames);
};

// May throw zmq::error_t; connect() is where that ends.
void ZmqSubscriber::State::open(const std::string& endpoint) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::rcvhwm, messages_waiting_max);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(message_bytes_max));
  socket.set(zmq::sockopt::reconnect_ivl, reconnect_first_ms);
  socket.set(zmq::sockopt::reconnect_ivl_max, reconnect_most_ms);
  socket.set(zmq::sockopt::heartbeat_ivl, heartbeat_interval_ms);
  socket.set(zmq::sockopt::heartbeat_timeout, heartbeat_timeout_ms);
  socket.set(zmq::sockopt::ipv6, 1);
  socket.set(zmq::sockopt::subscribe, topic);
  socket.connect(endpoint);
}

// The next whole message, if one has arrived. An error reads as none: the poll behind ZMQ goes on.
std::optional<std::vector<zmq::message_t>> ZmqSubscriber::State::receive() {
  try {
    std::vector<zmq::message_t> frames;
    do {
      zmq::message_t frame;
      // Only the first frame can be missing: libzmq delivers messages whole.
      if (!socket.recv(frame, zmq::recv_flags::dontwait)) return std::nullopt;
      frames.push_back(std::move(frame));
    } while (frames.back().more() && frames.size() <= 2 * frames_expected);
    return frames;
  } catch (const zmq::error_t&) {
    return std::nullopt;
  }
}

void ZmqSubscriber::State::on_frames(const std::vector<zmq::message_t>& frames) {
  if (frames.size() != frames_expected || bytes_of(frames[1]).size() != 32 ||
      bytes_of(frames[2]).size() != 4 || base::as_text(bytes_of(frames[0])) != topic) {
    ++malformed;
    return;
  }
  BlockAnnouncement announcement;
  const base::ByteSpan displayed = bytes_of(frames[1]);
  std::reverse_copy(displayed.begin(), displayed.end(), announcement.hash.bytes.begin());
  const std::uint32_t sequence = base::read_le32(bytes_of(frames[2]));
  announcement.after_gap = last_sequence && sequence != *last_sequence + 1;
  if (announcement.after_gap) ++gaps;
  last_sequence = sequence;
  on_block(announcement);
}

base::Result<std::unique_ptr<ZmqSubscriber>, std::string> ZmqSubscriber::connect(
    uv::Loop& loop, const std::string& endpoint, OnBlock on_block) {
  try {
    auto state = std::make_unique<State>();
    state->on_block = std::move(on_block);
    state->open(endpoint);
    const int fd = state->socket.get(zmq::sockopt::fd);
    std::unique_ptr<ZmqSubscriber> made(new ZmqSubscriber(std::move(state)));
    made->state_->poll.emplace(loop, fd, [self = made.get()] { self->drain(); });
    made->state_->poll->start();
    return made;
  } catch (const zmq::error_t& error) {
    return base::err(fmt::format("zmq \"{}\": {}; expected something like tcp://127.0.0.1:28332",
                                 endpoint, error.what()));
  }
}

ZmqSubscriber::ZmqSubscriber(std::unique_ptr<State> state) : state_(std::move(state)) {}
ZmqSubscriber::~ZmqSubscriber() = default;

void ZmqSubscriber::drain() {
  while (auto frames = state_->receive()) state_->on_frames(*frames);
}

std::uint64_t ZmqSubscriber::malformed() const { return state_->malformed; }
std::uint64_t ZmqSubscriber::gaps() const { return state_->gaps; }

}  // namespace pool
