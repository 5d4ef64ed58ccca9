#include "common/mining/coinbase_fit.h"

#include "common/bitcoin/script.h"

namespace mining {

namespace {

constexpr std::uint64_t header_bytes = 80;
// BIP141: marker and flag, and a witness of one item of 32 bytes.
constexpr std::uint64_t coinbase_witness_bytes = 2 + 1 + 1 + 32;
constexpr std::uint64_t witness_scale = 4;

bitcoin::CoinbaseSpec coinbase_spec(const JobSpec& spec) {
  bitcoin::CoinbaseSpec coinbase;
  coinbase.height = spec.block_template->height;
  coinbase.unique = spec.coinbase_unique;
  coinbase.extranonce_bytes = spec.extranonce1_size + spec.extranonce2_size;
  coinbase.tag = spec.coinbase_tag;
  coinbase.outputs = spec.outputs;
  coinbase.witness_commitment_script = spec.block_template->default_witness_commitment;
  coinbase.extra_push = spec.coinbase_extra_push;
  return coinbase;
}

// False when nothing more can be left out.
bool shorten(bitcoin::CoinbaseSpec& coinbase) {
  if (coinbase.outputs.size() > 1) {
    coinbase.outputs.front().value.value += coinbase.outputs.back().value.value;
    coinbase.outputs.pop_back();
    return true;
  }
  const bool has_tag = !coinbase.tag.empty();
  coinbase.tag.clear();
  return has_tag;
}

// The scriptSig holds pushes alone, which count nothing.
std::uint64_t sigops_of(const bitcoin::CoinbaseSpec& coinbase) {
  std::uint64_t count = 0;
  for (const bitcoin::TxOut& output : coinbase.outputs) {
    count += bitcoin::legacy_sigops(output.script_pubkey);
  }
  if (coinbase.witness_commitment_script) {
    count += bitcoin::legacy_sigops(*coinbase.witness_commitment_script);
  }
  return count;
}

JobError job_error(bitcoin::CoinbaseError error) {
  switch (error) {
    case bitcoin::CoinbaseError::script_sig_too_long:
      return JobError::script_sig_too_long;
    case bitcoin::CoinbaseError::no_height:
      return JobError::no_height;
    case bitcoin::CoinbaseError::no_output:
      break;
  }
  return JobError::no_output;
}

}  // namespace

BlockUse block_use(const BlockTemplate& block_template, std::size_t coinbase_bytes,
                   std::uint64_t coinbase_legacy_sigops) {
  const std::uint64_t count_bytes = bitcoin::compact_size_length(block_template.txids.size() + 1);
  const std::uint64_t witness_bytes =
      block_template.default_witness_commitment ? coinbase_witness_bytes : 0;
  const std::uint64_t own_bytes = header_bytes + count_bytes + coinbase_bytes;
  BlockUse use;
  use.weight = witness_scale * own_bytes + witness_bytes + block_template.transactions_weight;
  use.bytes = own_bytes + witness_bytes + block_template.transactions.size();
  use.sigops = coinbase_legacy_sigops * (block_template.segwit ? witness_scale : 1) +
               block_template.transactions_sigops;
  return use;
}

std::optional<JobError> over_limit(const BlockTemplate& block_template, const BlockUse& use) {
  if (use.weight > block_template.weight_limit) return JobError::block_too_heavy;
  if (use.bytes > block_template.size_limit) return JobError::block_too_large;
  if (use.sigops > block_template.sigop_limit) return JobError::too_many_sigops;
  return std::nullopt;
}

base::Result<bitcoin::CoinbaseParts, JobError> fit_coinbase(const JobSpec& spec,
                                                            std::size_t bytes_max) {
  bitcoin::CoinbaseSpec coinbase = coinbase_spec(spec);
  for (;;) {
    auto parts = bitcoin::build_coinbase(coinbase);
    if (!parts) return base::err(job_error(parts.error()));
    const std::size_t bytes =
        parts->coinb1.size() + coinbase.extranonce_bytes + parts->coinb2.size();
    const auto over = over_limit(*spec.block_template,
                                 block_use(*spec.block_template, bytes, sigops_of(coinbase)));
    if (!over && bytes <= bytes_max) return std::move(*parts);
    if (shorten(coinbase)) continue;
    if (over) return base::err(*over);
    return std::move(*parts);
  }
}

}  // namespace mining
