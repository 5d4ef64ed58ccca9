// DatabaseApi: the endpoints of the API that the database answers, a line for each; what the pool
// knows beside it is filled in here.
//
// Errors: 400 for a parameter, 404 where there is no such thing, 503 where the database is away,
//         or too much is asked of it.
// Thread: the web loop's.
#pragma once

#include "common/base/time.h"
#include "pool/http/money_tables.h"
#include "pool/http/parameters.h"
#include "pool/http/query_cache.h"
#include "pool/http/router.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace pool {

struct DatabaseApiSources {
  bitcoin::Network network = bitcoin::Network::mainnet;
  std::function<base::MonoTime()> now;
  std::function<std::int64_t()> now_seconds;  // since 1970
  // What a node, by host and port, is called where anybody reads it.
  std::function<std::string(std::string_view)> node_name;
};

class DatabaseApi {
 public:
  // `queries` must live as long.
  DatabaseApi(QueryCache& queries, DatabaseApiSources sources);
  DatabaseApi(const DatabaseApi&) = delete;
  DatabaseApi& operator=(const DatabaseApi&) = delete;

  void add_to(Router& router);

 private:
  using What = StatsQuery::What;
  struct Question {
    What what;
    QueryCache::Arguments arguments;
  };
  using Ask = std::function<Question(Parameters&)>;
  using Convert = std::function<std::string(const std::string& json)>;
  struct Form {
    std::string_view missing = "there is no such thing";  // said in a 404
    Convert convert = {};                                 // none: as the database has it
    std::string_view file = {};  // its answer is to be kept as a file of that name
  };

  void add(Router& router, std::string_view pattern, Ask ask, Form form);
  void add_miners(Router& router);
  void add_blocks(Router& router);
  void add_payouts(Router& router);
  void add_chain(Router& router);
  void add_preview(Router& router);

  std::string with_node_names(const std::string& json) const;
  std::string proof_of(const std::string& json) const;
  std::string miner_of(const std::string& json);

  QueryCache& queries_;
  const DatabaseApiSources sources_;
  PreviewBook previews_;
  ExpectedParts expected_;
};

// The answers to what can't be answered from the database.
net::HttpResponse database_error(DatabaseAnswer::Kind kind, std::string_view missing);

}  // namespace pool
