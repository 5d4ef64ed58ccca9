// A snapshot with something in every member, for the tests of what is made out of it.
#pragma once

#include "pool/http/snapshot.h"

namespace pool {

inline PoolSnapshot busy_snapshot() {
  PoolSnapshot s;
  s.facts = {bitcoin::Network::regtest,
             "0.1.0",
             "stratum+tcp://127.0.0.1:3333",
             "bcrt1qpool",
             "pplns",
             10000,
             0,
             "2.0",
             100'000,
             ""};
  s.time_us = 1'726'842'727'000'000;
  s.uptime_seconds = 259;
  s.hashrate = {1e6, 2.5e6, 2e6, 1.5e6, 1.4e6, 1.25e6, 1.2e6};
  s.connections = 12;
  s.connections_total = 40;
  s.workers = 11;
  s.miners = 3;
  s.shares_accepted = 9'990;
  s.shares_pending = 2;
  s.rejects[static_cast<std::size_t>(stratum::RejectReason::stale)] = 7;
  s.rejects[static_cast<std::size_t>(stratum::RejectReason::low_difficulty)] = 3;
  s.blocks_found = 2;
  s.best_share_difficulty = 31.5;
  s.notify_latency_us = 1'800;
  s.node = NodeStatus{};
  s.node->connected = true;
  s.node->chain = "regtest";
  s.node->version = "/Satoshi:27.0.0/";
  s.node->height = 1'234;
  s.node->tip.bytes[0] = 0xab;  // the last digits of the display form
  s.node->network_difficulty = 4.6565423739069247e-10;
  s.node->network_hashrate = 100;
  s.node->coinbase_sats = 5'000'000'123;
  s.node->template_transactions = 17;
  s.node->template_time_us = 1'726'842'726'000'000;
  s.journal = JournalStatus{true, "", {0, 1000, 9'990}, 55, 1'900};
  s.stored = StoredStats{true, "", {0, 900, 9'980}, 9'980};
  s.blocks = {{1'234,
               std::string(60, '0') + "abcd",
               "accepted",
               "",
               1'726'842'700'000'000,
               "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
               "rig1",
               5'000'000'000,
               1,
               2,
               "in_chain",
               3,
               97,
               {{"node 1", "accepted", "", 1'726'842'700'100'000},
                {"node 2", "inconclusive", "inconclusive", 1'726'842'700'200'000}}}};
  s.blocks_version = 6;
  s.blocks_by_status = {{"accepted", 2}, {"rejected", 0}};
  s.database_read_us = 1'726'842'726'500'000;
  return s;
}

}  // namespace pool
