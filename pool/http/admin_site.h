// AdminSite: the operator's orders over HTTP, on a listener of its own.
//
// Who may: a request to a loopback name (a page in the operator's browser can send requests here,
// but not under that name after DNS rebinding, nor without Origin), with the token of
// data_dir/admin.token. Orders are POSTs, so no link, image or prefetch gives one.
//
// An order is answered when all shards have carried it out, and tells how many connections it
// concerned. Bounded: limits::admin_orders_waiting_max at once.
// Thread: the web loop's. Pure: what is ordered goes out by functions.
#pragma once

#include "common/net/http.h"
#include "pool/core/operator_order.h"
#include "pool/http/responder.h"
#include "pool/http/router.h"
#include "pool/http/snapshot.h"
#include "pool/messages.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace pool {

struct AdminError;

class AdminSite {
 public:
  struct Sources {
    std::string token;
    std::uint16_t port = 0;  // of the listener
    bitcoin::Network network = bitcoin::Network::mainnet;
    std::function<const PoolSnapshot&()> snapshot;
    // To every shard.
    std::function<PostedToShards(const OperatorOrder&)> order;
    std::function<bool(ReloadOrder)> reload;  // to main; false: it is busy
    // For the log: who ordered what is always worth a line.
    std::function<void(std::string_view order, std::string_view detail)> log;
  };

  explicit AdminSite(Sources sources);
  AdminSite(const AdminSite&) = delete;
  AdminSite& operator=(const AdminSite&) = delete;

  void answer(const net::HttpRequest& request, const Responder& responder);
  void on(const OrderDone& done);
  // About once a second: forgets orders whose client has been answered without them.
  void tick();

 private:
  struct Waiting {
    Responder responder;
    std::size_t answers_due = 0;
    OrderDone sum;
  };

  void add_orders();
  template <class Order>
  void give(std::string_view name, const base::Result<Order, AdminError>& parsed,
            std::string_view detail, const Responder& responder);
  void reload(const RoutedRequest& request, const Responder& responder);
  bool may_wait(const Responder& responder);

  const Sources sources_;
  Router router_;
  std::map<std::uint64_t, Waiting> waiting_;  // by the order's number
  std::uint64_t next_order_ = 1;
};

}  // namespace pool
