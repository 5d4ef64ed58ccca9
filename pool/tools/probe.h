// Small looks at the machine for `phasepool check`: a folder, a port, a ZMQ publisher.
//
// Errors: the problem in a few words, "permission denied"; empty when there is none.
// Thread: the caller's; probe_zmq blocks for at most its deadline.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace pool {

struct FolderProbe {
  std::string problem;
  bool exists = false;  // false and no problem: it can be made
  std::uint64_t free_bytes = 0;
};

// Whether files can be written in the folder; if it does not exist, whether it can be made. Tried
// with a file that is removed again.
FolderProbe probe_folder(const std::string& path);
// Whether a listener could be bound, and nobody listens there.
std::string probe_port(const std::string& host, std::uint16_t port);
// Whether a ZMTP peer greets there (the first byte of its signature is FF, RFC 23/ZMTP).
std::string probe_zmq(const std::string& host, std::uint16_t port,
                      std::chrono::milliseconds deadline);

}  // namespace pool
