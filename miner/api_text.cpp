#include "miner/api_text.h"

#include "miner/text.h"
#include "miner/version.h"

#include <fmt/format.h>

namespace miner {
namespace {

std::string description() { return fmt::format("phaseminer {}", program_version); }

struct WriteJson {
  std::string operator()(std::string_view text) const { return json_string(text); }
  std::string operator()(std::uint64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return fmt::format("{:.8f}", number); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
};

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text, text.size())) {
    if (c == ',' || c == '|' || c == '=' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

struct WriteText {
  std::string operator()(std::string_view text) const { return escaped(text); }
  std::string operator()(std::uint64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return fmt::format("{:.8f}", number); }
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
};

// "SUMMARY" alone, or "CPU=0" where the first field says which it is.
bool starts_with_number(std::string_view name) { return name == "DEVS" || name == "POOLS"; }

}  // namespace

std::string api_json(const ApiReply& reply, std::int64_t unix_seconds) {
  std::string json = fmt::format(
      R"({{"STATUS":[{{"STATUS":"{}","When":{},"Code":{},"Msg":{},"Description":"{}"}}])",
      reply.status.severity, unix_seconds, reply.status.code, json_string(reply.status.message),
      description());
  if (!reply.sections.empty()) {
    json += fmt::format(",{}:[", json_string(reply.name));
    for (std::size_t i = 0; i < reply.sections.size(); ++i) {
      json += i == 0 ? "{" : ",{";
      const char* separator = "";
      for (const auto& [name, value] : reply.sections[i]) {
        json +=
            fmt::format("{}{}:{}", separator, json_string(name), std::visit(WriteJson{}, value));
        separator = ",";
      }
      json += "}";
    }
    json += "]";
  }
  return json + ",\"id\":1}";
}

std::string api_plain_text(const ApiReply& reply, std::int64_t unix_seconds) {
  std::string text =
      fmt::format("STATUS={},When={},Code={},Msg={},Description={}|", reply.status.severity,
                  unix_seconds, reply.status.code, escaped(reply.status.message), description());
  for (const ApiSection& section : reply.sections) {
    std::string separator;
    if (!starts_with_number(reply.name)) {
      text += reply.name;
      separator = ",";
    }
    for (const auto& [name, value] : section) {
      text += fmt::format("{}{}={}", separator, name, std::visit(WriteText{}, value));
      separator = ",";
    }
    text += "|";
  }
  return text;
}

}  // namespace miner
