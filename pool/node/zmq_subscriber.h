// ZmqSubscriber: a node's `hashblock` announcements, the fastest way to hear of a new tip.
//
// bitcoind publishes three frames: "hashblock", the hash in display order, and a little-endian u32
// that counts the messages of this topic. A count that is not the last one plus one means that
// something was missed (or that the node started anew): the announcement is then marked, and counts
// as a sign to look at the node's tip at once.
//
// ZMQ_FD is edge-triggered: it becomes readable once for any number of messages, so every wake
// reads until there is nothing left. libzmq reconnects by itself, for as long as it takes.
//
// Errors: an endpoint that libzmq does not understand, as one line. Frames of another shape are
//         counted and otherwise ignored. libzmq's exceptions end here.
// Thread: the loop's. Destroy it outside its own callback.
// Source: Bitcoin Core, doc/zmq.md; zmq_getsockopt(3), ZMQ_FD.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/hash.h"
#include "common/uv/loop.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace pool {

struct BlockAnnouncement {
  bitcoin::BlockHash hash;
  bool after_gap = false;  // announcements before this one were missed
};

class ZmqSubscriber {
 public:
  using OnBlock = std::function<void(const BlockAnnouncement&)>;

  // `endpoint` as libzmq has it: "tcp://127.0.0.1:28332".
  [[nodiscard]] static base::Result<std::unique_ptr<ZmqSubscriber>, std::string> connect(
      uv::Loop& loop, const std::string& endpoint, OnBlock on_block);
  ~ZmqSubscriber();
  ZmqSubscriber(const ZmqSubscriber&) = delete;
  ZmqSubscriber& operator=(const ZmqSubscriber&) = delete;

  // Reads what has arrived. Called by itself on each wake; calling it from a timer as well costs
  // next to nothing.
  void drain();
  std::uint64_t malformed() const;  // messages that were not an announcement
  std::uint64_t gaps() const;

 private:
  struct State;
  explicit ZmqSubscriber(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pool
