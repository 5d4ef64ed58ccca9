// ZmqSubscriber: what a node publishes of its blocks, the fastest way to hear of a new tip.
//
// bitcoind publishes three frames: the topic, a body, and a little-endian u32 that counts the
// messages of the topic. Of its topics these are heard:
//
//   hashblock  the tip's hash in display order
//   rawblock   the tip's whole block; only its header is looked at, where it lies
//   sequence   the hash and 'C' for a block that was connected, 'D' for one that was taken back
//              ('A' and 'R' are the mempool's, and passed over)
//
// A node publishes what its operator chose, and the rest simply never comes. A count that is not
// the last one plus one means that something was missed (or that the node started anew). Then, and
// when a block was taken back, it is in doubt what the tip is.
//
// Each topic has a connection of its own: a block of 4 MB, or the mempool's messages, hold up no
// hash. ZMQ_FD is edge-triggered: it becomes readable once for any number of messages, so every
// wake reads until there is nothing left. libzmq reconnects by itself, for as long as it takes.
//
// Errors: an endpoint that libzmq does not understand, as one line. Frames of another shape are
//         counted and otherwise ignored. libzmq's exceptions end here.
// Thread: the loop's. Destroy it outside its own callbacks.
// Source: Bitcoin Core, doc/zmq.md; zmq_getsockopt(3), ZMQ_FD.
#pragma once

#include "common/base/result.h"
#include "common/uv/loop.h"
#include "pool/core/tip.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace pool {

class ZmqSubscriber {
 public:
  struct Events {
    std::function<void(const TipNews&)> on_block;
    std::function<void()> on_doubt;  // the node should be asked for its tip now
  };

  // `endpoint` as libzmq has it: "tcp://127.0.0.1:28332".
  [[nodiscard]] static base::Result<std::unique_ptr<ZmqSubscriber>, std::string> connect(
      uv::Loop& loop, const std::string& endpoint, Events events);
  ~ZmqSubscriber();
  ZmqSubscriber(const ZmqSubscriber&) = delete;
  ZmqSubscriber& operator=(const ZmqSubscriber&) = delete;

  // Reads what has arrived. Called by itself on each wake; calling it from a timer as well costs
  // next to nothing, and brings what a wake left behind.
  void drain();
  std::uint64_t malformed() const;  // messages that were of no known shape
  std::uint64_t gaps() const;

 private:
  struct State;
  explicit ZmqSubscriber(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pool
