// BlockTemplate: what a node offers to mine on, parsed from a getblocktemplate answer
// (BIP22/23/145).
//
// The other transactions are kept as one run of bytes, exactly as the block will carry them, since
// nothing here needs them one by one; their ids are kept for the merkle branch.
//
// Units:  amounts in satoshis, weights in weight units, times in seconds since 1970.
// Errors: TemplateError names the field, its value and what was expected. The caller keeps the job
//         it has.
// Thread: pure.
#pragma once

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/sats.h"
#include "common/bitcoin/target.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mining {

struct TemplateError {
  std::string field;  // "bits"
  std::string why;    // "\"zz\" is not 8 hex digits"
};

struct BlockTemplate {
  bitcoin::BlockHash prev_hash;
  std::uint32_t version = 0;
  std::uint32_t nbits = 0;
  bitcoin::Target256 network_target;
  std::uint32_t height = 0;
  std::uint32_t curtime = 0;
  std::uint32_t mintime = 0;
  bitcoin::Sats coinbase_value;  // subsidy and fees
  bitcoin::Sats fees;            // sum over the transactions, where the node tells
  // Complete scriptPubKey of the commitment output; none when the chain has no segwit yet.
  std::optional<base::Bytes> default_witness_commitment;
  std::vector<bitcoin::Hash256> txids;  // without the coinbase, in block order
  base::Bytes transactions;             // witness serialisation, one after another
  std::string longpollid;
  std::uint64_t transactions_weight = 0;
  std::uint64_t transactions_sigops = 0;  // in the units of sigop_limit
  // What the block may have in all. Before segwit, sigops are counted once instead of four times.
  std::uint64_t weight_limit = 4'000'000;
  std::uint64_t sigop_limit = 80'000;
  std::uint64_t size_limit = 4'000'000;
  bool segwit = true;              // in force, or no rules were told
  std::vector<std::string> rules;  // as the node lists them
  // BIP325's, where the chain is a signet; one that needs no solution.
  std::optional<base::Bytes> signet_challenge;
  bool takes_proposals = true;  // false: the node says that it does not (BIP23)
};

// `json` is the "result" value of the answer.
[[nodiscard]] base::Result<BlockTemplate, TemplateError> parse_block_template(
    std::string_view json);
// The same without a copy: `json` is written over, and each transaction goes from there straight to
// its place in the block. REQUIRES: json_padding_bytes behind `json` are the caller's too.
inline constexpr std::size_t json_padding_bytes = 32;
[[nodiscard]] base::Result<BlockTemplate, TemplateError> parse_block_template_in_place(
    std::span<char> json);

}  // namespace mining
