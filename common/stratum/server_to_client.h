// What a pool says to a miner, one struct per method. codec.h writes and parses them.
#pragma once

#include "common/base/u256.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/target.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace stratum {

struct Notify {
  std::string job_id;
  bitcoin::BlockHash prev_hash;
  base::Bytes coinb1;
  base::Bytes coinb2;
  std::vector<bitcoin::Hash256> merkle_branch;
  std::uint32_t version = 0;
  std::uint32_t nbits = 0;
  std::uint32_t ntime = 0;
  bool clean_jobs = false;
};
struct SetDifficulty {
  bitcoin::Difficulty difficulty;
};
struct SetVersionMask {
  std::uint32_t mask = 0;
};
struct SetExtranonce {
  base::Bytes extranonce1;
  std::uint32_t extranonce2_size = 0;
};
// coherence.*: the second kind of work (docs/coherence.md).
struct CoherenceSetExtranonce {
  std::uint64_t extranonce = 0;
};
struct CoherenceSetTarget {
  base::U256 target;  // a work hash must be less
};
struct CoherenceNotify {
  std::string job_id;
  std::array<std::uint8_t, 76> header{};
  std::uint32_t params = 0;
  bool clean = false;
  std::optional<std::uint32_t> height;  // of the proof chain's block; a pool may leave it out
};
struct Reconnect {
  std::string host;  // empty: the same
  std::uint32_t port = 0;
  std::uint32_t wait_seconds = 0;
};
struct ShowMessage {
  std::string text;
};
struct GetVersion {
  std::string id_json;
};
struct ServerPing {
  std::string id_json;
};
// The answer to a request of ours.
struct ServerResponse {
  std::string id_json;      // raw JSON of the id
  std::string result_json;  // raw JSON of the result ("true", "null", …)
  bool accepted = false;    // result is true or a non-null value, and error is null
  int error_code = 0;       // when error is not null
  std::string error_text;
};
// A method we do not know, or one that we know and whose params are not usable.
struct UnknownServerMethod {
  std::string method;
  std::string why;  // "nbits: \"zz\" is not up to 8 hex digits"; empty when the method is unknown
};

using ServerMessage =
    std::variant<Notify, SetDifficulty, SetVersionMask, SetExtranonce, CoherenceSetExtranonce,
                 CoherenceSetTarget, CoherenceNotify, Reconnect, ShowMessage, GetVersion,
                 ServerPing, ServerResponse, UnknownServerMethod>;

// The result of mining.subscribe.
struct SubscribeResult {
  std::string session_id;
  base::Bytes extranonce1;
  std::uint32_t extranonce2_size = 0;
};
// The result of mining.configure: what was requested, with the answer to each.
struct ConfigureResult {
  std::vector<std::pair<std::string, bool>> extensions;
  std::optional<std::uint32_t> version_rolling_mask;
  std::optional<std::uint32_t> coherence_version = {};
};

}  // namespace stratum
