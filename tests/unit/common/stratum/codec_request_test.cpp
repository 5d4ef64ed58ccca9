// What miners send, as they send it. The reason of a row names the miner or the rule.
#include "common/stratum/codec.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

using stratum::ClientRequest;
using stratum::ProtocolError;

namespace {

ClientRequest parse(std::string_view line) {
  const auto request = stratum::parse_request(line);
  REQUIRE(request);
  return *request;
}

template <class Message>
Message read(std::string_view line) {
  const ClientRequest request = parse(line);
  REQUIRE(std::holds_alternative<Message>(request.message));
  return std::get<Message>(request.message);
}

std::string call(std::string_view method, std::string_view params) {
  return "{\"id\":1,\"method\":\"" + std::string(method) + "\",\"params\":" + std::string(params) +
         "}";
}

std::string why_malformed(const std::string& line) {
  const ClientRequest request = parse(line);
  REQUIRE(std::holds_alternative<stratum::Malformed>(request.message));
  return std::get<stratum::Malformed>(request.message).why;
}

}  // namespace

TEST_CASE("lines that close the connection") {
  struct Row {
    const char* why;
    std::string line;
    ProtocolError error;
  };
  const std::string eight_deep = "{\"id\":1,\"method\":\"m\",\"params\":[[[[[[[]]]]]]]}";
  const std::string nine_deep = "{\"id\":1,\"method\":\"m\",\"params\":[[[[[[[[]]]]]]]]}";
  CHECK(stratum::parse_request(eight_deep));
  const Row rows[] = {
      {"empty", "", ProtocolError::not_json},
      {"HTTP on the Stratum port", "GET / HTTP/1.1", ProtocolError::not_json},
      {"TLS ClientHello", std::string("\x16\x03\x01\x02\x00\x01", 6), ProtocolError::not_json},
      {"cut off", "{\"id\":1,\"method\":\"mining.subscribe\"", ProtocolError::not_json},
      {"ESP-Miner with a quote in its password",
       "{\"id\":3,\"method\":\"mining.authorize\",\"params\":[\"u\",\"p\"w\"]}",
       ProtocolError::not_json},
      {"two objects", "{\"id\":1,\"method\":\"m\"}{\"id\":2}", ProtocolError::not_json},
      {"NUL and more behind the object", std::string("{\"id\":1,\"method\":\"m\"}\0x", 23),
       ProtocolError::not_json},
      {"a NUL inside a string", std::string("{\"id\":1,\"method\":\"m\0\"}", 22),
       ProtocolError::not_json},
      {"not UTF-8", "{\"id\":1,\"method\":\"\xff\"}", ProtocolError::not_json},
      {"comment", "{\"id\":1/**/,\"method\":\"m\"}", ProtocolError::not_json},
      {"trailing comma", "{\"id\":1,\"method\":\"m\",}", ProtocolError::not_json},
      {"NaN", "{\"id\":NaN,\"method\":\"m\"}", ProtocolError::not_json},
      {"JSON-RPC batch", "[{\"id\":1,\"method\":\"m\"}]", ProtocolError::not_an_object},
      {"a number", "12", ProtocolError::not_an_object},
      {"a string", "\"mining.subscribe\"", ProtocolError::not_an_object},
      {"null", "null", ProtocolError::not_an_object},
      {"nine levels", nine_deep, ProtocolError::too_deep},
      {"ten thousand levels", "{\"params\":" + std::string(10'000, '['), ProtocolError::too_deep},
      {"id an array", "{\"id\":[1],\"method\":\"m\"}", ProtocolError::bad_id},
      {"id an object", "{\"id\":{},\"method\":\"m\"}", ProtocolError::bad_id},
      {"id a string of 65 bytes with its quotes",
       "{\"id\":\"" + std::string(63, 'a') + "\",\"method\":\"m\"}", ProtocolError::bad_id},
      {"id a number of 65 digits", "{\"id\":" + std::string(65, '1') + ",\"method\":\"m\"}",
       ProtocolError::bad_id},
      {"nothing at all", "{}", ProtocolError::no_method},
      {"only an id", "{\"id\":1}", ProtocolError::no_method},
      {"method not a string", "{\"id\":1,\"method\":7}", ProtocolError::no_method},
      {"method null and no result", "{\"id\":1,\"method\":null}", ProtocolError::no_method},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto request = stratum::parse_request(row.line);
    REQUIRE_FALSE(request);
    CHECK_EQ(request.error(), row.error);
  }
}

TEST_CASE("ids are kept as raw JSON") {
  struct Row {
    const char* why;
    std::string id;
    bool notification;
  };
  const Row rows[] = {
      {"the usual", "1", false},
      {"cgminer's first", "0", false},
      {"negative", "-17", false},
      {"a float", "1.50", false},
      {"an exponent", "1E+2", false},
      {"beyond 64 bits", "18446744073709551617", false},
      {"bfgminer", "\"auth\"", false},
      {"escapes stay as they are", "\"\\u0041\\\"\\\\\"", false},
      {"UTF-8", "\"\xc3\xa9\"", false},
      {"empty string", "\"\"", false},
      {"64 bytes are still good", "\"" + std::string(62, 'a') + "\"", false},
      {"a boolean is odd, and harmless", "true", false},
      {"bfgminer's suggest_target", "null", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const ClientRequest first =
        parse("{\"id\":" + row.id + ",\"method\":\"mining.ping\",\"params\":[]}");
    CHECK_EQ(first.id.json, row.id);
    CHECK_EQ(first.id.is_notification(), row.notification);
    const ClientRequest last =
        parse("{ \"params\" : [ ] , \"method\" : \"mining.ping\" , \"id\" : " + row.id + " }");
    CHECK_EQ(last.id.json, row.id);
  }
  CHECK(parse("{\"method\":\"mining.ping\",\"params\":[]}").id.is_notification());
}

namespace {

struct SubmitRow {
  const char* why;
  const char* line;
  std::optional<std::uint32_t> bits;
};
const SubmitRow submit_rows[] = {
    {"ESP-Miner",
     R"({"id":7,"method":"mining.submit","params":["u.rig1","875b4b7","17000000","685468d7","0052034c","00b44000"]})",
     0x00b44000},
    {"cgminer puts params first",
     R"({"params": ["u.rig1", "875b4b7", "17000000", "685468d7", "0052034c"], "id": 7, "method": "mining.submit"})",
     std::nullopt},
    {"pooler cpuminer puts the id last",
     R"({"method": "mining.submit", "params": ["u.rig1", "875b4b7", "17000000", "685468d7", "0052034c"], "id":7})",
     std::nullopt},
    {"NerdMiner v2 does not pad the nonce",
     R"({"id":7,"method":"mining.submit","params":["u.rig1","875b4b7","17000000","685468d7","52034c"]})",
     std::nullopt},
    {"NerdMiner v1.7.0 pads with blanks",
     R"({"id":7,"method":"mining.submit","params":["u.rig1","875b4b7","17000000","685468d7","  52034c"]})",
     std::nullopt},
    {"upper case",
     R"({"id":7,"method":"mining.submit","params":["u.rig1","875b4b7","17000000","685468D7","0052034C"]})",
     std::nullopt},
    {"numbers, as the SRI library may send",  // 0x685468d7, 0x0052034c
     R"({"id":7,"method":"mining.submit","params":["u.rig1","875b4b7","17000000",1750362327,5374796]})",
     std::nullopt},
    {"version bits null",
     R"({"id":7,"method":"mining.submit","params":["u.rig1","875b4b7","17000000","685468d7","0052034c",null]})",
     std::nullopt},
    {"a seventh param is ignored",
     R"({"id":7,"method":"mining.submit","params":["u.rig1","875b4b7","17000000","685468d7","0052034c","0",9]})",
     0},
    {"jsonrpc is ignored",
     R"({"jsonrpc":"2.0","id":7,"method":"mining.submit","params":["u.rig1","875b4b7","17000000","685468d7","0052034c"]})",
     std::nullopt},
    {"blanks around the name",
     R"({"id":7,"method":"mining.submit","params":[" u.rig1 ","875b4b7","17000000","685468d7","0052034c"]})",
     std::nullopt},
    {"escapes",
     R"({"id":7,"method":"mining.submit","params":["\u0075.rig1","875b4b7","17000000","685468d7","0052034c"]})",
     std::nullopt},
    {"of a key given twice the last counts",
     R"({"params":[],"id":1,"id":7,"method":"mining.ping","method":"mining.submit","params":["u.rig1","875b4b7","17000000","685468d7","0052034c"]})",
     std::nullopt},
    {"tabs between",
     "{\t\"id\"\t:\t7\t,\t\"method\"\t:\t\"mining.submit\",\"params\":[\"u.rig1\",\t\"875b4b7\","
     "\"17000000\",\"685468d7\",\"0052034c\"\t]}\t",
     std::nullopt},
};

}  // namespace

TEST_CASE("the same submit in every shape in which miners write it") {
  for (const SubmitRow& row : submit_rows) {
    CAPTURE(row.why);
    CHECK_EQ(parse(row.line).id.json, "7");
    const auto submit = read<stratum::Submit>(row.line);
    CHECK_EQ(submit.worker_name, "u.rig1");
    CHECK_EQ(submit.job_id, "875b4b7");
    CHECK_EQ(submit.extranonce2_hex, "17000000");
    CHECK_EQ(submit.ntime, 0x685468d7u);
    CHECK_EQ(submit.nonce, 0x0052034cu);
    CHECK_EQ(submit.version_bits, row.bits);
  }
}

TEST_CASE("32-bit fields at their bounds") {
  struct Row {
    const char* why;
    const char* nonce;
    std::optional<std::uint32_t> value;
  };
  const Row rows[] = {
      {"all ones", "\"ffffffff\"", 0xffffffffu},
      {"one digit", "\"0\"", 0u},
      {"eight digits with zeros in front", "\"00000001\"", 1u},
      {"the largest number", "4294967295", 0xffffffffu},
      {"zero as a number", "0", 0u},
      {"one more than 32 bits", "4294967296", std::nullopt},
      {"nine digits", "\"112345678\"", std::nullopt},
      {"nine digits, the first a zero", "\"012345678\"", std::nullopt},
      {"empty", "\"\"", std::nullopt},
      {"only blanks", "\"   \"", std::nullopt},
      {"a minus sign, which strtoul would take", "\"-1234567\"", std::nullopt},
      {"a plus sign", "\"+1234567\"", std::nullopt},
      {"0x, which strtoul would take", "\"0x123456\"", std::nullopt},
      {"a blank inside", "\"12 45678\"", std::nullopt},
      {"not hex", "\"12g4\"", std::nullopt},
      {"a negative number", "-1", std::nullopt},
      {"a fraction", "1.5", std::nullopt},
      {"a fraction of nothing", "1.0", std::nullopt},
      {"an exponent", "1e3", std::nullopt},
      {"null", "null", std::nullopt},
      {"a boolean", "true", std::nullopt},
      {"an array", "[1]", std::nullopt},
      {"an object", "{\"a\":1}", std::nullopt},
      {"an escaped NUL", "\"1\\u00002\"", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const ClientRequest request = parse(
        call("mining.submit", "[\"u\",\"j\",\"00\",\"685468d7\"," + std::string(row.nonce) + "]"));
    if (row.value) {
      REQUIRE(std::holds_alternative<stratum::Submit>(request.message));
      CHECK_EQ(std::get<stratum::Submit>(request.message).nonce, *row.value);
    } else {
      REQUIRE(std::holds_alternative<stratum::Malformed>(request.message));
      CHECK_EQ(std::get<stratum::Malformed>(request.message).why.find("nonce: "), 0);
    }
  }
}

TEST_CASE("a malformed submit says what was wrong with which field") {
  struct Row {
    const char* params;
    const char* why;
  };
  const Row rows[] = {
      {"[\"u\",\"j\",\"00\",\"12g4\",\"0\"]", "ntime: \"12g4\" is not 1 to 8 hex digits"},
      {"[\"u\",\"j\",\"00\",\"0\",\"0\",\"zz\"]", "version_bits: \"zz\" is not 1 to 8 hex digits"},
      {"[\"u\",\"j\",\"abc\",\"0\",\"0\"]",
       "extranonce2: \"abc\" is not an even number of hex digits"},
      {"[\"u\",\"j\",17,\"0\",\"0\"]", "extranonce2: 17 is not an even number of hex digits"},
      {"[\"u\",5,\"00\",\"0\",\"0\"]", "job_id: 5 is not a string without NUL"},
      {"[null,\"j\",\"00\",\"0\",\"0\"]", "worker_name: null is not a string without NUL"},
      {"[\"a\\u0000b\",\"j\",\"00\",\"0\",\"0\"]",
       "worker_name: \"a\\u0000b\" is not a string without NUL"},
      {"[\"u\",\"j\",\"00\",\"0\"]", "params: 4 values, expected 5 or 6"},
      {"[]", "params: 0 values, expected 5 or 6"},
      {"null", "params: 0 values, expected 5 or 6"},
      {"{\"worker\":\"u\"}", "params: 0 values, expected 5 or 6"},
      {"[\"u\",\"j\",\"00\",\"4142434445464748494a4b4c4d4e4f505152535455565758\",\"0\"]",
       "ntime: \"4142434445464748494a4b4c4d4e4f505152535... is not 1 to 8 hex digits"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.params);
    CHECK_EQ(why_malformed(call("mining.submit", row.params)), row.why);
  }
  CHECK_EQ(why_malformed("{\"id\":1,\"method\":\"mining.submit\"}"),
           "params: 0 values, expected 5 or 6");
}

TEST_CASE("subscribe takes whatever is there") {
  struct Row {
    const char* why;
    const char* params;
    const char* user_agent;
    const char* session_id;
  };
  const Row rows[] = {
      {"cgminer's retry", "[]", "", ""},
      {"ESP-Miner", "[\"bitaxe/BM1370/v2.9.0\"]", "bitaxe/BM1370/v2.9.0", ""},
      {"cgminer resuming", "[\"cgminer/4.11.1\",\"6a0b51c3n\"]", "cgminer/4.11.1", "6a0b51c3n"},
      {"Braiins OS", "[\"bosminer\",null,\"host:3333\",null]", "bosminer", ""},
      {"four params", "[\"ua\",null,\"host\",3333]", "ua", ""},
      {"null user agent", "[null,\"s\"]", "", "s"},
      {"a number for a user agent", "[7]", "", ""},
      {"params null", "null", "", ""},
      {"params an object", "{\"user_agent\":\"x\"}", "", ""},
      {"a NUL in the user agent", "[\"a\\u0000b\"]", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto subscribe = read<stratum::Subscribe>(call("mining.subscribe", row.params));
    CHECK_EQ(subscribe.user_agent, row.user_agent);
    CHECK_EQ(subscribe.session_id, row.session_id);
  }
  CHECK_EQ(read<stratum::Subscribe>("{\"id\":1,\"method\":\"mining.subscribe\"}").user_agent, "");
}

TEST_CASE("authorize needs a user name and nothing else") {
  struct Row {
    const char* why;
    const char* params;
    const char* username;
    const char* password;
  };
  const Row rows[] = {
      {"the usual", "[\"bc1q.rig1\",\"x\"]", "bc1q.rig1", "x"},
      {"no password", "[\"bc1q\"]", "bc1q", ""},
      {"password null", "[\"bc1q\",null]", "bc1q", ""},
      {"password a number", "[\"bc1q\",123]", "bc1q", "123"},
      {"password of another type", "[\"bc1q\",{}]", "bc1q", ""},
      {"options", "[\"bc1q\",\"x,d=1024\"]", "bc1q", "x,d=1024"},
      {"blanks around the name", "[\" bc1q\\t\",\"x\"]", "bc1q", "x"},
      {"percent signs are the session's business", "[\"bc1q%2Erig\",\"x\"]", "bc1q%2Erig", "x"},
      {"empty", "[\"\",\"\"]", "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto authorize = read<stratum::Authorize>(call("mining.authorize", row.params));
    CHECK_EQ(authorize.username, row.username);
    CHECK_EQ(authorize.password, row.password);
  }
  CHECK_EQ(why_malformed(call("mining.authorize", "[]")),
           "username: a missing value is not a string without NUL");
  CHECK_EQ(why_malformed(call("mining.authorize", "[5]")),
           "username: 5 is not a string without NUL");
}

namespace {

struct ConfigureRow {
  const char* why;
  const char* params;
  std::vector<std::string> extensions;
  std::optional<std::uint32_t> mask;
  std::optional<std::uint32_t> bits;
  std::optional<double> difficulty;
};
const ConfigureRow configure_rows[] = {
    {"ESP-Miner: no bit count",
     R"([["version-rolling"],{"version-rolling.mask":"ffffffff"}])",
     {"version-rolling"},
     0xffffffff,
     {},
     {}},
    {"Antminer stock",
     R"([["version-rolling","minimum-difficulty","subscribe-extranonce"],{"version-rolling.mask":"1fffe000","version-rolling.min-bit-count":16,"minimum-difficulty.value":2048}])",
     {"version-rolling", "minimum-difficulty", "subscribe-extranonce"},
     0x1fffe000,
     16,
     2048.0},
    {"cgminer prints the mask with %x",
     R"([["version-rolling"],{"version-rolling.mask":"e000"}])",
     {"version-rolling"},
     0xe000,
     {},
     {}},
    {"0x before the mask",
     R"([["version-rolling"],{"version-rolling.mask":"0x1fffe000"}])",
     {"version-rolling"},
     0x1fffe000,
     {},
     {}},
    {"no options at all", R"([["version-rolling"]])", {"version-rolling"}, {}, {}, {}},
    {"options null", R"([["version-rolling"],null])", {"version-rolling"}, {}, {}, {}},
    {"options garbled", R"([["version-rolling"],"mask"])", {"version-rolling"}, {}, {}, {}},
    {"mask garbled",
     R"([["version-rolling"],{"version-rolling.mask":"zz"}])",
     {"version-rolling"},
     {},
     {},
     {}},
    {"mask of nine digits",
     R"([["version-rolling"],{"version-rolling.mask":"112345678"}])",
     {"version-rolling"},
     {},
     {},
     {}},
    {"a fraction for a difficulty",
     R"([["minimum-difficulty"],{"minimum-difficulty.value":0.5}])",
     {"minimum-difficulty"},
     {},
     {},
     0.5},
    {"a negative difficulty",
     R"([["minimum-difficulty"],{"minimum-difficulty.value":-1}])",
     {"minimum-difficulty"},
     {},
     {},
     {}},
    {"a negative bit count",
     R"([["version-rolling"],{"version-rolling.min-bit-count":-2}])",
     {"version-rolling"},
     {},
     {},
     {}},
    {"names that are not strings", R"([[1,null,"foo",["x"]],{}])", {"foo"}, {}, {}, {}},
    {"a name twice", R"([["foo","bar","foo"],{}])", {"foo", "bar"}, {}, {}, {}},
    {"seventeen names",
     R"([["a","b","c","d","e","f","g","h","i","j","k","l","m","n","o","p","q"],{}])",
     {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"},
     {},
     {},
     {}},
    {"nothing requested", "[[],{}]", {}, {}, {}, {}},
};

}  // namespace

TEST_CASE("configure keeps the extensions and what it can read of their options") {
  for (const ConfigureRow& row : configure_rows) {
    CAPTURE(row.why);
    const auto configure = read<stratum::Configure>(call("mining.configure", row.params));
    CHECK_EQ(configure.extensions, row.extensions);
    CHECK_EQ(configure.version_rolling_mask, row.mask);
    CHECK_EQ(configure.version_rolling_min_bit_count, row.bits);
    CHECK_EQ(configure.minimum_difficulty, row.difficulty);
  }
  CHECK_EQ(why_malformed(call("mining.configure", "[]")),
           "extensions: a missing value is not an array of extension names");
}

TEST_CASE("suggest_difficulty as number, string, or part of the name") {
  struct Row {
    const char* why;
    std::string line;
    double value;
  };
  const Row rows[] = {
      {"ESP-Miner", call("mining.suggest_difficulty", "[1000]"), 1000},
      {"NerdMiner", call("mining.suggest_difficulty", "[0.00015]"), 0.00015},
      {"cpuminer-opt sends a string", call("mining.suggest_difficulty", "[\"0.001000\"]"), 0.001},
      {"very old: in the method's name", call("mining.suggest_difficulty(1024)", "[]"), 1024},
      {"with blanks", call("mining.suggest_difficulty( 0.5 )", "[]"), 0.5},
      {"an exponent", call("mining.suggest_difficulty", "[1e3]"), 1000},
      {"zero is the session's to refuse", call("mining.suggest_difficulty", "[0]"), 0},
      {"so is a negative one", call("mining.suggest_difficulty", "[-5]"), -5},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(read<stratum::SuggestDifficulty>(row.line).difficulty, row.value);
  }
  CHECK_EQ(why_malformed(call("mining.suggest_difficulty", "[]")),
           "difficulty: a missing value is not a number");
  CHECK_EQ(why_malformed(call("mining.suggest_difficulty", "[\"nan\"]")),
           "difficulty: \"nan\" is not a number");
  CHECK_EQ(why_malformed(call("mining.suggest_difficulty", "[\"1e999\"]")),
           "difficulty: \"1e999\" is not a number");
  CHECK_EQ(why_malformed(call("mining.suggest_difficulty", "[\"12abc\"]")),
           "difficulty: \"12abc\" is not a number");
  CHECK_EQ(why_malformed(call("mining.suggest_difficulty()", "[]")),
           "difficulty: the method's name has no number between its parentheses");
}

TEST_CASE("suggest_target is big-endian hex") {
  const std::string difficulty_one = "00000000ffff" + std::string(52, '0');
  const auto suggest =
      read<stratum::SuggestTarget>(call("mining.suggest_target", "[\"" + difficulty_one + "\"]"));
  CHECK_EQ(bitcoin::Target256(suggest.target).display_hex(), difficulty_one);
  const char* unusable[] = {"[]", "[null]", "[\"ffff\"]", "[12]"};
  for (const char* params : unusable) {
    CAPTURE(params);
    CHECK_EQ(why_malformed(call("mining.suggest_target", params)).find("target: "), 0);
  }
  CHECK_EQ(why_malformed(call("mining.suggest_target", "[\"" + std::string(64, '0') + "\"]"))
               .find("target: "),
           0);
}

TEST_CASE("methods without params") {
  CHECK(std::holds_alternative<stratum::ExtranonceSubscribe>(
      parse(call("mining.extranonce.subscribe", "[]")).message));
  CHECK(std::holds_alternative<stratum::GetTransactions>(
      parse("{\"id\":\"txlist1\",\"method\":\"mining.get_transactions\",\"params\":[\"1\"]}")
          .message));
  CHECK(std::holds_alternative<stratum::Capabilities>(
      parse("{\"id\":null,\"method\":\"mining.capabilities\",\"params\":[{}]}").message));
  CHECK(std::holds_alternative<stratum::Ping>(parse(call("mining.ping", "[]")).message));
  CHECK(std::holds_alternative<stratum::Ping>(parse(call("client.ping", "null")).message));
}

TEST_CASE("answers are told from requests") {
  const char* lines[] = {
      R"({"id": 5, "result": "pong", "error": null})",            // cgminer
      R"({"id":5,"method":"pong","params":[]})",                  // ESP-Miner
      R"({"id": 1, "result": "cgminer/4.11.1", "error": null})",  // client.get_version
      R"({"id":1,"result":null,"error":[20,"no",null]})",
      R"({"id":1,"method":null,"result":true})",
      R"({"error":"x"})",
  };
  for (const char* line : lines) {
    CAPTURE(line);
    CHECK(std::holds_alternative<stratum::Response>(parse(line).message));
  }
}

TEST_CASE("unknown methods are a value, kept short") {
  CHECK_EQ(read<stratum::UnknownMethod>(call("mining.multi_version", "[4]")).method,
           "mining.multi_version");
  CHECK_EQ(read<stratum::UnknownMethod>(call("mining.passthrough", "[]")).method,
           "mining.passthrough");
  CHECK_EQ(read<stratum::UnknownMethod>(call("MINING.SUBMIT", "[]")).method, "MINING.SUBMIT");
  CHECK_EQ(read<stratum::UnknownMethod>(call("", "[]")).method, "");
  CHECK_EQ(read<stratum::UnknownMethod>(call(std::string(5000, 'm'), "[]")).method.size(), 64);
}

TEST_CASE("a line at the limit, full of tokens, is read like any other") {
  std::string params = "[";
  while (params.size() < 16'000) params += "[],";
  params += "1]";
  CHECK(stratum::parse_request(call("mining.subscribe", params)));
  std::string escapes;
  while (escapes.size() < 16'000) escapes += "\\u00e9";
  CHECK_EQ(
      read<stratum::Subscribe>(call("mining.subscribe", "[\"" + escapes + "\"]")).user_agent.size(),
      escapes.size() / 6 * 2);
}
