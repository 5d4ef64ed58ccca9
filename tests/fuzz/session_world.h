// The world of session_fuzz: two real Shards, a host that checks what they ask of it, jobs from
// small templates, journals and vaults that answer when told to, a clock that is moved by hand.
#pragma once

#include "common/base/time.h"
#include "common/mining/job_builder.h"
#include "pool/core/shard.h"
#include "tests/fuzz/session_oracle.h"

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace fuzz {

inline constexpr std::size_t slots = 4;  // connections at a time
inline constexpr const char* payout_address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

struct JobChoice {
  bool new_tip = false;
  bool told_clean = false;  // miners shall abandon their work although the tip is the same
  std::uint32_t nbits = 0x1d00ffff;
  std::uint8_t transactions = 0;
  std::chrono::milliseconds spread{0};
};

struct WorldOptions {
  pool::ShardOptions shard;
  bool moves_fail = false;  // no connection gets from one shard to the other
};

class World final : public pool::ShardHost {
 public:
  explicit World(const WorldOptions& options);

  // Each is one thing that happens. Connections of even slots come to the first shard.
  void connect(std::size_t slot, std::uint8_t address);
  void disconnect(std::size_t slot);
  void receive(std::size_t slot, std::string_view bytes, std::size_t piece_bytes_max);
  void new_job(const JobChoice& choice);
  void tick(base::MonoTime::duration passed);
  void durable(std::size_t shard, std::size_t appends);
  void not_durable(std::size_t shard, std::size_t appends);
  void vaulted(std::size_t shard);
  void set_instance(std::uint8_t instance);
  void new_coherence_job(std::uint8_t bits);
  void verdict(std::size_t shard, std::uint8_t bits);  // on one of those that wait for one
  void end_turn();
  void drain();
  // Lets everything settle, and checks what must be true of a whole run.
  void finish();

  const ConnectionOracle* oracle(std::size_t slot) const;

 private:
  struct Connection {
    pool::ConnectionId id;
    std::size_t shard = 0;
    ConnectionOracle oracle;
    std::string unread;  // arrived, but the shard reads nothing now
    bool paused = false;
    bool closing = false;
  };
  struct Append {
    pool::AppendId id;
    std::vector<pool::ShareRecord> shares;
    std::vector<pool::CoherenceProofRecord> proofs;
  };
  struct Member {
    std::unique_ptr<pool::Shard> shard;
    std::optional<pool::AppendId> last_append;
    std::deque<Append> journal;               // not settled yet
    std::vector<bitcoin::BlockHash> vault;    // blocks on their way to it
    std::set<Hash> waiting_for_vault;         // durable shares whose blocks are
    std::vector<pool::ProofToVerify> proofs;  // with the verifiers
  };

  void send(pool::ConnectionId to, std::string_view line) override;
  void close(pool::ConnectionId which, pool::CloseReason why) override;
  void pause_reading(pool::ConnectionId which) override;
  void resume_reading(pool::ConnectionId which) override;
  void hand_over(pool::ConnectionId which, pool::HandOver state) override;
  void submit_block(pool::FoundBlock block) override;
  void tell_ban(const pool::Ban& ban) override;
  bool verify(pool::ProofToVerify proof) override;
  void journal(pool::JournalAppend append) override;

  Connection* find(pool::ConnectionId id);
  pool::Shard& shard_of(const Connection& connection) { return *members_[connection.shard].shard; }
  bool may_read(const Connection& connection);
  void deliver(Connection& connection, std::size_t piece_bytes_max);
  void deliver_unread();
  bool anything_unread() const;
  void give_occasion();
  void exchange_news();
  // Runs what tells a shard which shares are safe, or are not.
  template <class Tell>
  void settle(Tell&& tell);
  void check_verdicts(ConnectionOracle& oracle);
  void move_connections();
  void remember_told(const ConnectionOracle& oracle);
  void remember_meant(ConnectionOracle& oracle);
  void check_share(const pool::ShareRecord& share) const;
  void check_proof(const pool::CoherenceProofRecord& proof);

  const WorldOptions options_;
  std::array<Member, 2> members_;
  base::Instant now_;
  Phase phase_ = Phase::other;
  bool draining_ = false;
  bool gone_in_turn_ = false;  // a connection
  std::uint64_t next_connection_ = 1;
  std::array<std::unique_ptr<Connection>, slots> connections_;
  std::vector<std::pair<pool::ConnectionId, pool::HandOver>> moving_;
  std::uint64_t next_job_ = 1;  // in steps of mining::job_id_step
  std::uint8_t tip_ = 1;
  std::map<std::uint32_t, std::int64_t> stale_since_us_;  // by height, of tips that are past
  std::set<Hash> share_hashes_;
  std::set<Hash> block_hashes_;
  std::set<Hash> refused_hashes_;  // of shares that could not be stored; they may be sent again
  std::set<Hash> safe_hashes_;     // of shares on disk, and in the vault if they are blocks
  std::set<Hash> meant_;           // see ConnectionOracle::add_meant()
  bool all_meant_known_ = true;
  ToldJobs told_;
  std::set<double> difficulties_;  // that any miner was told
  std::size_t shares_durable_ = 0;
  std::uint64_t next_coherence_job_ = 1;
  using ProofKey = std::tuple<coherence::Header76, std::uint64_t, std::uint64_t>;
  static ProofKey key_of(const pool::CoherenceProofRecord& proof) {
    return {proof.header, proof.extranonce, proof.attempt};
  }
  std::set<ProofKey> proofs_;               // that count
  std::set<base::U256> coherence_targets_;  // that any miner was told
  std::size_t proofs_durable_ = 0;
};

std::shared_ptr<const mining::Job> make_job(const JobChoice& choice, std::uint64_t id,
                                            std::uint8_t tip, const base::Instant& now);

}  // namespace fuzz
