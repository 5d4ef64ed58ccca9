// Test vectors as JSON documents, and the pieces that several tests of this folder make from them.
#pragma once

#include "common/mining/job.h"
#include "common/stratum/server_to_client.h"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

namespace mining_test {

inline std::string vector_text(const std::string& file) {
  std::ifstream in(std::string(SOURCE_ROOT "/tests/unit/vectors/") + file);
  REQUIRE_MESSAGE(in.good(), file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline rapidjson::Document vector_json(const std::string& file) {
  rapidjson::Document document;
  document.Parse(vector_text(file).c_str());
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

inline base::Bytes bytes(std::string_view hex) {
  auto decoded = base::from_hex(hex);
  REQUIRE(decoded);
  return *decoded;
}

// What a pool would have kept of a job that it sent as this notify. mintime is the job's ntime.
inline mining::Job job_of(const stratum::Notify& notify) {
  auto block_template = std::make_shared<mining::BlockTemplate>();
  block_template->prev_hash = notify.prev_hash;
  block_template->version = notify.version;
  block_template->nbits = notify.nbits;
  const auto target = bitcoin::Target256::from_compact(notify.nbits);
  REQUIRE(target);
  block_template->network_target = *target;
  block_template->mintime = notify.ntime;
  mining::Job job;
  job.block_template = std::move(block_template);
  auto work = std::make_shared<mining::TierWork>();
  work->coinbase = {notify.coinb1, notify.coinb2};
  job.tiers.push_back(std::move(work));
  job.merkle_branch = notify.merkle_branch;
  job.version = notify.version;
  job.ntime = notify.ntime;
  return job;
}

}  // namespace mining_test
