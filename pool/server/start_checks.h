// What must be there before the pool starts, and what the machine lets it have.
//
// Errors: one line for the operator, with what to do; empty: all is well.
// Thread: the main thread's, before the others; they wait for the database and for nodes.
#pragma once

#include "pool/config/config.h"

#include <cstddef>
#include <string>

namespace pool {

// A pool that has never seen its database must see it once: a wrong connection string would else be
// noticed only when the journal fills the disk. One that has served it before can wait for it.
std::string check_database(const Config& config);

// One node that can give work is enough to start.
std::string check_nodes(const Config& config);

// Raises the process's soft limit of descriptors to its hard one, and returns it.
std::size_t raise_descriptor_limit();

}  // namespace pool
