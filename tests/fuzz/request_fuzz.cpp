// A miner's bytes: LineBuffer in fragments, then parse_request. The first byte chooses the size of
// the fragments.
#include "common/stratum/codec.h"
#include "common/stratum/line_buffer.h"
#include "tests/fuzz/fuzz_check.h"

#include <algorithm>
#include <string>

namespace {

constexpr std::size_t line_bytes_max = 16 * 1024;

void check_answerable(const stratum::ClientRequest& request) {
  FUZZ_CHECK(request.id.json.size() <= 64);
  std::string detail;
  if (const auto* malformed = std::get_if<stratum::Malformed>(&request.message)) {
    detail = malformed->why;
  }
  if (const auto* unknown = std::get_if<stratum::UnknownMethod>(&request.message)) {
    detail = unknown->method;
  }
  std::string line = stratum::write_reject(request.id, stratum::RejectReason::malformed, detail);
  FUZZ_CHECK(line.ends_with('\n'));
  line.pop_back();
  FUZZ_CHECK(line.find('\n') == std::string::npos);
  const auto answer = stratum::parse_server_message(line);
  FUZZ_CHECK(answer && std::holds_alternative<stratum::ServerResponse>(*answer));
}

// What our own miner would write of it reads back the same.
void check_submit(const stratum::Submit& submit) {
  std::string line = stratum::write_submit(1, submit);
  line.pop_back();
  const auto again = stratum::parse_request(line);
  FUZZ_CHECK(again && std::holds_alternative<stratum::Submit>(again->message));
  const auto& back = std::get<stratum::Submit>(again->message);
  FUZZ_CHECK(back.worker_name == submit.worker_name && back.job_id == submit.job_id);
  FUZZ_CHECK(back.extranonce2_hex == submit.extranonce2_hex && back.ntime == submit.ntime);
  FUZZ_CHECK(back.nonce == submit.nonce && back.version_bits == submit.version_bits);
}

bool on_line(std::string_view line) {
  FUZZ_CHECK(!line.empty() && line.size() <= line_bytes_max);
  const auto request = stratum::parse_request(line);
  if (!request) return true;
  check_answerable(*request);
  if (const auto* submit = std::get_if<stratum::Submit>(&request->message)) check_submit(*submit);
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::ByteSpan bytes(data, size);
  if (bytes.empty()) return 0;
  const std::size_t fragment = std::size_t{bytes[0]} + 1;
  bytes = bytes.subspan(1);
  stratum::LineBuffer buffer(line_bytes_max);
  while (!bytes.empty()) {
    const std::size_t length = std::min(fragment, bytes.size());
    if (!buffer.push(bytes.first(length), on_line)) break;
    FUZZ_CHECK(buffer.buffered_bytes() <= line_bytes_max);
    bytes = bytes.subspan(length);
  }
  return 0;
}
