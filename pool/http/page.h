// The stats page with its figures filled in, so that it says what it has to say without JavaScript.
//
// web/index.html is the template: {{name}} stands for a text, which is escaped; {{&name}} for
// markup made here out of escaped texts. web/app.js takes over from there, every two seconds.
// Thread: pure functions.
#pragma once

#include "pool/http/snapshot.h"

#include <map>
#include <string>
#include <string_view>

namespace pool {

using PageValues = std::map<std::string, std::string, std::less<>>;

// Every value the template may ask for. `host` is the request's Host header: a pool that listens on
// every address (0.0.0.0) is reached where its page was.
PageValues page_values(const PoolSnapshot& snapshot, std::string_view host);
// The stratum URL with `host` in the place of 0.0.0.0 or [::]; unchanged when `host` is not a name
// or an address.
std::string reachable_url(const std::string& stratum_url, std::string_view host);
// Fills a template. A name that has no value is left standing, for the tests to find.
std::string fill_template(std::string_view html, const PageValues& values);

}  // namespace pool
