// Generated messages, both directions: what is written reads back the same, also when another hand
// has spelled the same JSON, and however the bytes arrive.
#include "common/stratum/codec.h"
#include "common/stratum/line_buffer.h"
#include "tests/unit/common/stratum/generated.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

using base::Random;
using generated::any_difficulty;
using generated::any_u32;
using generated::hex;
using generated::name;
using generated::respelled;
using generated::text;

namespace {

constexpr int rounds = 1000;

// Both as written and respelled.
template <class Message>
void for_each_reading(const std::string& line, Random& random, std::string_view id,
                      const std::function<void(const Message&)>& check) {
  REQUIRE(line.find('\n') == line.size() - 1);
  for (const std::string& shape : {line.substr(0, line.size() - 1), respelled(line, random)}) {
    CAPTURE(shape);
    const auto request = stratum::parse_request(shape);
    REQUIRE(request);
    REQUIRE_EQ(request->id.json, id);
    REQUIRE(std::holds_alternative<Message>(request->message));
    check(std::get<Message>(request->message));
  }
}

template <class Message>
void for_each_reading(const std::string& line, Random& random,
                      const std::function<void(const Message&)>& check) {
  REQUIRE(line.find('\n') == line.size() - 1);
  for (const std::string& shape : {line.substr(0, line.size() - 1), respelled(line, random)}) {
    CAPTURE(shape);
    const auto message = stratum::parse_server_message(shape);
    REQUIRE(message);
    REQUIRE(std::holds_alternative<Message>(*message));
    check(std::get<Message>(*message));
  }
}

}  // namespace

TEST_CASE("property: what a miner writes, a pool reads") {
  Random random(1);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    const std::uint64_t id = random.next() >> random.below(64);
    const std::string id_json = std::to_string(id);

    stratum::Submit submit{name(random),    text(random, 16), hex(random, random.below(17)),
                           any_u32(random), any_u32(random),  std::nullopt};
    if (random.below(2) == 0) submit.version_bits = any_u32(random);
    for_each_reading<stratum::Submit>(stratum::write_submit(id, submit), random, id_json,
                                      [&](const stratum::Submit& back) {
                                        CHECK_EQ(back.worker_name, submit.worker_name);
                                        CHECK_EQ(back.job_id, submit.job_id);
                                        CHECK_EQ(back.extranonce2_hex, submit.extranonce2_hex);
                                        CHECK_EQ(back.ntime, submit.ntime);
                                        CHECK_EQ(back.nonce, submit.nonce);
                                        CHECK_EQ(back.version_bits, submit.version_bits);
                                      });

    const stratum::Subscribe subscribe{text(random, 40), text(random, 20)};
    for_each_reading<stratum::Subscribe>(stratum::write_subscribe(id, subscribe), random, id_json,
                                         [&](const stratum::Subscribe& back) {
                                           CHECK_EQ(back.user_agent, subscribe.user_agent);
                                           CHECK_EQ(back.session_id, subscribe.session_id);
                                         });

    const stratum::Authorize authorize{name(random), text(random, 40)};
    for_each_reading<stratum::Authorize>(stratum::write_authorize(id, authorize), random, id_json,
                                         [&](const stratum::Authorize& back) {
                                           CHECK_EQ(back.username, authorize.username);
                                           CHECK_EQ(back.password, authorize.password);
                                         });
  }
}

TEST_CASE("property: configure and suggest_difficulty, with numbers at their limits") {
  Random random(2);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    stratum::Configure configure;
    for (std::size_t i = random.below(17); i > 0; --i) {
      configure.extensions.push_back(std::to_string(i) + text(random, 15));
    }
    if (random.below(2) == 0) configure.version_rolling_mask = any_u32(random);
    if (random.below(2) == 0) {
      configure.version_rolling_min_bit_count = static_cast<std::uint32_t>(random.below(33));
    }
    if (random.below(2) == 0) configure.minimum_difficulty = any_difficulty(random);
    for_each_reading<stratum::Configure>(
        stratum::write_configure(7, configure), random, "7", [&](const stratum::Configure& back) {
          CHECK_EQ(back.extensions, configure.extensions);
          CHECK_EQ(back.version_rolling_mask, configure.version_rolling_mask);
          CHECK_EQ(back.version_rolling_min_bit_count, configure.version_rolling_min_bit_count);
          CHECK_EQ(back.minimum_difficulty, configure.minimum_difficulty);
        });

    const auto difficulty = bitcoin::Difficulty::from_double(any_difficulty(random));
    REQUIRE(difficulty);
    for_each_reading<stratum::SuggestDifficulty>(stratum::write_suggest_difficulty(8, *difficulty),
                                                 random, "8",
                                                 [&](const stratum::SuggestDifficulty& back) {
                                                   CHECK_EQ(back.difficulty, difficulty->value());
                                                 });
  }
}

TEST_CASE("property: what a pool writes, a miner reads") {
  Random random(3);
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    stratum::Notify notify;
    notify.job_id = text(random, 16);
    for (auto& byte : notify.prev_hash.bytes) byte = static_cast<std::uint8_t>(random.next());
    notify.coinb1.resize(random.below(200), static_cast<std::uint8_t>(round));
    notify.coinb2.resize(random.below(200), static_cast<std::uint8_t>(round + 1));
    notify.merkle_branch.resize(random.below(33));
    for (auto& sibling : notify.merkle_branch) sibling.bytes.fill(static_cast<std::uint8_t>(round));
    notify.version = any_u32(random);
    notify.nbits = any_u32(random);
    notify.ntime = any_u32(random);
    notify.clean_jobs = random.below(2) == 0;
    for_each_reading<stratum::Notify>(stratum::write_notify(notify), random,
                                      [&](const stratum::Notify& back) {
                                        CHECK_EQ(back.job_id, notify.job_id);
                                        CHECK(back.prev_hash == notify.prev_hash);
                                        CHECK_EQ(back.coinb1, notify.coinb1);
                                        CHECK_EQ(back.coinb2, notify.coinb2);
                                        CHECK(back.merkle_branch == notify.merkle_branch);
                                        CHECK_EQ(back.version, notify.version);
                                        CHECK_EQ(back.nbits, notify.nbits);
                                        CHECK_EQ(back.ntime, notify.ntime);
                                        CHECK_EQ(back.clean_jobs, notify.clean_jobs);
                                      });

    const auto difficulty = *bitcoin::Difficulty::from_double(any_difficulty(random));
    CHECK_EQ(difficulty.text().find_first_not_of("0123456789."), std::string::npos);
    CHECK_FALSE(difficulty.text().ends_with(".0"));
    for_each_reading<stratum::SetDifficulty>(
        stratum::write_set_difficulty(difficulty), random,
        [&](const stratum::SetDifficulty& back) { CHECK(back.difficulty == difficulty); });

    const std::uint32_t mask = any_u32(random);
    for_each_reading<stratum::SetVersionMask>(
        stratum::write_set_version_mask(mask), random,
        [&](const stratum::SetVersionMask& back) { CHECK_EQ(back.mask, mask); });

    const std::string shown = text(random, 60);
    for_each_reading<stratum::ShowMessage>(
        stratum::write_show_message(shown), random,
        [&](const stratum::ShowMessage& back) { CHECK_EQ(back.text, shown); });
  }
}

TEST_CASE("property: an id of any kind comes back to the letter") {
  Random random(4);
  for (int round = 0; round < rounds; ++round) {
    std::string id;
    switch (random.below(6)) {
      case 0:
        id = std::to_string(random.next());
        break;
      case 1:
        id = "-" + std::to_string(any_u32(random));
        break;
      case 2:
        id = std::to_string(random.below(100)) + ".50e" + "+-"[random.below(2)] +
             std::to_string(random.below(300));
        break;
      case 3:
        id = random.below(2) == 0 ? "true" : "false";
        break;
      default:
        id = generated::spell_string(text(random, 8), random);
        break;
    }
    CAPTURE(id);
    const auto request =
        stratum::parse_request("{\"params\":[],\"id\" : " + id + " ,\"method\":\"mining.ping\"}");
    if (id.size() > 64) {
      REQUIRE_FALSE(request);
      CHECK_EQ(request.error(), stratum::ProtocolError::bad_id);
      continue;
    }
    REQUIRE(request);
    CHECK_EQ(request->id.json, id);
    CHECK_FALSE(request->id.is_notification());
    const std::string begin = "{\"id\":" + id + ",\"result\":";
    const auto reason = stratum::RejectReason::stale;
    for (const std::string& answer :
         {stratum::write_result_true(request->id), stratum::write_reject(request->id, reason),
          stratum::write_error(request->id, reason, text(random, 20)),
          stratum::write_subscribe_result(request->id, {"ab", {1, 2, 3, 4}, 8}),
          stratum::write_configure_result(request->id, {{{text(random, 9), true}}, {}})}) {
      CAPTURE(answer);
      CHECK(answer.starts_with(begin));
      const auto back =
          stratum::parse_server_message(std::string_view(answer).substr(0, answer.size() - 1));
      REQUIRE(back);
      REQUIRE(std::holds_alternative<stratum::ServerResponse>(*back));
      CHECK_EQ(std::get<stratum::ServerResponse>(*back).id_json, id);
    }
  }
}

TEST_CASE(
    "property: a submit's numbers in every spelling that miners use, and none beyond 32 bits") {
  Random random(5);
  const auto parse = [](const std::string& nonce) {
    return stratum::parse_request(R"({"id":1,"method":"mining.submit","params":["w","1","","0",)" +
                                  nonce + "]}");
  };
  for (int round = 0; round < rounds; ++round) {
    const std::uint32_t value = any_u32(random);
    std::string digits = base::u32_hex(value);
    const std::size_t zeros = std::min<std::size_t>(digits.find_first_not_of('0'), 7);
    std::string upper = digits;
    for (char& c : upper) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    const std::string shorter = digits.substr(random.below(zeros + 1));
    for (const std::string& spelled :
         {"\"" + digits + "\"", "\"" + upper + "\"", "\"" + shorter + "\"",
          "\"  " + shorter + " \"", std::to_string(value)}) {
      CAPTURE(spelled);
      const auto request = parse(spelled);
      REQUIRE(request);
      REQUIRE(std::holds_alternative<stratum::Submit>(request->message));
      CHECK_EQ(std::get<stratum::Submit>(request->message).nonce, value);
    }
    const std::uint64_t beyond =
        (std::uint64_t{1} << 32) + (random.next() >> (1 + random.below(31)));
    for (const std::string& spelled :
         {std::to_string(beyond), "-" + std::to_string(value), std::to_string(value) + ".5",
          "\"1" + digits + "\"", "\"-" + shorter + "\"", "\"0x" + digits.substr(2) + "\"",
          std::to_string(value) + "e1", std::string("null"), "[" + std::to_string(value) + "]"}) {
      CAPTURE(spelled);
      const auto request = parse(spelled);
      REQUIRE(request);
      CHECK(std::holds_alternative<stratum::Malformed>(request->message));
    }
  }
}

TEST_CASE("property: a stream of messages, byte by byte, in random pieces and whole") {
  Random random(6);
  std::string stream;
  std::vector<stratum::Submit> sent;
  for (int i = 0; i < 200; ++i) {
    sent.push_back({name(random), text(random, 9), hex(random, 8), any_u32(random), any_u32(random),
                    std::nullopt});
    stream += respelled(stratum::write_submit(1, sent.back()), random);
    stream += random.below(3) == 0 ? "\r\n" : "\n";
    if (random.below(5) == 0) stream += " \r\n\n";
  }
  for (const std::size_t piece_max : {1, 2, 7, 100, 1'000'000}) {
    CAPTURE(piece_max);
    stratum::LineBuffer lines(16 * 1024);
    std::size_t at = 0;
    const auto on_line = [&](std::string_view line) {
      const auto request = stratum::parse_request(line);
      REQUIRE(request);
      REQUIRE(std::holds_alternative<stratum::Submit>(request->message));
      const auto& back = std::get<stratum::Submit>(request->message);
      REQUIRE_LT(at, sent.size());
      CHECK_EQ(back.worker_name, sent[at].worker_name);
      CHECK_EQ(back.job_id, sent[at].job_id);
      CHECK_EQ(back.nonce, sent[at].nonce);
      ++at;
      return true;
    };
    std::string_view rest = stream;
    while (!rest.empty()) {
      const std::size_t piece = std::min<std::size_t>(1 + random.below(piece_max), rest.size());
      REQUIRE(lines.push(base::as_bytes(rest.substr(0, piece)), on_line));
      rest.remove_prefix(piece);
    }
    CHECK_EQ(at, sent.size());
  }
}
