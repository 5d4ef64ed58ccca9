// Words on nodes for the operator: each names what is wrong and what to do.
#include "pool/node/node_words.h"

#include <doctest/doctest.h>

#include <string>

namespace pool {

TEST_CASE("which chains can be mined on") {
  using bitcoin::Network;
  struct Row {
    const char* why;
    const char* chain;
    bool initial_download;
    Network network;
    const char* objection;  // part of it; empty: none
  };
  const Row rows[] = {
      {"mainnet, as the node names it", "main", false, Network::mainnet, ""},
      {"testnet, likewise", "test", false, Network::testnet, ""},
      {"testnet4", "testnet4", false, Network::testnet4, ""},
      {"regtest", "regtest", false, Network::regtest, ""},
      {"a fresh regtest chain leaves initial download by being mined on", "regtest", true,
       Network::regtest, ""},
      {"elsewhere initial download is waited for", "main", true, Network::mainnet,
       "still in initial block download (height 5, 50.0 % verified): wait"},
      {"the node is on another chain than the config", "main", false, Network::regtest,
       "is on chain \"main\", but the config's network is \"regtest\": change"},
      {"a chain nobody knows", "moon", false, Network::mainnet, "is on chain \"moon\""},
      {"signet, whose challenge its template tells", "signet", false, Network::signet, ""},
      {"a signet with blocks to come", "signet", true, Network::signet,
       "still in initial block download"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.why));
    node::ChainInfo info;
    info.chain = row.chain;
    info.height = 5;
    info.headers = 6;
    info.initial_download = row.initial_download;
    info.verification_progress = 0.5;
    const std::string objection = chain_objection(info, row.network);
    CHECK_EQ(objection.empty(), std::string(row.objection).empty());
    CHECK_NE(objection.find(row.objection), std::string::npos);
  }
}

TEST_CASE("a signet by its challenge, where the node tells it, and by how far it is") {
  node::ChainInfo info;
  info.chain = "signet";
  for (const char* good : {"", "51", "60", "4f"}) {
    CAPTURE(std::string(good));
    info.signet_challenge = good;
    CHECK_EQ(chain_objection(info, bitcoin::Network::signet), "");
  }
  for (const char* bad : {"00", "5151", "zz", "512103ad5e0edad18cb1f0fc0d28a3d4f1f3e44564"}) {
    CAPTURE(std::string(bad));
    info.signet_challenge = bad;
    const std::string objection = chain_objection(info, bitcoin::Network::signet);
    CHECK_NE(objection.find("the merkle root (BIP325)"), std::string::npos);
  }
  // A chain of one's own that has been left alone for a day; its next block ends the download.
  info.signet_challenge.clear();
  info.initial_download = true;
  CHECK_EQ(chain_objection(info, bitcoin::Network::signet), "");
  info.headers = info.height + 1;
  CHECK_NE(chain_objection(info, bitcoin::Network::signet), "");
}

TEST_CASE("every failure names the node and what to do") {
  using Kind = rpc::RpcError::Kind;
  struct Row {
    Kind kind;
    int code;
    const char* remedy;
  };
  const Row rows[] = {
      {Kind::unreachable, 0, "is bitcoind running there with server=1?"},
      {Kind::timeout, 0, "overloaded"},
      {Kind::unauthorized, 0, "check \"cookie_file\""},
      {Kind::cookie, 0, "may this user read the file?"},
      {Kind::bad_answer, 0, "is \"rpc\" the node's RPC port?"},
      {Kind::node_error, -28, "starting up"},
      {Kind::node_error, -9, "no peers"},
      {Kind::node_error, -10, "until the node has caught up"},
      {Kind::node_error, -32601, "Bitcoin Core 25"},
      {Kind::node_error, -1, "what happened"},
  };
  for (const Row& row : rows) {
    CAPTURE(std::string(row.remedy));
    const rpc::RpcError error{row.kind, row.code, "10.0.0.1:8332 getblockcount: what happened"};
    const std::string text = describe_failure(error, {});
    CHECK_EQ(text.find("node 10.0.0.1:8332 getblockcount: what happened"), 0);
    CHECK_NE(text.find(row.remedy), std::string::npos);
    CHECK_EQ(text.find('\n'), std::string::npos);
  }
}

}  // namespace pool
