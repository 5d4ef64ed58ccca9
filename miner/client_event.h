// ClientEvent: what happened on a connection, for the person who watches. The text is harmless,
// short, and one line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace miner {

struct FoundShare;
struct FoundProof;

enum class ClientEventKind : std::uint8_t {
  connected,
  job,
  difficulty,
  accepted,
  rejected,
  message,
  problem
};
struct ClientEvent {
  ClientEventKind kind = ClientEventKind::message;
  std::string text;
  // What was accepted or rejected; null in events of other kinds.
  std::shared_ptr<const FoundShare> share = nullptr;
  std::shared_ptr<const FoundProof> proof = nullptr;
};

}  // namespace miner
