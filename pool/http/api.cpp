#include "pool/http/api.h"

#include "common/base/bytes.h"
#include "common/bitcoin/hash.h"
#include "pool/http/api_coherence.h"
#include "pool/http/format.h"
#include "pool/http/json_members.h"

namespace pool {
namespace {

constexpr std::int64_t slow_notify_us = 50'000;

void write_shares(Members& json, const PoolSnapshot& s) {
  json.count("accepted", s.shares_accepted);
  json.count("pending", s.shares_pending);
  if (s.stored) {
    json.count("stored", s.stored->shares_stored);
  } else {
    json.null("stored");
  }
  json.count("rejected", s.shares_rejected());
  json.object("rejects", [&] {
    for (std::size_t i = 0; i < s.rejects.size(); ++i) {
      json.count(stratum::reject_name(static_cast<stratum::RejectReason>(i)), s.rejects[i]);
    }
  });
}

void write_shares_hour(Members& json, const PoolSnapshot& s) {
  json.integer("seconds", s.shares_hour.length.count());
  json.count("accepted", s.shares_hour.counts.accepted);
  json.count("rejected", s.shares_hour.counts.rejected());
  json.object("rejects", [&] {
    for (std::size_t i = 0; i < s.shares_hour.counts.rejects.size(); ++i) {
      json.count(stratum::reject_name(static_cast<stratum::RejectReason>(i)),
                 s.shares_hour.counts.rejects[i]);
    }
  });
}

void write_payout(Members& json, const PoolFacts& facts) {
  json.text("scheme", facts.scheme);
  json.count("fee_ppm", facts.fee_ppm);
  json.count("coherence_ppm", facts.coherence_ppm);
  json.text_or_null("pplns_window", facts.pplns_window);
  json.integer("minimum_sats", facts.minimum_sats);
}

template <class Write>
void object_or_null(Members& json, std::string_view name, bool known, const Write& write) {
  if (!known) return json.null(name);
  json.object(name, write);
}

void write_luck(Members& json, std::string_view name, const std::optional<LuckFigures>& luck) {
  object_or_null(json, name, luck.has_value(), [&] {
    json.count("blocks", luck->blocks);
    json.number("expected", luck->expected);
    json.number_or_null("luck", luck->luck);
  });
}

// Of rounds and blocks, as the database was last read.
void write_rounds(Members& json, const PoolSnapshot& s) {
  object_or_null(json, "last_block", s.last_block.has_value(), [&] {
    json.count("height", s.last_block->height);
    json.text("hash", s.last_block->hash);
    json.integer("time_us", s.last_block->time_us);
    json.text("status", s.last_block->status);
    json.number_or_null("effort", s.last_block->effort);
  });
  object_or_null(json, "round", s.round.has_value(), [&] {
    json.integer_or_null("began_us", s.round->began_us);
    json.count("shares", s.round->shares);
    json.text("work", s.round->work);
    json.text("network_work", s.round->network_work);
    json.number("effort", s.round->effort);
    json.flag("exact", s.round->exact);
  });
  json.number_or_null("effort", s.round ? std::optional<double>(s.round->effort) : std::nullopt);
  json.object("luck", [&] {
    write_luck(json, "last_10", s.luck_10);
    write_luck(json, "last_100", s.luck_100);
  });
}

// From hearing of a tip to the last miner's new job.
void write_notify(Members& json, const PoolSnapshot& s) {
  const LatencyHistogram& times = s.notify_last;
  std::uint64_t slow = 0;
  for (std::size_t i = 0; i < LatencyHistogram::bucket_count; ++i) {
    const bool is_last = i + 1 == LatencyHistogram::bucket_count;
    if (is_last || LatencyHistogram::bound(i) > slow_notify_us) slow += times.count_in(i);
  }
  json.count("tips", times.count());
  json.integer_or_null("last_us", s.notify_latency_us);
  json.integer_or_null("p50_us", times.percentile(50));
  json.integer_or_null("p99_us", times.percentile(99));
  json.count("slow", slow);
}

// What the pool put up with, and how it ended connections.
void write_stratum(Members& json, const PoolSnapshot& s) {
  json.count("connections_refused", s.connections_refused);
  json.count("bad_lines", s.bad_lines);
  json.count("pauses", s.pauses);
  json.count("sessions_resumed", s.resumed);
  json.object("turned_away", [&] {
    for (std::size_t i = 0; i < s.turned_away.size(); ++i) {
      json.count(name_of(static_cast<TurnAway>(i)), s.turned_away[i]);
    }
  });
  json.object("closes", [&] {
    for (std::size_t i = 0; i < s.closes.size(); ++i) {
      json.count(name_of(static_cast<CloseReason>(i)), s.closes[i]);
    }
  });
}

void write_node(Members& json, const PoolSnapshot& s) {
  json.flag("connected", s.node && s.node->connected);
  json.text_or_null("error", s.node ? s.node->error : "");
  json.text_or_null("chain", s.node ? s.node->chain : "");
  json.text_or_null("version", s.node ? s.node->version : "");
  json.count("jobs_published", s.node ? s.node->jobs_published : 0);
  json.count("empty_jobs_published", s.node ? s.node->empty_jobs_published : 0);
  json.flag("work_expired", s.node && s.node->work_expired);
  json.count("blocks_accepted", s.node ? s.node->blocks_accepted : 0);
  json.count("blocks_rejected", s.node ? s.node->blocks_rejected : 0);
}

// Who told of new tips first, and by how much the others were late.
void write_tips(Members& json, const TipRaceStats& tips) {
  for (std::size_t i = 0; i < tip_source_count; ++i) {
    const TipSourceStats& source = tips.sources[i];
    json.object(name_of(static_cast<TipSource>(i)), [&] {
      json.count("first", source.wins);
      json.count("heard", source.heard);
      json.integer("last_lag_us", source.last_lag_us);
      json.integer("mean_lag_us", source.mean_lag_us());
    });
  }
}

void write_node_summary(Members& json, const NodeSummary& node) {
  json.text("name", node.name);
  json.flag("up", node.up);
  json.flag("answering", node.answering);
  json.flag("in_use", node.in_use);
  json.text_or_null("error", node.error);
  json.text_or_null("version", node.version);
  json.count("height", node.height);
  if (node.response_us < 0) {
    json.null("response_us");
  } else {
    json.integer("response_us", node.response_us);
  }
  json.object("failures", [&] {
    for (std::size_t i = 0; i < node.failures.size(); ++i) {
      json.count(name_of(static_cast<NodeFailure>(i)), node.failures[i]);
    }
  });
  json.object("block_answers", [&] {
    for (std::size_t i = 0; i < node.block_answers.of.size(); ++i) {
      json.count(name_of(static_cast<SubmissionAnswer>(i)), node.block_answers.of[i]);
    }
  });
}

// All nodes, the most trusted first.
void write_nodes(Members& json, JsonWriter& writer, const PoolSnapshot& s) {
  writer.Key("nodes");
  writer.StartArray();
  if (s.node) {
    for (const NodeSummary& node : s.node->nodes) {
      writer.StartObject();
      write_node_summary(json, node);
      writer.EndObject();
    }
  }
  writer.EndArray();
}

void write_journal(Members& json, const PoolSnapshot& s) {
  const JournalStatus status = s.journal.value_or(JournalStatus{});
  json.flag("writable", s.journal && status.writable);
  json.text_or_null("error", status.error);
  json.count("sequence", status.durable_to.sequence);
  json.count("segment", status.durable_to.segment);
  json.count("fsyncs", status.fsyncs);
  json.integer("last_fsync_us", status.last_fsync_us);
  json.count("unstored_bytes", status.unstored_bytes);
  json.count("bytes_max", status.bytes_max);
}

void write_database(Members& json, const PoolSnapshot& s) {
  json.flag("connected", s.database_connected());
  json.text_or_null("error", s.stored ? s.stored->error : "");
  if (s.stored && s.journal && s.journal->durable_to.sequence >= s.stored->shipped_to.sequence) {
    json.count("records_behind", s.journal->durable_to.sequence - s.stored->shipped_to.sequence);
  } else {
    json.null("records_behind");
  }
}

// What the node told; null until it has.
void write_chain(Members& json, const PoolSnapshot& s) {
  const bool known = s.node && s.node->height > 0;
  const bool has_template = s.node && s.node->template_time_us > 0;
  if (known) {
    json.count("height", s.node->height);
    json.text("tip", s.node->tip.display_hex());
    json.number("network_difficulty", s.node->network_difficulty);
    json.number("network_hashrate", s.node->network_hashrate);
  } else {
    for (const char* name : {"height", "tip", "network_difficulty", "network_hashrate"}) {
      json.null(name);
    }
  }
  if (has_template) {
    json.integer("coinbase_sats", s.node->coinbase_sats);
    json.count("template_transactions", s.node->template_transactions);
    json.integer("template_time_us", s.node->template_time_us);
  } else {
    for (const char* name : {"coinbase_sats", "template_transactions", "template_time_us"}) {
      json.null(name);
    }
  }
}

void write_by_status(Members& json, const PoolSnapshot& s) {
  for (const auto& [status, count] : s.blocks_by_status) json.count(status, count);
}

void write_reject(Members& json, const RejectedSubmit& r) {
  json.text("time", format_utc_machine(r.time_us));
  json.integer("time_us", r.time_us);
  json.text("worker", r.worker);
  json.text("user_agent", r.user_agent);
  json.integer("code", stratum::reject_code(r.reason));
  json.text("reason", stratum::reject_name(r.reason));
  json.text("message", stratum::reject_text(r.reason));
  json.text_or_null("detail", r.detail);
  json.text_or_null("job_id", r.job_id);
  json.text("extranonce1", r.extranonce1);
  json.text_or_null("extranonce2", r.extranonce2);
  json.text("ntime", base::u32_hex(r.ntime));
  json.integer("ntime_offset_seconds", std::int64_t{r.ntime} - r.time_us / 1'000'000);
  json.text("nonce", base::u32_hex(r.nonce));
  json.text_or_null("version_bits", r.version_bits ? base::u32_hex(*r.version_bits) : "");
  json.text("version_mask", base::u32_hex(r.version_mask));
  json.text_or_null("hash", r.hash ? r.hash->display_hex() : "");
  json.integer_or_null("height", r.height);
  json.integer_or_null("job_age_ms", r.job_age_ms);
  json.integer_or_null("stale_ms", r.stale_ms);
  json.number_or_null("share_difficulty", r.share_difficulty);
  json.number_or_null("difficulty", r.difficulty);
}

}  // namespace

std::string pool_json(const PoolSnapshot& s) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.text("state", name_of(s.condition()));
  json.integer("time_us", s.time_us);
  json.integer("uptime_seconds", s.uptime_seconds);
  json.text("version", s.facts.version);
  json.text("network", bitcoin::network_name(s.facts.network));
  json.text("stratum", s.facts.stratum_url);
  json.text_or_null("stratum_tls", s.facts.stratum_tls_url);
  json.text("payout_address", s.facts.payout_address);
  json.object("payout", [&] { write_payout(json, s.facts); });
  json.object("hashrate", [&] {
    for (std::size_t i = 0; i < s.hashrate.size(); ++i) {
      json.number(HashrateWindows::names[i], s.hashrate[i]);
    }
  });
  json.object("hashrate_shares", [&] {
    for (std::size_t i = 0; i < s.hashrate_shares.size(); ++i) {
      json.count(HashrateWindows::names[i], s.hashrate_shares[i]);
    }
  });
  json.count("miners", s.miners);
  json.count("workers", s.workers);
  json.count("connections", s.connections);
  json.count("connections_total", s.connections_total);
  json.object("shares", [&] { write_shares(json, s); });
  json.object("shares_hour", [&] { write_shares_hour(json, s); });
  json.object("connection_counts", [&] { write_stratum(json, s); });
  json.number("best_share_difficulty", s.best_share_difficulty);
  json.count("blocks_found", s.blocks_found);
  json.object("blocks", [&] { write_by_status(json, s); });
  json.count("blocks_version", s.blocks_version);
  write_rounds(json, s);
  write_chain(json, s);
  json.integer_or_null("tip_time_us", s.tip_time_us);
  json.integer_or_null("notify_latency_us", s.notify_latency_us);
  json.object("notify", [&] { write_notify(json, s); });
  json.object("node", [&] { write_node(json, s); });
  write_nodes(json, writer, s);
  json.object("tips", [&] { write_tips(json, s.node ? s.node->tips : TipRaceStats{}); });
  json.object("journal", [&] { write_journal(json, s); });
  json.object("database", [&] { write_database(json, s); });
  json.object("coherence", [&] { write_coherence_summary(json, s); });
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string rejects_json(std::string_view name, std::string_view asked_for,
                         const std::vector<RejectedSubmit>& rejects) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.text(name, asked_for);
  json.array("rejects", rejects, [&](const RejectedSubmit& reject) { write_reject(json, reject); });
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string nodes_json(const PoolSnapshot& s) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.integer("time_us", s.time_us);
  json.flag("connected", s.node && s.node->connected);
  json.text_or_null("error", s.node ? s.node->error : "");
  json.text_or_null("chain", s.node ? s.node->chain : "");
  const bool known = s.node && s.node->height > 0;
  json.integer_or_null("height",
                       known ? std::optional<std::int64_t>(s.node->height) : std::nullopt);
  json.text_or_null("tip", known ? s.node->tip.display_hex() : "");
  write_nodes(json, writer, s);
  json.object("tips", [&] { write_tips(json, s.node ? s.node->tips : TipRaceStats{}); });
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string error_json(std::string_view code, std::string_view message, std::string_view hint) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.object("error", [&] {
    json.text("code", code);
    json.text("message", message);
    if (!hint.empty()) json.text("hint", hint);
  });
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::vector<std::string> unreadiness(const PoolSnapshot& s) {
  std::vector<std::string> missing;
  if (!s.node) {
    missing.emplace_back("node: not asked yet");
  } else if (!s.node->connected) {
    missing.push_back("node: " + (s.node->error.empty() ? "not connected" : s.node->error));
  } else if (s.node->work_expired) {
    missing.emplace_back("node: no usable template for long, the work is old");
  }
  if (s.shards > 0 && s.shards_draining == s.shards) {
    missing.emplace_back("draining: nobody is let in, as ordered");
  }
  if (!s.journal) {
    missing.emplace_back("journal: not open yet");
  } else if (!s.journal->writable) {
    missing.push_back("journal: " + (s.journal->error.empty() ? "not writable" : s.journal->error));
  }
  return missing;
}

}  // namespace pool
