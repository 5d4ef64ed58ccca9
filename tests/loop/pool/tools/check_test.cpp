// `phasepool check` where everything it needs is missing, and the probes it is made of. With a real
// node and database it is tested in tests/functional.
#include "pool/tools/check.h"

#include "common/uv/loop.h"
#include "common/uv/mailbox.h"
#include "common/uv/tcp.h"
#include "pool/tools/probe.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

using namespace pool;
using namespace std::chrono_literals;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "pool_check_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string path(const std::string& name = "") const { return (path_ / name).string(); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

// A listener whose clients get `greeting` and nothing else; served on a thread of its own.
class Greeter {
 public:
  explicit Greeter(std::string greeting) : greeting_(std::move(greeting)) {
    uv::ListenOptions where;
    where.host = "127.0.0.1";
    auto listener =
        uv::TcpListener::listen(loop_, where, {}, [this](std::unique_ptr<uv::TcpStream> stream) {
          stream->set_callbacks({});
          stream->start_reading();
          if (!greeting_.empty()) stream->write(greeting_);
          streams_.push_back(std::move(stream));
        });
    REQUIRE(listener);
    listener_ = std::move(*listener);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Greeter() {
    CHECK(stop_.post(0));
    thread_.join();
  }
  std::uint16_t port() const { return listener_->bound_port(); }

 private:
  uv::Loop loop_;
  const std::string greeting_;
  std::vector<std::unique_ptr<uv::TcpStream>> streams_;
  std::unique_ptr<uv::TcpListener> listener_;
  uv::Mailbox<int> stop_{loop_, 1, [this](int&&) { loop_.stop(); }};
  std::thread thread_;
};

// A port that nothing listens on: bound once, and let go.
std::uint16_t free_port() {
  uv::Loop loop;
  uv::ListenOptions where;
  where.host = "127.0.0.1";
  auto listener = uv::TcpListener::listen(loop, where, {}, [](std::unique_ptr<uv::TcpStream>) {});
  REQUIRE(listener);
  return (*listener)->bound_port();
}

}  // namespace

TEST_CASE("with nothing there, each part fails with its own line and a remedy") {
  const TemporaryFolder folder;
  const Greeter taken("");
  Config config;
  config.network = bitcoin::Network::regtest;
  config.payout_address.text = "bcrt1qtest";
  config.data_dir = folder.path("data");
  config.database = "postgresql://nobody@127.0.0.1:" + std::to_string(free_port()) + "/none";
  NodeConfig node;
  node.rpc = "http://127.0.0.1:" + std::to_string(free_port());
  node.zmq = {"tcp://127.0.0.1:" + std::to_string(free_port())};
  config.nodes = {node};
  ListenConfig listen;
  listen.host = "127.0.0.1";
  listen.port = taken.port();
  config.stratum.listen = {listen};
  config.stratum.tls_certificate = folder.path("absent.pem");
  config.http.tls_certificate = folder.path("web.pem");
  config.http.listen = "127.0.0.1:" + std::to_string(free_port());
  config.http.admin_listen = "";

  std::vector<CheckLine> lines;
  CHECK_FALSE(check_everything(config, CheckOptions{2'000ms},
                               [&](const CheckLine& line) { lines.push_back(line); }));
  struct Row {
    const char* part;
    bool ok;
    std::string names;
  };
  const Row rows[] = {
      {"config", true, "regtest, pays bcrt1qtest"},
      {"sha256", true, "portable"},
      {"data_dir", true, "can be made"},
      {"tls", false, "stratum.tls_certificate: " + config.stratum.tls_certificate},
      {"tls", false, "http.tls_certificate: " + config.http.tls_certificate},
      {"ports", false,
       "stratum.listen[0].port: can't listen on 127.0.0.1:" + std::to_string(taken.port()) + ": "},
      {"node", false, "127.0.0.1:" + node.rpc.substr(node.rpc.rfind(':') + 1)},
      {"zmq", false, node.zmq.front()},
      {"database", false, "127.0.0.1"},
      {"coherence", true, " computes what the reference does; level 2"},
  };
  REQUIRE_EQ(lines.size(), std::size(rows));
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    CAPTURE(rows[i].part);
    CAPTURE(lines[i].text);
    CHECK_EQ(lines[i].part, rows[i].part);
    CHECK_EQ(lines[i].ok, rows[i].ok);
    CHECK_NE(lines[i].text.find(rows[i].names), std::string::npos);
    CHECK_EQ(lines[i].text.find('\n'), std::string::npos);
  }
  CHECK_EQ(folder.entries(), 0);  // looked, touched nothing
}

TEST_CASE("lines align") {
  CHECK_EQ(format_check_line({true, "node", "well"}), "ok    node       well");
  CHECK_EQ(format_check_line({false, "data_dir", "full"}), "FAIL  data_dir   full");
}

TEST_CASE("a folder is writable, or can be made, or the reason is told") {
  const TemporaryFolder folder;
  CHECK(probe_folder(folder.path()).problem.empty());
  CHECK(probe_folder(folder.path()).exists);
  CHECK_GT(probe_folder(folder.path()).free_bytes, 0);
  const FolderProbe deep = probe_folder(folder.path("a/b/c"));
  CHECK(deep.problem.empty());
  CHECK_FALSE(deep.exists);
  std::ofstream(folder.path("file")) << "x";
  CHECK_NE(probe_folder(folder.path("file")).problem.find("is not a folder"), std::string::npos);
  CHECK_NE(probe_folder(folder.path("file/below")).problem.find("is not a folder"),
           std::string::npos);
  // /proc takes no files, not even root's.
  const FolderProbe refused = probe_folder("/proc/phasepool");
  CHECK_NE(refused.problem.find("can't be made in /proc"), std::string::npos);
  CHECK_EQ(folder.entries(), 1);
}

TEST_CASE("a port is free or taken") {
  const Greeter taken("");
  CHECK_NE(probe_port("127.0.0.1", taken.port()).find("EADDRINUSE"), std::string::npos);
  CHECK_EQ(probe_port("127.0.0.1", free_port()), "");
}

TEST_CASE("a ZMQ publisher is known by its greeting") {
  const Greeter publisher(std::string("\xff\0\0\0\0\0\0\0\x01\x7f", 10));
  CHECK_EQ(probe_zmq("127.0.0.1", publisher.port(), 2s), "");
  const Greeter other("220 mail.example ESMTP\r\n");
  CHECK_EQ(probe_zmq("127.0.0.1", other.port(), 2s), "something else than ZMQ answers there");
  const Greeter silent("");
  CHECK_EQ(probe_zmq("127.0.0.1", silent.port(), 100ms),
           "it does not greet as a ZMQ publisher does");
  CHECK_NE(probe_zmq("127.0.0.1", free_port(), 2s).find("ECONNREFUSED"), std::string::npos);
}
