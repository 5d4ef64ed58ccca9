// A node's getblocktemplate answer, and the job that a pool would make of it.
#include "common/mining/job_builder.h"
#include "common/mining/proposal.h"
#include "common/stratum/codec.h"
#include "tests/fuzz/fuzz_check.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // In place, in memory of exactly that size, so that a read or write behind it is seen.
  std::vector<char> json(data, data + size);
  json.resize(size + mining::json_padding_bytes, '"');
  auto parsed = mining::parse_block_template_in_place({json.data(), size});
  if (!parsed) {
    FUZZ_CHECK(!parsed.error().field.empty() && !parsed.error().why.empty());
    FUZZ_CHECK(parsed.error().why.size() < 300);
    return 0;
  }
  FUZZ_CHECK(parsed->transactions.size() <= size / 2);
  FUZZ_CHECK(parsed->weight_limit <= 4'000'000 && parsed->sigop_limit <= 80'000);
  FUZZ_CHECK(!parsed->signet_challenge || parsed->default_witness_commitment);
  FUZZ_CHECK(parsed->fees.value <= parsed->coinbase_value.value);
  mining::JobSpec spec;
  spec.outputs = {{parsed->coinbase_value, {0x51}}};
  spec.block_template = std::make_shared<mining::BlockTemplate>(std::move(*parsed));
  const auto job = mining::build_job(spec);
  if (!job) return 0;
  FUZZ_CHECK(mining::proposal_block_hex(**job).size() >
             2 * spec.block_template->transactions.size());
  FUZZ_CHECK(!mining::proposal_kind(**job).empty());
  const std::string& line = (*job)->work().notify_line;
  const auto notify =
      stratum::parse_server_message(std::string_view(line).substr(0, line.size() - 1));
  FUZZ_CHECK(notify && std::holds_alternative<stratum::Notify>(*notify));
  return 0;
}
