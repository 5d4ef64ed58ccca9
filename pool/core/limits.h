// Every bound in the pool, with its unit in its name. What happens at each limit is written where
// it is enforced: refuse, close, or pause; nothing grows past these.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pool::limits {

using namespace std::chrono_literals;

// --- a Stratum connection ---
// Longest line a miner may send. Real ones stay under 1 KiB; stratum practice asks for 8 KiB or
// more.
inline constexpr std::size_t line_bytes_max = 16 * 1024;
// What a slow reader may leave unread before it is closed. A notify is at most about 4 KiB.
inline constexpr std::size_t write_queue_bytes_max = 256 * 1024;
inline constexpr std::size_t workers_per_connection_max = 64;
inline constexpr std::size_t username_bytes_max = 256;
inline constexpr std::size_t worker_name_bytes_max = 128;  // as stored
inline constexpr std::size_t user_agent_bytes_max = 128;
inline constexpr std::uint32_t bad_lines_max = 3;              // then the connection is closed
inline constexpr std::uint32_t unauthorized_submits_max = 10;  // likewise; since an accepted share
// For a PROXY header, and for a TLS handshake, each.
inline constexpr auto stage_deadline = 10s;
inline constexpr std::uint32_t bad_authorizes_max = 10;  // of a connection; then it is closed
// A miner whose every submit is refused gets a new job, then a client.reconnect, then is closed:
// firmware that is stuck on an old job gets over it this way (practice of ckpool).
inline constexpr auto only_rejects_new_job = 60s;
inline constexpr auto only_rejects_reconnect = 120s;
inline constexpr auto only_rejects_close = 180s;
// When there is no work, between telling miners to reconnect and closing those that did not.
inline constexpr auto no_work_close_after = 10s;
inline constexpr auto get_version_after = 10s;  // of a miner that did not say what it is
// Answers of a connection that wait for the disk; with more, it is not read from.
inline constexpr std::uint32_t answers_waiting_max = 1024;
// Between two notifies that a connection causes by its own doing.
inline constexpr auto renotify_interval = 5s;

// A miner's suggestions of another difficulty: within this of a change, one waits for the next job.
inline constexpr auto suggestion_spacing = 30s;
inline constexpr std::size_t difficulty_changes_kept_max = 4;  // a connection's, for late shares

// --- a shard ---
// Of a turn of its loop, for TLS handshakes; more of them wait.
inline constexpr auto handshakes_per_turn = 2ms;
// Workers whose last difficulty is remembered across reconnects; the least recent makes room.
inline constexpr std::size_t difficulty_memory_entries_max = 50'000;
inline constexpr std::size_t difficulty_memory_changes_max = 1024;  // told to other shards at once
inline constexpr auto difficulty_memory_expiry = 24h;
inline constexpr std::size_t connections_per_shard_max =
    60'000;  // extranonce1's counter is 16 bits
inline constexpr std::size_t shards_max = 256;
// Addresses (IPv6: /64s) a shard keeps counts of. Those with connections always fit; past it, the
// others are forgotten.
inline constexpr std::size_t addresses_remembered_max = 2 * connections_per_shard_max;
inline constexpr std::size_t bans_max = 10'000;  // past it, the one that ends first goes
// A job is kept this long after a newer one came, and its shares are still hashed: a late one may
// be a block. Each job keeps its template's transactions alive, about 2 MB on mainnet.
inline constexpr std::size_t templates_kept_max = 32;
// With the jobs that a shard issues anew, about 8 KB each.
inline constexpr std::size_t jobs_kept_max = 1024;
inline constexpr std::uint32_t reissues_per_job_max = 255;  // eight bits of the job id
inline constexpr std::uint32_t reissues_at_once_max = 4;    // then one a second
inline constexpr auto job_kept_after_superseded = 600s;
// Blocks of one parent that a shard sends to the node: more of them can't win.
inline constexpr std::size_t candidates_per_tip_max = 64;
// Candidates whose block is not in the vault yet; past it, the shard stops reading. Only where
// blocks cost next to nothing (regtest) can there be many.
inline constexpr std::size_t candidates_in_flight_max = 64;
// At shutdown: for accepted shares to become durable and for last answers to be read.
inline constexpr auto drain_deadline = 5s;
inline constexpr std::size_t duplicates_per_job_max = 1 << 20;
// New tips whose times to the miners wait for all shards' word, and for how long.
inline constexpr std::size_t tips_unsettled_max = 16;
inline constexpr auto tip_settled_after = 2s;
inline constexpr std::size_t rejects_told_max = 256;  // at once, by a shard to the web loop
inline constexpr std::size_t reject_log_workers_max = 1024;
inline constexpr std::size_t rejects_kept_per_worker = 16;
// A shard's rejects in the journal, a minute: counts by worker and reason, and those in full.
inline constexpr std::size_t reject_sums_max = 1024;
inline constexpr std::uint32_t rejects_journalled_max = 256;
inline constexpr std::uint32_t rejects_journalled_per_worker_max = 4;
inline constexpr std::uint32_t rejects_stored_per_worker = 50;  // in the database
// Names that a shard tells the web loop of, as hashes of 8 bytes, so that who is connected to two
// shards is counted once: of its workers and of its addresses, copied when they change, once a
// second at most; and of the workers of an address that is asked for. Those past it count at each
// shard.
inline constexpr std::size_t hashes_told_max = 65'536;
inline constexpr std::size_t hashes_of_address_told_max = 8192;
// Of one question about an address: workers it names, and those without a share that are told.
inline constexpr std::size_t live_names_asked_max = 200;
inline constexpr std::size_t silent_workers_told_max = 20;
inline constexpr std::size_t silent_workers_looked_at_max = 512;
inline constexpr std::size_t extranonce1_size = 4;
inline constexpr std::size_t extranonce2_size = 8;

// --- coherence work ---
// Proofs that wait for a verifier, each; past it, miners are asked to submit again.
inline constexpr std::size_t proofs_per_verifier_max = 1024;
inline constexpr std::size_t proofs_per_shard_max = 8192;     // that wait for their verdicts
inline constexpr std::size_t proofs_per_connection_max = 64;  // that wait, of one connection
inline constexpr std::size_t coherence_jobs_kept_max = 32;
inline constexpr std::size_t proofs_per_job_max = 1 << 18;   // that a shard remembers as seen
inline constexpr auto coherence_job_refresh = 20s;           // a header's time is its job's
inline constexpr std::size_t stretches_per_block_max = 256;  // one a pool
// That a verifier takes on together: more would keep the first ones' answers waiting.
inline constexpr std::size_t proofs_per_batch_max = 64;
inline constexpr std::size_t verifiers_max = 64;
inline constexpr std::size_t coherence_mailbox_messages_max = 256;
inline constexpr auto journal_head_interval = 200ms;  // between two that the journal tells

// --- between threads ---
inline constexpr std::size_t shard_mailbox_messages_max = 1024;
inline constexpr std::size_t journal_mailbox_messages_max = 4096;
inline constexpr std::size_t node_mailbox_messages_max = 1024;
// Room for every candidate that all shards can send, which are bounded by shard, tip and job.
inline constexpr std::size_t node_mailbox_reserved_max =
    shards_max * candidates_per_tip_max * templates_kept_max;
inline constexpr std::size_t http_mailbox_messages_max = 4096;
inline constexpr std::size_t store_mailbox_messages_max = 1024;
// Journal bytes a shard may have appended and not yet seen durable; past it, it stops reading.
inline constexpr std::size_t journal_bytes_in_flight_max = 4 * 1024 * 1024;
inline constexpr std::size_t appends_in_flight_max = 16;  // a shard's window into the journal

// --- the journal ---
// The usual ones; the configuration may say otherwise (journal.*).
inline constexpr std::size_t journal_segment_bytes_max = 64 * 1024 * 1024;
inline constexpr std::uint64_t journal_bytes_max = 64ULL * 1024 * 1024 * 1024;
inline constexpr std::uint64_t journal_kept_bytes_max = 8ULL * 1024 * 1024 * 1024;
inline constexpr auto journal_fsync_window = 3ms;
// Stored segments that stay whatever the configuration says.
inline constexpr std::size_t journal_segments_kept_min = 4;
inline constexpr auto journal_segments_kept_for_min = 3600s;
inline constexpr std::size_t journal_record_bytes_max = 64 * 1024;

// --- the node ---
inline constexpr std::size_t rpc_body_bytes_max = 64 * 1024 * 1024;
inline constexpr auto node_poll = 200ms;  // behind long-poll and ZMQ: getbestblockhash
inline constexpr auto idle_node_poll = 1s;
// An answer to the poll that takes longer makes the node one to leave, if there is a better one.
// With node_poll and the loop's tick this keeps a failover within a second.
inline constexpr auto node_patience = 600ms;
// A node's ZMQ messages. Of blocks few wait at once: together they take 64 MiB, and the tip is
// polled for where one was lost.
inline constexpr std::int64_t zmq_notice_bytes_max = 1024;
inline constexpr std::int64_t zmq_block_bytes_max = 8 * 1024 * 1024;  // consensus allows 4 MB
inline constexpr int zmq_notices_waiting_max = 1000;
inline constexpr int zmq_blocks_waiting_max = 8;
inline constexpr int zmq_messages_per_turn_max = 2000;  // of each topic, the mempool's too
// Questions that are open to a node; with more, no header is asked for that a publisher names.
inline constexpr int node_questions_max = 8;
inline constexpr std::size_t recent_tips_max = 16;     // whose heights are remembered
inline constexpr std::size_t tip_races_kept_max = 16;  // tips whose sources are compared
inline constexpr auto rpc_deadline = 10s;
inline constexpr auto submit_deadline = 60s;
inline constexpr auto proposal_deadline = 60s;
inline constexpr std::size_t proposal_kinds_max = 16;        // that a node is known to take
inline constexpr auto node_shutdown_deadline = 5s;           // for submissions and their outcomes
inline constexpr std::size_t vault_settled_files_max = 256;  // in vault/done and vault/rejected
// Blocks whose way through the chain is followed, each for about 100 blocks; past it, the lowest
// goes. Only where blocks cost next to nothing (regtest) can there be many.
inline constexpr std::size_t blocks_followed_max = 4096;
inline constexpr std::uint32_t block_height_max = 0x7fffffff;  // that a node is believed
inline constexpr auto chain_question_pause = 2s;  // after a question about the chain had no answer
inline constexpr auto chain_recheck = 600s;       // of the blocks that are followed
// What the node thread has for the journal and is not on disk; past it, only blocks are added.
inline constexpr std::size_t node_journal_entries_max = 1024;
// Nodes that are away when a block is settled are offered it for so long, and so many blocks.
inline constexpr auto block_offered_for = 1h;
inline constexpr std::size_t blocks_offered_max = 16;
inline constexpr std::size_t preferred_parents_max = 64;  // whose first own block is remembered
inline constexpr int block_answers_kept_max = 32;         // of one node on one block, on record
// Files to write or to move: of each block that may wait at all, both.
inline constexpr std::size_t vault_jobs_max = 2 * node_mailbox_reserved_max;

// --- the process ---
// Descriptors that no peer's connection may take: loops, listeners, journal, vault, nodes,
// database.
inline constexpr std::size_t descriptors_reserved = 128;

// --- HTTP ---
// The usual ones; the configuration may say otherwise (http.limits.*).
inline constexpr std::size_t http_connections_max = 4096;
// Of one address (IPv6: a /64). A page loads with about ten requests and then watches, or asks a
// few times in a few seconds; households and offices behind one address are many pages.
inline constexpr std::size_t http_connections_per_address_max = 256;
inline constexpr double http_requests_per_second_per_address = 50;
inline constexpr double http_requests_burst_seconds = 10;  // of that rate, at once
// Connections that watch events. Others must have room beside them.
inline constexpr std::size_t http_watchers_max = 3072;
// Past it, addresses without connections are forgotten.
inline constexpr std::size_t http_addresses_remembered_max = 16'384;
inline constexpr auto http_idle_deadline = 60s;     // between two requests
inline constexpr auto http_request_deadline = 20s;  // from a request's first byte to its last
inline constexpr std::size_t http_header_bytes_max = 16 * 1024;
inline constexpr std::size_t http_body_bytes_max = 16 * 1024;
// Requests of one client that wait for it to read its answers; with more, its connection ends.
inline constexpr std::size_t http_requests_waiting_max = 32;
inline constexpr std::size_t http_write_queue_bytes_max = 512 * 1024;
// Past this many unread bytes of answers, further requests of a connection wait.
inline constexpr std::size_t http_write_queue_bytes_high = 128 * 1024;
// Requests, of all connections, whose answer has to be asked for; with more, 503 at once.
inline constexpr std::size_t http_answers_waited_for_max = 256;
inline constexpr auto http_answer_deadline = 10s;  // then 503
// Questions of the API to the database, and their answers.
inline constexpr std::size_t http_queries_in_flight_max = 32;
inline constexpr auto http_query_deadline = 30s;  // then it is given up
inline constexpr std::size_t http_query_answers_max = 2048;
inline constexpr std::size_t http_query_bytes_max = 32 * 1024 * 1024;
// Questions to the shards about who is connected now: on their way at a time, and how many a second
// (each takes a shard some microseconds, at worst a tenth of a millisecond). Past either, what they
// would tell is not known.
inline constexpr std::size_t live_questions_in_flight_max = 32;
inline constexpr double live_questions_per_second_max = 200;
inline constexpr auto live_answer_deadline = 100ms;  // then those that came have to do
inline constexpr auto live_answer_kept = 1s;
inline constexpr std::size_t live_answers_kept_max = 256;
// For the answers that a page is made of; then it is sent with what is there.
inline constexpr auto http_page_deadline = 200ms;
inline constexpr std::size_t http_later_max = 4096;                      // such deadlines at a time
inline constexpr std::size_t http_watcher_unread_bytes_max = 64 * 1024;  // then it is closed
inline constexpr auto http_events_keep_alive = 15s;

// --- the operator's orders ---
inline constexpr std::size_t admin_connections_max = 32;
inline constexpr std::size_t admin_orders_waiting_max = 16;
inline constexpr std::size_t operator_message_bytes_max = 512;  // firmware shows one line
inline constexpr std::size_t operator_host_bytes_max = 253;     // RFC 1035, 2.3.4
inline constexpr std::uint32_t operator_ban_seconds = 3600;     // where the order does not say
inline constexpr std::uint32_t operator_ban_seconds_max = 365 * 86'400;
inline constexpr std::size_t main_mailbox_messages_max = 16;

// --- payments ---
// Blocks on a spend that conflicts with a signed payment before that can be cancelled: as deep as a
// coinbase must lie before it can be spent.
inline constexpr std::int64_t payment_conflict_confirmations_min = 100;
inline constexpr std::size_t payment_outputs_max = 2000;  // 86 kB of the 100 kvB that nodes relay
inline constexpr std::int64_t payment_confirmations_max = 10'000;
// Of what is paid, in ppm, where no other bound is given.
inline constexpr std::int64_t payment_fee_ppm_max = 50'000;
inline constexpr std::int64_t payment_fee_sats_allowed = 10'000;  // or this, if it is more
inline constexpr int payment_steps_per_send_max = 20;  // a send needs six; more is a circle
inline constexpr auto payment_rpc_deadline = 60s;      // a call to the wallet

static_assert(connections_per_shard_max <= 65'536, "extranonce1 gives a shard 16 bits");
static_assert(extranonce1_size + extranonce2_size == 12, "the coinbase pushes 12 bytes");
static_assert(shards_max * appends_in_flight_max <= journal_mailbox_messages_max,
              "every shard's window fits the journal's mailbox, so a post never fails");
static_assert(line_bytes_max < write_queue_bytes_max);
static_assert(username_bytes_max < line_bytes_max);
static_assert(http_page_deadline > live_answer_deadline);

}  // namespace pool::limits
