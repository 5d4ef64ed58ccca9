// Percent-encoding (RFC 3986, 2.1), as URLs have it and some miners' firmware writes user names.
// Thread: a pure function.
#pragma once

#include <string>
#include <string_view>

namespace base {

// Every "%xx" becomes its byte. A '%' that two hex digits do not follow stays what it is.
std::string percent_decoded(std::string_view text);
// As a part of a URL's path has it: all but letters, digits and "-._~" as "%XX".
std::string percent_encoded(std::string_view text);

}  // namespace base
