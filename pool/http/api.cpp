#include "pool/http/api.h"

#include "common/base/bytes.h"
#include "common/bitcoin/hash.h"
#include "pool/http/api_coherence.h"
#include "pool/http/format.h"
#include "pool/http/json_members.h"

#include <rapidjson/document.h>

namespace pool {
namespace {

using rapidjson::Value;

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

void write_block(Members& json, const BlockRow& row) {
  json.count("height", row.height);
  json.text("hash", row.hash);
  json.text("status", row.status);
  json.text("detail", row.detail);
  json.text("time", format_utc_machine(row.time_us));
  json.text("address", row.address);
  json.text("worker", row.worker);
  json.integer("reward_sats", row.reward_sats);
  json.number("network_difficulty", row.network_difficulty);
  json.number("share_difficulty", row.share_difficulty);
  json.text_or_null("state", row.state);
  json.integer_or_null("confirmations", row.confirmations);
  json.integer_or_null("matures_in", row.matures_in);
  json.array("submissions", row.answers, [&](const BlockAnswer& answer) {
    json.text("node", answer.node);
    json.text("answer", answer.answer);
    json.text_or_null("detail", answer.detail);
    json.text("time", format_utc_machine(answer.time_us));
  });
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
  json.text("nonce", base::u32_hex(r.nonce));
  json.text_or_null("version_bits", r.version_bits ? base::u32_hex(*r.version_bits) : "");
  json.text("version_mask", base::u32_hex(r.version_mask));
  json.text_or_null("hash", r.hash ? r.hash->display_hex() : "");
  json.integer_or_null("height", r.height);
  json.integer_or_null("stale_ms", r.stale_ms);
  json.number_or_null("share_difficulty", r.share_difficulty);
  json.number_or_null("difficulty", r.difficulty);
}

std::string text_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsString()) return {};
  return {found->value.GetString(), found->value.GetStringLength()};
}

double number_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found != object.MemberEnd() && found->value.IsNumber() ? found->value.GetDouble() : 0;
}

std::int64_t integer_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found != object.MemberEnd() && found->value.IsInt64() ? found->value.GetInt64() : 0;
}

std::optional<std::int64_t> optional_integer_member(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsInt64()) return std::nullopt;
  return found->value.GetInt64();
}

std::vector<BlockAnswer> block_answers(const Value& object) {
  std::vector<BlockAnswer> answers;
  const auto list = object.FindMember("submissions");
  if (list == object.MemberEnd() || !list->value.IsArray()) return answers;
  for (const Value& item : list->value.GetArray()) {
    if (!item.IsObject()) continue;
    answers.push_back({text_member(item, "node"), text_member(item, "answer"),
                       text_member(item, "detail"),
                       parse_utc(text_member(item, "time")).value_or(0)});
  }
  return answers;
}

BlockRow block_row(const Value& object) {
  BlockRow row;
  const std::int64_t height = integer_member(object, "height");
  row.height = height >= 0 && height <= 0xffffffffLL ? static_cast<std::uint32_t>(height) : 0;
  row.hash = text_member(object, "hash");
  row.status = text_member(object, "status");
  row.detail = text_member(object, "detail");
  row.time_us = parse_utc(text_member(object, "time")).value_or(0);
  row.address = text_member(object, "address");
  row.worker = text_member(object, "worker");
  row.reward_sats = integer_member(object, "reward_sats");
  row.network_difficulty = number_member(object, "network_difficulty");
  row.share_difficulty = number_member(object, "share_difficulty");
  row.state = text_member(object, "state");
  row.confirmations = optional_integer_member(object, "confirmations");
  row.matures_in = optional_integer_member(object, "matures_in");
  row.answers = block_answers(object);
  return row;
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
  json.text("payout_address", s.facts.payout_address);
  json.object("hashrate", [&] {
    for (std::size_t i = 0; i < s.hashrate.size(); ++i) {
      json.number(HashrateWindows::names[i], s.hashrate[i]);
    }
  });
  json.count("miners", s.miners);
  json.count("workers", s.workers);
  json.count("connections", s.connections);
  json.count("connections_total", s.connections_total);
  json.object("shares", [&] { write_shares(json, s); });
  json.object("connection_counts", [&] { write_stratum(json, s); });
  json.number("best_share_difficulty", s.best_share_difficulty);
  json.count("blocks_found", s.blocks_found);
  json.object("blocks", [&] { write_by_status(json, s); });
  json.count("blocks_version", s.blocks_version);
  write_chain(json, s);
  if (s.notify_latency_us) {
    json.integer("notify_latency_us", *s.notify_latency_us);
  } else {
    json.null("notify_latency_us");
  }
  json.object("node", [&] { write_node(json, s); });
  write_nodes(json, writer, s);
  json.object("tips", [&] { write_tips(json, s.node ? s.node->tips : TipRaceStats{}); });
  json.object("journal", [&] { write_journal(json, s); });
  json.object("database", [&] { write_database(json, s); });
  json.object("coherence", [&] { write_coherence_summary(json, s); });
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string blocks_json(const PoolSnapshot& s) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.integer("time_us", s.database_read_us.value_or(0));
  json.object("by_status", [&] { write_by_status(json, s); });
  writer.Key("blocks");
  writer.StartArray();
  for (const BlockRow& row : s.blocks) {
    writer.StartObject();
    write_block(json, row);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string rejects_json(std::string_view user, const std::vector<RejectedSubmit>& rejects) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.text("user", user);
  writer.Key("rejects");
  writer.StartArray();
  for (const RejectedSubmit& reject : rejects) {
    writer.StartObject();
    write_reject(json, reject);
    writer.EndObject();
  }
  writer.EndArray();
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

std::optional<std::vector<BlockRow>> parse_blocks(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsArray()) return std::nullopt;
  std::vector<BlockRow> rows;
  for (const Value& item : document.GetArray()) {
    if (!item.IsObject()) return std::nullopt;
    rows.push_back(block_row(item));
  }
  return rows;
}

std::optional<std::map<std::string, std::uint64_t>> parse_blocks_by_status(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) return std::nullopt;
  const auto list = document.FindMember("blocks");
  if (list == document.MemberEnd() || !list->value.IsObject()) return std::nullopt;
  std::map<std::string, std::uint64_t> out;
  for (const auto& member : list->value.GetObject()) {
    if (!member.value.IsUint64()) return std::nullopt;
    out[member.name.GetString()] = member.value.GetUint64();
  }
  return out;
}

}  // namespace pool
