// Whole sessions: the input is a script of what happens to two shards and the miners that connect
// to them: what the miners send, in pieces cut anywhere, with jobs, ticks, disks and disconnects in
// between. What must hold is written in session_oracle.cpp (one miner) and session_world.cpp (all).
//
// Script: one byte of options, then steps: a byte whose low bits choose the step, then what the
// step takes. It ends with the input. See the steps below; corpus/session was written by
// session_seeds.py.
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/session_world.h"

#include <chrono>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t steps_max = 128;

class Script {
 public:
  explicit Script(base::ByteSpan bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  std::uint8_t u8() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  std::string_view text(std::size_t length) {
    const base::ByteSpan taken = rest_.first(std::min(length, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return base::as_text(taken);
  }

 private:
  base::ByteSpan rest_;
};

bitcoin::Difficulty difficulty(double value) { return *bitcoin::Difficulty::from_double(value); }

// At the least difficulty all but one hash in 65536 is a share.
fuzz::WorldOptions options_of(std::uint8_t bits) {
  fuzz::WorldOptions options;
  pool::ShardOptions& shard = options.shard;
  shard.network = bitcoin::Network::regtest;
  shard.payout_address = fuzz::payout_address;
  pool::DifficultyPolicy& port = shard.ports[0];
  port.min = difficulty(bitcoin::Difficulty::least);
  port.start = (bits & 1) != 0 ? difficulty(1) : port.min;
  port.vardiff = (bits & 2) != 0;
  if ((bits & 4) != 0) port.max = difficulty(4096);
  if ((bits & 8) != 0) shard.version_mask = 0;
  if ((bits & 16) != 0) shard.connections_max = 1;
  if ((bits & 32) != 0) {
    shard.address_limits.connections_per_address = 2;
    shard.address_limits.connects_per_minute_per_address = 6;
    shard.address_limits.lines_per_second = 3;
    shard.address_limits.lines_per_second_per_address = 5;
  }
  shard.coherence.enabled = true;
  shard.coherence.difficulty.min = port.min;
  shard.coherence.difficulty.start = (bits & 1) != 0 ? difficulty(4.0 / 4294967296.0) : port.min;
  options.moves_fail = (bits & 64) != 0;
  if ((bits & 128) != 0) {
    shard.stale_grace = 2s;
    shard.welcome = "welcome";
    shard.resume_window = 0s;
  }
  return options;
}

// What a miner's program sends first; the worker is the one that submit() names.
std::string handshake(std::uint8_t kind) {
  const std::string user = std::string(fuzz::payout_address) + ".rig";
  const std::string authorize =
      R"({"params": [")" + user + R"(", "x"], "id": 2, "method": "mining.authorize"})" + "\n";
  switch (kind % 4) {
    case 0:  // cgminer's family
      return R"({"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.11.1"]})"
             "\n" +
             authorize;
    case 1:  // ESP-Miner: all in one segment
      return R"({"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]})"
             "\n"
             R"({"id":7,"method":"mining.subscribe","params":["bitaxe/BM1370/v2.9.0"]})"
             "\n" +
             authorize +
             R"({"id":4,"method":"mining.suggest_difficulty","params":[1000]})"
             "\n"
             R"({"id":5,"method":"mining.extranonce.subscribe","params":[]})"
             "\n";
    case 2:  // a proxy that authorizes first
      return authorize + R"({"id":"s","method":"mining.subscribe","params":["NiceHash/1.0.0"]})" +
             "\n";
    default:
      return R"({"id":1,"method":"mining.subscribe","params":["NerdMinerV2/V1.8.3"]})"
             "\n" +
             authorize + R"({"id":3,"method":"mining.suggest_difficulty","params":[0.00015]})" +
             "\n";
  }
}

// A submit for one of the jobs that the miner has heard of; `flaws` bends it.
std::string submit(const fuzz::ConnectionOracle& miner, std::uint8_t nonce, std::uint8_t flaws) {
  if (miner.jobs().empty()) return "{\"id\":9,\"method\":\"mining.submit\",\"params\":[]}\n";
  const std::size_t back = flaws % 4 % miner.jobs().size();
  const fuzz::HeardJob& job = miner.jobs()[miner.jobs().size() - 1 - back];
  const std::string id = (flaws & 4) != 0 ? "null" : std::to_string(10 + nonce % 8);
  const std::string_view extranonce2 = (flaws & 8) != 0 ? "00000000" : "0000000000000000";
  const std::string_view bits = (flaws & 16) != 0 ? R"(,"00002000")" : "";
  const std::string_view rig = (flaws & 32) != 0 ? ".other" : ".rig";
  std::string line = R"({"id":)" + id + R"(,"method":"mining.submit","params":[")";
  line.append(fuzz::payout_address).append(rig).append(R"(",")").append(job.notify.job_id);
  line.append(R"(",")").append(extranonce2).append(R"(",")");
  line.append((flaws & 64) != 0 ? "ffffffff" : base::u32_hex(job.notify.ntime));
  line.append(R"(",")").append(base::u32_hex(nonce)).append("\"").append(bits).append("]}\n");
  return line;
}

std::string ask_for_coherence(std::uint8_t bits) {
  const std::string_view version = (bits & 1) != 0 ? "2" : "1";
  const std::string_view only = (bits & 2) != 0 ? R"(,"coherence.only":true)" : "";
  return R"({"id":"c","method":"mining.configure","params":[["coherence"],{"coherence.version":)" +
         std::string(version).append(only) + "}]}\n";
}

// A claim of the newest coherence job, or of one that is not; its work hash is whatever it is.
std::string prove(const fuzz::ConnectionOracle& miner, std::uint8_t attempt, std::uint8_t flaws) {
  stratum::CoherenceSubmit claim;
  claim.worker_name = std::string(fuzz::payout_address) + ((flaws & 1) != 0 ? ".other" : ".rig");
  claim.job_id = (flaws & 2) != 0 ? "0000000000000001" : miner.coherence_job();
  claim.attempt = attempt;
  claim.bloom_end = (flaws & 4) != 0 ? 15127 : 6;
  claim.r_q = (flaws & 8) != 0 ? 56754 : 65535;
  claim.psi_q = (flaws & 16) != 0 ? 65536 : 0;
  claim.cert_hash.fill(static_cast<std::uint8_t>(attempt ^ flaws));
  std::string line = stratum::write_coherence_submit(0, claim);
  const std::string id = (flaws & 32) != 0 ? "null" : "\"p" + std::to_string(attempt) + "\"";
  return line.replace(line.find(":0,"), 3, ":" + id + ",");
}

fuzz::JobChoice job_choice(std::uint8_t bits) {
  fuzz::JobChoice choice;
  choice.new_tip = (bits & 1) != 0;
  choice.told_clean = (bits & 2) != 0;
  choice.nbits = (bits & 4) != 0 ? 0x207fffff : 0x1d00ffff;  // every second hash a block, or none
  if ((bits & 64) != 0) choice.spread = 5s;
  choice.transactions = static_cast<std::uint8_t>(bits >> 3) % 8;
  return choice;
}

base::MonoTime::duration pause_of(std::uint8_t value) {
  if (value < 128) return value * 100ms;
  if (value < 250) return (value - 127) * 1s;
  return (value - 249) * 1h;
}

// Pieces of 1, 2, 4 ... bytes, or as much as there is.
std::size_t piece_of(std::uint8_t bits) { return bits < 13 ? std::size_t{1} << bits : 1 << 20; }

constexpr std::string_view ping_line = "{\"id\":3,\"method\":\"mining.ping\",\"params\":[]}\n";

void step(fuzz::World& world, Script& script) {
  const std::uint8_t op = script.u8();
  const std::size_t slot = op >> 6;
  switch (op % 32 < 20 ? op % 32 : op % 16) {
    case 0:
    case 1: {
      const std::size_t piece = piece_of(script.u8() % 16);
      return world.receive(slot, script.text(script.u8()), piece);
    }
    case 2:
      return world.receive(slot, handshake(script.u8()), 1 << 20);
    case 3:
    case 4: {
      const std::uint8_t nonce = script.u8();
      const std::uint8_t flaws = script.u8();
      if (world.oracle(slot) == nullptr) return;
      return world.receive(slot, submit(*world.oracle(slot), nonce, flaws), 64);
    }
    case 5:
      return world.new_job(job_choice(script.u8()));
    case 6:
      return world.tick(pause_of(script.u8()));
    case 7:
      return world.durable(slot, std::size_t{script.u8()} + 1);
    case 8:
      return world.not_durable(slot, std::size_t{script.u8()} % 4 + 1);
    case 9:
      return world.vaulted(slot);
    case 10:
      return world.connect(slot, script.u8());
    case 11:
      return world.disconnect(slot);
    case 12:  // a stream without end, of one letter
      return world.receive(slot, std::string(64u * script.u8(), static_cast<char>(script.u8())),
                           4096);
    case 13:  // the same line many times
      for (int i = script.u8() % 32; i > 0; --i) world.receive(slot, ping_line, 1 << 20);
      return;
    case 14:
      return world.end_turn();
    case 16:
      return world.receive(slot, ask_for_coherence(script.u8()), 1 << 20);
    case 17: {
      const std::uint8_t attempt = script.u8();
      const std::uint8_t flaws = script.u8();
      if (world.oracle(slot) == nullptr) return;
      return world.receive(slot, prove(*world.oracle(slot), attempt, flaws), 64);
    }
    case 18:
      return world.new_coherence_job(script.u8());
    case 19:
      return world.verdict(slot, script.u8());
    default: {
      const std::uint8_t what = script.u8();
      return what == 0xdd ? world.drain() : world.set_instance(what % 4);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script(base::ByteSpan(data, size));
  fuzz::World world(options_of(script.u8()));
  world.connect(0, 0);
  for (std::size_t i = 0; i < steps_max && !script.at_end(); ++i) step(world, script);
  world.finish();
  return 0;
}
