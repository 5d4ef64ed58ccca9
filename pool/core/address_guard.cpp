#include "pool/core/address_guard.h"

#include "common/base/assert.h"
#include "common/base/test_faults.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <cmath>

namespace pool {
namespace {

// Offences weigh so many points; an address without miners is banned at ban_score, and its score
// drains by ban_score in score_drain.
constexpr double ban_score = 100;
constexpr std::chrono::duration<double> score_drain = std::chrono::minutes(10);

constexpr auto sweep_period = std::chrono::seconds(10);

double weight_of(Offence offence) {
  switch (offence) {
    case Offence::http:
      return 2;
    case Offence::not_stratum:
      return 10;
    case Offence::line_too_long:
      return 20;
    case Offence::tls_failed:
      return 5;
    case Offence::false_proof:
      return 20;
  }
  return 0;
}

// A fresh address may bring as many connections at once as it may in a minute: a farm that comes
// back after a restart of ours does.
TokenRate connect_rate_of(const AddressLimits& limits) {
  const auto part = static_cast<double>(
      shard_part(static_cast<std::size_t>(std::max(limits.connects_per_minute_per_address, 0.0)),
                 limits.shards));
  return TokenRate::of(part / 60, part);
}

TokenRate line_rate_of(const AddressLimits& limits) {
  const auto part = static_cast<double>(shard_part(
      static_cast<std::size_t>(std::max(limits.lines_per_second_per_address, 0.0)), limits.shards));
  return TokenRate::of(part, 2 * part);
}

}  // namespace

std::string_view name_of(Admission admission) {
  switch (admission) {
    case Admission::ok:
      return "ok";
    case Admission::banned:
      return "banned";
    case Admission::too_many_connections:
      return "too_many_connections";
    case Admission::too_many_handshakes:
      return "too_many_handshakes";
    case Admission::too_fast:
      return "too_fast";
  }
  return "unknown";
}

std::string_view name_of(Offence offence) {
  switch (offence) {
    case Offence::http:
      return "http";
    case Offence::not_stratum:
      return "not_stratum";
    case Offence::line_too_long:
      return "line_too_long";
    case Offence::tls_failed:
      return "tls_failed";
    case Offence::false_proof:
      return "false_proof";
  }
  return "unknown";
}

std::size_t shard_part(std::size_t limit, std::uint32_t shards) {
  if (shards <= 1) return limit;
  const double even = static_cast<double>(limit) / shards;
  const double part = std::ceil(even + 3 * std::sqrt(even));
  return std::min(limit, static_cast<std::size_t>(part));
}

AddressGuard::AddressGuard(const AddressLimits& limits)
    : limits_(limits),
      connections_max_(shard_part(limits.connections_per_address, limits.shards)),
      handshakes_max_(shard_part(limits.handshakes_per_address, limits.shards)),
      connect_rate_(connect_rate_of(limits)),
      line_rate_(line_rate_of(limits)) {}

// ---------------------------------------------------------------- connections

Admission AddressGuard::on_connect(const AddressPrefix& prefix, base::MonoTime now) {
  if (is_banned(prefix, now)) return Admission::banned;
  Address& address = entry_of(prefix, now);
  const Admission admission = admit(address, now);
  if (admission == Admission::ok) ++address.connections;
  return admission;
}

Admission AddressGuard::on_hand_over(const AddressPrefix& prefix, base::MonoTime now) {
  Address& address = entry_of(prefix, now);
  const Admission admission = has_room(address);
  if (admission == Admission::ok) ++address.connections;
  return admission;
}

Admission AddressGuard::has_room(const Address& address) const {
  if (connections_max_ != 0 && address.connections >= connections_max_) {
    return Admission::too_many_connections;
  }
  if (handshakes_max_ != 0 && !base::fault("handshakes_not_counted") &&
      address.connections - address.mining >= handshakes_max_) {
    return Admission::too_many_handshakes;
  }
  return Admission::ok;
}

Admission AddressGuard::admit(Address& address, base::MonoTime now) const {
  if (const Admission room = has_room(address); room != Admission::ok) return room;
  return address.connects.try_spend(connect_rate_, now) ? Admission::ok : Admission::too_fast;
}

void AddressGuard::on_mining(const AddressPrefix& prefix) {
  const auto found = addresses_.find(prefix);
  ASSERT(found != addresses_.end() && found->second.mining < found->second.connections);
  ++found->second.mining;
}

void AddressGuard::on_disconnect(const AddressPrefix& prefix, bool was_mining) {
  const auto found = addresses_.find(prefix);
  ASSERT(found != addresses_.end() && found->second.connections > 0);
  Address& address = found->second;
  --address.connections;
  if (was_mining) {
    ASSERT(address.mining > 0);
    --address.mining;
  }
}

// ---------------------------------------------------------------- lines

bool AddressGuard::spend_line(const AddressPrefix& prefix, base::MonoTime now) {
  const auto found = addresses_.find(prefix);
  return found == addresses_.end() || found->second.lines.spend(line_rate_, now);
}

bool AddressGuard::lines_allowed(const AddressPrefix& prefix, base::MonoTime now) const {
  const auto found = addresses_.find(prefix);
  return found == addresses_.end() || !found->second.lines.in_debt(line_rate_, now);
}

// ---------------------------------------------------------------- offences and bans

double AddressGuard::score_at(const Address& address, base::MonoTime now) {
  const std::chrono::duration<double> passed = now - address.scored_at;
  const double drained = ban_score * (1 + address.mining) * (passed / score_drain);
  return std::max(0.0, address.score - std::max(0.0, drained));
}

std::optional<Ban> AddressGuard::on_offence(const AddressPrefix& prefix, Offence offence,
                                            base::MonoTime now) {
  Address& address = entry_of(prefix, now);
  address.score = score_at(address, now) + weight_of(offence);
  address.scored_at = now;
  if (base::fault("nobody_banned")) return std::nullopt;
  if (limits_.ban_time.count() == 0 || address.score < ban_score * (1 + address.mining)) {
    return std::nullopt;
  }
  address.score = 0;  // paid for by the ban
  const Ban made{prefix, now + limits_.ban_time, offence};
  ban(made);
  return made;
}

void AddressGuard::ban(const Ban& ban) {
  const auto [place, fresh] = bans_.try_emplace(ban.prefix, ban);
  if (!fresh) {
    if (place->second.until >= ban.until) return;
    bans_by_end_.erase({place->second.until, ban.prefix});
    place->second = ban;
  }
  bans_by_end_.emplace(ban.until, ban.prefix);
  if (bans_.size() <= limits::bans_max) return;
  bans_.erase(bans_by_end_.begin()->second);
  bans_by_end_.erase(bans_by_end_.begin());
}

bool AddressGuard::unban(const AddressPrefix& prefix) {
  const auto found = bans_.find(prefix);
  if (found == bans_.end()) return false;
  bans_by_end_.erase({found->second.until, prefix});
  bans_.erase(found);
  return true;
}

bool AddressGuard::is_banned(const AddressPrefix& prefix, base::MonoTime now) const {
  const auto found = bans_.find(prefix);
  return found != bans_.end() && found->second.until > now;
}

std::vector<Ban> AddressGuard::bans(base::MonoTime now) const {
  std::vector<Ban> list;
  for (const auto& [until, prefix] : bans_by_end_) {
    if (until > now) list.push_back(bans_.at(prefix));
  }
  return list;
}

// ---------------------------------------------------------------- memory

AddressGuard::Address& AddressGuard::entry_of(const AddressPrefix& prefix, base::MonoTime now) {
  const auto found = addresses_.find(prefix);
  if (found != addresses_.end()) return found->second;
  if (addresses_.size() >= limits::addresses_remembered_max) make_room(now);
  return addresses_[prefix];
}

bool AddressGuard::has_nothing_to_remember(const Address& address, base::MonoTime now) const {
  return address.connections == 0 && address.connects.full(now) && address.lines.full(now) &&
         score_at(address, now) == 0;
}

// Goes through the whole table, but leaves it at most half full (it holds two addresses for each
// connection a shard can have), so that the next time is as many newcomers away.
void AddressGuard::make_room(base::MonoTime now) {
  sweep(now);
  if (addresses_.size() < limits::addresses_remembered_max) return;
  std::erase_if(addresses_, [](const auto& entry) { return entry.second.connections == 0; });
}

void AddressGuard::sweep(base::MonoTime now) {
  next_sweep_ = now + sweep_period;
  std::erase_if(addresses_,
                [&](const auto& entry) { return has_nothing_to_remember(entry.second, now); });
}

void AddressGuard::expire(base::MonoTime now) {
  if (now >= next_sweep_) sweep(now);
  while (!bans_by_end_.empty() && bans_by_end_.begin()->first <= now) {
    bans_.erase(bans_by_end_.begin()->second);
    bans_by_end_.erase(bans_by_end_.begin());
  }
}

}  // namespace pool
