#include "common/mining/proposal.h"

#include "common/base/assert.h"
#include "common/bitcoin/block.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/transaction.h"

#include <algorithm>

namespace mining {

namespace {

base::Bytes coinbase_of(const Job& job) {
  const bitcoin::CoinbaseParts& parts = job.work().coinbase;
  return bitcoin::assemble_coinbase(parts, base::Bytes(bitcoin::extranonce_bytes(parts)), {});
}

bitcoin::HeaderBytes header_of(const Job& job, const bitcoin::Transaction& coinbase) {
  bitcoin::Header header;
  header.version = job.version;
  header.prev_hash = job.prev_hash();
  header.merkle_root =
      bitcoin::fold_merkle_branch(bitcoin::Hash256(coinbase.txid().bytes), job.merkle_branch);
  // Not the job's: where minimum-difficulty blocks are allowed, bits hold for one time only.
  header.ntime = std::max(job.block_template->curtime, job.block_template->mintime);
  header.nbits = job.nbits();
  return header.serialize();
}

bitcoin::Transaction parsed(const base::Bytes& coinbase) {
  auto transaction = bitcoin::Transaction::parse(coinbase);
  ASSERT(transaction.has_value());
  return std::move(*transaction);
}

// What the scriptSig has behind the extranonce. It stands at the start of coinb2.
base::ByteSpan tag_of(const Job& job, const bitcoin::Transaction& coinbase) {
  constexpr std::size_t before_script_sig = 4 + 1 + 36 + 1;  // version, count, outpoint, length
  const bitcoin::CoinbaseParts& parts = job.work().coinbase;
  const std::size_t ahead =
      parts.coinb1.size() - before_script_sig + bitcoin::extranonce_bytes(parts);
  return base::ByteSpan(coinbase.inputs[0].script_sig).subspan(ahead);
}

}  // namespace

std::string proposal_block_hex(const Job& job) {
  const BlockTemplate& block_template = *job.block_template;
  base::Bytes coinbase = coinbase_of(job);
  const bitcoin::HeaderBytes header = header_of(job, parsed(coinbase));
  if (block_template.default_witness_commitment) {
    coinbase = bitcoin::coinbase_with_witness(coinbase);
  }
  return base::to_hex(bitcoin::serialize_block(header, coinbase, block_template.txids.size(),
                                               block_template.transactions));
}

std::string proposal_kind(const Job& job) {
  const BlockTemplate& block_template = *job.block_template;
  const bitcoin::Transaction coinbase = parsed(coinbase_of(job));
  std::string kind = base::u32_hex(block_template.version) + " " + base::u32_hex(job.version);
  for (const std::string& rule : block_template.rules) kind += " " + rule;
  kind += block_template.default_witness_commitment ? " committed" : " uncommitted";
  for (const std::uint64_t limit :
       {block_template.weight_limit, block_template.sigop_limit, block_template.size_limit}) {
    kind += " " + std::to_string(limit);
  }
  if (block_template.signet_challenge) {
    kind += " signet " + base::to_hex(*block_template.signet_challenge);
  }
  kind += " tag " + base::to_hex(tag_of(job, coinbase));
  const std::size_t commitments = block_template.default_witness_commitment ? 1 : 0;
  for (std::size_t i = 0; i + commitments < coinbase.outputs.size(); ++i) {
    kind += " " + base::to_hex(coinbase.outputs[i].script_pubkey);
  }
  return kind;
}

}  // namespace mining
