// DatabaseApi: the endpoints of the API that the database answers, a line for each; what the pool
// knows beside it is filled in here: the names of nodes, and who is connected now.
//
// Errors: 400 for a parameter, 404 where there is no such thing, 503 where the database is away,
//         or too much is asked of it.
// Thread: the web loop's.
#pragma once

#include "common/base/time.h"
#include "pool/http/live_book.h"
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
  // Asks the shards; empty: it is not known who is connected.
  std::function<void(LiveWanted, LiveBook::Done)> live = {};
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
  // Of the last answer, so that those who waited for it together share it.
  struct Converted {
    std::shared_ptr<const std::string> from;
    std::string text;
  };
  using AddLive = std::function<std::string(const std::string& json, const LiveWorkers& live)>;
  struct Form {
    std::string_view missing = "there is no such thing";  // said in a 404
    Convert convert = {};                                 // none: as the database has it
    std::string_view file = {};  // its answer is to be kept as a file of that name
    AddLive add_live = {};       // of an address, whose workers are asked for after the database
    std::function<std::string(const Question&)> before_first_share = {};  // then; none: 404
    std::shared_ptr<Converted> converted = std::make_shared<Converted>();
  };

  void add(Router& router, std::string_view pattern, Ask ask, Form form);
  // What goes with an answer beside the database's.
  struct Asked {
    Question question;
    net::HttpHeaders headers;
    Responder responder;
  };
  void answer(const Form& form, const Asked& asked, const DatabaseAnswer& given);
  void answer_with_live(const Form& form, const Asked& asked, const DatabaseAnswer& given,
                        const LiveWorkers& live);
  void ask_live(const std::string& address, const std::shared_ptr<const std::string>& json,
                LiveBook::Done done);
  void add_miners(Router& router);
  void add_live_miners(Router& router);
  void add_ranking(Router& router);
  void add_blocks(Router& router);
  void add_payouts(Router& router);
  void add_chain(Router& router);
  void add_preview(Router& router);

  std::string with_node_names(const std::string& json) const;
  std::string proof_of(const std::string& json) const;
  std::int64_t now_us() const { return sources_.now_seconds() * 1'000'000; }
  std::string miner_of(const std::string& json, const LiveWorkers& live);

  QueryCache& queries_;
  const DatabaseApiSources sources_;
  PreviewBook previews_;
  ExpectedParts expected_;
};

// The answers to what can't be answered from the database. `note`: what is known all the same.
net::HttpResponse database_error(DatabaseAnswer::Kind kind, std::string_view missing,
                                 const std::string& note = {});

}  // namespace pool
