// PrivatePostgres (no test of its own; the name puts it into the test program).
#include "tests/loop/pool/store/private_postgres.h"

#include "common/base/assert.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace store_test {
namespace fs = std::filesystem;
namespace {

// The newest of Debian's side-by-side versions, else what PATH has.
std::string find_bin() {
  std::string best;
  std::error_code error;
  for (fs::directory_iterator entry("/usr/lib/postgresql", error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string bin = entry->path().string() + "/bin/";
    if (fs::exists(bin + "initdb") && bin > best) best = bin;
  }
  return best;
}

}  // namespace

PrivatePostgres& PrivatePostgres::instance() {
  static PrivatePostgres postgres;
  return postgres;
}

PrivatePostgres::PrivatePostgres() : bin_(find_bin()), as_root_(::geteuid() == 0) {
  std::string pattern = "/tmp/phasepool-pg-XXXXXX";
  ASSERT(::mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  if (as_root_) {
    ASSERT(std::system(("chown postgres " + folder_).c_str()) == 0);
  }
  run(bin_ + "initdb -D " + folder_ +
      "/data -U phasepool_test -A trust -E UTF8 --locale=C --no-sync");
  start();
}

PrivatePostgres::~PrivatePostgres() {
  stop();
  std::error_code error;
  fs::remove_all(folder_, error);
}

void PrivatePostgres::run(const std::string& command) const {
  const std::string quiet =
      "cd " + folder_ + " && " + command + " >>" + folder_ + "/commands.log 2>&1";
  const std::string whole =
      as_root_ ? "runuser -u postgres -- sh -c '" + quiet + "'" : "sh -c '" + quiet + "'";
  if (std::system(whole.c_str()) == 0) return;
  std::fprintf(stderr, "failed: %s\n", command.c_str());
  static_cast<void>(std::system(("tail -20 " + folder_ + "/*.log >&2").c_str()));
  ASSERT(false);
}

void PrivatePostgres::start() {
  run(bin_ + "pg_ctl -w -t 30 -D " + folder_ + "/data -l " + folder_ + "/server.log -o \"-k " +
      folder_ + " -c listen_addresses= -c fsync=off -c max_connections=20\" start");
}

void PrivatePostgres::stop() { run(bin_ + "pg_ctl -w -t 30 -m fast -D " + folder_ + "/data stop"); }

std::string PrivatePostgres::superuser_connection(const std::string& database) const {
  return "host=" + folder_ + " user=phasepool_test dbname=" + database;
}

std::string PrivatePostgres::make_database(const std::string& owner) {
  const std::string name = "db" + std::to_string(++databases_);
  const std::string server = " -h " + folder_ + " -U phasepool_test ";
  if (owner.empty()) {
    run(bin_ + "createdb" + server + name);
    return superuser_connection(name);
  }
  run(bin_ + "createuser" + server + owner);
  run(bin_ + "createdb" + server + "-O " + owner + " " + name);
  return "host=" + folder_ + " user=" + owner + " dbname=" + name;
}

}  // namespace store_test
