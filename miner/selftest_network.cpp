// The parts of the self test that talk to others: a node, a pool.
#include "common/base/assert.h"
#include "common/node/answers.h"
#include "common/uv/clock.h"
#include "miner/miner_loop.h"
#include "miner/selftest.h"
#include "miner/solo_answers.h"
#include "miner/text.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

namespace miner {
namespace {

constexpr std::chrono::seconds rpc_deadline{30};
constexpr std::chrono::milliseconds look_every{50};
constexpr std::size_t detail_bytes_max = 200;

// One call and its answer, waited for.
rpc::RpcClient::Answer ask(uv::Loop& loop, rpc::RpcClient& client, std::string_view method,
                           std::string params) {
  std::optional<rpc::RpcClient::Answer> answer;
  client.call(method, std::move(params), rpc_deadline, [&](rpc::RpcClient::Answer one) {
    answer = std::move(one);
    loop.stop();
  });
  while (!answer) loop.run();
  return std::move(*answer);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Watches a miner that mines for one share.
class Witness final : public Observer {
 public:
  void on_event(const ClientEvent& event, const base::Instant&) override {
    if (event.kind == ClientEventKind::connected) ++connections;
    if (event.kind == ClientEventKind::problem) last_problem = event.text;
    if (event.kind == ClientEventKind::rejected) last_answer = event.text;
    if (event.kind == ClientEventKind::accepted) accepted = true;
  }
  void on_work(const Work& work, const base::Instant&) override {
    job_id = work.notify.job_id;
    difficulty = work.difficulty.value();
  }
  void on_coherence_work(const CoherenceWork&, const base::Instant&) override {}
  void on_block(const FoundShare&, const base::Instant&) override {}
  void on_status(const Status&, const base::Instant&) override {}
  void on_give_up(std::string_view why, const base::Instant&) override {
    if (last_problem.empty()) last_problem = why;  // else that says more
  }
  void on_end(const Status& status, const base::Instant&) override { last = status; }

  int connections = 0;
  bool accepted = false;
  std::string job_id;
  double difficulty = 0;
  std::string last_problem;
  std::string last_answer;
  Status last;
};

bool print_network(const Witness& seen, std::FILE* out) {
  const std::string why =
      printable(seen.last_problem.empty() ? "no answer" : seen.last_problem, detail_bytes_max);
  print_check(out, "network", "connection", seen.connections > 0,
              seen.connections > 0 ? "" : why + "; is the address right, and the user known?");
  if (seen.connections == 0) return false;
  const bool has_job = !seen.job_id.empty();
  print_check(out, "network", "job", has_job,
              has_job ? fmt::format("{}, difficulty {}", printable(seen.job_id, 16),
                                    difficulty_text(seen.difficulty))
                      : why);
  if (!has_job) return false;
  const ClientCounters& counters = seen.last.counters;
  print_check(out, "network", "share", seen.accepted,
              seen.accepted ? fmt::format("accepted after {} hashes", seen.last.hashes)
              : counters.rejected > 0
                  ? printable(seen.last_answer, detail_bytes_max)
                  : fmt::format("none was found in {} hashes: try --suggest-difficulty, or a pool "
                                "for slower miners",
                                seen.last.hashes));
  return seen.accepted;
}

}  // namespace

bool test_rpc(const rpc::RpcEndpoint& node, std::FILE* out) {
  uv::Loop loop;
  rpc::RpcClient client(loop, node);
  const auto report = [out](std::string_view method, const auto& result, const std::string& well) {
    print_check(out, "rpc", method, result.has_value(), result ? well : result.error());
    return result.has_value();
  };
  const auto reached = [](const rpc::RpcClient::Answer& answer) -> base::Result<void, std::string> {
    if (answer) return {};
    return base::err(printable(answer.error().message, detail_bytes_max));
  };
  const auto info = ask(loop, client, "getblockchaininfo", "[]");
  if (!info) return report("chain", reached(info), "");
  const auto chain = parse_chain(*info);
  if (!report("chain", chain,
              chain ? std::string(bitcoin::network_name(chain->network)) : std::string())) {
    return false;
  }
  const auto count = ask(loop, client, "getblockcount", "[]");
  bool well = report("height", reached(count), count ? std::string(count->text()) : "");
  auto answer = ask(loop, client, "getblocktemplate", node::template_params(chain->network));
  if (!answer) return report("template", reached(answer), "");
  const auto parsed = node::read_template(*answer, chain->network);
  well = report("template", parsed,
                parsed ? fmt::format("height {}, {} transactions", parsed->height,
                                     parsed->transactions.size())
                       : std::string()) &&
         well;
  return well;
}

bool test_network(const MakePoolSource& make_source, const MinerKernels& kernels,
                  std::chrono::seconds patience, std::FILE* out) {
  const std::unique_ptr<std::FILE, CloseFile> nowhere(std::fopen("/dev/null", "w"));
  ASSERT(nowhere != nullptr);
  uv::Loop loop;
  Witness witness;
  Console console({true, false, false, false}, nowhere.get(), nowhere.get());
  MinerSettings settings;
  settings.observer = &witness;
  MinerLoop mining(loop, settings, kernels, console,
                   [&](WorkSourceHost& host) { return make_source(loop, host); });
  const base::MonoTime began = uv::read_clock().mono;
  uv::Timer look(loop, [&] {
    if (witness.accepted || uv::read_clock().mono - began >= patience) mining.stop();
  });
  look.start(look_every, look_every);
  mining.start();
  loop.run();
  return print_network(witness, out);
}

}  // namespace miner
