#include "pool/core/pending_replies.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using pool::AppendId;
using pool::ConnectionId;

namespace {

bitcoin::BlockHash block(std::uint8_t number) {
  bitcoin::BlockHash hash;
  hash.bytes.fill(number);
  return hash;
}

struct Replies {
  pool::PendingReplies pending;
  std::string out;

  void share(std::uint64_t append, std::uint64_t connection, const std::string& name,
             std::uint8_t candidate = 0) {
    pool::PendingReply reply;
    reply.append = AppendId{append};
    reply.connection = ConnectionId{connection};
    reply.request.json = name;
    reply.hash = block(candidate);
    reply.waits_for_vault = candidate != 0;
    pending.add(reply);
  }
  void behind(std::uint64_t connection, const std::string& name) {
    pending.add_behind(ConnectionId{connection}, name);
  }
  auto told() {
    return [this](const pool::PendingReply& reply) {
      out += (out.empty() ? "" : " ") + (reply.line.empty() ? reply.request.json : reply.line);
    };
  }
  std::string durable(std::uint64_t up_to) {
    out.clear();
    pending.durable(AppendId{up_to}, told());
    return out;
  }
  std::string vaulted(std::uint8_t candidate) {
    out.clear();
    pending.vaulted(block(candidate), told());
    return out;
  }
};

}  // namespace

TEST_CASE("a candidate waits for disk and vault, and holds up its own connection only") {
  Replies r;
  r.share(1, 10, "a1", 7);
  r.share(1, 20, "b1");
  r.share(1, 10, "a2");
  r.behind(10, "a-ping");
  r.behind(20, "b-ping");
  CHECK_EQ(r.durable(1), "b1 b-ping");
  r.behind(10, "a-ping2");  // its share is durable, and still held
  CHECK_EQ(r.vaulted(9), "");
  CHECK_EQ(r.vaulted(7), "a1 a2 a-ping a-ping2");
  CHECK_EQ(r.pending.size(), 0);
}

TEST_CASE("two candidates of one connection are answered in order, whichever is stored first") {
  Replies r;
  r.share(1, 10, "a1", 7);
  r.share(2, 10, "a2", 8);
  r.share(3, 10, "a3");
  CHECK_EQ(r.vaulted(8), "");
  CHECK_EQ(r.durable(2), "");
  CHECK_EQ(r.durable(3), "");
  CHECK_EQ(r.vaulted(7), "a1 a2 a3");
}

TEST_CASE("a vault that was faster than the disk holds up nobody") {
  Replies r;
  r.share(1, 10, "a1", 7);
  CHECK_EQ(r.vaulted(7), "");
  CHECK_EQ(r.durable(1), "a1");
}

TEST_CASE("a failed append refuses its own shares, and what stands behind them goes out") {
  Replies r;
  r.share(1, 10, "a1");
  r.share(2, 10, "a2");
  r.behind(10, "a-ping");
  r.share(3, 10, "a3");
  r.out.clear();
  r.pending.not_durable(AppendId{2}, AppendId{2}, r.told());
  CHECK_EQ(r.out, "a2 a-ping");
  CHECK_EQ(r.durable(3), "a1 a3");
}

TEST_CASE("a refusal waits behind a candidate that is not in the vault yet") {
  Replies r;
  r.share(1, 10, "a1", 7);
  r.share(1, 20, "b1");
  r.share(2, 10, "a2");
  r.behind(10, "a-ping");
  r.share(2, 20, "b2");
  CHECK_EQ(r.durable(1), "b1");
  r.out.clear();
  r.pending.not_durable(AppendId{2}, AppendId{2}, r.told());
  CHECK_EQ(r.out, "b2");
  std::vector<bool> refused;
  r.pending.vaulted(block(7), [&](const pool::PendingReply& reply) {
    if (reply.line.empty()) refused.push_back(reply.refused);
  });
  CHECK_EQ(refused, std::vector<bool>{false, true});
  CHECK_EQ(r.pending.size(), 0);
}
