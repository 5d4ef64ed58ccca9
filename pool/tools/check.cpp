#include "pool/tools/check.h"

#include "common/base/host_port.h"
#include "common/bloom/kernel.h"
#include "common/crypto/cpu_features.h"
#include "common/crypto/sha256.h"
#include "pool/core/coherence_job_source.h"
#include "pool/store/chain_loop.h"
#include "pool/store/migrate.h"
#include "pool/tools/probe.h"
#include "pool/tools/stratum_settings.h"
#include "pool/tools/tls_files.h"

#include <cstdio>

#include <fmt/format.h>

namespace pool {
namespace {

using Report = CheckReport;

constexpr std::size_t part_width = 9;
// A journal segment and room to write on while somebody looks for more.
constexpr std::uint64_t free_bytes_min = 256ull * 1024 * 1024;

void check_config_line(const Config& config, const Report& report) {
  report({true, "config",
          fmt::format("{}, pays {}", network_name(config.network), config.payout_address.text)});
}

// Known answers through every kernel that this processor has.
void check_sha256(const Report& report) {
  const crypto::CpuFeatures features = crypto::detect_cpu_features();
  std::string good;
  for (const crypto::Sha256Kernel& kernel : crypto::sha256_kernels()) {
    if (!kernel.supported(features)) continue;
    if (!crypto::sha256_self_test(kernel)) {
      report({false, "sha256",
              fmt::format("kernel {} computes wrong digests: this processor or its memory is at "
                          "fault; do not mine on it",
                          kernel.name)});
      return;
    }
    good += fmt::format("{}{}{}", good.empty() ? "" : ", ", kernel.name,
                        kernel.name == crypto::sha256_kernel().name ? " (in use)" : "");
  }
  report({true, "sha256", "known answers hold: " + good});
}

// Coherence work: the kernel that would verify, and whether the database's proof chain is run with
// the configured rules. (What is wrong with the database itself, its own line says.)
void check_coherence(const Config& config, const Report& report) {
  constexpr const char* part = "coherence";
  if (!config.coherence.enabled) return report({true, part, "is not offered"});
  std::string failed;
  const bloom::Kernel* kernel = bloom::pick_working_kernel(
      bloom::kernels(), crypto::detect_cpu_features(), "",
      [&failed](const bloom::Kernel& wrong) { failed += fmt::format(" {}", wrong.name); });
  if (!failed.empty() || kernel == nullptr) {
    return report({false, part,
                   fmt::format("kernels that do not compute what the reference does:{}; this "
                               "processor or its memory is at fault; do not mine on it",
                               failed)});
  }
  const std::string good = fmt::format("kernel {} computes what the reference does; level {}",
                                       kernel->name, config.coherence.level);
  const auto state = schema_state(config.database);
  if (!state || *state != SchemaState::current) return report({true, part, good});
  const auto stored = stored_chain_rules(config.database);
  if (!stored) return report({false, part, "the proof chain: " + stored.error()});
  if (!*stored) return report({true, part, good + "; this pool begins the proof chain"});
  const std::string conflict = rules_conflict(configured_rules(config.coherence), **stored);
  if (!conflict.empty()) {
    return report({false, part,
                   conflict + "; set it to that, or coherence.enabled to false: this pool would "
                              "offer no coherence work"});
  }
  report({true, part, good + "; the proof chain's rules are the configured ones"});
}

// Payouts are sent from the wallet of the first node, the most trusted one.
void check_nodes(const Config& config, const CheckOptions& options, const Report& report) {
  NodeExamOptions exam;
  exam.network = config.network;
  exam.deadline = options.node_deadline;
  exam.jobs = job_source_options(config);
  exam.wallet = config.payout.wallet;
  for (const NodeConfig& node : config.nodes) {
    examine_node(node, exam, report);
    exam.wallet.clear();
  }
}

void check_database(const Config& config, const Report& report) {
  const auto state = schema_state(config.database);
  if (!state) {
    return report({false, "database",
                   state.error() + "; start PostgreSQL, or correct \"database\" in the config"});
  }
  switch (*state) {
    case SchemaState::current:
      return report(
          {true, "database", fmt::format("reachable, schema version {}", schema_version_known())});
    case SchemaState::older:
      return report({false, "database",
                     fmt::format("its schema is older than version {}, which this phasepool needs; "
                                 "run: phasepool migrate -c FILE",
                                 schema_version_known())});
    case SchemaState::absent:
      return report({false, "database",
                     "reachable, without phasepool's tables; run: phasepool migrate -c FILE"});
    case SchemaState::newer:
      return report({false, "database",
                     fmt::format("its schema is newer than version {}, which this phasepool knows; "
                                 "run the phasepool that made it, or a newer one",
                                 schema_version_known())});
  }
}

void check_data_dir(const Config& config, const Report& report) {
  const FolderProbe folder = probe_folder(config.data_dir);
  if (!folder.problem.empty()) {
    return report(
        {false, "data_dir",
         fmt::format("{}: {}; give the pool's user a folder it can write, or set data_dir "
                     "to another",
                     config.data_dir, folder.problem)});
  }
  if (folder.free_bytes < free_bytes_min) {
    return report({false, "data_dir",
                   fmt::format("{}: only {} MiB are free; the journal needs {} MiB or more",
                               config.data_dir, folder.free_bytes >> 20, free_bytes_min >> 20)});
  }
  report({true, "data_dir",
          fmt::format("{} {}, {} MiB free", config.data_dir,
                      folder.exists ? "is writable" : "can be made", folder.free_bytes >> 20)});
}

// `section`: "stratum" or "http", whose TLS settings these are.
template <class Section>
void check_tls_files(const std::string& section, const Section& settings, const Report& report) {
  const auto tls = load_tls(settings);
  if (!tls) return report({false, "tls", tls.error()});
  if (*tls == nullptr) return;
  const CertificateText certificate = describe_certificate(**tls);
  if (certificate.expired) {
    return report({false, "tls",
                   fmt::format("{}.tls_certificate: {}: {}: it has expired; put a new one there",
                               section, settings.tls_certificate, certificate.text)});
  }
  report({true, "tls", section + ": " + certificate.text});
}

bool check_port(const std::string& option, const std::string& host, std::uint16_t port,
                const Report& report) {
  const std::string problem = probe_port(host, port);
  if (problem.empty()) return true;
  report({false, "ports",
          fmt::format("{}: can't listen on {}:{}: {}; stop what uses it (a running phasepool?), or "
                      "set {} to another",
                      option, host, port, problem, option)});
  return false;
}

void check_ports(const Config& config, const Report& report) {
  bool all = true;
  std::string list;
  const auto look = [&](const std::string& option, const std::string& host, std::uint16_t port) {
    all = check_port(option, host, port, report) && all;
    list += fmt::format("{}{}:{}", list.empty() ? "" : ", ", host, port);
  };
  for (std::size_t i = 0; i < config.stratum.listen.size(); ++i) {
    const ListenConfig& listen = config.stratum.listen[i];
    look(fmt::format("stratum.listen[{}].port", i), listen.host, listen.port);
  }
  if (const auto http = base::parse_host_port(config.http.listen)) {
    look("http.listen", http->host, http->port);
  }
  if (const auto admin = base::parse_host_port(config.http.admin_listen)) {
    look("http.admin_listen", admin->host, admin->port);
  }
  if (all) report({true, "ports", list + " are free"});
}

}  // namespace

bool check_everything(const Config& config, const CheckOptions& options, const Report& report) {
  bool all = true;
  const Report count = [&](const CheckLine& line) {
    all = all && line.ok;
    report(line);
  };
  check_config_line(config, count);
  check_sha256(count);
  check_data_dir(config, count);
  check_tls_files("stratum", config.stratum, count);
  check_tls_files("http", config.http, count);
  check_ports(config, count);
  check_nodes(config, options, count);
  check_database(config, count);
  check_coherence(config, count);
  return all;
}

std::string format_check_line(const CheckLine& line) {
  return fmt::format("{:<4}  {:<{}}  {}", line.ok ? "ok" : "FAIL", line.part, part_width,
                     line.text);
}

int check_command(const Config& config) {
  const bool all = check_everything(config, {}, [](const CheckLine& line) {
    std::printf("%s\n", format_check_line(line).c_str());
    std::fflush(stdout);  // the next one may take seconds
  });
  return all ? 0 : 1;
}

}  // namespace pool
