// parse_server_message and the results with structure: what our miner reads from a pool.
#include "common/stratum/codec.h"
#include "common/stratum/fields.h"
#include "common/stratum/json_text.h"
#include "common/stratum/json_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace stratum {

using json::JsonKind;
using json::Value;

namespace {

constexpr std::size_t merkle_branch_max = 32;  // of 2^32 transactions
constexpr std::size_t extranonce1_bytes_max = 32;
constexpr std::uint32_t extranonce2_size_max = 32;
constexpr std::size_t method_bytes_max = 64;
// It comes back in every share, and stands in whatever the miner logs. Pools' have 4 to 64 bytes.
constexpr std::size_t job_id_bytes_max = 128;

struct Call {
  std::string_view method;
  Value id;
  Value params;
};

std::string id_json(Value id) { return std::string(id.raw()); }

template <class Message>
ServerMessage finish(const Call& call, Fields& fields, Message&& message) {
  if (fields.ok()) return std::forward<Message>(message);
  return UnknownServerMethod{std::string(call.method), fields.take_why()};
}

std::string read_job_id(Fields& fields, Value value) {
  std::string job_id = fields.text("job_id", value);
  if (job_id.size() > job_id_bytes_max) fields.fail("job_id", value, "at most 128 bytes");
  return job_id;
}

ServerMessage read_notify(const Call& call) {
  Fields fields;
  Notify notify;
  notify.job_id = read_job_id(fields, call.params.item(0));
  const Value prevhash = call.params.item(1);
  if (!prevhash.is(JsonKind::string) || !prevhash_from_wire(prevhash.text(), notify.prev_hash)) {
    fields.fail("prevhash", prevhash, "64 hex digits");
  }
  notify.coinb1 = fields.bytes("coinb1", call.params.item(2));
  notify.coinb2 = fields.bytes("coinb2", call.params.item(3));
  const Value branch = call.params.item(4);
  if (!branch.is(JsonKind::array) || branch.item_count() > merkle_branch_max) {
    fields.fail("merkle_branch", branch, "an array of at most 32 hashes");
  } else {
    notify.merkle_branch.reserve(branch.item_count());
    branch.for_each_item([&](Value sibling) {
      notify.merkle_branch.push_back(fields.hash("merkle_branch", sibling));
    });
  }
  notify.version = fields.u32("version", call.params.item(5));
  notify.nbits = fields.u32("nbits", call.params.item(6));
  notify.ntime = fields.u32("ntime", call.params.item(7));
  notify.clean_jobs = call.params.item(8).is(JsonKind::boolean_true);
  return finish(call, fields, std::move(notify));
}

ServerMessage read_set_difficulty(const Call& call) {
  Fields fields;
  SetDifficulty set;
  const Value value = call.params.item(0);
  const double number = fields.number("difficulty", value);
  if (const auto difficulty = bitcoin::Difficulty::from_double(number)) {
    set.difficulty = *difficulty;
  } else {
    fields.fail("difficulty", value, "between 2^-32 and 2^63");
  }
  return finish(call, fields, set);
}

ServerMessage read_set_version_mask(const Call& call) {
  Fields fields;
  const SetVersionMask set{fields.u32("mask", call.params.item(0))};
  return finish(call, fields, set);
}

void read_extranonce(Fields& fields, Value extranonce1, Value size, base::Bytes& bytes_out,
                     std::uint32_t& size_out) {
  bytes_out = fields.bytes("extranonce1", extranonce1);
  if (bytes_out.size() > extranonce1_bytes_max) {
    fields.fail("extranonce1", extranonce1, "at most 32 bytes");
  }
  size_out = fields.integer("extranonce2_size", size, extranonce2_size_max);
}

ServerMessage read_set_extranonce(const Call& call) {
  Fields fields;
  SetExtranonce set;
  read_extranonce(fields, call.params.item(0), call.params.item(1), set.extranonce1,
                  set.extranonce2_size);
  return finish(call, fields, std::move(set));
}

ServerMessage read_coherence_set_extranonce(const Call& call) {
  Fields fields;
  const CoherenceSetExtranonce set{fields.exact_u64("extranonce", call.params.item(0))};
  return finish(call, fields, set);
}

ServerMessage read_coherence_set_target(const Call& call) {
  Fields fields;
  const Value value = call.params.item(0);
  std::array<std::uint8_t, 32> bytes{};
  fields.exact_hex("target", value, bytes);
  std::reverse(bytes.begin(), bytes.end());  // big-endian on the wire
  const CoherenceSetTarget set{base::U256::from_le_bytes(bytes)};
  if (set.target.is_zero()) fields.fail("target", value, "above zero");
  return finish(call, fields, set);
}

ServerMessage read_coherence_notify(const Call& call) {
  Fields fields;
  CoherenceNotify notify;
  notify.job_id = read_job_id(fields, call.params.item(0));
  fields.exact_hex("header", call.params.item(1), notify.header);
  notify.params = fields.exact_u32("params", call.params.item(2));
  const Value clean = call.params.item(3);
  notify.clean = clean.is(JsonKind::boolean_true);
  if (!notify.clean && !clean.is(JsonKind::boolean_false)) {
    fields.fail("clean", clean, "true or false");
  }
  if (const Value height = call.params.item(4); !height.is_missing_or_null()) {
    notify.height = fields.json_u32("height", height);
  }
  return finish(call, fields, std::move(notify));
}

ServerMessage read_reconnect(const Call& call) {
  Fields fields;
  Reconnect reconnect;
  const Value host = call.params.item(0);
  const Value port = call.params.item(1);
  const Value wait = call.params.item(2);
  if (!host.is_missing_or_null()) reconnect.host = fields.trimmed_text("host", host);
  if (!port.is_missing_or_null()) reconnect.port = fields.integer("port", port, 65'535);
  if (!wait.is_missing_or_null()) reconnect.wait_seconds = fields.integer("wait", wait, 86'400);
  return finish(call, fields, std::move(reconnect));
}

ServerMessage read_show_message(const Call& call) {
  Fields fields;
  ShowMessage show{fields.text("text", call.params.item(0))};
  return finish(call, fields, std::move(show));
}

ServerMessage read_get_version(const Call& call) { return GetVersion{id_json(call.id)}; }
ServerMessage read_ping(const Call& call) { return ServerPing{id_json(call.id)}; }

struct Method {
  std::string_view name;
  ServerMessage (*read)(const Call& call);
};
constexpr Method methods[] = {
    {"mining.notify", read_notify},
    {"mining.set_difficulty", read_set_difficulty},
    {"mining.set_version_mask", read_set_version_mask},
    {"mining.set_extranonce", read_set_extranonce},
    {"coherence.set_extranonce", read_coherence_set_extranonce},
    {"coherence.set_target", read_coherence_set_target},
    {"coherence.notify", read_coherence_notify},
    {"client.reconnect", read_reconnect},
    {"client.show_message", read_show_message},
    {"client.get_version", read_get_version},
    {"mining.ping", read_ping},
    {"client.ping", read_ping},
};

ServerMessage read_call(const Call& call) {
  for (const Method& known : methods) {
    if (known.name == call.method) return known.read(call);
  }
  return UnknownServerMethod{std::string(call.method.substr(0, method_bytes_max)), {}};
}

// [code, "text", …] of Stratum, {"code":…,"message":…} of JSON-RPC 2, or a bare string.
void read_error(Value error, ServerResponse& response) {
  const bool is_object = error.is(JsonKind::object);
  const Value code = is_object ? error.member("code") : error.item(0);
  const Value text = is_object ? error.member("message") : error.item(1);
  const std::string_view digits = code.text();
  std::from_chars(digits.data(), digits.data() + digits.size(), response.error_code);
  if (text.is(JsonKind::string)) {
    response.error_text = text.text();
  } else {
    response.error_text =
        error.is(JsonKind::string) ? std::string(error.text()) : json::excerpt(error.raw());
  }
}

ServerResponse read_response(Value id, Value result, Value error) {
  ServerResponse response;
  response.id_json = id_json(id);
  response.result_json = result.is(JsonKind::missing) ? "null" : std::string(result.raw());
  if (!error.is_missing_or_null()) {
    read_error(error, response);
    return response;
  }
  response.accepted = !result.is_missing_or_null() && !result.is(JsonKind::boolean_false);
  return response;
}

// The pair that is named mining.notify: a miner that reconnects sends its id as the session.
std::string session_of(Value subscriptions) {
  std::string session;
  subscriptions.for_each_item([&](Value pair) {
    if (pair.item(0).text().starts_with("mining.notify")) session = pair.item(1).text();
  });
  // Old servers send one pair without the list around it.
  if (subscriptions.item(0).text() == "mining.notify") session = subscriptions.item(1).text();
  return session;
}

}  // namespace

base::Result<ServerMessage, ProtocolError> parse_server_message(std::string_view line) {
  json::Document document;
  const auto root = document.parse(line);
  if (!root) {
    return base::err(root.error() == json::JsonError::too_deep ? ProtocolError::too_deep
                                                               : ProtocolError::not_json);
  }
  if (!root->is(JsonKind::object)) return base::err(ProtocolError::not_an_object);
  const Value method = root->member("method");
  if (method.is(JsonKind::string)) {
    return read_call({method.text(), root->member("id"), root->member("params")});
  }
  const Value result = root->member("result");
  const Value error = root->member("error");
  if (result.is(JsonKind::missing) && error.is(JsonKind::missing)) {
    return base::err(ProtocolError::no_method);
  }
  return ServerMessage(read_response(root->member("id"), result, error));
}

base::Result<SubscribeResult, std::string> parse_subscribe_result(std::string_view result_json) {
  json::Document document;
  const auto root = document.parse(result_json);
  if (!root || !root->is(JsonKind::array)) {
    return base::err(std::string("subscribe result: not an array"));
  }
  Fields fields;
  SubscribeResult result;
  result.session_id = session_of(root->item(0));
  read_extranonce(fields, root->item(1), root->item(2), result.extranonce1,
                  result.extranonce2_size);
  if (!fields.ok()) return base::err("subscribe result: " + fields.take_why());
  return result;
}

base::Result<ConfigureResult, std::string> parse_configure_result(std::string_view result_json) {
  json::Document document;
  const auto root = document.parse(result_json);
  if (!root || !root->is(JsonKind::object)) {
    return base::err(std::string("configure result: not an object"));
  }
  Fields fields;
  ConfigureResult result;
  root->for_each_member([&](std::string_view name, Value value) {
    if (name == "version-rolling.mask") {
      result.version_rolling_mask = fields.u32(name, value);
    } else if (name == "coherence.version") {
      result.coherence_version = fields.json_u32(name, value);
    } else if (name.find('.') == std::string_view::npos) {
      result.extensions.emplace_back(name, value.is(JsonKind::boolean_true));
    }
  });
  if (!fields.ok()) return base::err("configure result: " + fields.take_why());
  return result;
}

}  // namespace stratum
