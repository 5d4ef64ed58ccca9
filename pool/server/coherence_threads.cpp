#include "pool/server/coherence_threads.h"

#include "common/bloom/kernel.h"
#include "common/crypto/cpu_features.h"
#include "common/log.h"
#include "pool/tools/stratum_settings.h"

#include <algorithm>
#include <utility>

namespace pool {
namespace {

constexpr unsigned cores_per_verifier = 4;

std::uint32_t verifier_count(const CoherenceConfig& config) {
  if (config.verify_threads > 0) return config.verify_threads;
  return std::max(1u, std::thread::hardware_concurrency() / cores_per_verifier);
}

// Counts of one verifier replace the same verifier's.
bool same_teller(const CoherenceMessage& waiting, const CoherenceMessage& incoming) {
  if (waiting.index() != incoming.index()) return false;
  const auto* counts = std::get_if<VerifierCounts>(&waiting);
  return counts == nullptr || counts->verifier == std::get<VerifierCounts>(incoming).verifier;
}

}  // namespace

base::Result<std::unique_ptr<CoherenceThreads>, std::string> CoherenceThreads::open(
    const Config& config, const JournalUuid& journal, std::uint64_t random, Hooks hooks) {
  const bloom::Kernel* kernel = bloom::pick_working_kernel(
      bloom::kernels(), crypto::detect_cpu_features(), "", [](const bloom::Kernel& failed) {
        LOG(error, "bloom_kernel_unusable", {"kernel", failed.name},
            {"problem", "its self test failed"});
      });
  if (kernel == nullptr) {
    return base::err(std::string(
        "no kernel for coherence work passes its self test on this machine; set coherence.enabled "
        "to false in the config"));
  }
  return std::unique_ptr<CoherenceThreads>(
      new CoherenceThreads(config, journal, random, *kernel, std::move(hooks)));
}

CoherenceThreads::CoherenceThreads(const Config& config, const JournalUuid& journal,
                                   std::uint64_t random, const bloom::Kernel& kernel, Hooks hooks)
    : hooks_(std::move(hooks)) {
  const std::uint32_t count = verifier_count(config.coherence);
  VerifierLoop::Hooks verifier_hooks;
  verifier_hooks.verdict = hooks_.verdict;
  verifier_hooks.counts = [this](const VerifierCounts& counts) {
    (void)coherence_->mailbox().post_latest_anywhere(counts, same_teller);
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    verifiers_.push_back(std::make_unique<VerifierLoop>(i, kernel, verifier_hooks));
  }
  ChainLoop::Options chain;
  chain.database = config.database;
  chain.rules = configured_rules(config.coherence);
  chain.pool = config.stratum.instance;
  chain.journal = journal;
  ChainLoop::Hooks chain_hooks;
  chain_hooks.read = [this](ChainRead read) {
    (void)coherence_->mailbox().post_latest_anywhere(std::move(read), same_teller);
  };
  chain_ = std::make_unique<ChainLoop>(std::move(chain), std::move(chain_hooks));
  CoherenceLoop::Options options;
  options.source.rules = configured_rules(config.coherence);
  options.source.level = config.coherence.level;
  options.source.pool = config.stratum.instance;
  options.source.journal = journal;
  // Ids rise for as long as this process could possibly run, and differ from those before it.
  options.source.first_job_id = ((random >> 32) + 1) << 24;
  options.kernel = kernel.name;
  options.verifiers = count;
  coherence_ = std::make_unique<CoherenceLoop>(
      std::move(options),
      CoherenceLoop::Hooks{hooks_.job, hooks_.tip, hooks_.status, hooks_.journal});
}

void CoherenceThreads::start() {
  for (auto& verifier : verifiers_) {
    verifier_threads_.emplace_back([&verifier] { verifier->run(); });
  }
  coherence_thread_ = std::thread([this] { coherence_->run(); });
  chain_thread_.start([this] { chain_->run(); });
}

void CoherenceThreads::stop() {
  chain_->interrupt();  // what it was about is begun again another time
  chain_thread_.stop(*chain_);
  for (auto& verifier : verifiers_) verifier->mailbox().post_reserved(Shutdown{});
  for (std::thread& thread : verifier_threads_) thread.join();
  coherence_->mailbox().post_reserved(Shutdown{});
  coherence_thread_.join();
}

// A shard's tickets rise by one, so its proofs go round.
bool CoherenceThreads::verify(const ProofToVerify& proof) {
  for (std::size_t i = 0; i < verifiers_.size(); ++i) {
    const std::size_t at = (proof.shard.value + proof.ticket + i) % verifiers_.size();
    if (verifiers_[at]->offer(proof)) return true;
  }
  return false;
}

// Lost when the mailbox is full of other things, which it never is: there are few kinds of them.
void CoherenceThreads::tell(const BitcoinTip& tip) {
  (void)coherence_->mailbox().post_latest_anywhere(tip, same_teller);
}

void CoherenceThreads::tell(const JournalHead& head) {
  (void)coherence_->mailbox().post_latest_anywhere(head, same_teller);
  (void)chain_->mailbox().post_latest_anywhere(head);
}

void CoherenceThreads::tell(const InstanceChanged& changed) {
  coherence_->mailbox().post_reserved(changed);
  chain_->mailbox().post_reserved(changed);
}

}  // namespace pool
