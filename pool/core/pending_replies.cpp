#include "pool/core/pending_replies.h"

#include "common/base/assert.h"

#include <algorithm>
#include <set>
#include <utility>

namespace pool {

void PendingReplies::add(PendingReply reply) {
  ASSERT(waiting_.empty() || waiting_.back().append <= reply.append);
  waiting_.push_back(std::move(reply));
}

void PendingReplies::add_behind(ConnectionId connection, std::string line) {
  PendingReply answer;
  answer.connection = connection;
  answer.line = std::move(line);
  // From the back: what it stands behind came a moment ago.
  const bool behind_a_share =
      std::any_of(waiting_.rbegin(), waiting_.rend(),
                  [&](const PendingReply& reply) { return reply.connection == connection; });
  ASSERT(behind_a_share || is_held(connection));
  if (behind_a_share) {
    answer.append = waiting_.back().append;
    waiting_.push_back(std::move(answer));
  } else {
    held_.push_back(std::move(answer));
  }
}

bool PendingReplies::is_held(ConnectionId connection) const {
  return std::any_of(held_.begin(), held_.end(),
                     [&](const PendingReply& reply) { return reply.connection == connection; });
}

void PendingReplies::durable(AppendId up_to, const Action& release) {
  while (!waiting_.empty() && waiting_.front().append <= up_to) {
    PendingReply reply = std::move(waiting_.front());
    waiting_.pop_front();
    if (reply.waits_for_vault || is_held(reply.connection)) {
      held_.push_back(std::move(reply));
    } else {
      release(reply);
    }
  }
}

void PendingReplies::not_durable(AppendId first, AppendId last, const Action& refuse) {
  const auto begin = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const PendingReply& reply) { return reply.append >= first; });
  const auto end = std::find_if(begin, waiting_.end(),
                                [&](const PendingReply& reply) { return reply.append > last; });
  for (auto reply = begin; reply != end; ++reply) {
    if (is_held(reply->connection)) {
      reply->refused = true;
      reply->waits_for_vault = false;
      held_.push_back(std::move(*reply));
    } else {
      refuse(*reply);
    }
  }
  waiting_.erase(begin, end);
}

void PendingReplies::vaulted(const bitcoin::BlockHash& hash, const Action& release) {
  for (std::deque<PendingReply>* list : {&waiting_, &held_}) {
    for (PendingReply& reply : *list) {
      if (reply.waits_for_vault && reply.hash == hash) reply.waits_for_vault = false;
    }
  }
  std::set<ConnectionId> still_held;
  std::deque<PendingReply> left;
  for (PendingReply& reply : std::exchange(held_, {})) {
    if (reply.waits_for_vault) still_held.insert(reply.connection);
    if (still_held.contains(reply.connection)) {
      left.push_back(std::move(reply));
    } else {
      release(reply);
    }
  }
  held_ = std::move(left);
}

}  // namespace pool
