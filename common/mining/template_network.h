// Whether a template is one of this network, and which signets a pool can mine on.
//
// BIP325: a signet's block carries a solution to the network's challenge, a signature mostly, which
// commits to the block's merkle root. Miners of a pool change the root with every coinbase they
// try, so the pool can mine where the challenge is true without a solution, and nowhere else.
//
// Thread: pure.
// Source: BIP325; Bitcoin Core, signet.cpp.
#pragma once

#include "common/base/bytes.h"
#include "common/bitcoin/address.h"
#include "common/mining/block_template.h"

#include <optional>
#include <string_view>

namespace mining {

// A challenge that is one of OP_1 to OP_16 or OP_1NEGATE, alone: true whatever the block.
bool needs_no_solution(base::ByteSpan signet_challenge);

// Completes "the challenge "…" ", of one that does need a solution.
inline constexpr std::string_view unminable_signet =
    "asks for a signature in every block, which commits to the merkle root (BIP325): a pool's "
    "miners change that with each coinbase, so the pool can't mine on this signet";

// Why this is not a template of that network; nothing: it is.
std::optional<TemplateError> network_objection(const BlockTemplate& block_template,
                                               bitcoin::Network network);

}  // namespace mining
