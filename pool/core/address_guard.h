// AddressGuard: what one address (or IPv6 /64) may take of a shard, and who is banned.
//
// Limits:   connections; connections that do not mine yet; new connections a minute; lines a
//           second. Generous, since a farm behind NAT is one address. Each shard keeps its part of
//           a pool-wide limit (shard_part()); the kernel spreads connections evenly among shards.
// Offences: bytes that are not Stratum, lines without end, failed TLS, false proofs. Each has a
// weight; the score
//           drains with time. Ten strangers' scans are no offence, a stream of them is. Connections
//           of the address that mine raise both what it takes to be banned and how fast the score
//           drains, so that one broken device does not shut out the farm around it.
// Never an offence: short connections that subscribe, authorize and go (the probes of stratum
//           practice), silence, and being refused here.
// Bans:     an end time; only new connections are refused, what mines goes on mining. A ban is told
//           to the other shards by the caller.
// Memory:   bounded: addresses without connections go when they have nothing to remember, and all
//           of them when the table is full; of bans the one that ends first.
// Thread:   the shard's. Pure: time is an argument.
#pragma once

#include "common/base/time.h"
#include "pool/core/address_prefix.h"
#include "pool/core/token_bucket.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pool {

// Pool-wide; zero is no limit (and ban_time zero: nobody is banned).
struct AddressLimits {
  std::size_t connections_per_address = 10'000;
  std::size_t handshakes_per_address = 1000;  // connections that are not mining (yet)
  double connects_per_minute_per_address = 6000;
  double lines_per_second = 200;  // of one connection; the session keeps it
  double lines_per_second_per_address = 20'000;
  std::chrono::seconds ban_time{600};
  std::uint32_t shards = 1;
};

enum class Admission : std::uint8_t {
  ok,
  banned,
  too_many_connections,
  too_many_handshakes,
  too_fast,
};
std::string_view name_of(Admission admission);

enum class Offence : std::uint8_t {
  http,         // a browser, a scanner, a health check: weighs little
  not_stratum,  // other bytes, or lines that are not JSON too often
  line_too_long,
  tls_failed,
  false_proof,  // coherence work that was not done, which took a replay to find out
};
std::string_view name_of(Offence offence);

struct Ban {
  AddressPrefix prefix;
  base::MonoTime until{};
  Offence why = Offence::not_stratum;
};

// One shard's part of a pool-wide limit: its even share and what chance may add to it (three
// standard deviations), never more than the whole.
std::size_t shard_part(std::size_t limit, std::uint32_t shards);

class AddressGuard {
 public:
  explicit AddressGuard(const AddressLimits& limits);

  // When `ok`, the connection counts until on_disconnect(). Else nothing is remembered of it.
  [[nodiscard]] Admission on_connect(const AddressPrefix& prefix, base::MonoTime now);
  // The same for a connection that another shard admitted and that comes over. It was tested for
  // bans and rate there, but not for room here: else an address could bring all that it may have
  // to each shard in turn and move it to one.
  [[nodiscard]] Admission on_hand_over(const AddressPrefix& prefix, base::MonoTime now);
  // REQUIRES: of a connection that was admitted, once.
  void on_mining(const AddressPrefix& prefix);
  void on_disconnect(const AddressPrefix& prefix, bool was_mining);

  // False: the address is over its rate. The line counts nevertheless; reading should pause until
  // lines_allowed().
  bool spend_line(const AddressPrefix& prefix, base::MonoTime now);
  bool lines_allowed(const AddressPrefix& prefix, base::MonoTime now) const;

  // The ban that this offence was one too many for.
  [[nodiscard]] std::optional<Ban> on_offence(const AddressPrefix& prefix, Offence offence,
                                              base::MonoTime now);
  // Another shard's, or an operator's. An earlier ban of the prefix ends no sooner for it.
  void ban(const Ban& ban);
  // False: it was not banned.
  bool unban(const AddressPrefix& prefix);
  bool is_banned(const AddressPrefix& prefix, base::MonoTime now) const;
  std::vector<Ban> bans(base::MonoTime now) const;  // the soonest to end first

  // About once a second: forgets what no longer matters.
  void expire(base::MonoTime now);
  std::size_t addresses() const { return addresses_.size(); }

 private:
  struct Address {
    std::uint32_t connections = 0;
    std::uint32_t mining = 0;
    TokenBucket connects;
    TokenBucket lines;
    double score = 0;
    base::MonoTime scored_at{};
  };

  Address& entry_of(const AddressPrefix& prefix, base::MonoTime now);
  Admission has_room(const Address& address) const;
  Admission admit(Address& address, base::MonoTime now) const;
  bool has_nothing_to_remember(const Address& address, base::MonoTime now) const;
  static double score_at(const Address& address, base::MonoTime now);
  void make_room(base::MonoTime now);
  void sweep(base::MonoTime now);

  const AddressLimits limits_;
  const std::size_t connections_max_;
  const std::size_t handshakes_max_;
  const TokenRate connect_rate_;
  const TokenRate line_rate_;
  std::unordered_map<AddressPrefix, Address> addresses_;
  base::MonoTime next_sweep_{};
  std::map<AddressPrefix, Ban> bans_;
  std::set<std::pair<base::MonoTime, AddressPrefix>> bans_by_end_;
};

}  // namespace pool
