#include "pool/payout/payout_command.h"

#include "pool/payout/payout_error.h"
#include "tests/loop/pool/payout/payout_fixture.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

using Action = PayoutCommand::Action;

Config config(const std::string& database) {
  Config made;
  made.network = bitcoin::Network::regtest;
  made.database = database;
  made.nodes.resize(1);
  made.nodes[0].rpc = "http://127.0.0.1:1";
  made.payout.wallet = "w";
  return made;
}

TEST_CASE("what is wrong with the command or the config is told before anything is asked") {
  const Config nowhere = config("postgresql:///nowhere?host=/nowhere");
  PayoutCommand command;
  command.node = 1;
  CHECK_EQ(payout_command(nowhere, command), payout_usage);
  command.node = 0;
  for (const char* rate : {"x", "1e3", "-1", "0", "0.0", "1.", ".5", "1.2345", "1234567", " 1"}) {
    CAPTURE(rate);
    command.fee_rate_sat_vb = rate;
    CHECK_EQ(payout_command(nowhere, command), payout_usage);
  }
  for (const char* rate : {"", "1", "0.001", "12.5", "999999.999"}) {
    CAPTURE(rate);
    command.fee_rate_sat_vb = rate;
    CHECK_EQ(payout_command(nowhere, command), payout_world);  // no database there
  }
  Config no_wallet = nowhere;
  no_wallet.payout.wallet.clear();
  command.action = Action::plan;
  CHECK_EQ(payout_command(no_wallet, command), payout_usage);
}

TEST_CASE("without a node a plan is told but not recorded, and what is recorded can be shown") {
  const payout_test::Database database;
  const Config without_node = config(database.url);
  PayoutCommand command;
  command.commit = true;
  CHECK_EQ(payout_command(without_node, command), payout_world);
  CHECK_EQ(database.ask("SELECT count(*) FROM payments"), "0");
  PaymentStore store = database.open();
  const std::int64_t id = payout_test::planned(store);
  command = {};
  command.action = Action::show;
  CHECK_EQ(payout_command(without_node, command), payout_done);
  command.id = id;
  command.json = true;
  CHECK_EQ(payout_command(without_node, command), payout_done);
  command.id = id + 1;
  CHECK_EQ(payout_command(without_node, command), payout_refused);
  command.id = id;
  command.action = Action::send;
  CHECK_EQ(payout_command(without_node, command), payout_world);
  command.action = Action::cancel;
  command.commit = true;
  REQUIRE(store.lock().has_value());
  CHECK_EQ(payout_command(without_node, command), payout_refused);  // another one is at work
}

}  // namespace
}  // namespace pool
