#include "pool/node/header_answer.h"

#include "common/base/bytes.h"

#include <fmt/format.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace pool {

namespace {

const rapidjson::Value* member(const rapidjson::Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::optional<std::uint32_t> number(const rapidjson::Value& object, const char* name) {
  const auto* value = member(object, name);
  if (value == nullptr || !value->IsUint()) return std::nullopt;
  return value->GetUint();
}

// Eight hex digits, most significant first.
std::optional<std::uint32_t> hex_number(const rapidjson::Value& object, const char* name) {
  const auto* value = member(object, name);
  if (value == nullptr || !value->IsString()) return std::nullopt;
  const auto bytes = base::from_hex({value->GetString(), value->GetStringLength()});
  if (!bytes || bytes->size() != sizeof(std::uint32_t)) return std::nullopt;
  std::uint32_t read = 0;
  for (const std::uint8_t byte : *bytes) read = read << 8 | byte;
  return read;
}

template <class Hash>
std::optional<Hash> hash(const rapidjson::Value& object, const char* name) {
  const auto* value = member(object, name);
  if (value == nullptr || !value->IsString()) return std::nullopt;
  const auto read = Hash::from_display_hex({value->GetString(), value->GetStringLength()});
  if (!read) return std::nullopt;
  return *read;
}

std::optional<bitcoin::Header> header_of(const rapidjson::Value& object) {
  const auto version = hex_number(object, "versionHex");
  const auto root = hash<bitcoin::Hash256>(object, "merkleroot");
  const auto time = number(object, "time");
  const auto bits_hex = hex_number(object, "bits");
  const auto bits = bits_hex ? bits_hex : number(object, "bits");
  const auto nonce = number(object, "nonce");
  if (!version || !root || !time || !bits || !nonce) return std::nullopt;
  bitcoin::Header header;
  header.version = *version;
  // The genesis block has none.
  header.prev_hash =
      hash<bitcoin::BlockHash>(object, "previousblockhash").value_or(bitcoin::BlockHash{});
  header.merkle_root = *root;
  header.ntime = *time;
  header.nbits = *bits;
  header.nonce = *nonce;
  return header;
}

// Not the recursive parser: how deep an answer is nested is the node's choice.
bool parse(rapidjson::Document& document, std::string_view json) {
  return !document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size()).HasParseError();
}

auto bad(std::string_view what) {
  return base::err(fmt::format("getblockheader's answer {}", what));
}

}  // namespace

base::Result<TipNews, std::string> parse_header_fields(std::string_view json,
                                                       const bitcoin::BlockHash& asked) {
  rapidjson::Document document;
  if (!parse(document, json) || !document.IsObject()) return bad("is not an object");
  const auto* confirmations = member(document, "confirmations");
  if (confirmations != nullptr && confirmations->IsInt64() && confirmations->GetInt64() != 1) {
    return bad("is of a block that is not the tip");
  }
  if (hash<bitcoin::BlockHash>(document, "hash") != asked) return bad("is of another block");
  TipNews news{asked, TipSource::poll, header_of(document), number(document, "height"),
               number(document, "mediantime")};
  if (!news.height) return bad("has no height");
  if (news.header && news.header->hash() != asked) return bad("has a header of another hash");
  return news;
}

base::Result<bitcoin::Header, std::string> parse_header_hex(std::string_view json,
                                                            const bitcoin::BlockHash& asked) {
  rapidjson::Document document;
  if (!parse(document, json) || !document.IsString()) return bad("is not a text");
  const auto bytes = base::from_hex({document.GetString(), document.GetStringLength()});
  bitcoin::HeaderBytes header;
  if (!bytes || bytes->size() != header.size()) return bad("is not 80 bytes in hex");
  std::copy(bytes->begin(), bytes->end(), header.begin());
  if (bitcoin::hash_header(header) != asked) return bad("is of another block");
  return bitcoin::Header::parse(header);
}

void ask_header(const AskHeader& ask, const bitcoin::BlockHash& hash,
                const std::function<void(const TipNews&)>& on_news) {
  const std::string quoted = fmt::format("\"{}\"", hash.display_hex());
  ask(fmt::format("[{}]", quoted), [=](const rpc::RpcClient::Answer& answer) {
    if (!answer) return;
    auto news = parse_header_fields(*answer, hash);
    if (!news) return;
    if (news->header) return on_news(*news);
    ask(fmt::format("[{},false]", quoted), [=, news = *news](const rpc::RpcClient::Answer& bare) {
      if (!bare) return;
      const auto header = parse_header_hex(*bare, hash);
      if (!header) return;
      TipNews whole = news;
      whole.header = *header;
      on_news(whole);
    });
  });
}

}  // namespace pool
