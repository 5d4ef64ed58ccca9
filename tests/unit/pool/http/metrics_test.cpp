#include "pool/http/metrics.h"
#include "tests/unit/pool/http/fixture.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

namespace pool {
namespace {

// Every sample by its name and labels; fails where one comes twice or before its family.
std::map<std::string, std::string> samples_of(const std::string& page) {
  std::map<std::string, std::string> samples;
  std::set<std::string> families;
  std::string family;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    if (line.rfind("# HELP ", 0) == 0) {
      family = line.substr(7, line.find(' ', 7) - 7);
      CHECK(families.insert(family).second);
      continue;
    }
    if (line.rfind("# TYPE ", 0) == 0) continue;
    CHECK_EQ(line.rfind(family, 0), 0);
    const std::size_t space = line.rfind(' ');
    REQUIRE(space != std::string::npos);
    CHECK(samples.emplace(line.substr(0, space), line.substr(space + 1)).second);
  }
  return samples;
}

// With something in every part, so that every family is there.
PoolSnapshot full_snapshot() {
  PoolSnapshot s = busy_snapshot();
  s.share_to_reply.add(1'500);
  s.notify_first.add(90);
  s.notify_last.add(900);
  s.shard_loops.lag.add(5);
  s.shard_loops.queue.add(4);
  NodeSummary first;
  first.up = true;
  first.in_use = true;
  first.response_us = 2'500;
  first.failures[static_cast<std::size_t>(NodeFailure::timeout)] = 3;
  first.template_times.add(40'000);
  first.submit_times.add(70'000);
  s.node->nodes = {first, NodeSummary{}};
  s.journal->flushes.add(2'000);
  s.stored->lag.add(250'000);
  s.coherence_status = CoherenceStatus{};
  s.coherence.proofs_accepted = 12;
  s.http.answered(200);
  s.http.answered(304);
  s.http.answered(503);
  s.http.answered(503);
  s.http.refused(HttpRefusal::late);
  s.http.closed(HttpClose::unread);
  s.http.answer_times.add(3'000);
  s.http.connections = 5;
  s.http.watchers = 4;
  s.http.tls_failed = 2;
  s.coherence_status->counts.busy_us = 2'500'000;
  return s;
}

}  // namespace

TEST_CASE("what the pool counts is on the page, in base units") {
  const auto samples = samples_of(metrics_page(full_snapshot(), {}));
  const std::map<std::string, std::string> expected = {
      {"phasepool_build_info{version=\"0.1.0\",network=\"regtest\"}", "1"},
      {"phasepool_hashrate_hashes_per_second{window=\"5m\"}", "2500000"},
      {"phasepool_shares_accepted_total", "9990"},
      {"phasepool_shares_rejected_total{reason=\"stale\"}", "7"},
      {"phasepool_workers", "11"},
      {"phasepool_blocks{status=\"accepted\"}", "2"},
      {"phasepool_height", "1234"},
      {"phasepool_http_answers_total{status=\"1xx\"}", "0"},
      {"phasepool_http_answers_total{status=\"2xx\"}", "1"},
      {"phasepool_http_answers_total{status=\"3xx\"}", "1"},
      {"phasepool_http_answers_total{status=\"5xx\"}", "2"},
      {"phasepool_http_refusals_total{reason=\"rate_limit\"}", "0"},
      {"phasepool_http_refusals_total{reason=\"late\"}", "1"},
      {"phasepool_http_connections", "5"},
      {"phasepool_http_connections_closed_total{reason=\"unread\"}", "1"},
      {"phasepool_http_watchers", "4"},
      {"phasepool_http_answer_seconds_sum", "0.003"},
      {"phasepool_http_tls_handshakes_total{result=\"failed\"}", "2"},
      {"phasepool_coinbase_sats", "5000000123"},
      {"phasepool_share_to_reply_seconds_sum", "0.0015"},
      {"phasepool_tip_to_notify_first_seconds_count", "1"},
      {"phasepool_tip_to_notify_last_seconds_sum", "0.0009"},
      {"phasepool_node_up{node=\"1\"}", "1"},
      {"phasepool_node_up{node=\"2\"}", "0"},
      {"phasepool_node_response_seconds{node=\"1\"}", "0.0025"},
      {"phasepool_node_failures_total{node=\"1\",kind=\"timeout\"}", "3"},
      {"phasepool_template_seconds_sum{node=\"1\"}", "0.04"},
      {"phasepool_submitblock_seconds_sum{node=\"1\"}", "0.07"},
      {"phasepool_journal_fsync_seconds_sum", "0.002"},
      {"phasepool_shipping_lag_seconds_sum", "0.25"},
      {"phasepool_shipping_records_behind", "10"},
      {"phasepool_database_connected", "1"},
      {"phasepool_loop_lag_seconds_count{thread=\"shard\"}", "1"},
      {"phasepool_mailbox_messages_sum{thread=\"shard\"}", "4"},
      {"phasepool_coherence_proofs_accepted_total", "12"},
      {"phasepool_coherence_verifier_busy_seconds_total", "2.5"}};
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    REQUIRE(samples.contains(name));
    CHECK_EQ(samples.at(name), value);
  }
  // A node that has not answered yet has no time of its answers.
  CHECK_FALSE(samples.contains("phasepool_node_response_seconds{node=\"2\"}"));
}

TEST_CASE("before anybody has reported, the page is there with what is known") {
  const auto samples = samples_of(metrics_page(PoolSnapshot{}, {}));
  CHECK_EQ(samples.at("phasepool_shares_accepted_total"), "0");
  CHECK_FALSE(samples.contains("phasepool_node_connected"));
  CHECK_FALSE(samples.contains("phasepool_database_connected"));
}

TEST_CASE("the process's facts have the names that every exporter uses") {
  ProcessFacts process;
  process.started_us = 1'700'000'000'500'000;
  process.cpu_us = 12'340'000;
  process.resident_bytes = 4096;
  process.descriptors = 17;
  const auto samples = samples_of(metrics_page(PoolSnapshot{}, process));
  CHECK_EQ(samples.at("process_start_time_seconds"), "1700000000.5");
  CHECK_EQ(samples.at("process_cpu_seconds_total"), "12.34");
  CHECK_EQ(samples.at("process_resident_memory_bytes"), "4096");
  CHECK_EQ(samples.at("process_open_fds"), "17");
}

// Series are what a metrics server pays for.
TEST_CASE("miners, workers and blocks bring no series") {
  PoolSnapshot few = full_snapshot();
  PoolSnapshot many = full_snapshot();
  many.miners = 100'000;
  many.workers = 500'000;
  many.blocks.insert(many.blocks.end(), 100, many.blocks.front());
  CHECK_EQ(samples_of(metrics_page(few, {})).size(), samples_of(metrics_page(many, {})).size());
}

}  // namespace pool
