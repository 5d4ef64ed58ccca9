// The vector files of tests/unit/vectors, read for a test.
#pragma once

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <bit>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>

namespace vectors {

inline rapidjson::Document load(const std::string& name) {
  std::ifstream file(SOURCE_ROOT "/tests/unit/vectors/" + name);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  rapidjson::Document document;
  document.Parse(text.c_str());
  REQUIRE_MESSAGE(!document.HasParseError(), "can't read the vectors ", name);
  return document;
}

// A double written as the 16 hex digits of its IEEE 754 bits.
inline double double_of_bits(const char* hex) {
  return std::bit_cast<double>(std::uint64_t{std::stoull(hex, nullptr, 16)});
}

}  // namespace vectors
