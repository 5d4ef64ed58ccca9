// A miner's bytes: LineBuffer in fragments, then parse_request, then what a pool would answer. The
// first byte chooses the size of the fragments.
//
// Whatever can be written again reads back the same; whatever is answered is one line of strict
// JSON with the request's id to the letter.
#include "common/stratum/codec.h"
#include "common/stratum/line_buffer.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/strict_json.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace {

constexpr std::size_t line_bytes_max = 16 * 1024;

template <class Message>
Message read_back(std::string line) {
  FUZZ_CHECK(fuzz::read_line(line).HasMember("params"));
  line.pop_back();
  const auto again = stratum::parse_request(line);
  FUZZ_CHECK(again && again->id.json == "1" && std::holds_alternative<Message>(again->message));
  return std::get<Message>(again->message);
}

bool assignable(double value) { return bitcoin::Difficulty::from_double(value).has_value(); }

// ------------------------------------------------------------- what our own miner would write of
// it

void check_written(const stratum::Submit& submit) {
  const auto back = read_back<stratum::Submit>(stratum::write_submit(1, submit));
  FUZZ_CHECK(back.worker_name == submit.worker_name && back.job_id == submit.job_id);
  FUZZ_CHECK(back.extranonce2_hex == submit.extranonce2_hex && back.ntime == submit.ntime);
  FUZZ_CHECK(back.nonce == submit.nonce && back.version_bits == submit.version_bits);
}

void check_written(const stratum::CoherenceSubmit& submit) {
  const auto back = read_back<stratum::CoherenceSubmit>(stratum::write_coherence_submit(1, submit));
  FUZZ_CHECK(back.worker_name == submit.worker_name && back.job_id == submit.job_id);
  FUZZ_CHECK(back.attempt == submit.attempt && back.bloom_end == submit.bloom_end);
  FUZZ_CHECK(back.r_q == submit.r_q && back.psi_q == submit.psi_q);
  FUZZ_CHECK(back.cert_hash == submit.cert_hash);
}

void check_written(const stratum::Subscribe& subscribe) {
  const auto back = read_back<stratum::Subscribe>(stratum::write_subscribe(1, subscribe));
  FUZZ_CHECK(back.user_agent == subscribe.user_agent && back.session_id == subscribe.session_id);
}

void check_written(const stratum::Authorize& authorize) {
  const auto back = read_back<stratum::Authorize>(stratum::write_authorize(1, authorize));
  FUZZ_CHECK(back.username == authorize.username && back.password == authorize.password);
}

void check_written(const stratum::Configure& configure) {
  FUZZ_CHECK(configure.extensions.size() <= 16);
  const auto back = read_back<stratum::Configure>(stratum::write_configure(1, configure));
  FUZZ_CHECK(back.extensions == configure.extensions);
  FUZZ_CHECK(back.version_rolling_mask == configure.version_rolling_mask);
  FUZZ_CHECK(back.version_rolling_min_bit_count == configure.version_rolling_min_bit_count);
  if (configure.minimum_difficulty && assignable(*configure.minimum_difficulty)) {
    FUZZ_CHECK(back.minimum_difficulty == configure.minimum_difficulty);
  }
  FUZZ_CHECK(back.coherence_version == configure.coherence_version);
  FUZZ_CHECK(back.coherence_only == configure.coherence_only);
}

void check_written(const stratum::SuggestDifficulty& suggest) {
  FUZZ_CHECK(std::isfinite(suggest.difficulty));
  const auto difficulty = bitcoin::Difficulty::from_double(suggest.difficulty);
  if (!difficulty) return;
  const std::string line = stratum::write_suggest_difficulty(1, *difficulty);
  FUZZ_CHECK(read_back<stratum::SuggestDifficulty>(line).difficulty == suggest.difficulty);
}

void check_written(const stratum::SuggestTarget& suggest) {
  FUZZ_CHECK(suggest.target != decltype(suggest.target){});
}

void check_written(const stratum::Malformed& malformed) {
  FUZZ_CHECK(!malformed.method.empty() && !malformed.why.empty() && malformed.why.size() < 200);
}

void check_written(const stratum::UnknownMethod& unknown) {
  FUZZ_CHECK(unknown.method.size() <= 64);
}

template <class Message>
void check_written(const Message&) {}

// ------------------------------------------------------------- what a pool would answer

std::string detail_of(const stratum::ClientMessage& message) {
  if (const auto* malformed = std::get_if<stratum::Malformed>(&message)) return malformed->why;
  if (const auto* unknown = std::get_if<stratum::UnknownMethod>(&message)) return unknown->method;
  return {};
}

void check_configure_answer(const stratum::RequestId& id, const stratum::Configure& configure) {
  stratum::ConfigureResult result;
  for (const std::string& name : configure.extensions) {
    result.extensions.emplace_back(name, name == "version-rolling");
    if (name == "version-rolling") result.version_rolling_mask = 0x1fffe000;
  }
  fuzz::read_answer(stratum::write_configure_result(id, result), id.json);
}

void check_answers(const stratum::ClientRequest& request) {
  stratum::RequestId id = request.id;
  FUZZ_CHECK(id.json.size() <= 64);
  if (id.json.empty()) {
    id.json = "null";  // as an answer would show it, if a notification got one
    FUZZ_CHECK(request.id.is_notification());
  }
  const std::string detail = detail_of(request.message);
  const auto reason = stratum::RejectReason::malformed;
  fuzz::read_answer(stratum::write_reject(request.id, reason, detail), id.json);
  fuzz::read_answer(stratum::write_error(request.id, reason, detail), id.json);
  std::string line = stratum::write_result_true(request.id);
  fuzz::read_answer(line, id.json);
  line.pop_back();
  const auto answer = stratum::parse_server_message(line);
  FUZZ_CHECK(answer && std::holds_alternative<stratum::ServerResponse>(*answer));
  FUZZ_CHECK(std::get<stratum::ServerResponse>(*answer).id_json == id.json);
  if (const auto* configure = std::get_if<stratum::Configure>(&request.message)) {
    check_configure_answer(id, *configure);
  }
}

bool on_line(std::string_view line) {
  FUZZ_CHECK(!line.empty() && line.size() <= line_bytes_max);
  const auto request = stratum::parse_request(line);
  if (!request) {
    FUZZ_CHECK(!stratum::describe(request.error()).empty());
    return true;
  }
  FUZZ_CHECK(line.find(request->id.json) != std::string_view::npos);
  check_answers(*request);
  std::visit([](const auto& message) { check_written(message); }, request->message);
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
