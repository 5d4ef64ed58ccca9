// The ledger's lines and the proof records: what was tried, what was sent, and what proves it.
#include "common/bitcoin/address.h"
#include "common/bitcoin/block_check.h"
#include "common/bitcoin/coinbase.h"
#include "common/bitcoin/transaction.h"
#include "common/coherence/certificate.h"
#include "miner/coherence_attempt.h"
#include "miner/report_records.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <iterator>
#include <span>

namespace miner {
namespace {

std::string prev_hash_of(const CoherenceWork& work) {
  return base::to_hex(base::ByteSpan(work.job.header).first(80).subspan(4, 32));
}

std::string share_fields(const FoundShare& share) {
  return fmt::format(
      R"("hash":"{}","job_id":{},"difficulty":{},"share_difficulty":{:.6g},"block":{},)"
      R"("extranonce2":"{}","ntime":"{}","nonce":"{}","version_bits":{})",
      share.hash.display_hex(), json_string(share.work->notify.job_id),
      share.work->difficulty.value(), bitcoin::hash_difficulty(share.hash.bytes), share.is_block,
      base::to_hex(share.extranonce2), base::u32_hex(share.ntime), base::u32_hex(share.nonce),
      share.version_bits ? "\"" + base::u32_hex(*share.version_bits) + "\"" : "null");
}

std::string proof_fields(const FoundProof& proof) {
  return fmt::format(R"("work_hash":"{}","job_id":{},"level":{},"attempt":"{}","block":{})",
                     base::to_hex(proof.work_hash), json_string(proof.work->job_id),
                     proof.work->level, base::u64_hex(proof.claim.attempt), proof.is_block);
}

// The 80 bytes whose hash the share is.
bitcoin::HeaderBytes header_of(const FoundShare& share) {
  const Work& work = *share.work;
  bitcoin::HeaderBytes header = build_header(work, share.extranonce2, share.ntime);
  if (work.version_mask) {
    base::write_le32(header,
                     (work.notify.version & ~*work.version_mask) | share.version_bits.value_or(0));
  }
  base::write_le32(std::span(header).subspan(76), share.nonce);
  return header;
}

// The network that the address is of, as far as an address tells; empty: it is none.
std::string_view network_of(std::string_view address) {
  using bitcoin::Network;
  constexpr Network networks[] = {Network::mainnet, Network::testnet, Network::regtest};
  for (const Network network : networks) {
    if (bitcoin::parse_address(address, network)) return bitcoin::network_name(network);
  }
  return "";
}

std::uint64_t reward_of(const bitcoin::Transaction& coinbase) {
  std::uint64_t sum = 0;
  for (const bitcoin::TxOut& output : coinbase.outputs) {
    sum += static_cast<std::uint64_t>(output.value.value);
  }
  return sum;
}

}  // namespace

std::string attempt_line(const Work& work, std::uint64_t hashes, std::int64_t unix_seconds) {
  return fmt::format(
      R"({{"time":"{}","type":"attempt","job_id":{},"prev_hash":"{}","nbits":"{}","ntime":"{}",)"
      R"("difficulty":{},"clean_jobs":{},"hashes_before":{}}})"
      "\n",
      utc_text(unix_seconds), json_string(work.notify.job_id), work.notify.prev_hash.display_hex(),
      base::u32_hex(work.notify.nbits), base::u32_hex(work.notify.ntime), work.difficulty.value(),
      work.notify.clean_jobs, hashes);
}

std::string attempt_line(const CoherenceWork& work, std::uint64_t rounds,
                         std::int64_t unix_seconds) {
  return fmt::format(
      R"({{"time":"{}","type":"coherence_attempt","job_id":{},"prev_hash":"{}","height":{},)"
      R"("level":{},"rounds_before":{}}})"
      "\n",
      utc_text(unix_seconds), json_string(work.job_id), prev_hash_of(work),
      work.height ? std::to_string(*work.height) : "null", work.level, rounds);
}

std::string submission_line(const ClientEvent& event, std::int64_t unix_seconds) {
  const bool accepted = event.kind == ClientEventKind::accepted;
  return fmt::format(R"({{"time":"{}","type":"{}",{},"accepted":{},"answer":{}}})"
                     "\n",
                     utc_text(unix_seconds), event.share ? "submission" : "coherence_submission",
                     event.share ? share_fields(*event.share) : proof_fields(*event.proof),
                     accepted, json_string(event.text));
}

std::string block_proof(const FoundShare& block, std::string_view username, std::int64_t unix_us) {
  const Work& work = *block.work;
  const base::Bytes coinbase = bitcoin::assemble_coinbase({work.notify.coinb1, work.notify.coinb2},
                                                          work.extranonce1, block.extranonce2);
  const bitcoin::HeaderBytes header = header_of(block);
  const auto transaction = bitcoin::Transaction::parse(coinbase);
  const auto height = transaction ? bitcoin::coinbase_height(*transaction) : std::nullopt;
  std::string branch;
  for (const bitcoin::Hash256& hash : work.notify.merkle_branch) {
    branch += fmt::format("{}\"{}\"", branch.empty() ? "" : ",", base::to_hex(hash.bytes));
  }
  const std::size_t dot = username.find('.');
  const std::string_view address = username.substr(0, dot);
  return fmt::format(
      R"({{"type":"block_proof","version":1,"network":"{}","hash":"{}","height":{},"time_us":{},)"
      R"("header":"{}","target":"{}","coinbase":"{}","merkle_branch":[{}],"reward_sats":{},)"
      R"("address":{},"worker":{}}})"
      "\n",
      network_of(address), block.hash.display_hex(), height.value_or(0), unix_us,
      base::to_hex(header), work.network_target.display_hex(), base::to_hex(coinbase), branch,
      transaction ? reward_of(*transaction) : 0, json_string(address),
      json_string(dot == std::string_view::npos ? "" : username.substr(dot + 1)));
}

std::string coherence_proof(const FoundProof& proof) {
  const coherence::Job& job = proof.work->job;
  const AttemptOutcome outcome = replay_attempt(job, proof.claim.attempt, {});
  const std::string certificate =
      outcome.bloom ? base::to_hex(coherence::encode(coherence::certificate_of(*outcome.bloom)))
                    : "";
  return fmt::format(
      R"({{"type":"coherence","header92":"{}","extranonce":"{}","attempt":"{}","params":"{}",)"
      R"("target":"{}","certificate":"{}","work_hash":"{}"}})"
      "\n",
      base::to_hex(coherence::header92(job.header, proof.claim)), base::u64_hex(job.extranonce),
      base::u64_hex(proof.claim.attempt), base::u32_hex(job.params),
      base::to_reversed_hex(proof.work->target.to_le_bytes()), certificate,
      base::to_hex(proof.work_hash));
}

}  // namespace miner
