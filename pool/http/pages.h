// The pages' lines in the table of paths. A page asks the API inside the process, waits for those
// of its answers that come from the database, and is filled in (page.h). Thread: the web loop's.
#pragma once

#include "pool/http/router.h"

namespace pool {

// REQUIRES: the router outlives every request; its API's lines are in it before the first one.
void add_pages(Router& router);

}  // namespace pool
