// PrivatePostgres (no test of its own; the name puts it into the test program).
#include "tests/loop/pool/store/private_postgres.h"

#include "common/base/assert.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <pqxx/pqxx>
#include <string>
#include <thread>

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
    const passwd* user = ::getpwnam("postgres");
    ASSERT(user != nullptr);
    uid_ = user->pw_uid;
    gid_ = user->pw_gid;
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

// In the child, after fork(): only what is safe there while other threads are running.
void PrivatePostgres::become_server(const char* log_path, const char* const* arguments) const {
  const int log = ::open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  if (as_root_ && (::setgroups(0, nullptr) != 0 || ::setgid(gid_) != 0 || ::setuid(uid_) != 0)) {
    ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGINT);  // "fast"; a change of user would have undone it
  ::execvp(arguments[0], const_cast<char* const*>(arguments));
  ::_exit(127);
}

void PrivatePostgres::start() {
  const std::string program = bin_ + "postgres";
  const std::string data = folder_ + "/data";
  const std::string log = folder_ + "/server.log";
  const char* const arguments[] = {program.c_str(), "-D", data.c_str(),         "-k",
                                   folder_.c_str(), "-c", "listen_addresses=",  "-c",
                                   "fsync=off",     "-c", "max_connections=20", nullptr};
  server_ = ::fork();
  ASSERT(server_ >= 0);
  if (server_ == 0) become_server(log.c_str(), arguments);
  for (int tries = 0; !answers(); ++tries) {
    ASSERT(tries < 600);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void PrivatePostgres::stop() {
  ASSERT(::kill(server_, SIGINT) == 0);
  int status = 0;
  ASSERT(::waitpid(server_, &status, 0) == server_);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) std::fprintf(stderr, "server: %d\n", status);
}

bool PrivatePostgres::answers() const {
  try {
    const pqxx::connection connection(superuser_connection("postgres"));
    return true;
  } catch (const pqxx::failure&) {
    return false;
  }
}

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

std::string PrivatePostgres::copy_database(const std::string& connection) {
  const std::string original = connection.substr(connection.rfind('=') + 1);
  const std::string name = "db" + std::to_string(++databases_);
  pqxx::connection server(superuser_connection("postgres"));
  pqxx::nontransaction(server).exec("CREATE DATABASE " + name + " TEMPLATE " + original);
  return superuser_connection(name);
}

}  // namespace store_test
