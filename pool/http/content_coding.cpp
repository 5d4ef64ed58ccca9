#include "pool/http/content_coding.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace pool {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

// "0.25" in thousandths (RFC 9110, 12.4.2: at most three decimals); what is not that is 0.
int thousandths(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return 0;
  if (text.size() > 1 && text[1] != '.') return 0;
  int value = (text[0] - '0') * 1000;
  int unit = 100;
  for (const char digit : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (digit < '0' || digit > '9') return 0;
    value += (digit - '0') * unit;
    unit /= 10;
  }
  return std::min(value, 1000);
}

// How much the client likes this coding; nullopt: the field does not name it.
std::optional<int> weight_of(std::string_view accept_encoding, std::string_view coding) {
  std::string_view rest = accept_encoding;
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), item.size() + 1));
    const std::size_t semicolon = item.find(';');
    if (!same_word(trimmed(item.substr(0, semicolon)), coding)) continue;
    if (semicolon == std::string_view::npos) return 1000;
    const std::string_view parameter = trimmed(item.substr(semicolon + 1));
    return same_word(parameter.substr(0, 2), "q=") ? thousandths(parameter.substr(2)) : 0;
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(ContentCoding coding) {
  if (coding == ContentCoding::brotli) return "br";
  return coding == ContentCoding::gzip ? "gzip" : "";
}

ContentCoding choose_coding(std::string_view accept_encoding) {
  const int others = weight_of(accept_encoding, "*").value_or(0);
  const int brotli = weight_of(accept_encoding, "br").value_or(others);
  const int gzip = weight_of(accept_encoding, "gzip").value_or(others);
  // Taken, but what is packed is preferred where the field does not speak of it.
  const int identity = weight_of(accept_encoding, "identity").value_or(0);
  if (brotli > 0 && brotli >= gzip && brotli >= identity) return ContentCoding::brotli;
  return gzip > 0 && gzip >= identity ? ContentCoding::gzip : ContentCoding::identity;
}

}  // namespace pool
