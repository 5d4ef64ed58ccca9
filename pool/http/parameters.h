// Parameters: the segments and query values of an API request, checked against what they may be.
//
// Errors: the first wrong one is kept, as a 400 that names it, its value and what was expected;
//         what is read after it may be anything within its bounds.
// Thread: one owner.
#pragma once

#include "common/bitcoin/address.h"
#include "pool/http/router.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pool {

class Parameters {
 public:
  // `request` must live as long.
  explicit Parameters(const RoutedRequest& request) : request_(request) {}

  // As decimal text, which is how the database gets it.
  std::string integer(std::string_view name, std::int64_t fallback, std::int64_t least,
                      std::int64_t most);
  // None where it is not given.
  std::optional<std::string> integer_or_none(std::string_view name, std::int64_t least,
                                             std::int64_t most);
  // The first of the choices where it is not given.
  std::string choice(std::string_view name, std::span<const std::string_view> choices);
  // Given, and not longer; empty is a text.
  std::optional<std::string> text(std::string_view name, std::size_t bytes_max);
  // In its canonical form.
  std::string address(std::string_view name, bitcoin::Network network);

  // Of the path's segments, from 0.
  std::string address_segment(std::size_t place, bitcoin::Network network);
  std::string hash_segment(std::size_t place);
  std::string integer_segment(std::size_t place, std::string_view name, std::int64_t least,
                              std::int64_t most);

  const std::optional<net::HttpResponse>& error() const { return error_; }

 private:
  void wrong(std::string_view name, std::string_view value, std::string_view expected);
  std::string checked_integer(std::string_view name, std::string_view value, std::int64_t least,
                              std::int64_t most);
  std::string checked_address(std::string_view name, std::string_view value,
                              bitcoin::Network network);

  const RoutedRequest& request_;
  std::optional<net::HttpResponse> error_;
};

}  // namespace pool
