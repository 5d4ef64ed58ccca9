#include "pool/core/worker_name.h"

#include <doctest/doctest.h>

#include <string>

using bitcoin::Network;

namespace {

// BIP173's example program under the regtest prefix, and its base58 sibling from Bitcoin Core's
// tests.
const std::string address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
const std::string upper = "BCRT1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KYGT080";

}  // namespace

TEST_CASE("every spelling of a user name in the field names one worker") {
  struct Row {
    const char* why;
    std::string username;
    std::string name;
  };
  const Row rows[] = {
      {"an address alone", address, ""},
      {"a worker", address + ".rig1", "rig1"},
      {"the first dot ends the address", address + ".farm.rig1", "farm.rig1"},
      {"an underscore", address + "_rig1", "rig1"},
      {"a plus", address + "+rig1", "rig1"},
      {"a slash", address + "/rig1", "rig1"},
      {"a minus", address + "-rig1", "rig1"},
      {"a tilde", address + "~mod", "mod"},
      {"blanks around", "  " + address + ".rig1 \t", "rig1"},
      {"bech32 from a QR code", upper + ".rig1", "rig1"},
      {"a dot written in hex", address + "%2erig1", "rig1"},
      {"a blank written in hex", address + ".rig%20one", "rig one"},
      {"a percent sign that is one", address + ".100%", "100%"},
      {"half an escape", address + ".x%4", "x%4"},
      {"not an escape", address + ".x%zz", "x%zz"},
      {"an escape at the very end", address + ".x%41", "xA"},
      {"control characters", address + ".a\x01\x7f" + "b", "a__b"},
      {"a dot and nothing", address + ".", ""},
      {"letters of other scripts", address + ".\xd0\xbf\xd1\x83\xd0\xbb",
       "\xd0\xbf\xd1\x83\xd0\xbb"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto worker = pool::parse_worker_name(row.username, Network::regtest);
    REQUIRE(worker);
    CHECK_EQ(worker->address, address);
    CHECK_EQ(worker->name, row.name);
    CHECK_EQ(worker->full(), row.name.empty() ? address : address + "." + row.name);
  }
}

TEST_CASE("what is no address of the network is nobody") {
  for (const std::string& username :
       {std::string(), std::string("."), std::string("rig1"), "x" + address, address + "!rig1",
        "." + address, std::string("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.rig1")}) {
    CAPTURE(username);
    CHECK_FALSE(pool::parse_worker_name(username, Network::regtest).has_value());
  }
}

TEST_CASE("a text of a peer is cut between characters") {
  CHECK_EQ(pool::clean_text("abcdef", 4), "abcd");
  CHECK_EQ(pool::clean_text("abcd", 4), "abcd");
  CHECK_EQ(pool::clean_text("ab\xd0\xbf", 3), "ab");
  CHECK_EQ(pool::clean_text("ab\xd0\xbf", 4), "ab\xd0\xbf");
  CHECK_EQ(pool::clean_text("\xbf\xbf\xbf", 2), "");  // no character at all
  CHECK_EQ(pool::parse_worker_name(address + "." + std::string(300, 'x'), Network::regtest)->name,
           std::string(128, 'x'));
}
