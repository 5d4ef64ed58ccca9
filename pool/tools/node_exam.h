// examine_node: all that the pool needs of one node, tried: chain, template, proposal,
// clock, announcements, the right to submit, the wallet. A line each for `phasepool check`.
//
// Nothing at the node changes: what is submitted is no block, what is proposed is not kept.
//
// Errors: a finding that is not ok says what, where, and what to do.
// Thread: the caller's, which it blocks for at most `deadline`, and 2 s for each ZMQ endpoint.
#pragma once

#include "common/bitcoin/address.h"
#include "pool/config/config.h"
#include "pool/core/job_source.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace pool {

struct CheckLine {
  bool ok = false;
  std::string part;  // "node"
  std::string text;  // one line
};
using CheckReport = std::function<void(const CheckLine&)>;

struct NodeExamOptions {
  bitcoin::Network network = bitcoin::Network::mainnet;
  std::chrono::milliseconds deadline{10'000};
  JobSourceOptions jobs;  // of which the block that is proposed is made
  std::string wallet;     // that must be there; empty: none needs to be
};

void examine_node(const NodeConfig& node, const NodeExamOptions& options,
                  const CheckReport& report);

// How far the node's clock is ahead of ours, in seconds, as its template tells. A template's time
// is never before `mintime`, so where it is just that, the node's clock may be anything earlier:
// then only what is certain counts. `asked` and `came` are our clock around the answer.
std::int64_t clock_skew_seconds(std::int64_t curtime, std::int64_t mintime, std::int64_t asked,
                                std::int64_t came);

}  // namespace pool
