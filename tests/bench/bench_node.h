// BenchNode: a Bitcoin node on regtest for measuring a pool: JSON-RPC with long-polls and a ZMQ
// publisher, on a chain that grows by announce(). Templates can be as large as mainnet's.
//
// What the measured path asks for is rendered beforehand; a template goes out as three pieces, of
// which the transactions are the same for all.
//
// Units:  times are CLOCK_REALTIME nanoseconds, as the kernel stamps packets.
// Thread: the public calls are one thread's; each RPC connection is served by its own.
#pragma once

#include "common/bitcoin/hash.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/transaction.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <zmq.hpp>

namespace bench {

std::int64_t clock_ns();

// How the pool is told of a block. `together`: by all of them, as a real node with ZMQ does.
enum class Source { rawblock, hashblock, long_poll, poll, together };

class BenchNode {
 public:
  struct Options {
    std::uint16_t rpc_port = 0;
    std::string zmq_endpoint;
    std::size_t transactions = 4000;
    std::size_t transaction_bytes = 1000;
  };
  struct Tip {
    bitcoin::BlockHash hash;
    bitcoin::Header header;
    std::uint32_t height = 0;
  };

  explicit BenchNode(const Options& options);

  // A block on the tip, which nobody knows of yet.
  Tip prepare() const;
  // It is the tip from here on, and told by `source`; what else could tell, does not for a while.
  // Returns when that was.
  std::int64_t announce(const Tip& block, Source source);
  const bitcoin::BlockHash& tip() const { return tip_.hash; }
  // When the last byte of the first template on the tip was given to the kernel; 0: not yet.
  std::int64_t template_sent_ns();
  std::size_t template_bytes();

 private:
  struct Answer {
    std::string head;
    std::string_view shared;  // the template's transactions
    std::string tail;
    bool is_template = false;
    bitcoin::BlockHash tip;
  };

  void make_transactions(const Options& options);
  void listen(std::uint16_t port);
  void serve(int fd);
  bool reply(int fd, const std::string& request);
  Answer answer(const std::string& method, const std::string& request);
  Answer template_answer(const std::string& request);
  std::string header_json(const std::string& request);
  std::string chain_info() const;
  std::string raw_block(const Tip& tip) const;
  void publish(std::string_view topic, std::string_view body, std::uint32_t sequence);

  zmq::context_t zmq_context_{1};
  zmq::socket_t publisher_{zmq_context_, zmq::socket_type::pub};
  std::uint32_t rawblock_sequence_ = 0;
  std::uint32_t hashblock_sequence_ = 0;

  std::string transactions_json_;
  std::string transactions_raw_;
  std::string commitment_hex_;
  std::int64_t fees_ = 0;
  std::size_t transaction_count_ = 0;

  std::mutex mutex_;  // of all that follows
  std::condition_variable new_tip_;
  Tip tip_;
  std::map<bitcoin::BlockHash, Tip> known_;
  std::chrono::steady_clock::time_point long_polls_from_;
  std::int64_t template_sent_ns_ = 0;
  std::size_t template_bytes_ = 0;
};

}  // namespace bench
