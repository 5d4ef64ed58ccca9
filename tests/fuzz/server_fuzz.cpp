// A pool's line, as our miner reads it: whatever can be written again reads back the same.
#include "common/stratum/codec.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/strict_json.h"

#include <string>

namespace {

template <class Message>
Message read_back(std::string line) {
  FUZZ_CHECK(fuzz::read_line(line)["id"].IsNull());
  line.pop_back();
  const auto again = stratum::parse_server_message(line);
  FUZZ_CHECK(again && std::holds_alternative<Message>(*again));
  return std::get<Message>(*again);
}

void check(const stratum::Notify& notify) {
  const auto back = read_back<stratum::Notify>(stratum::write_notify(notify));
  FUZZ_CHECK(back.job_id == notify.job_id && back.prev_hash == notify.prev_hash);
  FUZZ_CHECK(back.coinb1 == notify.coinb1 && back.coinb2 == notify.coinb2);
  FUZZ_CHECK(back.merkle_branch == notify.merkle_branch && back.merkle_branch.size() <= 32);
  FUZZ_CHECK(back.version == notify.version && back.nbits == notify.nbits);
  FUZZ_CHECK(back.ntime == notify.ntime && back.clean_jobs == notify.clean_jobs);
}

void check(const stratum::SetDifficulty& set) {
  const std::string line = stratum::write_set_difficulty(set.difficulty);
  FUZZ_CHECK(read_back<stratum::SetDifficulty>(line).difficulty == set.difficulty);
  // Some firmware reads neither an exponent nor the ".0" of a whole number.
  const std::string text = set.difficulty.text();
  FUZZ_CHECK(text.find_first_not_of("0123456789.") == std::string::npos);
  FUZZ_CHECK(!text.ends_with(".0") && !text.ends_with('.') && !text.starts_with('.'));
}

void check(const stratum::SetVersionMask& set) {
  const std::string line = stratum::write_set_version_mask(set.mask);
  FUZZ_CHECK(read_back<stratum::SetVersionMask>(line).mask == set.mask);
}

void check(const stratum::SetExtranonce& set) {
  FUZZ_CHECK(set.extranonce1.size() <= 32 && set.extranonce2_size <= 32);
  const std::string line = stratum::write_set_extranonce(set.extranonce1, set.extranonce2_size);
  const auto back = read_back<stratum::SetExtranonce>(line);
  FUZZ_CHECK(back.extranonce1 == set.extranonce1);
  FUZZ_CHECK(back.extranonce2_size == set.extranonce2_size);
}

void check(const stratum::CoherenceSetExtranonce& set) {
  const std::string line = stratum::write_coherence_set_extranonce(set.extranonce);
  FUZZ_CHECK(read_back<stratum::CoherenceSetExtranonce>(line).extranonce == set.extranonce);
}

void check(const stratum::CoherenceSetTarget& set) {
  FUZZ_CHECK(!set.target.is_zero());
  const std::string line = stratum::write_coherence_set_target(set.target);
  FUZZ_CHECK(read_back<stratum::CoherenceSetTarget>(line).target == set.target);
}

void check(const stratum::CoherenceNotify& notify) {
  const auto back = read_back<stratum::CoherenceNotify>(stratum::write_coherence_notify(notify));
  FUZZ_CHECK(back.job_id == notify.job_id && back.header == notify.header);
  FUZZ_CHECK(back.params == notify.params && back.clean == notify.clean);
  FUZZ_CHECK(back.height == notify.height);
}

void check(const stratum::Reconnect& reconnect) {
  FUZZ_CHECK(reconnect.port <= 65'535 && reconnect.wait_seconds <= 86'400);
  const auto back = read_back<stratum::Reconnect>(stratum::write_reconnect(reconnect));
  FUZZ_CHECK(back.host == reconnect.host);
  if (reconnect.host.empty()) return;  // "the same host": then nothing else is said
  FUZZ_CHECK(back.port == reconnect.port && back.wait_seconds == reconnect.wait_seconds);
}

void check(const stratum::ShowMessage& show) {
  const auto back = read_back<stratum::ShowMessage>(stratum::write_show_message(show.text));
  FUZZ_CHECK(back.text == show.text);
}

void check(const stratum::GetVersion& get) {
  fuzz::read_answer(stratum::write_version_answer(get.id_json, "fuzz/1"),
                    get.id_json.empty() ? "null" : get.id_json);
}

void check(const stratum::ServerPing& ping) {
  fuzz::read_answer(stratum::write_pong(ping.id_json),
                    ping.id_json.empty() ? "null" : ping.id_json);
}

void check(const stratum::ServerResponse& response) {
  (void)stratum::parse_subscribe_result(response.result_json);
  (void)stratum::parse_configure_result(response.result_json);
  FUZZ_CHECK(!response.accepted || response.error_code == 0);
}

void check(const stratum::UnknownServerMethod& unknown) {
  FUZZ_CHECK(unknown.method.size() <= 64 && unknown.why.size() < 200);
}

void check_subscribe_result(std::string_view json) {
  const auto parsed = stratum::parse_subscribe_result(json);
  if (!parsed) return;
  FUZZ_CHECK(parsed->extranonce1.size() <= 32 && parsed->extranonce2_size <= 32);
  const stratum::RequestId id{"1"};
  const std::string line = stratum::write_subscribe_result(id, *parsed);
  fuzz::read_answer(line, id.json);
  const auto answer =
      stratum::parse_server_message(std::string_view(line).substr(0, line.size() - 1));
  FUZZ_CHECK(answer);
  const auto back =
      stratum::parse_subscribe_result(std::get<stratum::ServerResponse>(*answer).result_json);
  FUZZ_CHECK(back && back->extranonce1 == parsed->extranonce1);
  FUZZ_CHECK(back->extranonce2_size == parsed->extranonce2_size);
  FUZZ_CHECK(back->session_id == parsed->session_id + "n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line = base::as_text({data, size});
  if (const auto message = stratum::parse_server_message(line)) {
    std::visit([](const auto& known) { check(known); }, *message);
  }
  check_subscribe_result(line);
  (void)stratum::parse_configure_result(line);
  return 0;
}
