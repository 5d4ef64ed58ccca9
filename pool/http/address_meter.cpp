#include "pool/http/address_meter.h"

#include "common/base/assert.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace pool {
namespace {

// Takes the last entry off a list, as proxies append to it.
std::string_view take_last(std::string_view& list) {
  const std::size_t comma = list.rfind(',');
  std::string_view last = comma == std::string_view::npos ? list : list.substr(comma + 1);
  list = comma == std::string_view::npos ? std::string_view{} : list.substr(0, comma);
  while (!last.empty() && (last.front() == ' ' || last.front() == '\t')) last.remove_prefix(1);
  while (!last.empty() && (last.back() == ' ' || last.back() == '\t')) last.remove_suffix(1);
  return last;
}

// An entry of the list; some proxies append the port: "192.0.2.1:4711", "[2001:db8::1]:443".
std::optional<base::IpAddress> address_in(std::string_view entry) {
  if (!entry.empty() && entry.front() == '[') {
    entry = entry.substr(1, entry.find(']') == entry.npos ? 0 : entry.find(']') - 1);
  } else if (std::count(entry.begin(), entry.end(), ':') == 1) {
    entry = entry.substr(0, entry.find(':'));
  }
  return base::IpAddress::parse(entry);
}

}  // namespace

AddressMeter::AddressMeter(Options options)
    : options_(std::move(options)),
      rate_(TokenRate::of(options_.requests_per_second,
                          options_.requests_per_second * limits::http_requests_burst_seconds)) {}

bool AddressMeter::is_proxy(const base::IpAddress& address) const {
  return address.is_loopback() ||
         std::any_of(options_.proxies.begin(), options_.proxies.end(),
                     [&](const AddressRange& range) { return range.contains(address); });
}

std::optional<AddressPrefix> AddressMeter::client_of(const std::optional<base::IpAddress>& peer,
                                                     const net::HttpHeaders& headers) const {
  if (!peer) return std::nullopt;
  if (!is_proxy(*peer)) return AddressPrefix(*peer);
  for (auto field = headers.rbegin(); field != headers.rend(); ++field) {
    if (field->first != "x-forwarded-for") continue;
    std::string_view list = field->second;
    while (!list.empty()) {
      const auto client = address_in(take_last(list));
      if (!client) return AddressPrefix(*peer);
      if (!is_proxy(*client)) return AddressPrefix(*client);
    }
  }
  return std::nullopt;
}

bool AddressMeter::on_connect(const AddressPrefix& address) {
  Address& entry = addresses_[address];
  if (entry.connections >= options_.connections_max) return false;
  ++entry.connections;
  return true;
}

void AddressMeter::on_disconnect(const AddressPrefix& address) {
  const auto found = addresses_.find(address);
  ASSERT(found != addresses_.end() && found->second.connections > 0);
  --found->second.connections;
}

bool AddressMeter::on_watch(const AddressPrefix& address) {
  Address& entry = addresses_[address];
  if (entry.watchers >= options_.connections_max) return false;
  ++entry.watchers;
  return true;
}

void AddressMeter::on_unwatch(const AddressPrefix& address) {
  const auto found = addresses_.find(address);
  ASSERT(found != addresses_.end() && found->second.watchers > 0);
  --found->second.watchers;
}

bool AddressMeter::on_request(const AddressPrefix& address, base::MonoTime now) {
  if (addresses_.size() >= limits::http_addresses_remembered_max) {
    std::erase_if(addresses_, [](const auto& entry) { return !entry.second.is_in_use(); });
  }
  return addresses_[address].requests.try_spend(rate_, now);
}

void AddressMeter::expire(base::MonoTime now) {
  std::erase_if(addresses_, [now](const auto& entry) {
    return !entry.second.is_in_use() && entry.second.requests.full(now);
  });
}

}  // namespace pool
