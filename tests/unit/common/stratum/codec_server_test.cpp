#include "common/stratum/codec.h"

#include <doctest/doctest.h>

#include <string>

namespace {

stratum::ServerMessage parse(std::string_view line) {
  const auto message = stratum::parse_server_message(line);
  REQUIRE(message);
  return *message;
}

template <class Message>
Message read(std::string_view line) {
  const auto message = parse(line);
  REQUIRE(std::holds_alternative<Message>(message));
  return std::get<Message>(message);
}

std::string_view without_newline(std::string_view line) {
  REQUIRE(line.ends_with('\n'));
  return line.substr(0, line.size() - 1);
}

stratum::Notify sample_notify(std::size_t branches) {
  stratum::Notify notify;
  notify.job_id = "00000000000000a1";
  for (std::size_t i = 0; i < 32; ++i) notify.prev_hash.bytes[i] = static_cast<std::uint8_t>(i);
  notify.coinb1 = {1, 2, 3};
  notify.coinb2 = {0xfe, 0xff};
  for (std::size_t i = 0; i < branches; ++i) {
    bitcoin::Hash256 hash;
    hash.bytes.fill(static_cast<std::uint8_t>(i));
    notify.merkle_branch.push_back(hash);
  }
  notify.version = 0x20000000;
  notify.nbits = 0x207fffff;
  notify.ntime = 0x685468d7;
  notify.clean_jobs = branches % 2 == 0;
  return notify;
}

std::string notify_line(std::string_view nbits, std::string_view branch) {
  return "{\"id\":null,\"method\":\"mining.notify\",\"params\":[\"1\",\"" + std::string(64, '0') +
         "\",\"00\",\"00\"," + std::string(branch) + ",\"20000000\"," + std::string(nbits) +
         ",\"685468d7\",true]}";
}

}  // namespace

TEST_CASE("a notify survives the wire") {
  for (const std::size_t branches : {0u, 1u, 12u, 32u}) {
    CAPTURE(branches);
    const stratum::Notify sent = sample_notify(branches);
    const auto read_back = read<stratum::Notify>(without_newline(stratum::write_notify(sent)));
    CHECK_EQ(read_back.job_id, sent.job_id);
    CHECK_EQ(read_back.prev_hash, sent.prev_hash);
    CHECK_EQ(read_back.coinb1, sent.coinb1);
    CHECK_EQ(read_back.coinb2, sent.coinb2);
    CHECK_EQ(read_back.merkle_branch, sent.merkle_branch);
    CHECK_EQ(read_back.version, sent.version);
    CHECK_EQ(read_back.nbits, sent.nbits);
    CHECK_EQ(read_back.ntime, sent.ntime);
    CHECK_EQ(read_back.clean_jobs, sent.clean_jobs);
  }
}

TEST_CASE("a notify that can't be used names its field") {
  std::string many = "[";
  for (int i = 0; i < 33; ++i) many += (i ? ",\"" : "\"") + std::string(64, '0') + "\"";
  many += "]";
  struct Row {
    const char* why;
    std::string line;
    const char* field;
  };
  const Row rows[] = {
      {"nbits not hex", notify_line("\"zz\"", "[]"), "nbits: "},
      {"branch not an array", notify_line("\"207fffff\"", "\"x\""), "merkle_branch: "},
      {"branch of 33: no block has so many", notify_line("\"207fffff\"", many), "merkle_branch: "},
      {"a sibling of 31 bytes", notify_line("\"207fffff\"", "[\"" + std::string(62, '0') + "\"]"),
       "merkle_branch: "},
      {"no params", R"({"id":null,"method":"mining.notify"})", "job_id: "},
      {"prevhash short", R"({"id":null,"method":"mining.notify","params":["1","00"]})",
       "prevhash: "},
  };
  CHECK(std::holds_alternative<stratum::Notify>(parse(notify_line("\"207fffff\"", "[]"))));
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto message = read<stratum::UnknownServerMethod>(row.line);
    CHECK_EQ(message.method, "mining.notify");
    CHECK_EQ(message.why.find(row.field), 0);
  }
}

TEST_CASE("a job id of either kind has at most 128 bytes") {
  for (const std::size_t size : {128u, 129u, 200'000u}) {
    CAPTURE(size);
    stratum::Notify notify = sample_notify(1);
    notify.job_id = std::string(size, 'j');
    const auto heard = parse(without_newline(stratum::write_notify(notify)));
    const stratum::CoherenceNotify coherence{notify.job_id, {}, 0, true, 7};
    const auto other = parse(without_newline(stratum::write_coherence_notify(coherence)));
    if (size == 128) {
      CHECK(std::holds_alternative<stratum::Notify>(heard));
      CHECK(std::holds_alternative<stratum::CoherenceNotify>(other));
      continue;
    }
    for (const auto& message : {heard, other}) {
      REQUIRE(std::holds_alternative<stratum::UnknownServerMethod>(message));
      const auto& unusable = std::get<stratum::UnknownServerMethod>(message);
      CHECK(unusable.why.starts_with("job_id: "));
      CHECK(unusable.why.ends_with("is not at most 128 bytes"));
      CHECK_LT(unusable.why.size(), 200);
    }
  }
}

TEST_CASE("difficulty as number or string, in range") {
  CHECK_EQ(read<stratum::SetDifficulty>(
               R"({"id":null,"method":"mining.set_difficulty","params":[1024]})")
               .difficulty.value(),
           1024);
  CHECK_EQ(read<stratum::SetDifficulty>(
               R"({"id":null,"method":"mining.set_difficulty","params":["0.5"]})")
               .difficulty.value(),
           0.5);
  for (const char* params : {"[0]", "[-1]", "[]", "[null]", "[1e300]", "[\"x\"]"}) {
    CAPTURE(params);
    const auto message = read<stratum::UnknownServerMethod>(
        "{\"id\":null,\"method\":\"mining.set_difficulty\",\"params\":" + std::string(params) +
        "}");
    CHECK_EQ(message.why.find("difficulty: "), 0);
  }
}

TEST_CASE("the smaller messages survive the wire") {
  CHECK_EQ(
      read<stratum::SetVersionMask>(without_newline(stratum::write_set_version_mask(0x1fffe000)))
          .mask,
      0x1fffe000u);
  const base::Bytes extranonce1 = {8, 0, 0, 2};
  const auto extranonce =
      read<stratum::SetExtranonce>(without_newline(stratum::write_set_extranonce(extranonce1, 4)));
  CHECK_EQ(extranonce.extranonce1, extranonce1);
  CHECK_EQ(extranonce.extranonce2_size, 4);
  CHECK_EQ(read<stratum::ShowMessage>(without_newline(stratum::write_show_message("a\"b"))).text,
           "a\"b");
  const auto away =
      read<stratum::Reconnect>(without_newline(stratum::write_reconnect({"host", 3333, 5})));
  CHECK_EQ(away.host, "host");
  CHECK_EQ(away.port, 3333);
  CHECK_EQ(away.wait_seconds, 5);
  CHECK_EQ(read<stratum::Reconnect>(without_newline(stratum::write_reconnect({}))).host, "");
  CHECK_EQ(read<stratum::Reconnect>(
               R"({"id":null,"method":"client.reconnect","params":["h","3333","5"]})")
               .port,
           3333);
  CHECK_EQ(
      read<stratum::GetVersion>(R"({"id":1,"method":"client.get_version","params":[]})").id_json,
      "1");
  CHECK_EQ(read<stratum::ServerPing>(R"({"id":"p","method":"mining.ping","params":[]})").id_json,
           "\"p\"");
  const auto unknown =
      read<stratum::UnknownServerMethod>(R"({"id":null,"method":"mining.set_colour","params":[]})");
  CHECK_EQ(unknown.method, "mining.set_colour");
  CHECK_EQ(unknown.why, "");
}

TEST_CASE("answers, in the forms that pools give them") {
  struct Row {
    const char* why;
    const char* line;
    const char* result;
    bool accepted;
    int code;
    const char* text;
  };
  const Row rows[] = {
      {"yes", R"({"id":7,"result":true,"error":null})", "true", true, 0, ""},
      {"yes, without an error key", R"({"id":7,"result":true})", "true", true, 0, ""},
      {"a result with structure", R"({"id":7,"result":[ [], "00" ,8],"error":null})",
       R"([ [], "00" ,8])", true, 0, ""},
      {"an object, error first", R"({"error":null,"id":7,"result":{"a":true}})", R"({"a":true})",
       true, 0, ""},
      {"no", R"({"id":7,"result":false,"error":null})", "false", false, 0, ""},
      {"null and null", R"({"id":7,"result":null,"error":null})", "null", false, 0, ""},
      {"ckpool's reject", R"({"id":7,"result":false,"error":[23,"Low difficulty share",null]})",
       "false", false, 23, "Low difficulty share"},
      {"btcpool's reject", R"({"id":7,"result":null,"error":[21,"Job not found",null]})", "null",
       false, 21, "Job not found"},
      {"an error wins over a result", R"({"id":7,"result":true,"error":[20,"x",null]})", "true",
       false, 20, "x"},
      {"a bare string", R"({"id":7,"result":false,"error":"Stale"})", "false", false, 0, "Stale"},
      {"JSON-RPC 2", R"({"id":7,"error":{"code":-32601,"message":"Method not found"}})", "null",
       false, -32601, "Method not found"},
      {"an error of no known form", R"({"id":7,"result":null,"error":17})", "null", false, 0, "17"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto response = read<stratum::ServerResponse>(row.line);
    CHECK_EQ(response.id_json, "7");
    CHECK_EQ(response.result_json, row.result);
    CHECK_EQ(response.accepted, row.accepted);
    CHECK_EQ(response.error_code, row.code);
    CHECK_EQ(response.error_text, row.text);
  }
}

TEST_CASE("lines that are no message") {
  CHECK_EQ(stratum::parse_server_message("HTTP/1.1 400").error(), stratum::ProtocolError::not_json);
  CHECK_EQ(stratum::parse_server_message("[]").error(), stratum::ProtocolError::not_an_object);
  CHECK_EQ(stratum::parse_server_message("{\"id\":1}").error(), stratum::ProtocolError::no_method);
  CHECK_EQ(stratum::parse_server_message("{\"id\":[[[[[[[[[]]]]]]]]]}").error(),
           stratum::ProtocolError::too_deep);
}

TEST_CASE("the result of subscribe") {
  const auto ours = stratum::parse_subscribe_result(
      R"([[["mining.set_difficulty","6a0b51c3d"],["mining.notify","6a0b51c3n"]],"6a0b51c3",8])");
  REQUIRE(ours);
  CHECK_EQ(ours->session_id, "6a0b51c3n");
  CHECK_EQ(base::to_hex(ours->extranonce1), "6a0b51c3");
  CHECK_EQ(ours->extranonce2_size, 8);
  const auto old_server =
      stratum::parse_subscribe_result(R"([["mining.notify","ae68"],"08000002",4])");
  REQUIRE(old_server);
  CHECK_EQ(old_server->session_id, "ae68");
  const auto no_subscriptions = stratum::parse_subscribe_result(R"([null,"",16])");
  REQUIRE(no_subscriptions);
  CHECK_EQ(no_subscriptions->extranonce2_size, 16);
  struct Row {
    const char* json;
    const char* why;
  };
  const Row rows[] = {
      {"true", "subscribe result: not an array"},
      {"", "subscribe result: not an array"},
      {"[[],\"0\",4]", "subscribe result: extranonce1: \"0\" is not an even number of hex digits"},
      {"[[],\"00\"]",
       "subscribe result: extranonce2_size: a missing value is not an integer from 0 to 32"},
      {"[[],\"00\",33]", "subscribe result: extranonce2_size: 33 is not an integer from 0 to 32"},
      {"[[],\"00\",-1]", "subscribe result: extranonce2_size: -1 is not an integer from 0 to 32"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json);
    const auto result = stratum::parse_subscribe_result(row.json);
    REQUIRE_FALSE(result);
    CHECK_EQ(result.error(), row.why);
  }
  CHECK_FALSE(stratum::parse_subscribe_result("[[],\"" + std::string(66, '0') + "\",4]"));
}

TEST_CASE("the result of configure") {
  const auto result = stratum::parse_configure_result(
      R"({"version-rolling":true,"version-rolling.mask":"1fffe000","minimum-difficulty":false,"foo":"no"})");
  REQUIRE(result);
  using Extensions = std::vector<std::pair<std::string, bool>>;
  CHECK(result->extensions ==
        Extensions{{"version-rolling", true}, {"minimum-difficulty", false}, {"foo", false}});
  CHECK_EQ(result->version_rolling_mask, 0x1fffe000u);
  CHECK_FALSE(stratum::parse_configure_result("[]"));
  CHECK_EQ(stratum::parse_configure_result("{\"version-rolling.mask\":\"x\"}").error(),
           "configure result: version-rolling.mask: \"x\" is not 1 to 8 hex digits");
}
