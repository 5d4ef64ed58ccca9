#include "miner/options_table.h"

namespace miner {
namespace {

constexpr std::string_view pool = "The pool";
constexpr std::string_view solo = "Without a pool";
constexpr std::string_view hashing = "Hashing";
constexpr std::string_view shown = "What is shown";

// The names are cpuminer's where it has them.
constexpr OptionRow rows[] = {
    {"-o,--url", "URL", &Texts::urls,
     "A pool: stratum+tcp://HOST:PORT, stratum+ssl://HOST:PORT or HOST:PORT, USER:PASSWORD@ before "
     "HOST if wanted. Given again: another pool for when those before it fail",
     pool},
    {"-u,--user", "NAME", &Texts::users,
     "User name: payout address, dot, worker name. Given again: of the next pool", pool},
    {"-p,--pass", "WORD", &Texts::passes, "Password (default x). Given again: of the next pool",
     pool},
    {"-O,--userpass", "USER:PASSWORD", &Texts::userpasses, "Both in one", pool},
    {"-x,--proxy", "URL", &Texts::proxy,
     "Reach the pools through socks5://[USER:PASSWORD@]HOST:PORT, which looks up their names",
     pool},
    {"--cert,--ca-file", "FILE", &Texts::ca_file,
     "Certificates (PEM) that a pool's certificate must lead to; default: the system's", pool},
    {"--tls-insecure", "", &Texts::tls_insecure, "Do not check the pool's certificate", pool},
    {"--suggest-difficulty", "D", &Texts::suggest_difficulty,
     "Tell the pool which share difficulty is wanted", pool},
    {"--no-version-rolling", "", &Texts::no_version_rolling,
     "Do not ask the pool for bits of the version to roll", pool},
    {"--no-redirect", "", &Texts::no_redirect, "Ignore a pool that sends its miners elsewhere",
     pool},
    {"-T,--timeout", "SECONDS", &Texts::timeout,
     "So long without a word from the pool: connect anew (default 90)", pool},
    {"-R,--retry-pause", "SECONDS", &Texts::retry_pause,
     "Longest pause between connection attempts (default 30)", pool},
    {"-r,--retries", "N", &Texts::retries,
     "Attempts in a row that may fail before giving up; -1 (default): any number", pool},
    {"--max-shares-per-second", "N", &Texts::shares,
     "Submit at most this many shares a second of each kind of work; 0 (default): no cap", pool},

    {"--solo", "URL", &Texts::solo,
     "Mine without a pool, with the node at http://[USER:PASSWORD@]HOST:PORT", solo},
    {"--cookie-file", "FILE", &Texts::cookie_file, "The node's cookie, where it has no password",
     solo},
    {"--coinbase-addr,--address", "ADDRESS", &Texts::address, "Who gets the reward", solo},
    {"--coinbase-sig,--coinbase-tag", "TEXT", &Texts::coinbase_tag,
     "What the coinbase says (default /phaseminer/)", solo},
    {"--dry-run", "", &Texts::dry_run, "Everything but submitblock", solo},

    {"-a,--algo", "KIND", &Texts::algorithm,
     "sha256d (default), coherence, or both at once on one connection", hashing},
    {"-t,--threads", "N", &Texts::threads,
     "Threads; 0 (default): one for each core that is not reserved", hashing},
    {"--reserved-cores", "N", &Texts::reserved_cores,
     "Cores left to others where --threads does not say how many there are (default 0)", hashing},
    {"--coherence-threads", "N", &Texts::coherence_threads,
     "With --algo both: so many of the threads; default: half, at least one each", hashing},
    {"--kernel", "NAME", &Texts::kernel,
     "Mine with this kernel (phaseminer selftest lists them); default: the fastest that works",
     hashing},
    {"--nonce-order", "NAME", &Texts::nonce_order,
     "The order in which nonces are tried (default sequential)", hashing},
    {"--auto-detect", "", &Texts::auto_detect,
     "Measure the kernels for a moment and mine with the fastest", hashing},
    {"--cpu-affinity", "CORES", &Texts::cpu_affinity,
     "Keep each thread on one of these cores, in turn: 0,2-3 or a mask (0xd)", hashing},
    {"--nice", "N", &Texts::nice,
     "How far the threads stand back for others: -20 to 19 (default 10)", hashing},
    {"--max-memory-gb", "GB", &Texts::max_memory,
     "Memory that the miner may have; fewer threads where they would not fit", hashing},
    {"--time-limit", "SECONDS", &Texts::time_limit, "Mine so long, then end as after SIGTERM",
     hashing},
    {"--benchmark", "", &Texts::benchmark, "As the command bench", hashing},
    {"--witness", "FILE", &Texts::witness,
     "Append to this file which proof chain block each coherence job builds on", hashing},

    {"-q,--quiet", "", &Texts::quiet, "Show problems and totals only", shown},
    {"--json", "", &Texts::json, "One JSON object per second on stdout", shown},
    {"--progress", "", &Texts::progress,
     "JSON lines on stdout: round and r of the most coherent attempt under way", shown},
    {"-D,--debug", "", &Texts::debug, "Show every job and every accepted share as well", shown},
    {"-P,--protocol-dump", "", &Texts::protocol_dump, "Every line from and to the pool, on stderr",
     shown},
    {"-b,--api-bind", "[HOST:]PORT", &Texts::api_bind,
     "Answer cgminer's API here, read-only; HOST is 127.0.0.1 unless said", shown},
    {"--report-dir", "DIR", &Texts::report_dir,
     "Hourly reports, error reports, proof records and a ledger in files below it", shown},
    {"-c,--config", "FILE", &Texts::config,
     "A JSON file with these options as keys; what the command line says comes first", shown},
};

}  // namespace

std::string_view OptionRow::key() const { return names.substr(names.rfind("--") + 2); }

std::span<const OptionRow> option_table() { return rows; }

}  // namespace miner
