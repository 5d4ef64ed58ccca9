// write_*, pool side: what the pool says. Every answer has all three keys, every notification a
// null id, since some miners refuse to read anything less.
#include "common/stratum/codec.h"
#include "common/stratum/json_text.h"

namespace stratum {

using json::append_string;

namespace {

void begin_answer(std::string& out, const RequestId& id) {
  out += "{\"id\":";
  out += id.json.empty() ? std::string_view("null") : std::string_view(id.json);
  out += ",\"result\":";
}

std::string notification(std::string_view method, std::string_view params) {
  std::string out;
  out.reserve(48 + method.size() + params.size());
  out.append("{\"id\":null,\"method\":\"").append(method).append("\",\"params\":[");
  out.append(params).append("]}\n");
  return out;
}

std::string write_error_with(const RequestId& id, std::string_view result, RejectReason reason,
                             std::string_view detail) {
  std::string text(reject_text(reason));
  if (!detail.empty()) text.append(": ").append(detail);
  std::string out;
  out.reserve(64 + id.json.size() + text.size());
  begin_answer(out, id);
  out.append(result).append(",\"error\":[").append(std::to_string(reject_code(reason)));
  out += ',';
  append_string(out, text);
  out += ",null]}\n";
  return out;
}

void append_hex_string(std::string& out, base::ByteSpan bytes) {
  out += '"';
  base::append_hex(out, bytes);
  out += '"';
}

void append_u32_string(std::string& out, std::uint32_t value) {
  out += '"';
  out += base::u32_hex(value);
  out += '"';
}

}  // namespace

std::string write_result_true(const RequestId& id) { return write_result_json(id, "true"); }

std::string write_result_json(const RequestId& id, std::string_view result_json) {
  std::string out;
  out.reserve(32 + id.json.size() + result_json.size());
  begin_answer(out, id);
  out.append(result_json).append(",\"error\":null}\n");
  return out;
}

std::string write_reject(const RequestId& id, RejectReason reason, std::string_view detail) {
  return write_error_with(id, "false", reason, detail);
}

std::string write_error(const RequestId& id, RejectReason reason, std::string_view detail) {
  return write_error_with(id, "null", reason, detail);
}

std::string write_subscribe_result(const RequestId& id, const SubscribeResult& result) {
  std::string json = "[[[\"mining.set_difficulty\",";
  append_string(json, result.session_id + "d");
  json += "],[\"mining.notify\",";
  append_string(json, result.session_id + "n");
  json += "]],";
  append_hex_string(json, result.extranonce1);
  json += ',';
  json += std::to_string(result.extranonce2_size);
  json += ']';
  return write_result_json(id, json);
}

// Only what was asked for is answered: WhatsMiner firmware stumbles over any other key. A miner
// that asks for the mask as if it were an extension gets the mask, not its key a second time.
std::string write_configure_result(const RequestId& id, const ConfigureResult& result) {
  constexpr std::string_view mask_key = "version-rolling.mask";
  constexpr std::string_view coherence_key = "coherence.version";
  std::string json = "{";
  for (const auto& [name, granted] : result.extensions) {
    if (name == mask_key && result.version_rolling_mask) continue;
    if (name == coherence_key && result.coherence_version) continue;
    if (json.size() > 1) json += ',';
    append_string(json, name);
    json += granted ? ":true" : ":false";
    if (name == "version-rolling" && result.version_rolling_mask) {
      json += ',';
      append_string(json, mask_key);
      json += ':';
      append_u32_string(json, *result.version_rolling_mask);
    }
    if (name == "coherence" && result.coherence_version) {
      json += ',';
      append_string(json, coherence_key);
      json.append(":").append(std::to_string(*result.coherence_version));
    }
  }
  json += '}';
  return write_result_json(id, json);
}

std::string write_set_difficulty(bitcoin::Difficulty difficulty) {
  return notification("mining.set_difficulty", difficulty.text());
}

std::string write_set_version_mask(std::uint32_t mask) {
  std::string params;
  append_u32_string(params, mask);
  return notification("mining.set_version_mask", params);
}

std::string write_set_extranonce(base::ByteSpan extranonce1, std::uint32_t extranonce2_size) {
  std::string params;
  append_hex_string(params, extranonce1);
  params += ',';
  params += std::to_string(extranonce2_size);
  return notification("mining.set_extranonce", params);
}

std::string write_notify(const Notify& notify) {
  std::string params;
  params.reserve(192 + 2 * (notify.coinb1.size() + notify.coinb2.size()) +
                 67 * notify.merkle_branch.size());
  append_string(params, notify.job_id);
  params.append(",\"").append(prevhash_to_wire(notify.prev_hash)).append("\",");
  append_hex_string(params, notify.coinb1);
  params += ',';
  append_hex_string(params, notify.coinb2);
  params += ",[";
  for (const bitcoin::Hash256& sibling : notify.merkle_branch) {
    if (params.back() != '[') params += ',';
    append_hex_string(params, sibling.bytes);
  }
  params += "],";
  append_u32_string(params, notify.version);
  params += ',';
  append_u32_string(params, notify.nbits);
  params += ',';
  append_u32_string(params, notify.ntime);
  params += notify.clean_jobs ? ",true" : ",false";
  return notification("mining.notify", params);
}

std::string write_coherence_set_extranonce(std::uint64_t extranonce) {
  return notification("coherence.set_extranonce", "\"" + base::u64_hex(extranonce) + "\"");
}

std::string write_coherence_set_target(const base::U256& target) {
  return notification("coherence.set_target",
                      "\"" + base::to_reversed_hex(target.to_le_bytes()) + "\"");
}

std::string write_coherence_notify(const CoherenceNotify& notify) {
  std::string params;
  append_string(params, notify.job_id);
  params += ',';
  append_hex_string(params, notify.header);
  params += ',';
  append_u32_string(params, notify.params);
  params += notify.clean ? ",true" : ",false";
  if (notify.height) params.append(",").append(std::to_string(*notify.height));
  return notification("coherence.notify", params);
}

std::string write_show_message(std::string_view text) {
  std::string params;
  append_string(params, text);
  return notification("client.show_message", params);
}

std::string write_reconnect(const Reconnect& reconnect) {
  std::string params;
  if (!reconnect.host.empty()) {
    append_string(params, reconnect.host);
    params.append(",").append(std::to_string(reconnect.port));
    params.append(",").append(std::to_string(reconnect.wait_seconds));
  }
  return notification("client.reconnect", params);
}

std::string write_get_version(std::uint64_t id) {
  return "{\"id\":" + std::to_string(id) + ",\"method\":\"client.get_version\",\"params\":[]}\n";
}

}  // namespace stratum
