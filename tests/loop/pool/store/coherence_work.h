// The proof chain in a test's database.
#pragma once

#include "tests/loop/pool/journal/coherence_proofs.h"
#include "tests/loop/pool/store/shipped.h"

#include <string>

namespace store_test {

using journal_test::block_of;
using journal_test::header_after;
using journal_test::prove;

inline void begin_chain(const std::string& database) {
  ask(database, "SELECT begin_coherence_chain(420, 123, 545259519, 900)");
}

}  // namespace store_test
