#include "common/rpc/rpc_answer.h"
#include "common/rpc/rpc_client.h"

#include <doctest/doctest.h>

#include <string>

using rpc::parse_answer;

TEST_CASE("parse_answer finds the raw text of result, whatever is in it") {
  struct Row {
    std::string why;
    std::string body;
    std::string result;
  };
  const Row rows[] = {
      {"bitcoind's answer to submitblock",
       R"({"result":null,"error":null,"id":7})"
       "\n",
       "null"},
      {"a string", R"({"result":"00ff","error":null,"id":1})", R"("00ff")"},
      {"a number, last member", R"({"id":1,"error":null,"result":-1.5e3})", "-1.5e3"},
      {"an object with brackets in strings",
       R"({"result":{"a":"]}\"{","b":[1,{"c":2}]},"error":null})",
       R"({"a":"]}\"{","b":[1,{"c":2}]})"},
      {"backslashes before a closing quote", R"({"result":"a\\\\","error":null})", R"("a\\\\")"},
      {"a backslash and an escaped quote", R"({"result":"a\\\"b","error":null})", R"("a\\\"b")"},
      {"white space everywhere", " { \"result\" :\t[ 1 , 2 ]\r\n, \"error\" : null } ",
       "[ 1 , 2 ]"},
      {"no error member, as JSON-RPC 2.0 has it", R"({"jsonrpc":"2.0","result":true,"id":1})",
       "true"},
      {"a key named result inside another value", R"({"x":{"result":1},"result":2})", "2"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto answer = parse_answer(row.body);
    REQUIRE(answer);
    CHECK_EQ(answer->result, row.result);
    CHECK_EQ(answer->error, "null");
  }
}

TEST_CASE("parse_answer gives the error and the id") {
  const auto answer = parse_answer(
      R"({"result":null,"error":{"code":-28,"message":"Loading block index…"},"id":42})");
  REQUIRE(answer);
  CHECK_EQ(answer->id, "42");
  const rpc::NodeError error = rpc::parse_node_error(answer->error);
  CHECK_EQ(error.code, -28);
  CHECK_EQ(error.message, "Loading block index…");
}

TEST_CASE("parse_answer refuses what is not an answer") {
  for (const std::string body :
       {"", "null", "[]", "{}", "<html>", R"({"id":1})", R"({"result":1)", R"({"result":"1})",
        R"({"result":1}})", R"({"result":1} x)", R"({"result":[1})", R"({"result" 1})",
        R"({"result":})", R"({"result":1,})", R"({result:1})", R"({"result":"\)"}) {
    CAPTURE(body);
    CHECK_FALSE(parse_answer(body));
  }
}

TEST_CASE("parse_answer refuses every proper prefix of an answer") {
  const std::string body = R"({"result":{"a":["\"",1]},"error":null,"id":1})";
  REQUIRE(parse_answer(body));
  for (std::size_t cut = 0; cut < body.size(); ++cut) {
    CAPTURE(cut);
    CHECK_FALSE(parse_answer(body.substr(0, cut)));
  }
}

TEST_CASE("nesting costs no stack") {
  const std::string deep(5'000'000, '[');
  CHECK_FALSE(parse_answer(R"({"result":)" + deep));
  const std::string closed = deep + std::string(deep.size(), ']');
  CHECK(parse_answer(R"({"result":)" + closed + "}"));
  CHECK_EQ(rpc::parse_node_error(closed).code, 0);
}

TEST_CASE("a node's error text is one bounded line") {
  CHECK_EQ(rpc::parse_node_error(R"({"code":-1,"message":"usage:\n\tgetblock \u0007\n"})").message,
           "usage:  getblock");
  CHECK_EQ(
      rpc::parse_node_error(R"({"message":")" + std::string(5000, 'x') + R"("})").message.size(),
      303);
  CHECK_EQ(rpc::parse_node_error(R"("just text")").message, R"("just text")");
}

TEST_CASE("parse_rpc_url takes what an operator writes, and names what is wrong") {
  struct Good {
    std::string url;
    std::string host;
    int port;
    std::string path;
  };
  const Good good[] = {
      {"http://127.0.0.1:18443", "127.0.0.1", 18443, "/"},
      {"http://node.example:8332/", "node.example", 8332, "/"},
      {"http://[::1]:8332/wallet/pool", "::1", 8332, "/wallet/pool"},
  };
  for (const Good& row : good) {
    CAPTURE(row.url);
    const auto endpoint = rpc::parse_rpc_url(row.url);
    REQUIRE(endpoint);
    CHECK_EQ(endpoint->host, row.host);
    CHECK_EQ(endpoint->port, row.port);
    CHECK_EQ(endpoint->path, row.path);
  }
  struct Bad {
    std::string url;
    std::string says;
  };
  const Bad bad[] = {
      {"127.0.0.1:18443", "http://"},
      {"https://127.0.0.1:18443", "http://"},
      {"http://127.0.0.1", "port is missing"},
      {"http://[::1]", "port is missing"},
      {"http://:8332", "host is missing"},
      {"http://::1:8332", "brackets"},
      {"http://node:0", "1 to 65535"},
      {"http://node:65536", "1 to 65535"},
      {"http://node:80x", "1 to 65535"},
      {"http://user:secret@node:8332", "keys of their own"},
      {"http://node:8332/a b", "spaces"},
  };
  for (const Bad& row : bad) {
    CAPTURE(row.url);
    const auto endpoint = rpc::parse_rpc_url(row.url);
    REQUIRE_FALSE(endpoint);
    CHECK_NE(endpoint.error().find(row.says), std::string::npos);
    CHECK_EQ(endpoint.error().find("secret"), std::string::npos);
  }
}
