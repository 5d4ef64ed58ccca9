// A FakeNode on a thread of its own, since whoever asks blocks, and a database with a payment.
#pragma once

#include "common/uv/mailbox.h"
#include "pool/payout/wallet.h"
#include "pool/store/migrate.h"
#include "pool/store/payment_store.h"
#include "tests/loop/pool/node/fake_node.h"
#include "tests/loop/pool/store/private_postgres.h"

#include <functional>
#include <map>
#include <pqxx/pqxx>
#include <string>
#include <thread>
#include <vector>

namespace payout_test {

inline const char* const miner_address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

// Answers by method, a JSON text each; errors as "-5 text". Anything else is answered with null.
struct Node {
  std::map<std::string, std::string> answers;
  std::vector<std::string> asked;

  // Runs `work` on another thread while the node answers here.
  void serve(const std::function<void(const rpc::RpcEndpoint&)>& work) {
    uv::Loop loop;
    pool::test::FakeNode node(loop);
    node.handler = [&](const pool::test::FakeNode::Call& call) {
      asked.push_back(call.method);
      pool::test::FakeNode::Reply reply;
      const auto at = answers.find(call.method);
      if (at == answers.end()) return std::optional(reply);
      if (at->second.starts_with('-')) {
        const std::size_t space = at->second.find(' ');
        reply.error = R"({"code":)" + at->second.substr(0, space) + R"(,"message":")" +
                      at->second.substr(space + 1) + "\"}";
      } else {
        reply.result = at->second;
      }
      return std::optional(reply);
    };
    uv::Mailbox<int> done(loop, 1, [&](int&&) { loop.stop(); });
    std::thread thread([&, endpoint = node.endpoint()] {
      work(endpoint);
      CHECK(done.post(1));
    });
    loop.run();
    thread.join();
  }
  bool was_asked(const std::string& method) const {
    return std::find(asked.begin(), asked.end(), method) != asked.end();
  }
};

inline std::string healthy_chain() {
  return R"({"chain":"regtest","blocks":10,"headers":10,"bestblockhash":")" + std::string(64, '1') +
         R"(","initialblockdownload":false,"verificationprogress":1})";
}

// A migrated database in which 50000 sats are owed to a miner.
struct Database {
  Database() {
    const auto applied = pool::migrate(url);
    if (!applied) FAIL(applied.error());
    ask(std::string("INSERT INTO miners (address, first_seen) VALUES ('") + miner_address +
        "', now())");
    ask("SELECT post_to_ledger('adjustment', NULL, NULL, 'test', ARRAY['rewards', 'miners'],"
        " ARRAY[NULL, 1]::bigint[], ARRAY[-50000, 50000]::bigint[])");
  }
  std::string ask(const std::string& sql) const {
    pqxx::connection connection(url);
    pqxx::nontransaction session(connection);
    const pqxx::result result = session.exec(sql);
    if (result.empty() || result[0].empty() || result[0][0].is_null()) return "";
    return result[0][0].as<std::string>();
  }
  pool::PaymentStore open() const {
    auto store = pool::PaymentStore::open(url);
    if (!store) FAIL(store.error().message);
    return std::move(*store);
  }

  std::string url = store_test::PrivatePostgres::instance().make_database();
};

// 50000 sats from an input of 60000.
inline std::int64_t planned(pool::PaymentStore& store) {
  const auto ids = store.plan("w", "n", {{{1, miner_address, {}, bitcoin::Sats(50'000)}}});
  if (!ids) FAIL(ids.error().message);
  return ids->front();
}
inline pool::PaymentInput input() {
  pool::PaymentInput made;
  made.outpoint.txid.bytes.fill(0xaa);
  made.value = bitcoin::Sats(60'000);
  return made;
}
inline bitcoin::Transaction transaction(std::int64_t change) {
  bitcoin::Transaction made;
  bitcoin::TxIn in;
  in.prev_txid = input().outpoint.txid;
  made.inputs.push_back(in);
  const auto address = bitcoin::parse_address(miner_address, bitcoin::Network::regtest);
  made.outputs.push_back({bitcoin::Sats(50'000), address->script_pubkey});
  base::Bytes script{0x00, 0x14};
  script.resize(22, 0x55);
  if (change > 0) made.outputs.push_back({bitcoin::Sats(change), script});
  return made;
}

}  // namespace payout_test
