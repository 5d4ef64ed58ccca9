#include "miner/options_config.h"

#include "common/base/percent.h"
#include "miner/options_values.h"

#include <fmt/format.h>
#include <rapidjson/document.h>
#include <rapidjson/error/en.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

namespace miner {
namespace {

using rapidjson::Value;
using Complaint = std::optional<std::string>;  // without the file's name

constexpr std::size_t shown_bytes_max = 60;

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

// Numbers come as text: kParseNumbersAsStrings, so that none goes through a double.
std::string shown(const Value& value) {
  if (value.IsString()) {
    return fmt::format("\"{}\"", without_password(text_of(value)).substr(0, shown_bytes_max));
  }
  if (value.IsBool()) return value.GetBool() ? "true" : "false";
  return value.IsNull() ? "null" : value.IsArray() ? "an array" : "an object";
}

Complaint complain(std::string_view key, std::string_view value, std::string_view wanted) {
  return fmt::format("key \"{}\", \"{}\": expected {}", key, value.substr(0, shown_bytes_max),
                     wanted);
}

Complaint complain(std::string_view key, const Value& value, std::string_view wanted) {
  return fmt::format("key \"{}\", {}: expected {}", key, shown(value), wanted);
}

// Without its value: a mistyped "pass" is such a key.
Complaint complain_of_key(std::string_view key, std::string_view wanted) {
  return fmt::format("key \"{}\": expected {}", key, wanted);
}

// The source document's names for what is an option here.
constexpr std::pair<std::string_view, std::string_view> other_names[] = {
    {"cpu-cores-reserved", "reserved-cores"},
    {"payout-address", "address"},
    {"password", "pass"},
    {"username", "user"},
};

std::string option_name(std::string_view key) {
  std::string name(key);
  std::replace(name.begin(), name.end(), '_', '-');
  for (const auto& [other, ours] : other_names) {
    if (name == other) return std::string(ours);
  }
  return name;
}

// Any of a row's long names is a key.
const OptionRow* find_row(std::string_view name) {
  for (const OptionRow& row : option_table()) {
    for (std::string_view rest = row.names; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      if (rest.substr(0, comma) == "--" + std::string(name)) return &row;
      rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
  }
  return nullptr;
}

// Passwords may be. Anything else would count as left out, and so would what it was to protect.
bool may_be_empty(std::string_view key) {
  return option_name(key.substr(key.rfind('/') + 1)) == "pass";
}
constexpr std::string_view not_empty =
    "a value, not an empty text; leave the key out for the usual";

Complaint read_into(std::string_view key, const Value& value, std::string& into) {
  if (!value.IsString()) return complain(key, value, "a text or a number");
  if (value.GetStringLength() == 0 && !may_be_empty(key)) return complain_of_key(key, not_empty);
  into = text_of(value);
  return std::nullopt;
}

Complaint read_into(std::string_view key, const Value& value, bool& into) {
  if (!value.IsBool()) return complain(key, value, "true or false");
  into = value.GetBool();
  return std::nullopt;
}

Complaint read_into(std::string_view key, const Value& value, Values& into) {
  const auto add = [&](const Value& one) -> Complaint {
    if (!one.IsString()) return complain(key, one, "a text, or an array of texts");
    if (one.GetStringLength() == 0 && !may_be_empty(key)) return complain_of_key(key, not_empty);
    into.emplace_back(text_of(one));
    return std::nullopt;
  };
  if (!value.IsArray()) return add(value);
  for (const Value& one : value.GetArray()) {
    if (Complaint complaint = add(one)) return complaint;
  }
  return std::nullopt;
}

struct PoolTexts {
  std::string url, user, pass;
  bool has_pass = false;
};

Complaint read_pool(const Value& value, PoolTexts& pool) {
  for (const auto& [key, member] : value.GetObject()) {
    const std::string name = option_name(text_of(key));
    std::string* const into = name == "url"    ? &pool.url
                              : name == "user" ? &pool.user
                              : name == "pass" ? &pool.pass
                                               : nullptr;
    if (into == nullptr) return complain_of_key("pools/" + name, "only url, user and pass");
    if (Complaint complaint = read_into("pools/" + name, member, *into)) return complaint;
    pool.has_pass = pool.has_pass || name == "pass";
  }
  if (!pool.has_pass || !pool.user.empty()) return std::nullopt;
  return "key \"pools/pass\": expected user beside it, in the same object";  // it is not shown
}

// cgminer's form: [ { "url": …, "user": …, "pass": … } ]. A login is its own object's and nobody
// else's, but Texts hands logins out by position: so each object has one here, or none has.
Complaint read_pools(const Value& value, Texts& texts) {
  constexpr std::string_view form = "an array of objects with url, user and pass";
  if (!value.IsArray()) return complain("pools", value, form);
  std::size_t with_user = 0, without_user = 0;
  for (const Value& one : value.GetArray()) {
    if (!one.IsObject()) return complain("pools", one, form);
    PoolTexts pool;
    if (Complaint complaint = read_pool(one, pool)) return complaint;
    const auto address = parse_pool_url(pool.url);
    const bool has_user_in_url = address && address->username;
    if (has_user_in_url && !pool.user.empty()) {
      return complain("pools/user", pool.user, "it here or in the url, not in both");
    }
    texts.urls.push_back(std::move(pool.url));
    if (has_user_in_url) continue;
    ++(pool.user.empty() ? without_user : with_user);
    if (pool.user.empty()) continue;
    texts.users.push_back(std::move(pool.user));
    texts.passes.push_back(pool.has_pass ? std::move(pool.pass) : "x");
  }
  if (without_user == 0 || with_user == 0) return std::nullopt;
  return fmt::format("key \"pools\": {} of {} objects have no user: expected one in each, or none",
                     without_user, value.Size());
}

Complaint read_bitcoin_rpc(const Value& value, Texts& texts) {
  if (!value.IsObject()) return complain("bitcoin_rpc", value, "an object");
  std::string user, password, host = "127.0.0.1", port = "8332";
  for (const auto& [key, member] : value.GetObject()) {
    const std::string name = option_name(text_of(key));
    std::string* const into = name == "user"          ? &user
                              : name == "pass"        ? &password
                              : name == "host"        ? &host
                              : name == "port"        ? &port
                              : name == "cookie-file" ? &texts.cookie_file
                                                      : nullptr;
    const std::string path = fmt::format("bitcoin_rpc/{}", text_of(key));
    if (into == nullptr) {
      return complain_of_key(path, "only username, password, host, port and cookie_file");
    }
    if (Complaint complaint = read_into(path, member, *into)) return complaint;
  }
  const bool is_ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
  texts.solo = "http://";
  if (!user.empty()) {
    texts.solo += base::percent_encoded(user) + ":" + base::percent_encoded(password) + "@";
  }
  texts.solo += (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
  return std::nullopt;
}

Complaint read_member(std::string_view key, const Value& value, Texts& texts) {
  const OptionRow* const row = find_row(option_name(key));
  const bool names_pools = key == "pools" || (row != nullptr && row->key() == "url");
  if (names_pools && !texts.urls.empty()) {
    return fmt::format("key \"{}\": expected either pools or url, and once", key);
  }
  if (key == "pools") return read_pools(value, texts);
  if (key == "bitcoin_rpc") return read_bitcoin_rpc(value, texts);
  if (row == nullptr || row->key() == "config") {
    return complain_of_key(
        key, "a key that is a long option of phaseminer --help, pools or bitcoin_rpc");
  }
  return std::visit([&](auto member) { return read_into(key, value, texts.*member); }, row->member);
}

std::size_t line_at(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

bool is_given(const std::string& text) { return !text.empty(); }
bool is_given(const Values& values) { return !values.empty(); }
bool is_given(bool flag) { return flag; }

void forget_pools(Texts& file) {
  file.urls.clear();
  file.users.clear();
  file.passes.clear();
  file.userpasses.clear();
}

void forget_solo(Texts& file) {
  for (std::string* const text :
       {&file.solo, &file.cookie_file, &file.address, &file.coinbase_tag}) {
    text->clear();
  }
  file.dry_run = false;
}

// Of the file's logins those that can still be meant. Several passwords are those of as many users.
void fit_logins(const Texts& command_line, Texts& file) {
  const bool logs_in = is_given(command_line.users) || is_given(command_line.userpasses);
  if (logs_in) {
    file.users.clear();
    file.userpasses.clear();
    if (is_given(command_line.userpasses) || file.passes.size() > 1) file.passes.clear();
  }
  if (!is_given(command_line.urls) && !logs_in) return;
  for (Values* const values : {&file.users, &file.passes, &file.userpasses}) {
    if (values->size() > 1) values->resize(1);
  }
}

}  // namespace

base::Result<Texts, std::string> parse_config(std::string_view json) {
  rapidjson::Document document;
  constexpr unsigned flags = rapidjson::kParseCommentsFlag | rapidjson::kParseTrailingCommasFlag |
                             rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag;
  document.Parse<flags>(json.data(), json.size());
  if (document.HasParseError()) {
    return base::err(fmt::format("line {}: {}", line_at(json, document.GetErrorOffset()),
                                 rapidjson::GetParseError_En(document.GetParseError())));
  }
  if (!document.IsObject()) return base::err(std::string("expected a JSON object"));
  Texts texts;
  for (const auto& [key, value] : document.GetObject()) {
    if (Complaint complaint = read_member(text_of(key), value, texts)) {
      return base::err(std::move(*complaint));
    }
  }
  return texts;
}

base::Result<Texts, std::string> read_config_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(config_bytes_max + 1, '\0');
  if (!file || !file.read(text.data(), static_cast<std::streamsize>(text.size())).eof()) {
    const std::string why = file ? fmt::format("larger than {} bytes", config_bytes_max)
                                 : std::string(std::strerror(errno));
    return base::err(fmt::format("--config \"{}\": {}", path, why));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto texts = parse_config(text);
  if (!texts) return base::err(fmt::format("--config \"{}\": {}", path, texts.error()));
  return texts;
}

std::set<std::string_view> merge_config(Texts file, Texts& command_line) {
  if (is_given(command_line.solo)) forget_pools(file);
  if (is_given(command_line.urls)) file.urls.clear();
  if (is_given(command_line.urls) || is_given(file.urls)) {
    if (!is_given(command_line.solo)) forget_solo(file);
  }
  if (is_given(command_line.solo)) file.solo.clear();
  fit_logins(command_line, file);
  std::set<std::string_view> taken;
  for (const OptionRow& row : option_table()) {
    const auto take = [&](auto member) {
      if (is_given(command_line.*member) || !is_given(file.*member)) return;
      command_line.*member = std::move(file.*member);
      taken.insert(row.key());
    };
    std::visit(take, row.member);
  }
  return taken;
}

}  // namespace miner
