// Faults on purpose, so that the conformance suite can be seen to fail (tests/functional/stratum).
//
// In the pool that people run, fault() is a constant false, and heard() and said() give back what
// they got. Only phasepool_faulty, a program of the tests, compiles the few files that use them
// once more with PHASEPOOL_TEST_FAULTS: there, one fault is on, which it was started with. They
// stand inside functions' bodies, so that class layouts are the same in both.
//
// kill_point() marks a step at which the process may end: there, it ends by SIGKILL at the one step
// that it was started with (tests/functional/test_block_kill.py); in the pool it is nothing.
#pragma once

#include "common/base/bytes.h"

#include <string_view>

namespace base {

#ifdef PHASEPOOL_TEST_FAULTS
inline namespace faulty {  // tests/functional/faulty/faults.cpp
bool fault(std::string_view name);
Bytes heard(ByteSpan bytes);
std::string said(std::string_view line);
void kill_point(std::string_view name);
}  // namespace faulty
#else
inline namespace faultless {
// Whether the fault of this name is on.
constexpr bool fault(std::string_view) { return false; }
// What a miner sent, and a line for a miner, as the fault would have them.
constexpr ByteSpan heard(ByteSpan bytes) { return bytes; }
constexpr std::string_view said(std::string_view line) { return line; }
constexpr void kill_point(std::string_view) {}
}  // namespace faultless
#endif

}  // namespace base
