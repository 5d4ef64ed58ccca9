// The migrations as the program carries them: sql/migrations/, embedded at build time.
#pragma once

#include <span>

namespace pool {

struct Migration {
  int version = 0;  // 1, 2, 3 …, without gaps
  const char* name = "";
  const char* sha256 = "";  // of `sql`, in hex
  const char* sql = "";
};

std::span<const Migration> migrations();

}  // namespace pool
