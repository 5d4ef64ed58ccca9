#include "pool/core/pending_replies.h"

#include "common/base/assert.h"

#include <algorithm>
#include <utility>

namespace pool {

void PendingReplies::add(PendingReply reply) {
  ASSERT(waiting_.empty() || waiting_.back().append <= reply.append);
  waiting_.push_back(std::move(reply));
}

void PendingReplies::durable(AppendId up_to, const Action& release) {
  while (!waiting_.empty() && waiting_.front().append <= up_to) {
    PendingReply reply = std::move(waiting_.front());
    waiting_.pop_front();
    if (reply.waits_for_vault) {
      waiting_for_vault_.push_back(std::move(reply));
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
  for (auto reply = begin; reply != end; ++reply) refuse(*reply);
  waiting_.erase(begin, end);
}

void PendingReplies::vaulted(const bitcoin::BlockHash& hash, const Action& release) {
  for (PendingReply& reply : waiting_) {
    if (reply.hash == hash) reply.waits_for_vault = false;
  }
  const auto done =
      std::stable_partition(waiting_for_vault_.begin(), waiting_for_vault_.end(),
                            [&](const PendingReply& reply) { return reply.hash != hash; });
  for (auto reply = done; reply != waiting_for_vault_.end(); ++reply) release(*reply);
  waiting_for_vault_.erase(done, waiting_for_vault_.end());
}

}  // namespace pool
