#include "pool/tools/tls_files.h"

#include "tests/unit/common/net/tls_fixture.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

using pool::load_tls;
using pool::StratumConfig;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "pool_tls_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string error_of(const std::string& certificate, const std::string& key) {
  StratumConfig config;
  config.tls_certificate = certificate;
  config.tls_key = key;
  const auto tls = load_tls(config);
  return tls ? "" : tls.error();
}

}  // namespace

TEST_CASE("a certificate and its key are read from their files") {
  const Folder folder;
  const auto made = tls_test::make_certificate("pool.test");
  StratumConfig config;
  CHECK(*load_tls(config) == nullptr);  // none is named
  config.tls_certificate = folder.write("cert.pem", made.chain);
  config.tls_key = folder.write("key.pem", made.key);
  const auto tls = load_tls(config);
  REQUIRE(tls);
  REQUIRE(*tls);
  const auto described = pool::describe_certificate(**tls);
  CHECK_FALSE(described.expired);
  char tomorrow[16] = {};
  const std::time_t then = (*tls)->expires_unix_seconds();
  std::strftime(tomorrow, sizeof tomorrow, "%Y-%m-%d", std::gmtime(&then));
  CHECK_EQ(described.text, std::string("CN=pool.test, until ") + tomorrow);
}

TEST_CASE("an error names the key in the config, the file and the reason") {
  const Folder folder;
  const auto made = tls_test::make_certificate("pool.test");
  const auto other = tls_test::make_certificate("other.test");
  const std::string certificate = folder.write("cert.pem", made.chain);
  const std::string key = folder.write("key.pem", made.key);
  const std::string wrong = folder.write("wrong.pem", other.key);
  const std::string empty = folder.write("empty.pem", "");
  const std::string large = folder.write("large.pem", std::string(1 << 20, 'x'));
  const std::string absent = folder.path("absent.pem");
  CHECK_EQ(error_of(absent, key),
           "stratum.tls_certificate: " + absent + ": No such file or directory");
  CHECK_EQ(error_of(certificate, absent),
           "stratum.tls_key: " + absent + ": No such file or directory");
  CHECK_EQ(error_of(folder.path(""), key),
           "stratum.tls_certificate: " + folder.path("") + ": Is a directory");
  CHECK_EQ(error_of(large, key), "stratum.tls_certificate: " + large + ": too large for PEM");
  CHECK_EQ(error_of(empty, key),
           "stratum.tls_certificate, tls_key: " + empty + ": holds no certificate in PEM form");
  CHECK_EQ(error_of(certificate, wrong), "stratum.tls_certificate, tls_key: " + wrong +
                                             ": is not the key of the certificate in " +
                                             certificate);
}

TEST_CASE("the web side has a certificate of its own, and none where its TLS is off") {
  const Folder folder;
  const auto made = tls_test::make_certificate("web.test");
  pool::HttpConfig config;
  CHECK(*load_tls(config) == nullptr);
  config.tls_certificate = folder.write("cert.pem", made.chain);
  config.tls_key = folder.path("absent.pem");
  CHECK_EQ(load_tls(config).error(),
           "http.tls_key: " + config.tls_key + ": No such file or directory");
  config.tls = "off";
  CHECK(*load_tls(config) == nullptr);
  config.tls = "only";
  config.tls_key = folder.write("key.pem", made.key);
  REQUIRE(load_tls(config));
  CHECK_EQ((*load_tls(config))->subject(), "CN=web.test");
}
