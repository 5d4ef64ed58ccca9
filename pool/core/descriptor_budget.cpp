#include "pool/core/descriptor_budget.h"

#include "pool/core/limits.h"

#include <algorithm>

namespace pool {

DescriptorBudget budget_descriptors(std::size_t limit, std::size_t stratum_max,
                                    std::size_t http_max) {
  const std::size_t free = limit - std::min(limit, limits::descriptors_reserved);
  DescriptorBudget budget;
  budget.http_connections = std::min(http_max, free / 8);
  budget.stratum_connections = std::min(stratum_max, free - budget.http_connections);
  return budget;
}

}  // namespace pool
