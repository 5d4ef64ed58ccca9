#include "pool/node/submit_line.h"

#include "pool/core/limits.h"
#include "pool/node/node_answers.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

using namespace std::chrono_literals;
using Kind = SubmitReport::Kind;

constexpr auto warm_interval = 10s;  // bitcoind closes a connection after 30 s of silence

// Of the questions that share a connection with blocks.
constexpr auto question_deadline = 2s;
// Past this many at once, blocks share connections after all.
constexpr std::size_t lines_max = 8;

// bitcoind's error codes. Source: Bitcoin Core, rpc/protocol.h.
constexpr int rpc_invalid_address_or_key = -5;  // getblockheader: no such block
constexpr int rpc_deserialization_error = -22;

bool is_node_error(const rpc::RpcError& error, int code) {
  return error.kind == rpc::RpcError::Kind::node_error && error.code == code;
}

}  // namespace

SubmitLine::SubmitLine(uv::Loop& loop, const rpc::RpcEndpoint& endpoint)
    : loop_(loop), endpoint_(endpoint) {
  lines_.emplace_back(loop, endpoint);
}

SubmitLine::Line& SubmitLine::idle_line() {
  const auto idle = std::find_if(lines_.begin(), lines_.end(),
                                 [](const Line& line) { return line.open_calls == 0; });
  if (idle != lines_.end()) return *idle;
  if (lines_.size() < lines_max) return lines_.emplace_back(loop_, endpoint_);
  return *std::min_element(lines_.begin(), lines_.end(), [](const Line& a, const Line& b) {
    return a.open_calls < b.open_calls;
  });
}

void SubmitLine::submit(const bitcoin::BlockHash& hash, const std::string& block_hex,
                        OnDone on_done) {
  Line& line = idle_line();
  ++line.open_calls;
  line.rpc.call(
      "submitblock", fmt::format(R"(["{}"])", block_hex), limits::submit_deadline,
      [this, &line, hash, on_done = std::move(on_done)](const rpc::RpcClient::Answer& answer) {
        --line.open_calls;
        on_answer(line, hash, answer, on_done);
      });
}

void SubmitLine::on_answer(Line& line, const bitcoin::BlockHash& hash,
                           const rpc::RpcClient::Answer& answer, const OnDone& on_done) {
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
      return look_up(line, hash, std::move(said.reason), on_done);
  }
}

void SubmitLine::look_up(Line& line, const bitcoin::BlockHash& hash, std::string reason,
                         OnDone on_done) {
  ++line.open_calls;
  line.rpc.call("getblockheader", fmt::format(R"(["{}"])", hash.display_hex()), question_deadline,
                [this, &line, reason = std::move(reason),
                 on_done = std::move(on_done)](const rpc::RpcClient::Answer& answer) {
                  --line.open_calls;
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
  for (auto line = std::next(lines_.begin()); line != lines_.end();) {
    line = line->open_calls == 0 ? lines_.erase(line) : std::next(line);
  }
  Line& first = lines_.front();
  if (first.open_calls > 0 || now < warm_at_) return;
  warm_at_ = now + warm_interval;
  ++first.open_calls;
  first.rpc.call("getblockcount", "[]", question_deadline,
                 [&first](const rpc::RpcClient::Answer& /*answer*/) { --first.open_calls; });
}

std::string SubmitLine::describe(const rpc::RpcError& error) const {
  return describe_failure(error, endpoint_);
}

}  // namespace pool
