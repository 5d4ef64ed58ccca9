// How many of the process's file descriptors go to whom, so that a crowd at the Stratum port can't
// take the last one: what a found block, a new journal segment, the node or the database needs is
// kept aside.
#pragma once

#include <cstddef>

namespace pool {

struct DescriptorBudget {
  std::size_t stratum_connections = 0;  // all shards together
  std::size_t http_connections = 0;
};

// `limit`: the process's RLIMIT_NOFILE. `stratum_max` and `http_max`: what would be used at most.
DescriptorBudget budget_descriptors(std::size_t limit, std::size_t stratum_max,
                                    std::size_t http_max);

}  // namespace pool
