#include "pool/tools/verify_payout.h"

#include "common/bitcoin/block_check.h"
#include "common/bitcoin/header.h"
#include "common/bitcoin/merkle.h"
#include "common/bitcoin/transaction.h"
#include "common/coherence/certificate.h"
#include "common/coherence/difficulty.h"
#include "common/crypto/sha256.h"
#include "pool/core/payout_recompute.h"
#include "pool/journal/journal_folder.h"
#include "pool/journal/segment_walk.h"
#include "pool/tools/payout_inputs.h"
#include "pool/tools/verify_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>

namespace pool {
namespace {

using base::Natural;

std::string without_dashes(std::string uuid) {
  std::erase(uuid, '-');
  return uuid;
}

// A run that is being computed.
struct Work {
  const ExportedRun* exported = nullptr;
  PayoutRun claimed;
  std::optional<bitcoin::BlockHash> block;
  std::map<std::string, std::int64_t> journals;  // numbers, by uuid
  std::optional<std::int64_t> found_us;          // when its block was, as the journal says
  std::unique_ptr<PayoutRecompute> recompute;
};

class PayoutVerifier {
 public:
  PayoutVerifier(std::string folder, const VerifyReport& report)
      : folder_(std::move(folder)), report_(report) {}

  bool run();

 private:
  void tell(bool ok, const std::string& part, const std::string& text) {
    all_ = all_ && ok;
    report_({ok, part, text});
  }
  void fail_run(const ExportedRun& run, const std::string& why) {
    tell(false, "run", fmt::format("{}: {}", run.id, why));
  }
  void prepare(const ExportedRun& run);
  void read_journal(const ExportedJournal& journal);
  void take(const std::string& uuid, const ParsedFrame& frame);
  void take_candidate(const BlockCandidateRecord& block);
  void take_proof(const std::string& uuid, std::uint64_t sequence,
                  const CoherenceProofRecord& proof);
  void finish(Work& work);
  std::string block_flaw(const Work& work) const;
  std::string end_flaw(const Work& work) const;
  std::string price_flaw(const PayoutRun& run) const;
  std::string terms_remark(const PayoutRun& run) const;

  const std::string folder_;
  const VerifyReport& report_;
  bool all_ = true;
  std::vector<Work> works_;
  // What the network asked and paid at each height, as the journals say.
  std::map<std::uint32_t, std::set<std::pair<std::uint32_t, std::int64_t>>> prices_;
  std::set<crypto::Digest> proofs_;                   // work hashes: the database stores each once
  std::map<std::int64_t, PayoutSchemeRecord> terms_;  // as the pools noted them, by time
};

bool PayoutVerifier::run() {
  const std::string path = folder_ + "/" + payout_inputs_name;
  std::ifstream file(path, std::ios::binary);
  const std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) {
    tell(false, "export", path + ": can't read it");
    return false;
  }
  const auto inputs = parse_payout_inputs(json);
  if (!inputs) {
    tell(false, "export", path + ": " + inputs.error());
    return false;
  }
  for (const ExportedRun& run : inputs->runs) prepare(run);
  for (const ExportedJournal& journal : inputs->journals) read_journal(journal);
  for (Work& work : works_) finish(work);
  tell(all_, "export",
       fmt::format("{}: {} runs, {} journals", folder_, inputs->runs.size(),
                   inputs->journals.size()));
  return all_;
}

void PayoutVerifier::prepare(const ExportedRun& run) {
  const std::string digest = base::to_hex(crypto::sha256(base::as_bytes(run.text)));
  if (digest != run.digest) {
    return fail_run(
        run, fmt::format("its text has the SHA-256 {}, but its digest is {}", digest, run.digest));
  }
  auto claimed = parse_payout_text(run.text);
  if (!claimed) return fail_run(run, claimed.error());
  Work work;
  work.exported = &run;
  if (!claimed->block.empty()) {
    const auto block = bitcoin::BlockHash::from_display_hex(claimed->block);
    if (!block) return fail_run(run, "its block is not a hash");
    work.block = *block;
  }
  for (const auto& journal : claimed->journals) {
    work.journals[without_dashes(journal.uuid)] = journal.number;
  }
  PayoutRecompute::CreditedBefore before;
  for (const ExportedCredit& credit : run.credits) {
    const auto amount = Natural::from_decimal(credit.before_work);
    if (!amount) return fail_run(run, credit.before_work + " is no work");
    before[{credit.height, credit.address}] = *amount;
  }
  work.recompute = std::make_unique<PayoutRecompute>(*claimed, std::move(before));
  work.claimed = std::move(*claimed);
  works_.push_back(std::move(work));
}

void PayoutVerifier::read_journal(const ExportedJournal& journal) {
  const std::string folder = folder_ + "/" + journal.uuid;
  // An export is of some segments: those around them are elsewhere.
  if (!verify_journal(folder, report_)) all_ = false;
  const auto segments = list_segments(folder);
  if (!segments) return;  // told
  for (auto segment = segments->begin(); segment != segments->end(); ++segment) {
    const std::string path = segment_path(folder, *segment);
    WalkLimit limit;
    if (const auto next = std::next(segment); next != segments->end()) {
      const auto header = read_segment_header(folder, *next);
      if (header) limit.sequence = header->first_sequence;
    }
    const auto closed =
        std::find_if(journal.closed.begin(), journal.closed.end(),
                     [&](const ExportedSegment& each) { return each.segment == *segment; });
    if (closed != journal.closed.end()) limit.bytes = closed->bytes;
    const auto walk =
        walk_segment(path, limit, [&](const ParsedFrame& frame) { take(journal.uuid, frame); });
    if (!walk) {
      tell(false, "segment", walk.error());
    } else if (closed != journal.closed.end() && base::to_hex(walk->sha256) != closed->sha256) {
      tell(false, "segment",
           fmt::format("{}: expected sha256 {}, as the database has it, found {}", path,
                       closed->sha256, base::to_hex(walk->sha256)));
    }
  }
}

void PayoutVerifier::take(const std::string& uuid, const ParsedFrame& frame) {
  if (const auto* height = std::get_if<HeightRecord>(&frame.record)) {
    prices_[height->height].insert({height->nbits, height->subsidy.value});
  }
  if (const auto* terms = std::get_if<PayoutSchemeRecord>(&frame.record)) {
    terms_[terms->time_us] = *terms;
  }
  if (const auto* block = std::get_if<BlockCandidateRecord>(&frame.record)) take_candidate(*block);
  if (const auto* proof = std::get_if<CoherenceProofRecord>(&frame.record)) {
    take_proof(uuid, frame.sequence, *proof);
  }
  const auto* share = std::get_if<ShareRecord>(&frame.record);
  if (share == nullptr) return;
  for (Work& work : works_) {
    const auto journal = work.journals.find(uuid);
    if (journal == work.journals.end()) continue;
    work.recompute->add(PayoutShare{share->time_us, journal->second, frame.sequence, share->height,
                                    share->address, share->work, work.block == share->hash});
  }
}

void PayoutVerifier::take_candidate(const BlockCandidateRecord& block) {
  for (Work& work : works_) {
    if (work.block == block.hash && !work.found_us) work.found_us = block.time_us;
  }
}

// Two things that cost nothing to check: that the hash is one that meets the target, and that the
// work credited is that of the target. The replay is `phasepool verify coherence`'s.
std::string proof_flaw(const CoherenceProofRecord& proof) {
  const auto certificate = coherence::decode_certificate(proof.certificate);
  if (!certificate) return certificate.error();
  const coherence::Claim claim{proof.attempt, certificate->bloom_end, certificate->r_q.back(),
                               certificate->psi_q.back(),
                               coherence::cert_hash_of(proof.certificate)};
  const auto level = coherence::level_of(proof.params);
  if (!level) return fmt::format("params {:08x} are none", proof.params);
  if (coherence::work_hash_of(proof.header, claim) != proof.work_hash) {
    return "its work hash is not that of its header and certificate";
  }
  if (!coherence::meets(proof.work_hash, proof.target)) return "it does not meet its target";
  const base::U256 work = coherence::work_of(*level, proof.target);
  if (work == proof.work) return {};
  return fmt::format("it is credited with {} rounds, but its target is worth {}",
                     proof.work.decimal(), work.decimal());
}

void PayoutVerifier::take_proof(const std::string& uuid, std::uint64_t sequence,
                                const CoherenceProofRecord& proof) {
  if (!proofs_.insert(proof.work_hash).second) return;
  bool counts = false;
  for (Work& work : works_) {
    const auto journal = work.journals.find(uuid);
    if (journal == work.journals.end()) continue;
    const std::uint64_t before = work.recompute->proofs();
    work.recompute->add(
        PayoutProof{proof.time_us, journal->second, sequence, proof.address, proof.work});
    counts = counts || work.recompute->proofs() > before;
  }
  if (!counts) return;
  const std::string flaw = proof_flaw(proof);
  if (!flaw.empty()) {
    tell(false, "proof", fmt::format("record {} of journal {}: {}", sequence, uuid, flaw));
  }
}

// A window ends with its block; whoever could move its end could choose whose work it holds.
std::string PayoutVerifier::end_flaw(const Work& work) const {
  const PayoutRun& run = work.claimed;
  const bool has_window = run.scheme == "pplns" || run.scheme == "prop" ||
                          (run.scheme == "solo" && run.coherence_ppm > 0);
  if (!work.block || !has_window) return {};
  if (!work.found_us) return "the record of its block is not in these segments";
  if (*work.found_us == work.claimed.end_us) return {};
  return fmt::format("its window ends at {}, but its block was found at {}", work.claimed.end_us,
                     *work.found_us);
}

// The operator may divide a block by other terms than those in force; miners should see it.
std::string PayoutVerifier::terms_remark(const PayoutRun& run) const {
  auto noted = terms_.upper_bound(run.end_us);
  if (noted == terms_.begin()) return "; which terms were in force these segments do not say";
  const PayoutSchemeRecord& terms = (--noted)->second;
  const bool same = terms.scheme == run.scheme && terms.fee_ppm == run.fee_ppm &&
                    terms.coherence_ppm == run.coherence_ppm;
  if (same) return {};
  return fmt::format("; the terms noted before it were others: {}, fee {} ppm, coherence {} ppm",
                     terms.scheme, terms.fee_ppm, terms.coherence_ppm);
}

// The header proves itself by its hash; the coinbase by the header.
std::string PayoutVerifier::block_flaw(const Work& work) const {
  if (!work.block) return {};
  const auto header_bytes = base::from_hex(work.exported->header);
  const auto coinbase_bytes = base::from_hex(work.exported->coinbase);
  if (!header_bytes || header_bytes->size() != bitcoin::HeaderBytes().size() || !coinbase_bytes) {
    return "its block's header or coinbase is not there";
  }
  bitcoin::HeaderBytes bytes{};
  std::copy(header_bytes->begin(), header_bytes->end(), bytes.begin());
  const bitcoin::Header header = bitcoin::Header::parse(bytes);
  if (header.hash() != *work.block) return "its block's header has another hash";
  if (header.nbits != work.claimed.nbits) return "its nbits are not those of its block";
  const auto coinbase = bitcoin::Transaction::parse(*coinbase_bytes);
  if (!coinbase || coinbase->outputs.empty()) return "its block's coinbase is none";
  std::vector<bitcoin::Hash256> branch;
  for (const std::string& text : work.exported->merkle_branch) {
    bitcoin::Hash256 hash;
    if (!base::decode_hex(text, hash.bytes)) return "its block's merkle branch is none";
    branch.push_back(hash);
  }
  const bitcoin::Hash256 leaf{coinbase->txid().bytes};
  if (bitcoin::fold_merkle_branch(leaf, branch) != header.merkle_root) {
    return "its block's coinbase is not in its block";
  }
  if (bitcoin::coinbase_height(*coinbase) != work.claimed.height) {
    return "its height is not that of its block";
  }
  const std::int64_t paid = coinbase->outputs.front().value.value;
  if (Natural(static_cast<std::uint64_t>(paid)) == work.claimed.reward_sats) return {};
  return fmt::format("it divides {} sats, but its block pays the pool {}",
                     work.claimed.reward_sats.decimal(), paid);
}

std::string PayoutVerifier::price_flaw(const PayoutRun& run) const {
  for (const auto& credit : run.credits) {
    const auto prices = prices_.find(credit.height);
    if (prices == prices_.end()) continue;  // noted in an earlier segment
    const bool known =
        std::any_of(prices->second.begin(), prices->second.end(), [&](const auto& price) {
          return price.first == credit.nbits &&
                 Natural(static_cast<std::uint64_t>(price.second)) == credit.subsidy_sats;
        });
    if (known) continue;
    return fmt::format("at height {} it pays {} sats at nbits {:08x}, which no pool noted there",
                       credit.height, credit.subsidy_sats.decimal(), credit.nbits);
  }
  return {};
}

// The first line in which two texts differ.
std::string difference(const std::string& claimed, const std::string& computed) {
  std::size_t line = 1;
  std::size_t start = 0;
  for (std::size_t i = 0; i < std::min(claimed.size(), computed.size()); ++i) {
    if (claimed[i] != computed[i]) break;
    if (claimed[i] != '\n') continue;
    ++line;
    start = i + 1;
  }
  const auto line_at = [start](const std::string& text) {
    return text.substr(start, text.find('\n', start) - start);
  };
  return fmt::format("line {} of its text is \"{}\", but the shares say \"{}\"", line,
                     line_at(claimed), line_at(computed));
}

void PayoutVerifier::finish(Work& work) {
  const ExportedRun& run = *work.exported;
  if (const std::string flaw = block_flaw(work); !flaw.empty()) return fail_run(run, flaw);
  if (const std::string flaw = end_flaw(work); !flaw.empty()) return fail_run(run, flaw);
  const auto computed = work.recompute->finish();
  if (!computed) return fail_run(run, computed.error());
  const std::string text = write_payout_text(*computed);
  if (text != run.text) return fail_run(run, difference(run.text, text));
  if (const std::string flaw = price_flaw(*computed); !flaw.empty()) return fail_run(run, flaw);
  const std::string what = work.block
                               ? fmt::format("block {} of height {}", work.claimed.block,
                                             work.claimed.height.value_or(0))
                               : fmt::format("PPS of {} heights", work.claimed.credits.size());
  tell(true, "run",
       fmt::format("{}: {}, {}: {} sats among {} miners from {} shares{}, digest {}{}{}", run.id,
                   what, work.claimed.scheme, work.claimed.reward_sats.decimal(),
                   work.claimed.miners.size(), work.recompute->shares(),
                   work.recompute->proofs() == 0
                       ? std::string()
                       : fmt::format(" and {} coherence proofs", work.recompute->proofs()),
                   run.digest, run.state == "applied" ? "" : fmt::format(" ({})", run.state),
                   terms_remark(work.claimed)));
}

}  // namespace

bool verify_payout(const std::string& folder, const VerifyReport& report) {
  return PayoutVerifier(folder, report).run();
}

int verify_payout_command(const std::string& folder) {
  const auto print = [](const VerifyLine& line) {
    std::printf("%s\n", format_verify_line(line).c_str());
    std::fflush(stdout);
  };
  return verify_payout(folder, print) ? 0 : 1;
}

}  // namespace pool
