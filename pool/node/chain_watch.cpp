#include "pool/node/chain_watch.h"

#include "common/log.h"
#include "common/node/answers.h"
#include "common/uv/clock.h"
#include "pool/core/limits.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <rapidjson/document.h>

namespace pool {

namespace {

// Error codes of nodes. Source: Bitcoin Core, rpc/protocol.h; bcoin, lib/node/rpc.js, which says
// "Block not found" under a code that it uses for much.

bool is_node_error(const rpc::RpcError& error) {
  return error.kind == rpc::RpcError::Kind::node_error;
}

bool says_unknown_block(const rpc::RpcError& error) {
  return is_node_error(error) && (error.code == node::rpc_invalid_address_or_key ||
                                  error.message.find("Block not found") != std::string::npos);
}

bool says_too_high(const rpc::RpcError& error) {
  return is_node_error(error) && error.code == node::rpc_invalid_parameter;
}

std::optional<bitcoin::BlockHash> hash_member(const rapidjson::Document& document,
                                              const char* name) {
  const auto found = document.FindMember(name);
  if (found == document.MemberEnd() || !found->value.IsString()) return std::nullopt;
  const auto hash = bitcoin::BlockHash::from_display_hex(
      std::string_view(found->value.GetString(), found->value.GetStringLength()));
  if (!hash) return std::nullopt;
  return *hash;
}

}  // namespace

base::Result<ChainBlock, std::string> parse_chain_block(std::string_view json,
                                                        const bitcoin::BlockHash& asked) {
  const auto bad = [](const char* what) {
    return base::err(fmt::format("getblockheader's answer {}", what));
  };
  rapidjson::Document document;
  // Not the recursive parser: how deep an answer is nested is the node's choice.
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) return bad("is not an object");
  if (hash_member(document, "hash") != asked) return bad("is of another block");
  const auto height = document.FindMember("height");
  if (height == document.MemberEnd() || !height->value.IsUint() ||
      height->value.GetUint() > limits::block_height_max) {
    return bad("has no height");
  }
  ChainBlock block{asked, {}, height->value.GetUint()};
  // The first block has none before it.
  if (block.height == 0) return block;
  const auto prev_hash = hash_member(document, "previousblockhash");
  if (!prev_hash) return bad("has no previous block");
  block.prev_hash = *prev_hash;
  return block;
}

void ChainWatch::take_up_settled(const std::string& data_dir, base::Instant now) {
  namespace fs = std::filesystem;
  std::error_code error;
  for (fs::directory_iterator it(data_dir + "/vault/done", error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().extension() != ".block") continue;
    const auto hash = bitcoin::BlockHash::from_display_hex(it->path().stem().string());
    if (hash) tracker_.on_block(*hash, std::nullopt, now);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    LOG(error, "settled_blocks_not_read", {"error", error.message()});
  }
}

void ChainWatch::use_node(Ask ask, base::Instant now) {
  session_ = std::make_shared<bool>(true);
  ask_ = std::move(ask);
  tracker_.on_node_changed(now);
}

bool ChainWatch::ask_header(const bitcoin::BlockHash& hash) {
  return ask("getblockheader", fmt::format(R"(["{}"])", hash.display_hex()),
             [this, hash](const rpc::RpcClient::Answer& answer) {
               if (!answer && says_unknown_block(answer.error())) {
                 answered();
                 return tracker_.on_header(std::nullopt, uv::read_clock());
               }
               if (!answer) return no_answer(answer.error().message);
               const auto block = parse_chain_block(*answer, hash);
               if (!block) return no_answer(block.error());
               answered();
               tracker_.on_header(*block, uv::read_clock());
             });
}

bool ChainWatch::ask_hash_at(std::uint32_t height) {
  return ask("getblockhash", fmt::format("[{}]", height),
             [this](const rpc::RpcClient::Answer& answer) {
               if (!answer && says_too_high(answer.error())) {
                 answered();
                 return tracker_.on_hash_at(std::nullopt, uv::read_clock());
               }
               if (!answer) return no_answer(answer.error().message);
               const auto hash = node::parse_best_block(*answer);
               if (!hash) return no_answer("getblockhash's answer is not a block hash");
               answered();
               tracker_.on_hash_at(*hash, uv::read_clock());
             });
}

bool ChainWatch::journal(const JournalRecord& record) {
  if (!journal_.has_room()) return false;
  journal_.add({record});
  if (const auto* state = std::get_if<BlockStateRecord>(&record)) {
    constexpr std::string_view names[] = {"in_chain", "orphaned", "confirmed"};
    LOG(info, "block_state", {"hash", state->hash.display_hex()}, {"height", state->height},
        {"state", names[static_cast<std::size_t>(state->state)]});
  }
  return true;
}

template <class Handle>
bool ChainWatch::ask(std::string_view method, const std::string& params, Handle handle) {
  if (!ask_) return false;
  ask_(method, params, limits::rpc_deadline,
       [handle = std::move(handle),
        session = std::weak_ptr<bool>(session_)](const rpc::RpcClient::Answer& answer) {
         if (!session.expired()) handle(answer);
       });
  return true;
}

void ChainWatch::no_answer(const std::string& why) {
  if (!std::exchange(failing_, true)) LOG(warning, "chain_question_failed", {"error", why});
  tracker_.on_no_answer(uv::read_clock());
}

void ChainWatch::answered() {
  if (std::exchange(failing_, false)) LOG(info, "chain_questions_answered");
}

}  // namespace pool
