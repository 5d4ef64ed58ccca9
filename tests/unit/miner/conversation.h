// A client and the pool's part of the conversation, for the tests of both its halves.
#pragma once

#include "miner/miner_client.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace miner::conversation {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct RecordingHost final : MinerHost {
  std::vector<std::string> sent;
  std::vector<std::shared_ptr<const Work>> works;  // null: told to stop
  std::vector<std::shared_ptr<const CoherenceWork>> coherence_works;
  std::vector<seconds> disconnects;
  std::vector<std::uint16_t> redirects;
  std::vector<ClientEvent> events;

  void send(std::string_view line) override { sent.emplace_back(line); }
  void set_work(std::shared_ptr<const Work> work) override { works.push_back(std::move(work)); }
  void set_coherence_work(std::shared_ptr<const CoherenceWork> work) override {
    coherence_works.push_back(std::move(work));
  }
  void disconnect(seconds pause) override { disconnects.push_back(pause); }
  void redirect(std::uint16_t port) override { redirects.push_back(port); }
  void report(const ClientEvent& event) override { events.push_back(event); }

  std::size_t submits(std::string_view method = "mining.submit") const {
    return static_cast<std::size_t>(std::count_if(sent.begin(), sent.end(), [&](const auto& line) {
      return line.find(method) != std::string::npos;
    }));
  }
  std::string last_problem() const {
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
      if (event->kind == ClientEventKind::problem) return event->text;
    }
    return {};
  }
};

inline constexpr std::string_view configure_ok =
    R"({"id":1,"result":{"version-rolling":true,"version-rolling.mask":"1fffe000"},"error":null})";
inline constexpr std::string_view configure_refused =
    R"({"id":1,"result":null,"error":[20,"Unsupported method",null]})";
inline constexpr std::string_view subscribe_ok =
    R"({"id":2,"result":[[["mining.set_difficulty","6ad"],["mining.notify","6an"]],"fdf8b667",8],"error":null})";
inline constexpr std::string_view authorize_ok = R"({"id":3,"result":true,"error":null})";
inline constexpr std::string_view difficulty_low =
    R"({"id":null,"method":"mining.set_difficulty","params":[0.5]})";

inline std::string notify_line(std::string_view job, std::string_view coinb1, bool clean,
                               std::string_view prevhash_digit = "0") {
  std::string prevhash;
  for (int i = 0; i < 64; ++i) prevhash += prevhash_digit;
  return R"({"id":null,"method":"mining.notify","params":[")" + std::string(job) + R"(",")" +
         prevhash + R"(",")" + std::string(coinb1) +
         R"(","00",[],"20000000","207fffff","67b6f938",)" + (clean ? "true" : "false") + "]}";
}

struct Conversation {
  RecordingHost host;
  MinerClient client;
  base::MonoTime now{seconds(1000)};

  explicit Conversation(ClientOptions options = {}) : client(named(std::move(options)), host) {
    client.on_connected(now);
  }
  static ClientOptions named(ClientOptions options) {
    options.username = "bcrt1qaddress.rig1";
    options.user_agent = "phaseminer/test";
    return options;
  }
  void line(std::string_view text) {
    const std::string whole = std::string(text) + "\n";
    client.on_bytes(base::as_bytes(whole), now);
  }
  void handshake() {
    line(configure_ok);
    line(subscribe_ok);
    line(authorize_ok);
  }
  void pass(milliseconds time) {
    now += time;
    client.on_tick(now);
  }
  // The number of the newest request of this method; 0 without one.
  std::uint64_t last_id(std::string_view method) const {
    for (auto sent = host.sent.rbegin(); sent != host.sent.rend(); ++sent) {
      if (sent->find("\"" + std::string(method) + "\"") == std::string::npos) continue;
      return std::stoull(sent->substr(std::string_view("{\"id\":").size()));
    }
    return 0;
  }
  // The pool's answer to that request; `rest` as in R"("result":true,"error":null)".
  void answer(std::string_view method, std::string_view rest) {
    line("{\"id\":" + std::to_string(last_id(method)) + "," + std::string(rest) + "}");
  }
  static constexpr std::string_view yes = R"("result":true,"error":null)";
  // Another connection, on which the pool gives this extranonce1.
  void come_back(std::string_view extranonce1) {
    client.on_disconnected();
    client.on_connected(now);
    answer("mining.subscribe", R"("result":[[["mining.notify","6an"]],")" +
                                   std::string(extranonce1) + R"(",8],"error":null)");
    answer("mining.authorize", yes);
  }
  // A share of the current job, unlike any other so far.
  FoundShare share(bool is_block = false) {
    FoundShare found;
    found.work = host.works.back();
    found.extranonce2 = base::Bytes(8, 0);
    found.ntime = 0x67b6f938;
    found.nonce = ++next_nonce;
    if (const auto mask = found.work->version_mask) {
      found.version_bits = found.work->notify.version & *mask;
    }
    base::write_le32(found.hash.bytes, found.nonce);
    found.is_block = is_block;
    return found;
  }
  std::uint32_t next_nonce = 0x00000fff;
};

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace miner::conversation
