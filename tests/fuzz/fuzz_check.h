// FUZZ_CHECK: what must hold for every input. Stays on in every build, and stops the fuzzer there.
#pragma once

#include "common/base/assert.h"

#include <cstddef>
#include <cstdint>

#define FUZZ_CHECK(condition) ASSERT(condition)

// The entry that libFuzzer and replay_main.cpp call.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
