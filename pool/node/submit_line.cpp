#include "pool/node/submit_line.h"

#include "common/node/answers.h"
#include "pool/core/limits.h"
#include "pool/node/node_words.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

using namespace std::chrono_literals;
using Kind = SubmitReport::Kind;
using Answer = SubmissionAnswer;

constexpr auto warm_interval = 10s;  // bitcoind closes a connection after 30 s of silence

// Of the questions that share a connection with blocks.
constexpr auto question_deadline = 2s;
// Past this many at once, blocks share connections after all.
constexpr std::size_t lines_max = 8;

// bitcoind's error codes. Source: Bitcoin Core, rpc/protocol.h.

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

void SubmitLine::submit(const bitcoin::BlockHash& hash, const std::string& block_hex, bool prefer,
                        OnDone on_done) {
  Line& line = idle_line();
  ++line.open_calls;
  Question asked{hash, prefer, false, {}, std::move(on_done)};
  line.rpc.call("submitblock", fmt::format(R"(["{}"])", block_hex), limits::submit_deadline,
                [this, &line, asked = std::move(asked)](const rpc::RpcClient::Answer& answer) {
                  --line.open_calls;
                  on_answer(line, asked, answer);
                });
}

void SubmitLine::on_answer(Line& line, Question asked, const rpc::RpcClient::Answer& answer) {
  if (!answer) {
    const rpc::RpcError& error = answer.error();
    if (is_node_error(error, node::rpc_deserialization_error)) {
      return asked.on_done({Kind::rejected, Answer::rejected, error.message});
    }
    return asked.on_done({Kind::failed, Answer::unreachable, describe(error)});
  }
  node::SubmitAnswer said = node::parse_submit_answer(*answer);
  asked.reason = std::move(said.reason);
  switch (said.verdict) {
    case node::SubmitVerdict::accepted:
      return asked.on_done({Kind::new_tip, Answer::accepted, {}});
    case node::SubmitVerdict::rejected:
      return asked.on_done({Kind::rejected, Answer::rejected, std::move(asked.reason)});
    case node::SubmitVerdict::not_yet:
      return asked.on_done({Kind::not_yet, Answer::rejected, std::move(asked.reason)});
    case node::SubmitVerdict::unsure:
      return look_up(line, std::move(asked));
  }
}

void SubmitLine::look_up(Line& line, Question asked) {
  ++line.open_calls;
  std::string params = fmt::format(R"(["{}"])", asked.hash.display_hex());
  line.rpc.call("getblockheader", std::move(params), question_deadline,
                [this, &line, asked = std::move(asked)](const rpc::RpcClient::Answer& answer) {
                  --line.open_calls;
                  on_header(line, asked, answer);
                });
}

void SubmitLine::on_header(Line& line, Question asked, const rpc::RpcClient::Answer& answer) {
  if (!answer) {
    if (!is_node_error(answer.error(), node::rpc_invalid_address_or_key)) {
      return asked.on_done({Kind::failed, Answer::unreachable, describe(answer.error())});
    }
    // bcoin says "duplicate" of a block whose parent it waits for.
    return asked.on_done({Kind::not_yet, Answer::inconclusive, std::move(asked.reason)});
  }
  const bool best = node::parse_confirmations(*answer).value_or(-1) >= 1;
  const bool duplicate = asked.reason == "duplicate";
  if (best && asked.preferred) {
    return asked.on_done({Kind::new_tip, Answer::accepted, "preferred by preciousblock"});
  }
  if (best) {
    return asked.on_done({Kind::in_chain, duplicate ? Answer::duplicate : Answer::accepted,
                          std::move(asked.reason)});
  }
  if (asked.may_prefer && knows_preciousblock_ && !asked.preferred) {
    return ask_to_prefer(line, std::move(asked));
  }
  asked.on_done({Kind::side_chain, Answer::inconclusive, std::move(asked.reason)});
}

void SubmitLine::ask_to_prefer(Line& line, Question asked) {
  ++line.open_calls;
  asked.preferred = true;
  std::string params = fmt::format(R"(["{}"])", asked.hash.display_hex());
  // It answers when the node has gone over to the block, which takes as long as to connect it.
  line.rpc.call("preciousblock", std::move(params), limits::submit_deadline,
                [this, &line, asked = std::move(asked)](const rpc::RpcClient::Answer& answer) {
                  --line.open_calls;
                  if (!answer && is_node_error(answer.error(), node::rpc_method_not_found)) {
                    knows_preciousblock_ = false;
                  }
                  // Whatever it says: where the block stands now is what counts.
                  look_up(line, asked);
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
