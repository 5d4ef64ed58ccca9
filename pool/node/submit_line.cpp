#include "pool/node/submit_line.h"

#include "pool/core/limits.h"
#include "pool/node/node_answers.h"

#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

using namespace std::chrono_literals;
using Kind = SubmitReport::Kind;

constexpr auto warm_interval = 10s;  // bitcoind closes a connection after 30 s of silence

// bitcoind's error codes. Source: Bitcoin Core, rpc/protocol.h.
constexpr int rpc_invalid_address_or_key = -5;  // getblockheader: no such block
constexpr int rpc_deserialization_error = -22;

bool is_node_error(const rpc::RpcError& error, int code) {
  return error.kind == rpc::RpcError::Kind::node_error && error.code == code;
}

}  // namespace

void SubmitLine::submit(const bitcoin::BlockHash& hash, const std::string& block_hex,
                        OnDone on_done) {
  ++open_calls_;
  rpc_.call("submitblock", fmt::format(R"(["{}"])", block_hex), limits::submit_deadline,
            [this, hash, on_done = std::move(on_done)](const rpc::RpcClient::Answer& answer) {
              --open_calls_;
              on_answer(hash, answer, on_done);
            });
}

void SubmitLine::on_answer(const bitcoin::BlockHash& hash, const rpc::RpcClient::Answer& answer,
                           const OnDone& on_done) {
  if (!answer) {
    const rpc::RpcError& error = answer.error();
    if (is_node_error(error, rpc_deserialization_error)) {
      return on_done({Kind::rejected, error.message});
    }
    return on_done({Kind::failed, describe(error)});
  }
  SubmitAnswer said = parse_submit_answer(*answer);
  switch (said.verdict) {
    case SubmitVerdict::accepted:
      return on_done({Kind::new_tip, {}});
    case SubmitVerdict::rejected:
      return on_done({Kind::rejected, std::move(said.reason)});
    case SubmitVerdict::not_yet:
      return on_done({Kind::not_yet, std::move(said.reason)});
    case SubmitVerdict::unsure:
      return look_up(hash, std::move(said.reason), on_done);
  }
}

void SubmitLine::look_up(const bitcoin::BlockHash& hash, std::string reason, OnDone on_done) {
  ++open_calls_;
  rpc_.call("getblockheader", fmt::format(R"(["{}"])", hash.display_hex()), limits::rpc_deadline,
            [this, reason = std::move(reason),
             on_done = std::move(on_done)](const rpc::RpcClient::Answer& answer) {
              --open_calls_;
              if (answer) {
                const bool best = parse_confirmations(*answer).value_or(-1) >= 1;
                on_done({best ? Kind::in_chain : Kind::side_chain, reason});
              } else if (is_node_error(answer.error(), rpc_invalid_address_or_key)) {
                // bcoin says "duplicate" of a block whose parent it waits for.
                on_done({Kind::not_yet, reason});
              } else {
                on_done({Kind::failed, describe(answer.error())});
              }
            });
}

void SubmitLine::keep_warm(base::MonoTime now) {
  if (open_calls_ > 0 || now < warm_at_) return;
  warm_at_ = now + warm_interval;
  ++open_calls_;
  rpc_.call("getblockcount", "[]", limits::rpc_deadline,
            [this](const rpc::RpcClient::Answer& /*answer*/) { --open_calls_; });
}

std::string SubmitLine::describe(const rpc::RpcError& error) const {
  return describe_failure(error, rpc_.endpoint());
}

}  // namespace pool
