// A node's getblocktemplate answer, and the job that a pool would make of it.
#include "common/mining/job_builder.h"
#include "common/stratum/codec.h"
#include "tests/fuzz/fuzz_check.h"

#include <memory>
#include <string>
#include <utility>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto parsed = mining::parse_block_template(base::as_text({data, size}));
  if (!parsed) {
    FUZZ_CHECK(!parsed.error().field.empty() && !parsed.error().why.empty());
    FUZZ_CHECK(parsed.error().why.size() < 200);
    return 0;
  }
  FUZZ_CHECK(parsed->transactions.size() <= size / 2);
  FUZZ_CHECK(parsed->fees.value <= parsed->coinbase_value.value);
  mining::JobSpec spec;
  spec.outputs = {{parsed->coinbase_value, {0x51}}};
  spec.block_template = std::make_shared<mining::BlockTemplate>(std::move(*parsed));
  const auto job = mining::build_job(spec);
  if (!job) return 0;
  const std::string& line = (*job)->work().notify_line;
  const auto notify =
      stratum::parse_server_message(std::string_view(line).substr(0, line.size() - 1));
  FUZZ_CHECK(notify && std::holds_alternative<stratum::Notify>(*notify));
  return 0;
}
