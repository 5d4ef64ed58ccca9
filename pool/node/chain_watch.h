// ChainWatch: carries out what BlockTracker (pool/core/block_tracker.h) asks: its questions to the
// node in use, its records to the journal.
//
// It is told of the pool's blocks as nodes take them, and after a restart finds those that were
// taken before in the vault, where the newest settled files are kept; the database is not needed.
//
// Errors: logged once when questions begin to fail, and once when they are answered again.
// Thread: the node loop's.
#pragma once

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/bitcoin/hash.h"
#include "common/rpc/rpc_client.h"
#include "pool/core/block_tracker.h"
#include "pool/core/tip.h"
#include "pool/node/node_journal.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace pool {

// getblockheader of `asked`, verbose.
[[nodiscard]] base::Result<ChainBlock, std::string> parse_chain_block(
    std::string_view json, const bitcoin::BlockHash& asked);

class ChainWatch final : private ChainHost {
 public:
  // A question to the node in use, as RpcClient::call() takes it.
  using Ask = std::function<void(std::string_view method, std::string params,
                                 std::chrono::milliseconds deadline, rpc::RpcClient::OnAnswer)>;

  explicit ChainWatch(NodeJournal& journal) : journal_(journal), tracker_(*this) {}
  ChainWatch(const ChainWatch&) = delete;
  ChainWatch& operator=(const ChainWatch&) = delete;

  // The blocks that nodes took before this start. Reads a folder: for the start.
  void take_up_settled(const std::string& data_dir, base::Instant now);
  void on_block(const bitcoin::BlockHash& hash, base::Instant now) {
    tracker_.on_block(hash, std::nullopt, now);
  }
  // From now on this node's tips and answers count. Empty: none.
  void use_node(Ask ask, base::Instant now);
  void on_tip(const TipNews& news, base::Instant now) { tracker_.on_tip(news, now); }
  // About once a second.
  void on_tick(base::Instant now) { tracker_.on_tick(now); }

  const BlockTracker& tracker() const { return tracker_; }

 private:
  // ChainHost
  bool ask_header(const bitcoin::BlockHash& hash) override;
  bool ask_hash_at(std::uint32_t height) override;
  bool journal(const JournalRecord& record) override;

  template <class Handle>
  bool ask(std::string_view method, const std::string& params, Handle handle);
  void no_answer(const std::string& why);
  void answered();

  NodeJournal& journal_;
  BlockTracker tracker_;
  Ask ask_;
  bool failing_ = false;
  // Renewed with the node: what an earlier one answers reaches nobody.
  std::shared_ptr<bool> session_ = std::make_shared<bool>(true);
};

}  // namespace pool
