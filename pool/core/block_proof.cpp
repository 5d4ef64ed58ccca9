#include "pool/core/block_proof.h"

#include "common/bitcoin/block_check.h"
#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/pow_limit.h"
#include "common/bitcoin/target.h"
#include "common/bitcoin/transaction.h"
#include "common/crypto/sha256.h"
#include "common/stratum/json_text.h"
#include "common/stratum/json_tokens.h"
#include "pool/core/proof_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace pool {

namespace {

namespace json = stratum::json;
using bitcoin::Target256;

constexpr std::uint64_t form_version = 1;
constexpr std::size_t address_bytes_max = 128;
constexpr std::size_t worker_bytes_max = 1024;
constexpr std::uint8_t op_return = 0x6a;

void read_network(ProofFields& fields, bitcoin::Network& out) {
  const std::string name = fields.text("network", address_bytes_max);
  // It knows the names that nodes have for them, too.
  if (!bitcoin::network_from_name(name, out) || bitcoin::network_name(out) != name) {
    fields.wrong("network", "mainnet, testnet, testnet4, signet or regtest");
  }
}

void read_branch(ProofFields& fields, std::vector<bitcoin::Hash256>& out) {
  std::size_t number = 0;
  fields.list("merkle_branch", proof_branch_hashes_max).for_each_item([&](json::Value item) {
    bitcoin::Hash256 hash;
    const bool good =
        item.is(json::JsonKind::string) && base::decode_hex(item.text(), hash.bytes).has_value();
    if (!good) fields.wrong("merkle_branch", fmt::format("64 hex digits at index {}", number));
    out.push_back(hash);
    ++number;
  });
}

void read_fields(ProofFields& fields, BlockProof& proof) {
  fields.expect_text("type", "block_proof");
  if (fields.integer("version", form_version) != form_version) fields.wrong("version", "1");
  read_network(fields, proof.network);
  fields.hash("hash", proof.hash);
  proof.height = static_cast<std::uint32_t>(
      fields.integer("height", std::numeric_limits<std::int32_t>::max()));
  proof.time_us = fields.integer("time_us", std::numeric_limits<std::int64_t>::max());
  fields.bytes("header", proof.header);
  fields.numeral("target", proof.target);
  proof.coinbase = fields.bytes_up_to("coinbase", proof_coinbase_bytes_max);
  read_branch(fields, proof.merkle_branch);
  proof.reward = bitcoin::Sats{static_cast<std::int64_t>(
      fields.integer("reward_sats", static_cast<std::uint64_t>(bitcoin::max_money.value)))};
  proof.address = fields.text("address", address_bytes_max);
  proof.worker = fields.text("worker", worker_bytes_max);
}

// An address as it is where it could be one: an error quotes no more of a text than a line's worth.
std::string shown(const std::string& address) {
  const bool plain =
      std::all_of(address.begin(), address.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return plain ? address : json::excerpt(address);
}

std::string target_hex(const base::U256& target) {
  return base::to_reversed_hex(target.to_le_bytes());
}

void judge_work(const BlockProof& proof, const bitcoin::Header& header,
                BlockProofVerdict& verdict) {
  const bitcoin::BlockHash hash = bitcoin::hash_header(proof.header);
  if (hash != proof.hash) {
    verdict.flaws.push_back(fmt::format("hash is {}, but the header hashes to {}",
                                        proof.hash.display_hex(), hash.display_hex()));
  }
  const std::string nbits = base::u32_hex(header.nbits);
  const auto target = Target256::from_compact(header.nbits);
  if (!target) {
    verdict.flaws.push_back(fmt::format("header has nbits {}, expected those of a target", nbits));
    return;
  }
  verdict.difficulty = target->difficulty();
  if (proof.target.to_le_bytes() != target->bytes()) {
    verdict.flaws.push_back(fmt::format("target is {}, but the header's nbits {} stand for {}",
                                        target_hex(proof.target), nbits, target->display_hex()));
  }
  const Target256 easiest = bitcoin::pow_limit(proof.network);
  if (*target > easiest) {
    verdict.flaws.push_back(fmt::format(
        "header has nbits {}, a target of {}, expected at most {}, the easiest of {}", nbits,
        target->display_hex(), easiest.display_hex(), bitcoin::network_name(proof.network)));
  }
  if (!target->admits(hash.bytes)) {
    verdict.flaws.push_back(fmt::format("header hashes to {}, expected at most its target {}",
                                        hash.display_hex(), target->display_hex()));
  }
}

void judge_root(const BlockProof& proof, const bitcoin::Header& header,
                BlockProofVerdict& verdict) {
  // Whatever the coinbase's bytes are, these are what the header has to commit to.
  const bitcoin::Hash256 leaf{crypto::sha256d(proof.coinbase)};
  const auto root = bitcoin::fold_merkle_branch(leaf, proof.merkle_branch);
  if (root == header.merkle_root) return;
  verdict.flaws.push_back(
      fmt::format("coinbase and merkle_branch lead to the root {}, but the header's is {}",
                  root.display_hex(), header.merkle_root.display_hex()));
}

std::string receiver(const bitcoin::TxOut& output, bitcoin::Network network) {
  std::string address = bitcoin::address_of_script(output.script_pubkey, network);
  if (!address.empty()) return address;
  const auto& script = output.script_pubkey;
  const bool is_data = !script.empty() && script.front() == op_return;
  return (is_data ? "data " : "script ") + base::to_hex(script);
}

// Why it is no coinbase; empty: it is one.
std::string coinbase_flaw(const base::Result<bitcoin::Transaction, bitcoin::TransactionError>& read,
                          const base::Bytes& bytes) {
  if (!read) return "is not a transaction";
  if (read->has_witness() || read->serialize_legacy() != bytes) return "has a witness";
  if (read->inputs.size() != 1) {
    return fmt::format("has {} inputs, expected 1", read->inputs.size());
  }
  const bitcoin::TxIn& input = read->inputs.front();
  if (input.prev_txid != bitcoin::Txid{} || input.prev_index != 0xffffffff) {
    return fmt::format("spends {}:{}, expected nothing", input.prev_txid.display_hex(),
                       input.prev_index);
  }
  const std::size_t size = input.script_sig.size();
  if (size < 2 || size > bitcoin::script_sig_bytes_max) {
    return fmt::format("has a script of {} bytes, expected 2 to {}", size,
                       bitcoin::script_sig_bytes_max);
  }
  return {};
}

void judge_coinbase(const BlockProof& proof, BlockProofVerdict& verdict) {
  const auto read = bitcoin::Transaction::parse(proof.coinbase);
  if (const std::string flaw = coinbase_flaw(read, proof.coinbase); !flaw.empty()) {
    verdict.flaws.push_back("coinbase " + flaw);
    return;
  }
  const auto height = bitcoin::coinbase_height(*read);
  if (!height) {
    verdict.flaws.emplace_back("coinbase begins with no height, expected one (BIP34)");
  } else if (*height != proof.height) {
    verdict.flaws.push_back(
        fmt::format("height is {}, but the coinbase says {}", proof.height, *height));
  }
  bitcoin::Sats paid{0};
  for (const bitcoin::TxOut& output : read->outputs) {
    const bool amount = output.value >= bitcoin::Sats{0} && output.value <= bitcoin::max_money;
    if (amount) paid = bitcoin::Sats{paid.value + output.value.value};
    if (!amount || paid > bitcoin::max_money) {
      verdict.flaws.push_back(
          fmt::format("coinbase pays more than there is in output {}, of {} sats",
                      verdict.outputs.size(), output.value.value));
      return;
    }
    verdict.outputs.push_back({output.value, receiver(output, proof.network)});
  }
  if (paid != proof.reward) {
    verdict.flaws.push_back(
        fmt::format("reward_sats is {}, but the coinbase pays {}", proof.reward.value, paid.value));
  }
}

}  // namespace

base::Result<BlockProof, std::string> parse_block_proof(std::string_view text) {
  if (text.size() > block_proof_bytes_max) {
    return base::err(
        fmt::format("it has {} bytes, expected at most {}", text.size(), block_proof_bytes_max));
  }
  json::Document document;
  const auto root = document.parse(text);
  if (!root || !root->is(json::JsonKind::object)) {
    return base::err(fmt::format("it is {}, not a JSON object", json::excerpt(text)));
  }
  ProofFields fields(*root);
  BlockProof proof;
  read_fields(fields, proof);
  if (!fields.ok()) return base::err(fields.why());
  return proof;
}

BlockProofVerdict judge_block_proof(const BlockProof& proof) {
  const bitcoin::Header header = bitcoin::Header::parse(proof.header);
  BlockProofVerdict verdict;
  judge_work(proof, header, verdict);
  judge_root(proof, header, verdict);
  judge_coinbase(proof, verdict);
  if (const auto finder = bitcoin::parse_address(proof.address, proof.network); !finder) {
    verdict.flaws.push_back(fmt::format("address is {}, expected one of {}: {}",
                                        shown(proof.address), bitcoin::network_name(proof.network),
                                        bitcoin::describe(finder.error())));
  }
  return verdict;
}

}  // namespace pool
