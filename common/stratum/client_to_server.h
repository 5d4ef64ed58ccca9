// What a miner says to a pool, one struct per method. No JSON here: codec.h turns lines into these
// and back. Field names are Stratum's.
//
// Strings are copies, bounded by the line limit. Tolerances of real miners (short hex, JSON
// numbers, null or missing params) are the codec's business; a value that it could not read at all
// becomes Malformed, which names the field, the value and what was expected.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace stratum {

// A request's id as raw JSON text ("7", "\"auth\"", "null"), echoed to the letter. Empty when the
// key was missing. A request with a null or missing id is a notification: it gets no reply.
struct RequestId {
  std::string json;
  bool is_notification() const { return json.empty() || json == "null"; }
};

struct Subscribe {
  std::string user_agent;
  std::string session_id;  // empty: none
};
struct Authorize {
  std::string username;  // without blanks around it
  std::string password;
};
struct Configure {
  std::vector<std::string> extensions;  // as requested, in order; at most 16, none twice
  std::optional<std::uint32_t> version_rolling_mask;
  std::optional<std::uint32_t> version_rolling_min_bit_count;
  std::optional<double> minimum_difficulty;
  std::optional<std::uint32_t> coherence_version;
  bool coherence_only = false;  // no mining.notify is wanted
};
struct SuggestDifficulty {
  double difficulty = 0;  // finite; may be zero, negative or far out of range
};
struct SuggestTarget {
  // Little-endian, as bitcoin::Target256 keeps it; never zero.
  std::array<std::uint8_t, 32> target{};
};
struct ExtranonceSubscribe {};
struct Submit {
  std::string worker_name;  // without blanks around it
  std::string job_id;
  std::string extranonce2_hex;  // even number of hex digits, not yet compared with the size
  std::uint32_t ntime = 0;
  std::uint32_t nonce = 0;
  std::optional<std::uint32_t> version_bits;
};
// coherence.submit. The numbers are as sent, not yet compared with their ranges.
struct CoherenceSubmit {
  std::string worker_name;  // without blanks around it
  std::string job_id;
  std::uint64_t attempt = 0;
  std::uint32_t bloom_end = 0;
  std::uint32_t r_q = 0;
  std::uint32_t psi_q = 0;
  std::array<std::uint8_t, 32> cert_hash{};  // as SHA-256 gives it
};
struct Ping {};
struct GetTransactions {};
struct Capabilities {};  // mining.capabilities: accepted and ignored
// An answer to something we sent, or a bare pong.
struct Response {
  std::string result_text;  // when the result is a string
};
struct UnknownMethod {
  std::string method;
};
// The method is known, its params are not usable.
struct Malformed {
  std::string method;
  std::string why;  // "ntime: \"12g4\" is not up to 8 hex digits"
};

using ClientMessage =
    std::variant<Subscribe, Authorize, Configure, SuggestDifficulty, SuggestTarget,
                 ExtranonceSubscribe, Submit, CoherenceSubmit, Ping, GetTransactions, Capabilities,
                 Response, UnknownMethod, Malformed>;

struct ClientRequest {
  RequestId id;
  ClientMessage message;
};

}  // namespace stratum
