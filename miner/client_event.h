// ClientEvent: what happened on a connection, for the person who watches. The text is harmless,
// short, and one line.
#pragma once

#include <cstdint>
#include <string>

namespace miner {

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
};

}  // namespace miner
