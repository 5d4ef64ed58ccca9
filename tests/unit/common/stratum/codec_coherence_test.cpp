// The messages of coherence work, both directions, byte for byte; and that nothing is tolerated.
#include "common/stratum/codec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using stratum::CoherenceNotify;
using stratum::CoherenceSubmit;

template <class Message>
Message read_request(std::string line) {
  REQUIRE(line.ends_with('\n'));
  line.pop_back();
  const auto request = stratum::parse_request(line);
  REQUIRE(request);
  REQUIRE(std::holds_alternative<Message>(request->message));
  return std::get<Message>(request->message);
}

template <class Message>
Message read_line(std::string line) {
  REQUIRE(line.ends_with('\n'));
  line.pop_back();
  const auto message = stratum::parse_server_message(line);
  REQUIRE(message);
  REQUIRE(std::holds_alternative<Message>(*message));
  return std::get<Message>(*message);
}

const std::string cert_hash = "afe6871b2223869c5f02fb5f6dec794be40e16ff804d7e13d2047731eeefc1a7";

// A good submit's params, one of them replaced.
std::string submit_with(std::size_t which, const std::string& json) {
  std::vector<std::string> params = {
      R"("addr.rig")", R"("0000000000000001")", R"("00000000000003e9")", "5660", "58321",
      "22086",         "\"" + cert_hash + "\""};
  if (which < params.size()) params[which] = json;
  std::string line = R"({"id":4,"method":"coherence.submit","params":[)";
  for (std::size_t i = 0; i < params.size(); ++i) line += (i == 0 ? "" : ",") + params[i];
  return line + "]}\n";
}

std::string notify_with(std::size_t which, const std::string& json) {
  std::vector<std::string> params = {R"("0000000000000001")", "\"" + std::string(152, '0') + "\"",
                                     R"("00010002")", "true", "7"};
  if (which < params.size()) params[which] = json;
  std::string line = R"({"id":null,"method":"coherence.notify","params":[)";
  for (std::size_t i = 0; i < params.size(); ++i) line += (i == 0 ? "" : ",") + params[i];
  return line + "]}\n";
}

}  // namespace

TEST_CASE("coherence work is asked for and granted in mining.configure") {
  stratum::Configure configure;
  configure.extensions = {"coherence"};
  configure.coherence_version = 1;
  std::string line = stratum::write_configure(1, configure);
  CHECK_EQ(line,
           "{\"id\":1,\"method\":\"mining.configure\",\"params\":[[\"coherence\"],"
           "{\"coherence.version\":1}]}\n");
  auto back = read_request<stratum::Configure>(line);
  CHECK_EQ(back.coherence_version, 1u);
  CHECK_FALSE(back.coherence_only);

  configure.coherence_only = true;
  line = stratum::write_configure(1, configure);
  CHECK(line.find(R"({"coherence.version":1,"coherence.only":true})") != std::string::npos);
  back = read_request<stratum::Configure>(line);
  CHECK(back.coherence_only);

  stratum::ConfigureResult result;
  result.extensions = {{"version-rolling", true}, {"coherence", true}};
  result.version_rolling_mask = 0x1fffe000;
  result.coherence_version = 1;
  const std::string answer = stratum::write_configure_result({"1"}, result);
  CHECK_EQ(answer,
           "{\"id\":1,\"result\":{\"version-rolling\":true,\"version-rolling.mask\":\"1fffe000\","
           "\"coherence\":true,\"coherence.version\":1},\"error\":null}\n");
  const auto response = read_line<stratum::ServerResponse>(answer);
  const auto parsed = stratum::parse_configure_result(response.result_json);
  REQUIRE(parsed);
  CHECK_EQ(parsed->extensions, result.extensions);
  CHECK_EQ(parsed->coherence_version, 1u);

  result = {};
  result.extensions = {{"coherence", false}};
  CHECK_EQ(stratum::write_configure_result({"1"}, result),
           "{\"id\":1,\"result\":{\"coherence\":false},\"error\":null}\n");
}

TEST_CASE("a version that can't be read is as good as none, and only true is true") {
  for (const char* version : {"\"1\"", "1.0", "-1", "true", "null", "4294967296"}) {
    CAPTURE(version);
    const auto configure = read_request<stratum::Configure>(
        R"({"id":1,"method":"mining.configure","params":[["coherence"],{"coherence.version":)" +
        std::string(version) + "}]}\n");
    CHECK_FALSE(configure.coherence_version);
  }
  for (const char* only : {"\"true\"", "1", "false", "null"}) {
    CAPTURE(only);
    const auto configure = read_request<stratum::Configure>(
        R"({"id":1,"method":"mining.configure","params":[["coherence"],{"coherence.only":)" +
        std::string(only) + "}]}\n");
    CHECK_FALSE(configure.coherence_only);
  }
}

TEST_CASE("who asks for the option's name as an extension gets no key twice") {
  stratum::ConfigureResult result;
  result.extensions = {{"coherence", true}, {"coherence.version", false}};
  result.coherence_version = 1;
  CHECK_EQ(stratum::write_configure_result({"1"}, result),
           "{\"id\":1,\"result\":{\"coherence\":true,\"coherence.version\":1},\"error\":null}\n");
}

TEST_CASE("what the pool says of coherence work") {
  const std::string extranonce = stratum::write_coherence_set_extranonce(0x0123456789abcdef);
  CHECK_EQ(extranonce,
           "{\"id\":null,\"method\":\"coherence.set_extranonce\",\"params\":[\"0123456789abcdef\"]}"
           "\n");
  CHECK_EQ(read_line<stratum::CoherenceSetExtranonce>(extranonce).extranonce, 0x0123456789abcdefu);

  const base::U256 target = (base::U256(0xab) << 248) + base::U256(0xcd);
  const std::string set = stratum::write_coherence_set_target(target);
  CHECK_EQ(set, "{\"id\":null,\"method\":\"coherence.set_target\",\"params\":[\"ab" +
                    std::string(60, '0') + "cd\"]}\n");
  CHECK_EQ(read_line<stratum::CoherenceSetTarget>(set).target, target);

  CoherenceNotify notify;
  notify.job_id = "000000000000002a";
  for (std::size_t i = 0; i < notify.header.size(); ++i) {
    notify.header[i] = static_cast<std::uint8_t>(i);
  }
  notify.params = 0x00010003;
  notify.clean = true;
  notify.height = 11;
  const std::string line = stratum::write_coherence_notify(notify);
  CHECK_EQ(
      line,
      "{\"id\":null,\"method\":\"coherence.notify\",\"params\":[\"000000000000002a\","
      "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b"
      "2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b\",\"00010003\",true,11]}"
      "\n");
  auto back = read_line<CoherenceNotify>(line);
  CHECK_EQ(back.job_id, notify.job_id);
  CHECK_EQ(back.header, notify.header);
  CHECK_EQ(back.params, notify.params);
  CHECK(back.clean);
  CHECK_EQ(back.height, 11u);

  notify.clean = false;
  notify.height.reset();  // a pool may leave it out
  back = read_line<CoherenceNotify>(stratum::write_coherence_notify(notify));
  CHECK_FALSE(back.clean);
  CHECK_FALSE(back.height);
}

TEST_CASE("what a miner says of a bloom") {
  CoherenceSubmit submit;
  submit.worker_name = "bcrt1q.rig \"1\"";
  submit.job_id = "000000000000002a";
  submit.attempt = 0xfedcba9876543210;
  submit.bloom_end = 5660;
  submit.r_q = 58321;
  submit.psi_q = 22086;
  for (std::size_t i = 0; i < 32; ++i) submit.cert_hash[i] = static_cast<std::uint8_t>(0xe0 + i);
  const std::string line = stratum::write_coherence_submit(4, submit);
  CHECK_EQ(line,
           "{\"id\":4,\"method\":\"coherence.submit\",\"params\":[\"bcrt1q.rig \\\"1\\\"\","
           "\"000000000000002a\",\"fedcba9876543210\",5660,58321,22086,"
           "\"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff\"]}\n");
  const auto back = read_request<CoherenceSubmit>(line);
  CHECK_EQ(back.worker_name, submit.worker_name);
  CHECK_EQ(back.job_id, submit.job_id);
  CHECK_EQ(back.attempt, submit.attempt);
  CHECK_EQ(back.bloom_end, submit.bloom_end);
  CHECK_EQ(back.r_q, submit.r_q);
  CHECK_EQ(back.psi_q, submit.psi_q);
  CHECK_EQ(back.cert_hash, submit.cert_hash);
}

TEST_CASE("a submit's field that is absent, of the wrong type, length or case is named") {
  struct Row {
    const char* why;
    std::size_t field;
    std::string json;
    const char* named;
  };
  std::string capitals = cert_hash;
  std::transform(capitals.begin(), capitals.end(), capitals.begin(),
                 [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  const Row rows[] = {
      {"no name", 0, "null", "worker_name: null is not a string"},
      {"a number for a name", 0, "7", "worker_name: 7 is not a string"},
      {"a number for a job", 1, "1", "job_id: 1 is not a string"},
      {"no attempt", 2, "null", "attempt: null is not 16 lower-case hex digits"},
      {"a number for an attempt", 2, "1001", "attempt: 1001 is not"},
      {"too short", 2, R"("0000000000003e9")", "attempt: "},
      {"too long", 2, R"("000000000000003e9")", "attempt: "},
      {"empty", 2, R"("")", "attempt: "},
      {"capitals", 2, R"("00000000000003E9")", "attempt: \"00000000000003E9\" is not"},
      {"a prefix", 2, R"("0x000000000003e9")", "attempt: "},
      {"a sign", 2, R"("-000000000003e9")", "attempt: "},
      {"blanks", 2, R"("  000000000003e9")", "attempt: "},
      {"a list", 2, "[]", "attempt: [] is not"},
      {"a string for a number", 3, R"("5660")", "bloom_end: \"5660\" is not a JSON integer"},
      {"a sign", 3, "-1", "bloom_end: -1 is not a JSON integer"},
      {"a fraction", 3, "5660.0", "bloom_end: 5660.0 is not"},
      {"an exponent", 3, "5e3", "bloom_end: 5e3 is not"},
      {"beyond 32 bits", 3, "4294967296", "bloom_end: 4294967296 is not"},
      {"null", 3, "null", "bloom_end: null is not"},
      {"true", 4, "true", "r_q: true is not"},
      {"a sign", 4, "-1", "r_q: -1 is not"},
      {"an object", 5, "{}", "psi_q: {} is not"},
      {"beyond 64 bits", 5, "18446744073709551616", "psi_q: "},
      {"short", 6, "\"" + cert_hash.substr(2) + "\"", "cert_hash: "},
      {"long", 6, "\"" + cert_hash + "00\"", "cert_hash: "},
      {"capitals", 6, "\"" + capitals + "\"", "cert_hash: "},
      {"not hex", 6, "\"" + std::string(64, 'g') + "\"", "cert_hash: "},
      {"a number", 6, "0", "cert_hash: 0 is not 64 lower-case hex digits"},
  };
  CHECK_EQ(read_request<CoherenceSubmit>(submit_with(99, "")).attempt, 1001);
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto malformed = read_request<stratum::Malformed>(submit_with(row.field, row.json));
    CHECK_EQ(malformed.method, "coherence.submit");
    CAPTURE(malformed.why);
    CHECK(malformed.why.starts_with(row.named));
  }
  for (const char* params : {"[]", "null", R"(["a","b","00000000000003e9",1,2,3])",
                             R"(["a","b","00000000000003e9",1,2,3,"00",8])"}) {
    CAPTURE(params);
    const auto malformed = read_request<stratum::Malformed>(
        R"({"id":4,"method":"coherence.submit","params":)" + std::string(params) + "}\n");
    CHECK(malformed.why.ends_with("expected 7"));
  }
}

TEST_CASE("a pool's field that can't be read is named too") {
  CHECK_EQ(read_line<CoherenceNotify>(notify_with(99, "")).height, 7u);
  struct Row {
    std::size_t field;
    std::string json;
    const char* named;
  };
  const Row rows[] = {
      {0, "1", "job_id: "},      {1, "\"" + std::string(150, '0') + "\"", "header: "},
      {1, "null", "header: "},   {1, "\"" + std::string(152, 'A') + "\"", "header: "},
      {2, "65538", "params: "},  {2, R"("10002")", "params: "},
      {3, "1", "clean: "},       {3, "null", "clean: "},
      {4, R"("7")", "height: "}, {4, "-1", "height: "},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json);
    const auto message = read_line<stratum::UnknownServerMethod>(notify_with(row.field, row.json));
    CHECK_EQ(message.method, "coherence.notify");
    CHECK(message.why.starts_with(row.named));
  }
  const auto bad = [](const char* method, const std::string& param) {
    return read_line<stratum::UnknownServerMethod>(R"({"id":null,"method":")" +
                                                   std::string(method) + R"(","params":[)" + param +
                                                   "]}\n")
        .why;
  };
  CHECK(bad("coherence.set_extranonce", "").starts_with("extranonce: "));
  CHECK(bad("coherence.set_extranonce", R"("01234567")").starts_with("extranonce: "));
  CHECK(bad("coherence.set_target", "\"" + std::string(64, '0') + "\"").starts_with("target: "));
  CHECK(bad("coherence.set_target", "\"" + std::string(62, '1') + "\"").starts_with("target: "));
}
