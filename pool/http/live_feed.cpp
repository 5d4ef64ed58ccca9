#include "pool/http/live_feed.h"

#include "common/base/bytes.h"
#include "pool/http/api.h"
#include "pool/http/json_members.h"

#include <utility>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto pool_period = 2s;

template <class Fill>
std::string object_json(const Fill& fill) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  fill(json);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string tip_json(const NodeStatus& node) {
  return object_json([&](Members& json) {
    json.count("height", node.height);
    json.text("hash", node.tip.display_hex());
  });
}

std::string block_json(const PoolSnapshot& s) {
  return object_json([&](Members& json) {
    json.count("version", s.blocks_version);
    if (s.blocks.empty()) return json.null("hash");
    const BlockRow& newest = s.blocks.front();
    json.count("height", newest.height);
    json.text("hash", newest.hash);
    json.text("status", newest.status);
    json.text_or_null("state", newest.state);
  });
}

std::string chain_json(const coherence::ChainTip& tip) {
  return object_json([&](Members& json) {
    json.count("height", tip.height);
    json.text("hash", base::to_hex(tip.hash));
  });
}

}  // namespace

void LiveFeed::update(const PoolSnapshot& snapshot, base::MonoTime now) {
  if (snapshot.node && snapshot.node->connected) hub_.publish("tip", tip_json(*snapshot.node));
  if (snapshot.database_read_us) hub_.publish("block", block_json(snapshot));
  if (snapshot.coherence_status && snapshot.coherence_status->tip) {
    hub_.publish("coherence", chain_json(*snapshot.coherence_status->tip));
  }
  if (!pool_told_ || now - *pool_told_ >= pool_period) publish_pool(snapshot, now);
}

void LiveFeed::refresh(const PoolSnapshot& snapshot, base::MonoTime now) {
  // Those who watch already need not be told for every newcomer.
  const bool is_old = !pool_told_ || now - *pool_told_ >= 2 * pool_period;
  if (is_old) update(snapshot, now);
}

void LiveFeed::publish_pool(const PoolSnapshot& snapshot, base::MonoTime now) {
  PoolSnapshot timeless = snapshot;
  timeless.time_us = 0;
  timeless.uptime_seconds = 0;
  std::string seen = pool_json(timeless);
  pool_told_ = now;
  if (seen == pool_seen_) return;
  pool_seen_ = std::move(seen);
  hub_.publish("pool", pool_json(snapshot));
}

}  // namespace pool
