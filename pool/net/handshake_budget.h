// HandshakeBudget: how much of a loop's turn TLS handshakes may take. A handshake costs a signature
// (RSA: most of a millisecond), a share's answer microseconds; so a storm of new TLS connections
// gets its time in slices, and miners are answered between them. Who finds the budget spent waits
// in line and is not dropped.
#pragma once

#include <chrono>

namespace pool {

class HandshakeBudget {
 public:
  explicit HandshakeBudget(std::chrono::nanoseconds per_turn) : per_turn_(per_turn) {}

  bool is_left() const { return spent_ < per_turn_; }
  void spend(std::chrono::nanoseconds time) { spent_ += time; }
  void new_turn() { spent_ = std::chrono::nanoseconds(0); }

 private:
  std::chrono::nanoseconds per_turn_;
  std::chrono::nanoseconds spent_{0};
};

}  // namespace pool
