// A miner's user name: payout address and worker name.
//
//   address, address.worker, address.worker.more; also with _ + - / or ~ instead of the first dot
// No address contains one of these, so the first of them ends it. Some firmwares write special
// characters as %xx. Whatever the spelling, one worker has one WorkerName: the address canonical,
// the name bounded and without control characters.
//
// Source: practice of miners and proxies (docs/stratum.md).
// Thread: pure functions.
#pragma once

#include "common/base/result.h"
#include "common/bitcoin/address.h"

#include <string>
#include <string_view>

namespace pool {

struct WorkerName {
  std::string address;
  std::string name;  // may be empty

  // "address.name", or the address alone: what a worker is known by everywhere.
  std::string full() const { return name.empty() ? address : address + "." + name; }
  friend bool operator==(const WorkerName&, const WorkerName&) = default;
};

// Blanks around it do not count.
[[nodiscard]] base::Result<WorkerName, bitcoin::AddressError> parse_worker_name(
    std::string_view username, bitcoin::Network network);

// Text of a peer, bounded and fit to be shown: control characters become '_', and a character of
// several bytes is not cut in the middle.
std::string clean_text(std::string_view text, std::size_t bytes_max);

}  // namespace pool
