#include "pool/http/admin_request.h"

#include "common/base/ip_address.h"
#include "pool/core/limits.h"
#include "pool/http/json_members.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace pool {
namespace {

using rapidjson::Value;

// A body as an object whose members are among those that the request knows.
class Body {
 public:
  [[nodiscard]] base::Result<void, AdminError> parse(
      std::string_view text, std::initializer_list<std::string_view> known) {
    if (text.empty()) text = "{}";
    document_.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    if (document_.HasParseError() || !document_.IsObject()) {
      return fail("the body is not a JSON object", "send " + example(known));
    }
    for (const auto& member : document_.GetObject()) {
      const std::string_view name(member.name.GetString(), member.name.GetStringLength());
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      return fail("\"" + std::string(name) + "\" is no member of this request",
                  "send " + example(known));
    }
    return {};
  }

  // Nothing: the member is not there.
  [[nodiscard]] base::Result<bool, AdminError> read(const char* name, std::string& into) const {
    const Value* value = find(name);
    if (value == nullptr) return false;
    if (!value->IsString()) return fail(std::string("\"") + name + "\" is not a text", "");
    into.assign(value->GetString(), value->GetStringLength());
    return true;
  }
  [[nodiscard]] base::Result<bool, AdminError> read(const char* name, bool& into) const {
    const Value* value = find(name);
    if (value == nullptr) return false;
    if (!value->IsBool()) return fail(std::string("\"") + name + "\" is not true or false", "");
    into = value->GetBool();
    return true;
  }
  [[nodiscard]] base::Result<bool, AdminError> read(const char* name, std::uint32_t& into,
                                                    std::uint32_t least, std::uint32_t most) const {
    const Value* value = find(name);
    if (value == nullptr) return false;
    if (!value->IsUint() || value->GetUint() < least || value->GetUint() > most) {
      return fail(std::string("\"") + name + "\" is not a whole number from " +
                      std::to_string(least) + " to " + std::to_string(most),
                  "");
    }
    into = value->GetUint();
    return true;
  }

  static tl::unexpected<AdminError> fail(std::string message, std::string hint) {
    return base::err(AdminError{std::move(message), std::move(hint)});
  }

 private:
  const Value* find(const char* name) const {
    const auto found = document_.FindMember(name);
    return found == document_.MemberEnd() ? nullptr : &found->value;
  }
  static std::string example(std::initializer_list<std::string_view> known) {
    std::string text = "{";
    for (const std::string_view name : known) {
      if (text.size() > 1) text += ", ";
      text.append("\"").append(name).append("\": …");
    }
    return text + "}";
  }

  rapidjson::Document document_;
};

AdminRequest<AddressPrefix> read_address(const Body& body) {
  std::string text;
  const auto given = body.read("address", text);
  if (!given) return base::err(given.error());
  const auto address = base::IpAddress::parse(text);
  if (address && address->is_loopback()) {
    return Body::fail("\"address\" is this machine itself, which no limits hold for",
                      "close what connects from here, or drain");
  }
  const auto prefix = AddressPrefix::parse(text);
  if (!prefix) {
    return Body::fail("\"address\" is not an IP address: " + clean_text(text, 64),
                      "an IPv4 address, or any address of an IPv6 /64, as in \"192.0.2.1\"");
  }
  return *prefix;
}

}  // namespace

AdminRequest<OperatorOrder::Drain> parse_drain(std::string_view text) {
  Body body;
  if (auto ok = body.parse(text, {"reconnect", "host", "port", "wait_seconds"}); !ok) {
    return base::err(ok.error());
  }
  bool reconnect = true;
  stratum::Reconnect where;
  if (auto ok = body.read("reconnect", reconnect); !ok) return base::err(ok.error());
  if (auto ok = body.read("host", where.host); !ok) return base::err(ok.error());
  if (auto ok = body.read("port", where.port, 1, 65'535); !ok) return base::err(ok.error());
  if (auto ok = body.read("wait_seconds", where.wait_seconds, 0, 3600); !ok) {
    return base::err(ok.error());
  }
  if (where.host.size() > limits::operator_host_bytes_max ||
      clean_text(where.host, where.host.size()) != where.host) {
    return Body::fail("\"host\" is not the name of a host", "");
  }
  if (where.host.empty() != (where.port == 0)) {
    return Body::fail("\"host\" and \"port\" go together", "give both, or none of them");
  }
  OperatorOrder::Drain order;
  if (reconnect) order.reconnect = std::move(where);
  return order;
}

AdminRequest<OperatorOrder::BanAddress> parse_ban(std::string_view text) {
  Body body;
  if (auto ok = body.parse(text, {"address", "seconds"}); !ok) return base::err(ok.error());
  const auto prefix = read_address(body);
  if (!prefix) return base::err(prefix.error());
  std::uint32_t seconds = limits::operator_ban_seconds;
  if (auto ok = body.read("seconds", seconds, 1, limits::operator_ban_seconds_max); !ok) {
    return base::err(ok.error());
  }
  return OperatorOrder::BanAddress{*prefix, std::chrono::seconds(seconds)};
}

AdminRequest<OperatorOrder::Unban> parse_unban(std::string_view text) {
  Body body;
  if (auto ok = body.parse(text, {"address"}); !ok) return base::err(ok.error());
  const auto prefix = read_address(body);
  if (!prefix) return base::err(prefix.error());
  return OperatorOrder::Unban{*prefix};
}

AdminRequest<OperatorOrder::Tell> parse_tell(std::string_view text, bitcoin::Network network) {
  Body body;
  if (auto ok = body.parse(text, {"text", "to"}); !ok) return base::err(ok.error());
  OperatorOrder::Tell order;
  std::string said;
  if (auto ok = body.read("text", said); !ok) return base::err(ok.error());
  order.text = valid_utf8(clean_text(said, said.size()));
  if (order.text.empty() || order.text.size() > limits::operator_message_bytes_max) {
    return Body::fail("\"text\" has " + std::to_string(order.text.size()) + " bytes",
                      "1 to " + std::to_string(limits::operator_message_bytes_max));
  }
  std::string to;
  const auto given = body.read("to", to);
  if (!given) return base::err(given.error());
  if (!*given) return order;
  auto worker = parse_worker_name(to, network);
  if (!worker) {
    return Body::fail("\"to\" is not ADDRESS or ADDRESS.worker of this network: " +
                          valid_utf8(clean_text(to, 128)),
                      "leave it out to tell everybody");
  }
  order.to = std::move(*worker);
  return order;
}

base::Result<void, AdminError> parse_nothing(std::string_view text) {
  Body body;
  return body.parse(text, {});
}

std::string order_json(const OrderDone& done) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.flag("done", true);
  json.count("connections", done.connections);
  json.text_or_null("note", done.note);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string admin_status_json(const PoolSnapshot& s) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  json.text("state", name_of(s.condition()));
  json.integer("time_us", s.time_us);
  json.count("shards", s.shards);
  json.count("shards_draining", s.shards_draining);
  json.count("connections", s.connections);
  json.count("workers", s.workers);
  json.count("shares_pending", s.shares_pending);
  // Nobody can come, nobody is left, and all that was accepted is on disk.
  json.flag("drained", s.shards > 0 && s.shards_draining == s.shards && s.connections == 0 &&
                           s.shares_pending == 0);
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace pool
