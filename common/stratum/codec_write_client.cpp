// write_*, miner side: what our miner sends.
#include "common/stratum/codec.h"
#include "common/stratum/json_text.h"

namespace stratum {

using json::append_string;

namespace {

std::string request(std::uint64_t id, std::string_view method, std::string_view params) {
  std::string out;
  out.reserve(64 + method.size() + params.size());
  out.append("{\"id\":").append(std::to_string(id)).append(",\"method\":\"").append(method);
  out.append("\",\"params\":[").append(params).append("]}\n");
  return out;
}

std::string answer(std::string_view id_json, std::string_view text) {
  std::string out = "{\"id\":";
  out += id_json.empty() ? std::string_view("null") : id_json;
  out += ",\"result\":";
  append_string(out, text);
  out += ",\"error\":null}\n";
  return out;
}

void append_option(std::string& options, std::string_view name, std::string_view value_json) {
  if (!options.empty()) options += ',';
  append_string(options, name);
  options.append(":").append(value_json);
}

}  // namespace

std::string write_subscribe(std::uint64_t id, const Subscribe& request_fields) {
  std::string params;
  append_string(params, request_fields.user_agent);
  if (!request_fields.session_id.empty()) {
    params += ',';
    append_string(params, request_fields.session_id);
  }
  return request(id, "mining.subscribe", params);
}

std::string write_authorize(std::uint64_t id, const Authorize& request_fields) {
  std::string params;
  append_string(params, request_fields.username);
  params += ',';
  append_string(params, request_fields.password);
  return request(id, "mining.authorize", params);
}

std::string write_configure(std::uint64_t id, const Configure& request_fields) {
  std::string params = "[";
  for (const std::string& extension : request_fields.extensions) {
    if (params.size() > 1) params += ',';
    append_string(params, extension);
  }
  std::string options;
  if (const auto mask = request_fields.version_rolling_mask) {
    append_option(options, "version-rolling.mask", "\"" + base::u32_hex(*mask) + "\"");
  }
  if (const auto bits = request_fields.version_rolling_min_bit_count) {
    append_option(options, "version-rolling.min-bit-count", std::to_string(*bits));
  }
  if (const auto least = request_fields.minimum_difficulty) {
    if (const auto difficulty = bitcoin::Difficulty::from_double(*least)) {
      append_option(options, "minimum-difficulty.value", difficulty->text());
    }
  }
  if (const auto version = request_fields.coherence_version) {
    append_option(options, "coherence.version", std::to_string(*version));
  }
  if (request_fields.coherence_only) append_option(options, "coherence.only", "true");
  params.append("],{").append(options).append("}");
  return request(id, "mining.configure", params);
}

std::string write_suggest_difficulty(std::uint64_t id, bitcoin::Difficulty difficulty) {
  return request(id, "mining.suggest_difficulty", difficulty.text());
}

std::string write_extranonce_subscribe(std::uint64_t id) {
  return request(id, "mining.extranonce.subscribe", {});
}

std::string write_ping(std::uint64_t id) { return request(id, "mining.ping", {}); }

std::string write_submit(std::uint64_t id, const Submit& submit) {
  std::string params;
  params.reserve(96 + submit.worker_name.size());
  append_string(params, submit.worker_name);
  params += ',';
  append_string(params, submit.job_id);
  params += ',';
  append_string(params, submit.extranonce2_hex);
  params.append(",\"").append(base::u32_hex(submit.ntime));
  params.append("\",\"").append(base::u32_hex(submit.nonce)).append("\"");
  if (submit.version_bits)
    params.append(",\"").append(base::u32_hex(*submit.version_bits)).append("\"");
  return request(id, "mining.submit", params);
}

std::string write_coherence_submit(std::uint64_t id, const CoherenceSubmit& submit) {
  std::string params;
  params.reserve(192 + submit.worker_name.size());
  append_string(params, submit.worker_name);
  params += ',';
  append_string(params, submit.job_id);
  params.append(",\"").append(base::u64_hex(submit.attempt)).append("\",");
  params.append(std::to_string(submit.bloom_end)).append(",");
  params.append(std::to_string(submit.r_q)).append(",");
  params.append(std::to_string(submit.psi_q)).append(",\"");
  base::append_hex(params, submit.cert_hash);
  params += '"';
  return request(id, "coherence.submit", params);
}

std::string write_pong(std::string_view id_json) { return answer(id_json, "pong"); }

std::string write_version_answer(std::string_view id_json, std::string_view user_agent) {
  return answer(id_json, user_agent);
}

}  // namespace stratum
