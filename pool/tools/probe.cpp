#include "pool/tools/probe.h"

#include "common/uv/loop.h"
#include "common/uv/tcp.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

namespace pool {
namespace {

namespace fs = std::filesystem;

std::string error_text(int code) { return std::strerror(code); }

// The nearest folder on the way up that is there.
fs::path existing_ancestor(fs::path path) {
  std::error_code ignored;
  while (path.has_relative_path() && !fs::exists(path, ignored)) path = path.parent_path();
  return path.empty() ? fs::path(".") : path;
}

std::uint64_t free_bytes(const fs::path& path) {
  struct statvfs space {};
  if (statvfs(path.c_str(), &space) != 0) return 0;
  return static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
}

std::string try_writing(const fs::path& folder) {
  std::string name = (folder / ".phasepool_check_XXXXXX").string();
  const int file = mkstemp(name.data());
  if (file < 0) return error_text(errno);
  std::string problem;
  if (write(file, "x", 1) != 1 || fsync(file) != 0) problem = error_text(errno);
  close(file);
  unlink(name.c_str());
  return problem;
}

}  // namespace

FolderProbe probe_folder(const std::string& path) {
  FolderProbe out;
  std::error_code error;
  const fs::path nearest = existing_ancestor(fs::absolute(path, error).lexically_normal());
  out.exists = fs::exists(path, error);
  out.free_bytes = free_bytes(nearest);
  if (!fs::is_directory(nearest, error)) {
    out.problem = nearest.string() + " is not a folder";
  } else {
    out.problem = try_writing(nearest);
    if (!out.problem.empty() && !out.exists) {
      out.problem =
          "it does not exist, and can't be made in " + nearest.string() + ": " + out.problem;
    }
  }
  return out;
}

std::string probe_port(const std::string& host, std::uint16_t port) {
  uv::Loop loop;
  uv::ListenOptions where;
  where.host = host;
  where.port = port;
  const auto listener =
      uv::TcpListener::listen(loop, where, {}, [](std::unique_ptr<uv::TcpStream>) {});
  return listener ? std::string{} : uv::describe(listener.error());
}

std::string probe_zmq(const std::string& host, std::uint16_t port,
                      std::chrono::milliseconds deadline) {
  constexpr std::uint8_t zmtp_signature = 0xFF;
  uv::Loop loop;
  std::optional<std::string> verdict;
  std::unique_ptr<uv::TcpStream> stream;
  const auto settle = [&](std::string text) {
    if (!verdict) verdict = std::move(text);
    loop.stop();
  };
  uv::Timer timer(loop, [&] { settle("it does not greet as a ZMQ publisher does"); });
  timer.start(deadline, std::chrono::milliseconds{0});
  uv::TcpConnector connector(
      loop, host, port, deadline, {},
      [&](base::Result<std::unique_ptr<uv::TcpStream>, uv::UvError> connected) {
        if (!connected) return settle(uv::describe(connected.error()));
        stream = std::move(*connected);
        uv::TcpStream::Callbacks callbacks;
        callbacks.on_bytes = [&](base::ByteSpan bytes) {
          settle(bytes.front() == zmtp_signature ? "" : "something else than ZMQ answers there");
        };
        callbacks.on_close = [&](uv::CloseCause) { settle("it closed the connection"); };
        stream->set_callbacks(std::move(callbacks));
        stream->start_reading();
      });
  while (!verdict) loop.run();
  return *verdict;
}

}  // namespace pool
