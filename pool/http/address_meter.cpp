#include "pool/http/address_meter.h"

#include "common/base/assert.h"

namespace pool {
namespace {

// The last of a list, as proxies append to it.
std::string_view last_of(std::string_view list) {
  const std::size_t comma = list.rfind(',');
  if (comma != std::string_view::npos) list.remove_prefix(comma + 1);
  while (!list.empty() && (list.front() == ' ' || list.front() == '\t')) list.remove_prefix(1);
  while (!list.empty() && (list.back() == ' ' || list.back() == '\t')) list.remove_suffix(1);
  return list;
}

}  // namespace

std::optional<AddressPrefix> AddressMeter::client_of(const std::optional<base::IpAddress>& peer,
                                                     const net::HttpHeaders& headers) {
  if (!peer) return std::nullopt;
  if (!peer->is_loopback()) return AddressPrefix(*peer);
  std::string_view forwarded;
  for (const auto& [name, value] : headers) {
    if (name == "x-forwarded-for") forwarded = value;
  }
  const auto client = base::IpAddress::parse(last_of(forwarded));
  if (!client || client->is_loopback()) return std::nullopt;
  return AddressPrefix(*client);
}

bool AddressMeter::on_connect(const AddressPrefix& address) {
  Address& entry = addresses_[address];
  if (entry.connections >= limits::http_connections_per_address_max) return false;
  ++entry.connections;
  return true;
}

void AddressMeter::on_disconnect(const AddressPrefix& address) {
  const auto found = addresses_.find(address);
  ASSERT(found != addresses_.end() && found->second.connections > 0);
  --found->second.connections;
}

bool AddressMeter::on_request(const AddressPrefix& address, base::MonoTime now) {
  if (addresses_.size() >= limits::http_addresses_remembered_max) {
    std::erase_if(addresses_, [](const auto& entry) { return entry.second.connections == 0; });
  }
  return addresses_[address].requests.try_spend(rate_, now);
}

void AddressMeter::expire(base::MonoTime now) {
  std::erase_if(addresses_, [now](const auto& entry) {
    return entry.second.connections == 0 && entry.second.requests.full(now);
  });
}

}  // namespace pool
