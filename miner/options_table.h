// The options of mining in one table: what the command line is described from, what a key of the
// configuration file means, and where the text of a value is collected.
//
// Every value is text until it is read, so that all complaints read alike, and so that what the
// command line leaves out can come from a file.
// Thread: plain data and pure functions.
#pragma once

#include "miner/options.h"

#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace miner {

using Values = std::vector<std::string>;

// What was given, as it was given; empty: not given.
struct Texts {
  Values urls, users, passes, userpasses;
  std::string proxy, ca_file, suggest_difficulty, timeout;
  std::string solo, cookie_file, address, coinbase_tag;
  std::string algorithm, threads, coherence_threads, kernel, nonce_order;
  std::string reserved_cores, cpu_affinity, nice, max_memory;
  std::string retry_pause, retries, shares, witness, seconds, time_limit;
  std::string config, api_bind, report_dir;
  bool tls_insecure = false, no_version_rolling = false, no_redirect = false;
  bool dry_run = false, quiet = false, json = false, progress = false, protocol_dump = false;
  bool network = false;  // selftest's
  bool auto_detect = false, benchmark = false, debug = false;
};

using TextMember = std::variant<std::string Texts::*, Values Texts::*, bool Texts::*>;

struct OptionRow {
  std::string_view names;  // as CLI11 takes them: "-t,--threads"; the last one is the key in a file
  std::string_view value;  // what stands for the value in the help; empty for a flag
  TextMember member;
  std::string_view help;
  std::string_view group;

  std::string_view key() const;  // "threads"
};

std::span<const OptionRow> option_table();

}  // namespace miner
