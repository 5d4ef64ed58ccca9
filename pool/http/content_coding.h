// Which packed form of a body a client takes (RFC 9110, 12.5.3 Accept-Encoding).
// Thread: a pure function.
#pragma once

#include <string_view>

namespace pool {

enum class ContentCoding { identity, gzip, brotli };
// As Content-Encoding has it: "br"; empty for identity.
std::string_view name_of(ContentCoding coding);

// The one the client likes best of those it takes; among equals, the smaller. What the field does
// not say, and a field that can't be understood, leave identity.
ContentCoding choose_coding(std::string_view accept_encoding);

}  // namespace pool
