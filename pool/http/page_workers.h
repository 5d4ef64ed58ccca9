// The miner page's workers: which machine needs somebody.
// Thread: pure functions.
#pragma once

#include "pool/http/page.h"
#include "pool/http/page_text.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

struct WorkerHealth {
  std::string_view css;  // of its tag: "warn" needs somebody
  std::string word;
};
// Of a worker as /api/v1/miners/{address} tells it. `live_known`: who has no `live` is not
// connected; else that is not known, and the last share has to tell.
WorkerHealth worker_health(const JsonView& worker, bool live_known, std::int64_t now_us);

// One unit for all rows' `hashrate`, and a row's cells in it.
RateUnit table_unit(const std::vector<JsonView>& rows);
std::string rate_cells(const JsonView& row, const std::vector<std::string_view>& windows,
                       const RateUnit& unit);

// worker_rows, workers_foot, worker_unit
void fill_workers(const JsonView& miner, std::int64_t now_us, PageValues& out);

}  // namespace pool
