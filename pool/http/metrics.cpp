#include "pool/http/metrics.h"

#include "pool/http/metrics_text.h"

#include <array>
#include <cstddef>
#include <string>

namespace pool {
namespace {

using Text = MetricsText;

void counter(Text& text, std::string_view name, std::string_view help, std::uint64_t value) {
  text.counter(name, help);
  text.sample(value);
}

template <class Number>
void gauge(Text& text, std::string_view name, std::string_view help, Number value) {
  text.gauge(name, help);
  text.sample(value);
}

void flag(Text& text, std::string_view name, std::string_view help, bool value) {
  text.gauge(name, help);
  text.flag(value);
}

// A count for each value of an enum; `name_of(i)` names it.
template <class Counts, class NameOf>
void counts_by(Text& text, std::string_view label, const Counts& counts, NameOf&& name_of) {
  for (std::size_t i = 0; i < counts.size(); ++i) text.sample(counts[i], {{label, name_of(i)}});
}

std::string_view reason_name(std::size_t index) {
  return stratum::reject_name(static_cast<stratum::RejectReason>(index));
}

// ---------------------------------------------------------------- the pool

void write_pool(Text& text, const PoolSnapshot& s) {
  text.gauge("phasepool_build_info", "Which program this is; always 1.");
  text.sample(std::uint64_t{1},
              {{"version", s.facts.version}, {"network", bitcoin::network_name(s.facts.network)}});
  text.gauge("phasepool_hashrate_hashes_per_second",
             "Hash rate that accepted shares stand for, averaged over a window.");
  for (std::size_t i = 0; i < s.hashrate.size(); ++i) {
    text.sample(s.hashrate[i], {{"window", HashrateWindows::names[i]}});
  }
  text.counter("phasepool_work_accepted_hashes_total",
               "Expected hashes behind all shares that were accepted.");
  text.sample(s.work_accepted.to_double());
  gauge(text, "phasepool_miners", "Distinct payout addresses connected now.", s.miners);
  gauge(text, "phasepool_workers", "Workers that are authorized now.", s.workers);
  gauge(text, "phasepool_best_share_difficulty", "Of the best share since the start.",
        s.best_share_difficulty);
  counter(text, "phasepool_blocks_found_total", "Shares that met the network's target.",
          s.blocks_found);
  text.gauge("phasepool_blocks", "Blocks in the database, by what became of them.");
  for (const auto& [status, count] : s.blocks_by_status) text.sample(count, {{"status", status}});
}

void write_shares(Text& text, const PoolSnapshot& s) {
  counter(text, "phasepool_shares_accepted_total", "Shares that were answered true.",
          s.shares_accepted);
  text.counter("phasepool_shares_rejected_total", "Submits that were refused, by reason.");
  counts_by(text, "reason", s.rejects, reason_name);
  gauge(text, "phasepool_shares_pending", "Good shares that wait for the disk.", s.shares_pending);
  text.histogram("phasepool_share_to_reply_seconds",
                 "From the arrival of a share that is accepted to its answer, fsync included.");
  text.sample(s.share_to_reply);
  text.histogram("phasepool_tip_to_notify_first_seconds",
                 "From a new tip's first news to the first miner that got work on it.");
  text.sample(s.notify_first);
  text.histogram("phasepool_tip_to_notify_last_seconds",
                 "From a new tip's first news to the last miner that got work on it.");
  text.sample(s.notify_last);
}

void write_connections(Text& text, const PoolSnapshot& s) {
  gauge(text, "phasepool_connections", "Stratum connections that are open now.", s.connections);
  counter(text, "phasepool_connections_opened_total", "Stratum connections that were let in.",
          s.connections_total);
  counter(text, "phasepool_connections_refused_total",
          "Connections refused by the limits of their address, or banned.", s.connections_refused);
  text.counter("phasepool_connections_closed_total", "Connections that the pool ended, by reason.");
  counts_by(text, "reason", s.closes,
            [](std::size_t i) { return name_of(static_cast<CloseReason>(i)); });
  text.counter("phasepool_connections_turned_away_total",
               "Connections that ended before any Stratum, by reason.");
  counts_by(text, "reason", s.turned_away,
            [](std::size_t i) { return name_of(static_cast<TurnAway>(i)); });
  counter(text, "phasepool_bad_lines_total", "Lines that were no Stratum requests.", s.bad_lines);
  counter(text, "phasepool_read_pauses_total",
          "Times that a connection which sent too fast waited.", s.pauses);
  counter(text, "phasepool_sessions_resumed_total", "Sessions that got their extranonce1 back.",
          s.resumed);
}

// ---------------------------------------------------------------- the nodes

void write_chain(Text& text, const NodeStatus& node) {
  flag(text, "phasepool_node_connected", "Whether the node in use can give work.", node.connected);
  flag(text, "phasepool_work_expired",
       "Whether miners go on with old work, since no node gives any.", node.work_expired);
  gauge(text, "phasepool_height", "Of the tip that is built on.", std::uint64_t{node.height});
  gauge(text, "phasepool_network_difficulty", "What a block must meet.", node.network_difficulty);
  gauge(text, "phasepool_network_hashrate_hashes_per_second", "As the node estimates it.",
        node.network_hashrate);
  gauge(text, "phasepool_coinbase_sats", "What the current template pays.",
        static_cast<double>(node.coinbase_sats));
  gauge(text, "phasepool_template_transactions", "Of the current template.",
        node.template_transactions);
  text.gauge("phasepool_template_timestamp_seconds", "When the last template came, since 1970.");
  text.seconds(node.template_time_us);
  counter(text, "phasepool_jobs_published_total", "Jobs that were given to the shards.",
          node.jobs_published);
  counter(text, "phasepool_empty_jobs_published_total",
          "Of these, without transactions: the first work on a new tip.",
          node.empty_jobs_published);
  counter(text, "phasepool_blocks_accepted_total", "Own blocks that a node took.",
          node.blocks_accepted);
  counter(text, "phasepool_blocks_rejected_total", "Own blocks that the nodes refused.",
          node.blocks_rejected);
  text.counter("phasepool_tip_news_total", "New tips that a source told of, first or not.");
  const auto source = [](std::size_t i) { return name_of(static_cast<TipSource>(i)); };
  for (std::size_t i = 0; i < tip_source_count; ++i) {
    text.sample(node.tips.sources[i].heard, {{"source", source(i)}});
  }
  text.counter("phasepool_tip_news_first_total", "New tips that a source told of first.");
  for (std::size_t i = 0; i < tip_source_count; ++i) {
    text.sample(node.tips.sources[i].wins, {{"source", source(i)}});
  }
}

// A family with a sample for each node, which `write` makes.
template <class Write>
void each_node(const NodeStatus& status, Write&& write) {
  for (std::size_t i = 0; i < status.nodes.size(); ++i) {
    write(status.nodes[i], std::to_string(i + 1));
  }
}

void write_nodes(Text& text, const NodeStatus& status) {
  text.gauge("phasepool_node_up", "Whether the node answers, on the right chain and caught up.");
  each_node(status, [&](const auto& n, const auto& at) { text.flag(n.up, {{"node", at}}); });
  text.gauge("phasepool_node_in_use", "Whether work comes from this node.");
  each_node(status, [&](const auto& n, const auto& at) { text.flag(n.in_use, {{"node", at}}); });
  text.gauge("phasepool_node_height", "Of the node's tip.");
  each_node(status, [&](const auto& n, const auto& at) {
    text.sample(std::uint64_t{n.height}, {{"node", at}});
  });
  text.gauge("phasepool_node_response_seconds", "Of its small answers, smoothed.");
  each_node(status, [&](const auto& n, const auto& at) {
    if (n.response_us >= 0) text.seconds(n.response_us, {{"node", at}});
  });
  text.counter("phasepool_node_failures_total", "What went wrong with the node, by kind.");
  each_node(status, [&](const auto& n, const auto& at) {
    for (std::size_t i = 0; i < n.failures.size(); ++i) {
      const auto kind = name_of(static_cast<NodeFailure>(i));
      text.sample(n.failures[i], {{"node", at}, {"kind", kind}});
    }
  });
  text.counter("phasepool_node_block_answers_total", "What the node said of own blocks.");
  each_node(status, [&](const auto& n, const auto& at) {
    for (std::size_t i = 0; i < n.block_answers.of.size(); ++i) {
      const auto answer = name_of(static_cast<SubmissionAnswer>(i));
      text.sample(n.block_answers.of[i], {{"node", at}, {"answer", answer}});
    }
  });
  text.histogram("phasepool_template_seconds",
                 "From a request for a block template, not a long-poll, to the template read.");
  each_node(status, [&](const auto& n, const auto& at) {
    text.sample(n.template_times, {{"node", at}});
  });
  text.histogram("phasepool_submitblock_seconds",
                 "From a block on its way to the node to what the node makes of it.");
  each_node(status, [&](const auto& n, const auto& at) {
    text.sample(n.submit_times, {{"node", at}});
  });
}

// ---------------------------------------------------------------- journal and database

void write_journal(Text& text, const JournalStatus& journal) {
  flag(text, "phasepool_journal_writable", "Whether shares can be made durable.", journal.writable);
  counter(text, "phasepool_journal_records_total", "Records of this journal that are durable.",
          journal.durable_to.sequence);
  counter(text, "phasepool_journal_fsyncs_total", "Flushes to the disk.", journal.fsyncs);
  text.histogram("phasepool_journal_fsync_seconds",
                 "Time to write and fsync what had come since the last flush.");
  text.sample(journal.flushes);
  gauge(text, "phasepool_journal_unstored_bytes", "What the database does not have yet.",
        journal.unstored_bytes);
  gauge(text, "phasepool_journal_bytes_max", "What that may be before shares are refused.",
        journal.bytes_max);
}

void write_store(Text& text, const PoolSnapshot& s) {
  flag(text, "phasepool_database_connected", "Whether the journal can be shipped to PostgreSQL.",
       s.database_connected());
  counter(text, "phasepool_shares_stored_total", "Shares of this journal in PostgreSQL.",
          s.stored->shares_stored);
  text.histogram("phasepool_shipping_lag_seconds",
                 "Of each batch that was stored: from its oldest record to its commit.");
  text.sample(s.stored->lag);
  if (!s.journal || s.journal->durable_to.sequence < s.stored->shipped_to.sequence) return;
  gauge(text, "phasepool_shipping_records_behind", "Durable records that PostgreSQL has not got.",
        s.journal->durable_to.sequence - s.stored->shipped_to.sequence);
}

// ---------------------------------------------------------------- coherence work

void write_coherence(Text& text, const PoolSnapshot& s) {
  const CoherenceStats& stats = s.coherence;
  const CoherenceStatus& status = *s.coherence_status;
  flag(text, "phasepool_coherence_work", "Whether there is coherence work to give.",
       status.error.empty());
  gauge(text, "phasepool_coherence_clients", "Connections that take coherence work.",
        stats.clients);
  counter(text, "phasepool_coherence_proofs_accepted_total", "Proofs that were answered true.",
          stats.proofs_accepted);
  text.counter("phasepool_coherence_proofs_rejected_total", "Proofs that were refused, by reason.");
  counts_by(text, "reason", stats.rejects, reason_name);
  gauge(text, "phasepool_coherence_proofs_verifying", "Proofs that wait for their replay.",
        stats.proofs_verifying);
  gauge(text, "phasepool_coherence_proofs_pending", "True proofs that wait for the disk.",
        stats.proofs_unstored);
  text.counter("phasepool_coherence_work_accepted_rounds_total",
               "Expected rounds behind all proofs that were accepted.");
  text.sample(stats.work_accepted.to_double());
  counter(text, "phasepool_coherence_blocks_found_total",
          "Proofs that met their header's own target.", stats.blocks_found);
  counter(text, "phasepool_coherence_proofs_verified_total", "Proofs that were replayed.",
          status.counts.verified);
  counter(text, "phasepool_coherence_proofs_false_total", "Of these, false ones.",
          status.counts.false_proofs);
  text.counter("phasepool_coherence_verifier_busy_seconds_total", "Time spent on replays.");
  text.seconds(static_cast<std::int64_t>(status.counts.busy_us));
  if (status.job_age_us < 0) return;
  gauge(text, "phasepool_coherence_height", "Of the proof chain's block that is worked on.",
        std::uint64_t{status.height});
}

// ---------------------------------------------------------------- the web side

void write_http(Text& text, const HttpCounts& http) {
  constexpr std::array<std::string_view, HttpCounts::classes> classes{"1xx", "2xx", "3xx", "4xx",
                                                                      "5xx"};
  text.counter("phasepool_http_answers_total", "Answers of the web side, by class of status.");
  counts_by(text, "status", http.answers, [&](std::size_t i) { return classes[i]; });
  text.counter("phasepool_http_refusals_total", "Of these, requests that no endpoint answered.");
  counts_by(text, "reason", http.refusals,
            [](std::size_t i) { return name_of(static_cast<HttpRefusal>(i)); });
  text.histogram("phasepool_http_answer_seconds",
                 "From a request's turn to its answer, the wait for the database included.");
  text.sample(http.answer_times);
  gauge(text, "phasepool_http_connections", "Web connections that are open now.", http.connections);
  counter(text, "phasepool_http_connections_opened_total", "Web connections that were let in.",
          http.connections_opened);
  text.counter("phasepool_http_connections_closed_total",
               "Web connections that the pool ended or did not let in, by reason.");
  counts_by(text, "reason", http.closes,
            [](std::size_t i) { return name_of(static_cast<HttpClose>(i)); });
  gauge(text, "phasepool_http_watchers", "Connections that watch events now.", http.watchers);
  counter(text, "phasepool_http_watchers_total", "Connections that began to watch events.",
          http.watchers_begun);
  text.counter("phasepool_http_tls_handshakes_total", "TLS handshakes, by what came of them.");
  text.sample(http.tls_done, {{"result", "done"}});
  text.sample(http.tls_failed, {{"result", "failed"}});
}

// ---------------------------------------------------------------- threads and process

void write_loops(Text& text, const PoolSnapshot& s) {
  const auto each = [&](auto&& write) {
    write("shard", s.shard_loops);
    write("http", s.http_loop);
    if (s.node) write("node", s.node->loop);
    if (s.journal) write("journal", s.journal->loop);
    if (s.stored) write("store", s.stored->loop);
    if (s.coherence_status) write("coherence", s.coherence_status->loop);
  };
  text.histogram("phasepool_loop_lag_seconds",
                 "By how much a thread's timer fired late: what else on it has to wait.");
  each([&](std::string_view thread, const LoopHealth& health) {
    text.sample(health.lag, {{"thread", thread}});
  });
  text.histogram("phasepool_mailbox_messages", "Messages that a thread took at once.");
  each([&](std::string_view thread, const LoopHealth& health) {
    text.sample(health.queue, {{"thread", thread}});
  });
}

// Names that every exporter uses.
void write_process(Text& text, const ProcessFacts& process) {
  text.gauge("process_start_time_seconds", "When the process started, since 1970.");
  text.seconds(process.started_us);
  text.counter("process_cpu_seconds_total", "User and system time of all threads.");
  text.seconds(process.cpu_us);
  gauge(text, "process_resident_memory_bytes", "Memory in use.", process.resident_bytes);
  gauge(text, "process_virtual_memory_bytes", "Address space in use.", process.virtual_bytes);
  gauge(text, "process_threads", "Threads of the process.", process.threads);
  gauge(text, "process_open_fds", "Descriptors that are open.", process.descriptors);
  gauge(text, "process_max_fds", "Descriptors that may be.", process.descriptors_max);
}

}  // namespace

std::string metrics_page(const PoolSnapshot& s, const ProcessFacts& process) {
  MetricsText text;
  write_pool(text, s);
  write_shares(text, s);
  write_connections(text, s);
  if (s.node) {
    write_chain(text, *s.node);
    write_nodes(text, *s.node);
  }
  if (s.journal) write_journal(text, *s.journal);
  if (s.stored) write_store(text, s);
  if (s.coherence_status) write_coherence(text, s);
  write_http(text, s.http);
  write_loops(text, s);
  write_process(text, process);
  return text.take();
}

}  // namespace pool
