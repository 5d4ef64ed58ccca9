// parse_request: what a miner sends, with the tolerances that miners in the field need.
// Sources of each tolerance: BIP310 for mining.configure; the others are named where they are.
#include "common/stratum/codec.h"
#include "common/stratum/fields.h"
#include "common/stratum/json_tokens.h"

#include <algorithm>

namespace stratum {

using json::JsonKind;
using json::Value;

namespace {

constexpr std::size_t id_bytes_max = 64;
constexpr std::size_t method_bytes_max = 64;  // as kept for an unknown method
constexpr std::size_t extensions_max = 16;
constexpr std::size_t extension_bytes_max = 64;

template <class Message>
ClientMessage finish(std::string_view method, Fields& fields, Message&& message) {
  if (fields.ok()) return std::forward<Message>(message);
  return Malformed{std::string(method), fields.take_why()};
}

// A string param, or empty where it is missing, null or anything else.
std::string optional_text(Value value) {
  Fields fields;
  return fields.text({}, value);
}

ClientMessage read_submit(Value params) {
  constexpr std::string_view method = "mining.submit";
  Fields fields;
  const std::size_t count = params.item_count();
  if (count < 5) {
    fields.fail("params", std::to_string(count) + " values, expected 5 or 6");
    return finish(method, fields, Submit{});
  }
  Submit submit;
  submit.worker_name = fields.trimmed_text("worker_name", params.item(0));
  submit.job_id = fields.text("job_id", params.item(1));
  submit.extranonce2_hex = fields.hex_text("extranonce2", params.item(2));
  submit.ntime = fields.u32("ntime", params.item(3));
  submit.nonce = fields.u32("nonce", params.item(4));
  if (const Value bits = params.item(5); !bits.is_missing_or_null()) {
    submit.version_bits = fields.u32("version_bits", bits);
  }
  return finish(method, fields, std::move(submit));
}

// No firmware in the field sends this, so nothing is tolerated.
ClientMessage read_coherence_submit(Value params) {
  constexpr std::string_view method = "coherence.submit";
  Fields fields;
  const std::size_t count = params.item_count();
  if (count != 7) {
    fields.fail("params", std::to_string(count) + " values, expected 7");
    return finish(method, fields, CoherenceSubmit{});
  }
  CoherenceSubmit submit;
  submit.worker_name = fields.trimmed_text("worker_name", params.item(0));
  submit.job_id = fields.text("job_id", params.item(1));
  submit.attempt = fields.exact_u64("attempt", params.item(2));
  submit.bloom_end = fields.json_u32("bloom_end", params.item(3));
  submit.r_q = fields.json_u32("r_q", params.item(4));
  submit.psi_q = fields.json_u32("psi_q", params.item(5));
  fields.exact_hex("cert_hash", params.item(6), submit.cert_hash);
  return finish(method, fields, std::move(submit));
}

// Every param may be missing, null or of another type: Braiins OS sends [ua, null, "host:port",
// null].
ClientMessage read_subscribe(Value params) {
  Subscribe subscribe;
  subscribe.user_agent = optional_text(params.item(0));
  subscribe.session_id = optional_text(params.item(1));
  return subscribe;
}

ClientMessage read_authorize(Value params) {
  Fields fields;
  Authorize authorize;
  authorize.username = fields.trimmed_text("username", params.item(0));
  // A password never fails a login; a number is kept as written.
  const Value password = params.item(1);
  authorize.password =
      password.is(JsonKind::number) ? std::string(password.text()) : optional_text(password);
  return finish("mining.authorize", fields, std::move(authorize));
}

// Mask of mining.configure: may come with "0x", and shorter than 8 digits (cgminer prints "%x").
std::optional<std::uint32_t> read_mask(Value value) {
  if (!value.is(JsonKind::string)) return std::nullopt;
  std::string_view digits = trim_blanks(value.text());
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  return parse_hex_u32(digits);
}

void add_extension(Configure& configure, Value name) {
  if (configure.extensions.size() == extensions_max || !name.is(JsonKind::string)) return;
  if (name.text().empty() || name.text().size() > extension_bytes_max) return;
  const auto& known = configure.extensions;  // a repeated one would repeat a key in the answer
  if (std::find(known.begin(), known.end(), name.text()) != known.end()) return;
  configure.extensions.emplace_back(name.text());
}

// BIP310. Options that are missing or can't be read are as good as not sent.
ClientMessage read_configure(Value params) {
  Configure configure;
  Fields fields;
  const Value extensions = params.item(0);
  if (!extensions.is(JsonKind::array)) {
    fields.fail("extensions", extensions, "an array of extension names");
  }
  extensions.for_each_item([&](Value name) { add_extension(configure, name); });
  const Value options = params.item(1);
  configure.version_rolling_mask = read_mask(options.member("version-rolling.mask"));
  Fields bits;
  const auto bit_count = bits.integer({}, options.member("version-rolling.min-bit-count"), 32);
  if (bits.ok()) configure.version_rolling_min_bit_count = bit_count;
  Fields least;
  const double difficulty = least.number({}, options.member("minimum-difficulty.value"));
  if (least.ok() && difficulty >= 0) configure.minimum_difficulty = difficulty;
  Fields version;
  const auto coherence = version.json_u32({}, options.member("coherence.version"));
  if (version.ok()) configure.coherence_version = coherence;
  configure.coherence_only = options.member("coherence.only").is(JsonKind::boolean_true);
  return finish("mining.configure", fields, std::move(configure));
}

ClientMessage read_suggest_difficulty(Value params) {
  Fields fields;
  SuggestDifficulty suggest;
  suggest.difficulty = fields.number("difficulty", params.item(0));
  return finish("mining.suggest_difficulty", fields, suggest);
}

// Very old miners put the number into the method's name: "mining.suggest_difficulty(1024)".
ClientMessage read_difficulty_in_name(std::string_view method) {
  const std::size_t open = method.find('(');
  const std::string_view inside = method.substr(open + 1, method.size() - open - 2);
  if (const auto difficulty = parse_finite(trim_blanks(inside))) {
    return SuggestDifficulty{*difficulty};
  }
  Fields fields;
  fields.fail("difficulty", "the method's name has no number between its parentheses");
  return finish("mining.suggest_difficulty", fields, SuggestDifficulty{});
}

ClientMessage read_suggest_target(Value params) {
  Fields fields;
  SuggestTarget suggest;
  const Value value = params.item(0);
  const bool hex = value.is(JsonKind::string) &&
                   base::decode_hex(trim_blanks(value.text()), suggest.target).has_value();
  std::reverse(suggest.target.begin(), suggest.target.end());  // big-endian on the wire
  const auto is_zero = [](std::uint8_t byte) { return byte == 0; };
  if (!hex || std::all_of(suggest.target.begin(), suggest.target.end(), is_zero)) {
    fields.fail("target", value, "64 hex digits of a target above zero");
  }
  return finish("mining.suggest_target", fields, suggest);
}

template <class Message>
ClientMessage without_params(Value) {
  return Message{};
}

struct Method {
  std::string_view name;
  ClientMessage (*read)(Value params);
};
constexpr Method methods[] = {
    {"mining.submit", read_submit},
    {"coherence.submit", read_coherence_submit},
    {"mining.suggest_difficulty", read_suggest_difficulty},
    {"mining.subscribe", read_subscribe},
    {"mining.authorize", read_authorize},
    {"mining.configure", read_configure},
    {"mining.extranonce.subscribe", without_params<ExtranonceSubscribe>},
    {"mining.suggest_target", read_suggest_target},
    {"mining.get_transactions", without_params<GetTransactions>},
    {"mining.capabilities", without_params<Capabilities>},
    {"mining.ping", without_params<Ping>},
    {"client.ping", without_params<Ping>},
    // ESP-Miner answers a ping with something that looks like a request.
    {"pong", without_params<Response>},
    {"mining.pong", without_params<Response>},
};

ClientMessage read_message(std::string_view method, Value params) {
  for (const Method& known : methods) {
    if (known.name == method) return known.read(params);
  }
  if (method.starts_with("mining.suggest_difficulty(") && method.ends_with(')')) {
    return read_difficulty_in_name(method);
  }
  return UnknownMethod{std::string(method.substr(0, method_bytes_max))};
}

struct Envelope {
  Value id, method, params, result;
  bool is_answer = false;  // it has a result or an error
};

Envelope read_envelope(Value root) {
  Envelope envelope;
  root.for_each_member([&](std::string_view name, Value value) {
    if (name == "id") envelope.id = value;
    if (name == "method") envelope.method = value;
    if (name == "params") envelope.params = value;
    if (name == "result") envelope.result = value;
    if (name == "result" || name == "error") envelope.is_answer = true;
  });
  return envelope;
}

}  // namespace

base::Result<ClientRequest, ProtocolError> parse_request(std::string_view line) {
  json::Document document;
  const auto root = document.parse(line);
  if (!root) {
    return base::err(root.error() == json::JsonError::too_deep ? ProtocolError::too_deep
                                                               : ProtocolError::not_json);
  }
  if (!root->is(JsonKind::object)) return base::err(ProtocolError::not_an_object);
  const Envelope envelope = read_envelope(*root);
  if (envelope.id.is(JsonKind::array) || envelope.id.is(JsonKind::object) ||
      envelope.id.raw().size() > id_bytes_max) {
    return base::err(ProtocolError::bad_id);
  }
  ClientRequest request;
  request.id.json = envelope.id.raw();
  if (envelope.method.is(JsonKind::string)) {
    request.message = read_message(envelope.method.text(), envelope.params);
  } else if (envelope.method.is_missing_or_null() && envelope.is_answer) {
    request.message = Response{optional_text(envelope.result)};
  } else {
    return base::err(ProtocolError::no_method);
  }
  return request;
}

}  // namespace stratum
