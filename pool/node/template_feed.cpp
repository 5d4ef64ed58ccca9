#include "pool/node/template_feed.h"

#include "common/log.h"
#include "common/node/answers.h"
#include "common/uv/clock.h"
#include "pool/core/limits.h"
#include "pool/node/node_words.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

using namespace std::chrono_literals;

// bitcoind waits on a thread of its RPC server, of which it has few, and does not notice when the
// asker goes away: each long-poll that is given up costs it a thread until it has news. So none is
// given up. A connection that has died without a word is found out by TCP's keepalive.
constexpr auto long_poll_deadline = 24h;
// A long-poll answered within this and without news is one that the node does not really do.
constexpr auto quick_answer = 1s;
constexpr std::chrono::seconds quick_wait_most = 60s;

}  // namespace

TemplateFeed::TemplateFeed(uv::Loop& loop, const rpc::RpcEndpoint& endpoint, std::string node_name,
                           bitcoin::Network network, Events events)
    : name_(std::move(node_name)),
      network_(network),
      events_(std::move(events)),
      lines_{Line{rpc::RpcClient(loop, endpoint)}, Line{rpc::RpcClient(loop, endpoint)}},
      long_poll_line_(loop, endpoint) {}

TemplateFeed::Line& TemplateFeed::least_busy_line() {
  return *std::min_element(lines_.begin(), lines_.end(), [](const Line& a, const Line& b) {
    return a.open_calls < b.open_calls;
  });
}

void TemplateFeed::request() {
  resting_ = false;
  Line& line = least_busy_line();
  ++line.open_calls;
  line.rpc.call("getblocktemplate", node::template_params(network_), limits::rpc_deadline,
                [this, &line, epoch = epoch_,
                 asked_at = uv::read_clock().mono](rpc::RpcClient::Answer answer) {
                  --line.open_calls;
                  if (epoch == epoch_) on_answer(line, std::move(answer), asked_at);
                });
}

void TemplateFeed::on_answer(Line& line, rpc::RpcClient::Answer answer, base::MonoTime asked_at) {
  auto block_template = read(answer);
  if (answer) line.rpc.reuse(std::move(*answer));
  if (!block_template) return events_.on_failed();
  times_.add(uv::read_clock().mono - asked_at);
  deliver(std::move(*block_template), TemplateOrigin::requested);
}

// The answer's text is used up.
std::optional<mining::BlockTemplate> TemplateFeed::read(rpc::RpcClient::Answer& answer) {
  if (!answer) {
    set_error(describe_failure(answer.error(), long_poll_line_.endpoint()));
    return std::nullopt;
  }
  auto parsed = node::read_template(*answer, network_);
  if (!parsed) {
    set_error(fmt::format("node {} {}", name_, parsed.error()));
    return std::nullopt;
  }
  long_poll_id_ = parsed->longpollid;
  tip_ = parsed->prev_hash;
  return std::move(*parsed);
}

void TemplateFeed::deliver(mining::BlockTemplate made, TemplateOrigin origin) {
  if (height_follows(made)) return accept(std::move(made), origin);
  ask_height(std::move(made), origin);
}

bool TemplateFeed::height_follows(const mining::BlockTemplate& made) const {
  if (!accepted_on_) return false;
  return made.height == accepted_height_ + (made.prev_hash == accepted_on_ ? 0 : 1);
}

// A node that does not tell is believed.
void TemplateFeed::ask_height(mining::BlockTemplate made, TemplateOrigin origin) {
  Line& line = least_busy_line();
  ++line.open_calls;
  const auto kept = std::make_shared<mining::BlockTemplate>(std::move(made));
  line.rpc.call(
      "getblockheader", fmt::format(R"(["{}"])", kept->prev_hash.display_hex()),
      limits::rpc_deadline,
      [this, &line, kept, origin, epoch = epoch_](const rpc::RpcClient::Answer& answer) {
        --line.open_calls;
        if (epoch != epoch_) return;
        const auto before = answer ? node::parse_header_height(*answer) : std::nullopt;
        if (!before || *before + 1 == kept->height) return accept(std::move(*kept), origin);
        set_error(fmt::format(
            "node {} gave a template for height {}, but the block it builds on has height {}",
            name_, kept->height, *before));
        if (origin == TemplateOrigin::requested) events_.on_failed();
      });
}

void TemplateFeed::accept(mining::BlockTemplate made, TemplateOrigin origin) {
  set_error({});
  accepted_on_ = made.prev_hash;
  accepted_height_ = made.height;
  events_.on_template(std::move(made), origin);
}

void TemplateFeed::set_error(std::string error) {
  if (!error.empty() && error_.empty()) {
    LOG(warning, "template_failed", {"node", name_}, {"error", error});
  }
  if (error.empty() && !error_.empty()) LOG(info, "template_usable_again", {"node", name_});
  error_ = std::move(error);
}

void TemplateFeed::long_poll(base::MonoTime now) {
  resting_ = false;
  if (long_polling_ || long_poll_id_.empty() || now < long_poll_not_before_) return;
  long_polling_ = true;
  long_poll_line_.call("getblocktemplate",
                       node::template_params(network_, node::long_poll_member(long_poll_id_)),
                       long_poll_deadline, [this, now](rpc::RpcClient::Answer answer) {
                         long_polling_ = false;
                         if (!resting_) on_long_poll_answer(std::move(answer), now);
                       });
}

void TemplateFeed::on_long_poll_answer(rpc::RpcClient::Answer answer, base::MonoTime asked_at) {
  const base::MonoTime now = uv::read_clock().mono;
  const auto tip_before = tip_;
  // Its failures are not reported: the poll finds out whether the node is well.
  auto block_template = answer ? read(answer) : std::nullopt;
  if (answer) long_poll_line_.reuse(std::move(*answer));
  const bool timed_out = !answer && answer.error().kind == rpc::RpcError::Kind::timeout;
  const bool news = block_template && tip_ != tip_before;
  if (news || timed_out || now - asked_at > quick_answer) {
    quick_answers_ = 0;
    long_poll_not_before_ = answer || timed_out ? now : now + 1s;
  } else {
    const std::chrono::seconds wait = 1s * (1 << std::min(quick_answers_++, 6));
    long_poll_not_before_ = now + std::min(quick_wait_most, wait);
  }
  long_poll(now);  // at once where that is right: with the new id
  if (block_template) deliver(std::move(*block_template), TemplateOrigin::pushed);
}

void TemplateFeed::forget() {
  ++epoch_;
  resting_ = true;
}

void TemplateFeed::on_node_up(base::MonoTime now) {
  quick_answers_ = 0;
  long_poll_not_before_ = now;
}

}  // namespace pool
