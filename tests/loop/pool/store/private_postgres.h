// A PostgreSQL cluster of the tests' own: made on first use under the temporary folder, reached
// through a socket there, stopped and removed at exit. The server is a child that the system stops
// if this program crashes. Run as root it belongs to user postgres, since the server refuses root.
#pragma once

#include <string>

namespace store_test {

class PrivatePostgres {
 public:
  // The one of this program.
  static PrivatePostgres& instance();
  ~PrivatePostgres();
  PrivatePostgres(const PrivatePostgres&) = delete;
  PrivatePostgres& operator=(const PrivatePostgres&) = delete;

  void start();
  void stop();  // "fast": sessions are ended, as by an administrator
  // A new, empty database; returns its connection string. `owner`: another role than the superuser.
  std::string make_database(const std::string& owner = "");
  // A copy of one that make_database() made for the superuser, while nobody is connected to it.
  std::string copy_database(const std::string& connection);
  std::string superuser_connection(const std::string& database) const;

 private:
  PrivatePostgres();
  // Runs a shell command as the server's user; ASSERTs that it succeeds.
  void run(const std::string& command) const;

  [[noreturn]] void become_server(const char* log_path, const char* const* arguments) const;
  bool answers() const;

  std::string folder_;
  std::string bin_;
  bool as_root_ = false;
  unsigned uid_ = 0;  // of user postgres, when run as root
  unsigned gid_ = 0;
  int server_ = -1;  // process id
  int databases_ = 0;
};

}  // namespace store_test
