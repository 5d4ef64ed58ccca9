#include "pool/server/start_checks.h"

#include "common/log.h"
#include "pool/node/node_check.h"
#include "pool/store/migrate.h"
#include "pool/store/store_loop.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr auto node_check_deadline = 10s;

}  // namespace

std::string check_database(const Config& config) {
  const auto state = schema_state(config.database);
  if (!state) {
    if (!has_served(config.data_dir, config.database)) {
      return fmt::format("{}; start PostgreSQL, or correct \"database\" in the config",
                         state.error());
    }
    LOG(warning, "database_away", {"error", state.error()},
        {"effect", "serving without it; shares are journalled and shipped when it is back"});
    return {};
  }
  switch (*state) {
    case SchemaState::current:
      break;
    case SchemaState::newer:
      return "the database's schema is newer than this program. Install the newer phasepool.";
    case SchemaState::older:
      return "the database's schema is older than this program. Run: phasepool migrate -c FILE";
    case SchemaState::absent:
      return "the database has no phasepool schema yet. Run: phasepool migrate -c FILE";
  }
  return {};
}

std::string check_nodes(const Config& config) {
  std::string first_error;
  for (const NodeConfig& node : config.nodes) {
    const auto checked = check_node(node, config.network, node_check_deadline);
    if (checked) return {};
    if (first_error.empty()) first_error = checked.error();
    LOG(warning, "node_not_usable", {"error", checked.error()});
  }
  return first_error;
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0)
    return raised.rlim_cur;
  return limit.rlim_cur;
}

}  // namespace pool
