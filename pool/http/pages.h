// The pages' lines in the table of paths. A page asks the API inside the process, waits for those
// of its answers that come from the database, and is filled in (page.h).
//
// It waits no longer than limits::http_page_deadline: then it is sent with what is there, says of
// the rest that it was not there in time, and its script fetches it. Thread: the web loop's.
#pragma once

#include "pool/http/router.h"

#include <chrono>
#include <functional>

namespace pool {

// Does something after a while, on the same thread.
using DoLater = std::function<void(std::chrono::milliseconds, std::function<void()>)>;

// REQUIRES: the router outlives every request; its API's lines are in it before the first one.
void add_pages(Router& router, const DoLater& later);

}  // namespace pool
