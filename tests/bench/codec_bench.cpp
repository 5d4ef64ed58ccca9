// What the pure parts of a share's and a template's journey cost, in nanoseconds on one core.
// Not a test: run build/release/bin/bench_core. CPU time is what counts, so that other programs on
// the machine disturb less.
#include "common/mining/block_template.h"
#include "common/mining/job_builder.h"
#include "common/mining/share_check.h"
#include "common/stratum/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <utility>

namespace {

// Keeps the optimiser from dropping a result nobody reads.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "r"(&value) : "memory");
}

// The best of forty short rounds, since everything that disturbs a round makes it longer.
template <class Work>
void measure(const char* name, int times, Work&& work) {
  double best = 1e300;
  for (int round = 0; round < 40; ++round) {
    const std::clock_t begin = std::clock();
    for (int i = 0; i < times; ++i) work();
    const double took = 1e9 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    best = std::min(best, took / times);
  }
  fmt::print("{:<46} {:>14.0f} ns\n", name, best);
}

std::string hex_of(std::uint64_t seed, std::size_t digits) {
  std::string out;
  while (out.size() < digits) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    out += base::u64_hex(seed);
  }
  out.resize(digits);
  return out;
}

// About 8 MB, as a full mainnet template: 4000 transactions of 930 bytes.
std::string large_template() {
  std::string out =
      "{\"version\":536870912,\"rules\":[\"csv\",\"!segwit\",\"taproot\"],\"previousblockhash\":"
      "\"" +
      hex_of(1, 64) + "\",\"transactions\":[";
  for (std::uint64_t i = 0; i < 4000; ++i) {
    out += fmt::format(
        "{}{{\"data\":\"{}\",\"txid\":\"{}\",\"hash\":\"{}\",\"depends\":[],\"fee\":1410,"
        "\"sigops\":"
        "4,\"weight\":990}}",
        i ? "," : "", hex_of(i, 1860), hex_of(i + 1, 64), hex_of(i + 2, 64));
  }
  return out +
         "],\"coinbaseaux\":{},\"coinbasevalue\":318140000,\"longpollid\":\"x\",\"mintime\":"
         "1750360000,"
         "\"curtime\":1750362327,\"bits\":\"17023a04\",\"height\":881423,"
         "\"default_witness_commitment\":\"6a24aa21a9ed" +
         hex_of(5, 64) + "\"}";
}

void bench_codec() {
  const std::string submit =
      R"({"id":1742,"method":"mining.submit","params":["bc1q3udk7r26qs32ltf9nmqrjaaa7tr55qmkk30q5d.rig1",)"
      R"("18468e1f5fa5cbaa","1700000000000000","685468d7","7552034c","00b44000"]})";
  measure("parse_request of a submit", 2'000, [&] { keep(stratum::parse_request(submit)); });
  const stratum::RequestId id{"1742"};
  measure("write_result_true", 2'000, [&] { keep(stratum::write_result_true(id)); });
  measure("write_reject", 2'000,
          [&] { keep(stratum::write_reject(id, stratum::RejectReason::low_difficulty)); });
}

void bench_share(const mining::Job& job) {
  const base::Bytes extranonce1 = {1, 2, 3, 4};
  const base::Bytes extranonce2(8, 7);
  mining::ShareRules rules;
  rules.version_mask = 0x1fffe000;
  rules.now = job.ntime;
  mining::ShareSubmission share{extranonce1, extranonce2, job.ntime, 0, 0x00b44000};
  measure("check_share, 12 branches", 500, [&] {
    ++share.nonce;
    keep(mining::check_share(job, share, rules));
  });
}

void bench_template() {
  const std::string json = large_template();
  fmt::print("template of {} bytes\n", json.size());
  measure("parse_block_template, 4000 transactions", 1,
          [&] { keep(mining::parse_block_template(json)); });
  auto parsed = mining::parse_block_template(json);
  if (!parsed) {
    fmt::print("template refused: {}: {}\n", parsed.error().field, parsed.error().why);
    return;
  }
  mining::JobSpec spec;
  spec.outputs = {{parsed->coinbase_value, base::Bytes(22, 0x14)}};
  spec.coinbase_tag = "/phasepool/";
  spec.block_template = std::make_shared<mining::BlockTemplate>(std::move(*parsed));
  spec.ntime = spec.block_template->curtime;
  measure("build_job", 1, [&] { keep(mining::build_job(spec)); });
  const auto job = mining::build_job(spec);
  if (job) bench_share(**job);
}

}  // namespace

int main() {
  bench_codec();
  bench_template();
}
