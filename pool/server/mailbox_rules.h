// Which waiting message a newer one replaces, and what it takes over from it: the rules that the
// pool's full mailboxes go by.
//
// Thread: pure functions.
#pragma once

#include "pool/messages.h"

namespace pool {

// Jobs of one kind replace each other. The newer remembers if the one before was of a new tip; who
// waits for either job, waits for this one.
bool same_job_kind(const ShardMessage& waiting, const ShardMessage& incoming);
void keep_clean_jobs(const ShardMessage& waiting, ShardMessage& incoming);

bool same_coherence(const ShardMessage& waiting, const ShardMessage& incoming);
void keep_clean_coherence(const ShardMessage& waiting, ShardMessage& incoming);

// Statistics of one sender replace the same sender's; what is told once replaces nothing.
bool same_sender(const HttpMessage& waiting, const HttpMessage& incoming);

}  // namespace pool
