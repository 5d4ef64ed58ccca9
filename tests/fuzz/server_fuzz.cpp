// A pool's line, as our miner reads it.
#include "common/stratum/codec.h"
#include "tests/fuzz/fuzz_check.h"

#include <string>

namespace {

void check_notify(const stratum::Notify& notify) {
  std::string line = stratum::write_notify(notify);
  line.pop_back();
  const auto again = stratum::parse_server_message(line);
  FUZZ_CHECK(again && std::holds_alternative<stratum::Notify>(*again));
  const auto& back = std::get<stratum::Notify>(*again);
  FUZZ_CHECK(back.job_id == notify.job_id && back.prev_hash == notify.prev_hash);
  FUZZ_CHECK(back.coinb1 == notify.coinb1 && back.coinb2 == notify.coinb2);
  FUZZ_CHECK(back.merkle_branch == notify.merkle_branch && back.merkle_branch.size() <= 32);
  FUZZ_CHECK(back.version == notify.version && back.nbits == notify.nbits);
  FUZZ_CHECK(back.ntime == notify.ntime && back.clean_jobs == notify.clean_jobs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = base::as_text({data, size});
  const auto message = stratum::parse_server_message(line);
  if (message) {
    if (const auto* notify = std::get_if<stratum::Notify>(&*message)) check_notify(*notify);
    if (const auto* response = std::get_if<stratum::ServerResponse>(&*message)) {
      (void)stratum::parse_subscribe_result(response->result_json);
      (void)stratum::parse_configure_result(response->result_json);
    }
  }
  const auto subscribed = stratum::parse_subscribe_result(line);
  FUZZ_CHECK(!subscribed || subscribed->extranonce2_size <= 32);
  (void)stratum::parse_configure_result(line);
  return 0;
}
