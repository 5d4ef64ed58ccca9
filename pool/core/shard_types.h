// The small types that a shard and the loop around it share.
#pragma once

#include "common/base/bytes.h"
#include "common/base/strong.h"
#include "common/bitcoin/hash.h"
#include "common/bitcoin/header.h"
#include "common/mining/job.h"
#include "common/stratum/client_to_server.h"
#include "pool/core/address_prefix.h"
#include "pool/core/records.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

// How a core names a connection that a loop owns. Never reused while the process lives.
using ConnectionId = base::Strong<struct ConnectionIdTag, std::uint64_t>;
using ShardIndex = base::Strong<struct ShardIndexTag, std::uint32_t>;
// Who appended to the journal: a shard (its index) or the node loop (journal_source_node).
using JournalSource = base::Strong<struct JournalSourceTag, std::uint32_t>;
inline constexpr JournalSource journal_source_node{0xffffffff};
inline constexpr JournalSource journal_source_self{0xfffffffe};       // events of the journal's own
inline constexpr JournalSource journal_source_coherence{0xfffffffd};  // events of coherence work
// A source's own count of its appends, from 1.
using AppendId = base::Strong<struct AppendIdTag, std::uint64_t>;

// Whom a connection counts for: behind a proxy the address in its PROXY header, else the socket's.
struct Peer {
  std::string address;         // for the operator: "192.0.2.1"
  AddressPrefix prefix;        // for limits and bans
  bool limited = true;         // false: loopback, or a trusted proxy speaking for itself
  std::uint32_t listener = 0;  // index into stratum.listen
};

enum class CloseReason : std::uint8_t {
  line_too_long,
  not_stratum,  // bad JSON too often, or another protocol
  too_many_unauthorized,
  handshake_timeout,
  idle,
  auth_failed,
  shutting_down,
  pool_full,
  only_rejects,
  no_work,
  false_proof,
  banned,  // by the operator
};
inline constexpr std::size_t close_reason_count = 12;
std::string_view describe(CloseReason reason);
// Stable machine name, as in the API: "line_too_long".
std::string_view name_of(CloseReason reason);

// Why a connection is closed before a session could say so.
enum class TurnAway : std::uint8_t {
  refused,  // by the shard: full, banned, over its address's limits
  not_stratum,
  http,
  tls_failed,
  tls_refused,  // by the client, which does not like our certificate; or there is no TLS here
  bad_proxy_header,
  too_slow,
};
inline constexpr std::size_t turn_away_count = 7;
std::string_view name_of(TurnAway why);

// A connection on its way to the shard that owns the extranonce1 which its miner wants back: what
// it has said so far, as far as it matters, and what of its bytes nobody has read. It has logged in
// nowhere yet.
struct HandOver {
  ShardIndex owner;
  stratum::RequestId subscribe_id;  // of the request that is still to be answered
  stratum::Subscribe subscribe;
  std::optional<std::uint32_t> version_mask;  // granted
  std::optional<double> minimum_difficulty;
  std::optional<double> suggested_difficulty;
  bool takes_set_extranonce = false;
  bool coherence = false;  // granted
  bool coherence_only = false;
  base::Bytes unread;
};

// A header that meets its network target. Posted to the node loop before anything else is done
// with the share. The node loop journals `candidate`, before what the nodes say of the block.
struct FoundBlock {
  std::shared_ptr<const mining::Job> job;
  bitcoin::HeaderBytes header{};
  bitcoin::BlockHash hash;
  base::Bytes coinbase;  // legacy serialisation
  ShardIndex shard;
  BlockCandidateRecord candidate;
};

// Records for the journal, gathered over one turn of a loop. Shard or node -> journal.
struct JournalAppend {
  JournalSource source;
  AppendId id;
  base::Bytes payloads;  // as append_payload() made them, one or more
};

}  // namespace pool
