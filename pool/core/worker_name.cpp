#include "pool/core/worker_name.h"

#include "common/base/percent.h"
#include "pool/core/limits.h"

#include <algorithm>

namespace pool {
namespace {

constexpr std::string_view separators = "._+-/~";

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string clean_text(std::string_view text, std::size_t bytes_max) {
  std::size_t bytes = std::min(text.size(), bytes_max);
  if (bytes < text.size()) {
    while (bytes > 0 && continues_a_character(text[bytes])) --bytes;
  }
  std::string clean(text.substr(0, bytes));
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '_';
  }
  return clean;
}

base::Result<WorkerName, bitcoin::AddressError> parse_worker_name(std::string_view username,
                                                                  bitcoin::Network network) {
  const std::string decoded = username.find('%') == std::string_view::npos
                                  ? std::string{}
                                  : base::percent_decoded(username);
  const std::string_view text = trim(decoded.empty() ? username : std::string_view(decoded));
  const std::size_t separator = text.find_first_of(separators);
  auto address = bitcoin::parse_address(trim(text.substr(0, separator)), network);
  if (!address) return base::err(address.error());
  WorkerName worker;
  worker.address = std::move(address->text);
  if (separator != std::string_view::npos) {
    worker.name = clean_text(trim(text.substr(separator + 1)), limits::worker_name_bytes_max);
  }
  return worker;
}

}  // namespace pool
