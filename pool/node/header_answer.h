// getblockheader's answers as news of a tip: the fields (verbose true), or the header itself
// (false).
//
// The header that is put together from the fields must have the hash that was asked for. bcoin does
// not tell the nonce among them, so there is no header in its answer, and the bare one is to be
// asked for. It gives bits as a number, Bitcoin Core as hex.
//
// Errors: one line that says what was wrong with the answer.
// Thread: the node loop's; the parsers are pure functions.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/hash.h"
#include "common/rpc/rpc_client.h"
#include "pool/core/tip.h"

#include <functional>
#include <string>
#include <string_view>

namespace pool {

// Height, median time, and the header where the answer has all of it. `asked`: the hash that the
// question was about. A block that is not the tip, or not any more, is an error.
[[nodiscard]] base::Result<TipNews, std::string> parse_header_fields(
    std::string_view json, const bitcoin::BlockHash& asked);

// 80 bytes in hex.
[[nodiscard]] base::Result<bitcoin::Header, std::string> parse_header_hex(
    std::string_view json, const bitcoin::BlockHash& asked);

// Asks for the header's fields, and for the bare header too where that is left out. `on_news` is
// called once, or, when the node has no good answer, never.
using AskHeader = std::function<void(std::string params, rpc::RpcClient::OnAnswer)>;
void ask_header(const AskHeader& ask, const bitcoin::BlockHash& hash,
                const std::function<void(const TipNews&)>& on_news);

}  // namespace pool
