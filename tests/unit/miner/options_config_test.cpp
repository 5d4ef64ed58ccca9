// The configuration file: its keys, the source document's, and what comes first.
#include "miner/options_config.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace miner {
namespace {

const std::string address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

// A file that is there while this object is.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() /
              ("phaseminer_config_" + std::to_string(::getpid()) + ".json")) {
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// What `arguments` and a file with this text come to.
base::Result<Options, OptionsExit> options_of(const std::string& json,
                                              std::vector<std::string> arguments = {}) {
  const TemporaryFile file(json);
  arguments.insert(arguments.end(), {"-c", file.path()});
  return parse_options(arguments);
}

TEST_CASE("keys are the long options") {
  const auto options = options_of(R"({
    // comments are allowed
    "url": "stratum+tcp://h:1", "user": "a.rig", "pass": "p",
    "threads": 3, "nice": -5, "cpu_affinity": "0,2-3", "max-memory-gb": 0.5, "kernel": "portable",
    "api-bind": "4029", "report_dir": "reports", "time-limit": "60", "suggest-difficulty": 0.25,
    "quiet": true, "json": false, /* and trailing commas */
  })");
  REQUIRE(options.has_value());
  CHECK_EQ(options->pools.at(0).host, "h");
  CHECK_EQ(options->pools.at(0).username, "a.rig");
  CHECK_EQ(options->pools.at(0).password, "p");
  CHECK_EQ(options->threads, 3);
  CHECK_EQ(options->nice, -5);
  CHECK_EQ(options->cpu_affinity, std::vector<std::uint32_t>{0, 2, 3});
  CHECK_EQ(options->memory_bytes_max, 500'000'000);
  CHECK_EQ(options->kernel, "portable");
  CHECK_EQ(options->api->host, "127.0.0.1");
  CHECK_EQ(options->api->port, 4029);
  CHECK_EQ(options->report_dir, "reports");
  CHECK_EQ(options->time_limit_seconds, 60);
  CHECK_EQ(options->suggest_difficulty, 0.25);
  CHECK(options->quiet);
  CHECK_FALSE(options->json);
}

TEST_CASE("pools as a list, as lists of texts, and with logins in their URLs") {
  const auto objects = options_of(R"({"pools": [
    {"url": "stratum+ssl://h", "user": "a", "pass": "p"}, {"url": "b:q@i"},
    {"url": "j", "username": "c"}]})");
  REQUIRE(objects.has_value());
  REQUIRE_EQ(objects->pools.size(), 3);
  CHECK_EQ(url_of(objects->pools[0]), "stratum+ssl://h:3443");
  CHECK_EQ(objects->pools[0].password, "p");
  CHECK_EQ(objects->pools[1].username, "b");
  CHECK_EQ(objects->pools[1].password, "q");
  CHECK_EQ(objects->pools[2].username, "c");
  CHECK_EQ(objects->pools[2].password, "x");

  const auto texts = options_of(R"({"url": ["h", "i"], "user": ["a", "b"]})");
  REQUIRE(texts.has_value());
  CHECK_EQ(texts->pools.at(1).host, "i");
  CHECK_EQ(texts->pools.at(1).username, "b");
}

TEST_CASE("no pool of the list gets another one's login") {
  const char* const mixed[] = {
      R"({"pools": [{"url": "a"}, {"url": "b", "user": "b", "pass": "pb"}]})",
      R"({"pools": [{"url": "a", "user": "a", "pass": "pa"}, {"url": "b"}]})",
      R"({"pools": [{"url": "a"}, {"url": "b", "user": "b", "pass": "pb"},
                    {"url": "c", "user": "c", "pass": "pc"}]})",
      R"({"user": "x", "pools": [{"url": "a"}, {"url": "b", "user": "b", "pass": "pb"}]})",
  };
  for (const char* const json : mixed) {
    CAPTURE(json);
    const auto options = options_of(json);
    REQUIRE_FALSE(options.has_value());
    CHECK_NE(options.error().text.find("objects have no user: expected one in each, or none"),
             std::string::npos);
  }
  // A password would be dropped without its user.
  for (const char* const url : {"joe@a", "a"}) {
    const auto options =
        options_of(fmt::format(R"({{"pools":[{{"url":"{}","pass":"secret"}}]}})", url));
    REQUIRE_FALSE(options.has_value());
    CHECK_NE(options.error().text.find("key \"pools/pass\": expected user"), std::string::npos);
    CHECK_EQ(options.error().text.find("secret"), std::string::npos);
  }
  // Those in URLs do not count; and one user may be that of all.
  const auto in_urls = options_of(R"({"pools": [{"url": "j:q@a"}, {"url": "b", "user": "b"}]})");
  REQUIRE(in_urls.has_value());
  CHECK_EQ(in_urls->pools.at(0).username, "j");
  CHECK_EQ(in_urls->pools.at(1).username, "b");
  const auto common = options_of(R"({"user": "x", "pools": [{"url": "a"}, {"url": "b"}]})");
  REQUIRE(common.has_value());
  CHECK_EQ(common->pools.at(1).username, "x");
  // The command line's user does not take the pools' passwords with it.
  const auto renamed = options_of(
      R"({"pools": [{"url": "a", "user": "a", "pass": "pa"}, {"url": "b", "user": "b", "pass": "pb"}]})",
      {"-u", "c"});
  REQUIRE(renamed.has_value());
  CHECK_EQ(renamed->pools.at(0).password, "x");
  CHECK_EQ(renamed->pools.at(1).password, "x");
}

TEST_CASE("the source document's keys") {
  const std::string json = R"({
    "bitcoin_rpc": {"username": "u@x", "password": "p:/%", "host": "::1", "port": 18443},
    "payout_address": ")" + address +
                           R"(", "cpu_cores_reserved": 2, "max_memory_gb": 60, "auto_detect": true
  })";
  const auto options = options_of(json);
  REQUIRE(options.has_value());
  REQUIRE(options->solo.has_value());
  CHECK_EQ(options->solo->node.user, "u@x");
  CHECK_EQ(options->solo->node.password, "p:/%");
  CHECK_EQ(options->solo->node.host, "::1");
  CHECK_EQ(options->solo->node.port, 18443);
  CHECK_EQ(options->solo->address, address);
  CHECK_EQ(options->reserved_cores, 2);
  CHECK_EQ(options->memory_bytes_max, 60'000'000'000);
  CHECK(options->auto_detect);

  // With a pool the node is none of mining's business.
  const auto pooled = options_of(json, {"-o", "h", "-u", "a"});
  REQUIRE(pooled.has_value());
  CHECK_FALSE(pooled->solo.has_value());
  CHECK_EQ(pooled->pools.size(), 1);
  const auto tested = options_of(json, {"selftest"});
  REQUIRE(tested.has_value());
  CHECK_EQ(tested->solo->node.port, 18443);
}

TEST_CASE("the command line comes first") {
  const std::string two = R"({"url": ["h", "i"], "user": ["a", "b"], "pass": "p", "threads": 3})";
  const auto threads = options_of(two, {"-t", "5"});
  REQUIRE(threads.has_value());
  CHECK_EQ(threads->threads, 5);
  CHECK_EQ(threads->pools.size(), 2);
  const auto pool = options_of(two, {"-o", "j"});
  REQUIRE(pool.has_value());
  REQUIRE_EQ(pool->pools.size(), 1);
  CHECK_EQ(pool->pools[0].host, "j");
  CHECK_EQ(pool->pools[0].username, "a");
  CHECK_EQ(pool->pools[0].password, "p");
  const auto user = options_of(two, {"-u", "c"});
  REQUIRE(user.has_value());
  CHECK_EQ(user->pools.at(1).username, "c");
  CHECK_EQ(user->pools.at(1).password, "p");
  const auto both = options_of(two, {"-O", "c:q"});
  REQUIRE(both.has_value());
  CHECK_EQ(both->pools.at(0).password, "q");
  const auto solo = options_of(two, {"--solo", "http://u:p@n:1", "--address", address});
  REQUIRE(solo.has_value());
  CHECK(solo->pools.empty());
}

TEST_CASE("a mistake names the file, the key, the value and what was expected") {
  struct Row {
    const char* json;
    const char* named;
    const char* expected;
  };
  const Row rows[] = {
      {"", "line 1", "empty"},
      {"{\n\"threads\": }", "line 2", "Invalid value"},
      {"[]", "--config", "expected a JSON object"},
      {R"({"thread": 3})", R"(key "thread": )", "long option"},
      {R"({"config": "x"})", R"(key "config")", "long option"},
      {R"({"threads": true})", R"(key "threads", true)", "a text or a number"},
      {R"({"quiet": "yes"})", R"(key "quiet", "yes")", "true or false"},
      {R"({"url": [["h"]]})", R"(key "url", an array)", "an array of texts"},
      {R"({"pools": {}})", R"(key "pools", an object)", "an array of objects"},
      {R"({"pools": [{"url": "h", "port": 1}]})", R"("pools/port": )", "url, user and pass"},
      {R"({"pools": [{"url": "j@h", "user": "a"}]})", R"("pools/user", "a")", "not in both"},
      {R"({"pools": [{"url": "h"}], "url": "i"})", R"(key "url")", "either pools or url"},
      {R"({"url": "i", "pools": [{"url": "h"}]})", R"(key "pools")", "either pools or url"},
      {R"({"bitcoin_rpc": {"wallet": "w"}})", R"("bitcoin_rpc/wallet": )", "cookie_file"},
      {R"({"url": "h", "user": "a", "proxy": ""})", R"(key "proxy": )", "not an empty text"},
      {R"({"url": ["h", ""], "user": "a"})", R"(key "url": )", "not an empty text"},
      {R"({"pools": [{"url": "h", "user": ""}]})", R"(key "pools/user": )", "not an empty text"},
      {R"({"bitcoin_rpc": 8332})", R"("bitcoin_rpc", "8332")", "an object"},
      {R"({"url": "h", "user": "a", "threads": 2000})", R"(json": --threads "2000")", "0 to 1024"},
      {R"({"url": "h", "user": "a", "nice": 20})", R"(json": --nice "20")", "-20 to 19"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.json);
    const auto options = options_of(row.json);
    REQUIRE_FALSE(options.has_value());
    const std::string& text = options.error().text;
    CAPTURE(text);
    CHECK_EQ(options.error().code, 2);
    CHECK_NE(text.find("--config \""), std::string::npos);
    CHECK_NE(text.find(row.named), std::string::npos);
    CHECK_NE(text.find(row.expected), std::string::npos);
    CHECK_EQ(text.find('\n'), text.size() - 1);
  }
  // One of the command line's is not the file's.
  const auto other = options_of(R"({"url": "h", "user": "a"})", {"-t", "2000"});
  REQUIRE_FALSE(other.has_value());
  CHECK_EQ(other.error().text.find("--config"), std::string::npos);
}

TEST_CASE("a key that is none is named without its value, which may be a password") {
  const char* const files[] = {
      R"({"pools": [{"url": "a", "user": "u", "passwd": "hunter2"}]})",
      R"({"bitcoin_rpc": {"rpcpassword": "hunter2"}})",
      R"({"passwd": "hunter2"})",
      R"({"bitcoin_rpc": "http://u:hunter2@h:1"})",
  };
  for (const char* const json : files) {
    CAPTURE(json);
    const auto options = options_of(json);
    REQUIRE_FALSE(options.has_value());
    CHECK_EQ(options.error().text.find("hunter2"), std::string::npos);
  }
}

TEST_CASE("a password may be empty, in a file and on the command line") {
  const auto file = options_of(R"({"pools": [{"url": "a", "user": "u", "pass": ""}]})");
  REQUIRE(file.has_value());
  CHECK_EQ(file->pools.at(0).password, "");
  const auto line = parse_options({"-o", "a", "-u", "u", "-p", ""});
  REQUIRE(line.has_value());
  CHECK_EQ(line->pools.at(0).password, "");
}

TEST_CASE("a file that is not there, or is too large") {
  const auto missing = read_config_file("/nowhere/phaseminer.json");
  REQUIRE_FALSE(missing.has_value());
  CHECK_NE(missing.error().find("No such file"), std::string::npos);
  const TemporaryFile large("{" + std::string(config_bytes_max, ' ') + "}");
  const auto refused = read_config_file(large.path());
  REQUIRE_FALSE(refused.has_value());
  CHECK_NE(refused.error().find("larger than 262144 bytes"), std::string::npos);
  const TemporaryFile whole("{" + std::string(config_bytes_max - 2, ' ') + "}");
  CHECK(read_config_file(whole.path()).has_value());
}

TEST_CASE("brackets without end do not use up the stack") {
  CHECK_FALSE(parse_config(std::string(200'000, '[')).has_value());
}

}  // namespace
}  // namespace miner
