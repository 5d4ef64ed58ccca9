#include "pool/store/coherence_export.h"

#include "pool/store/database.h"
#include "pool/store/database_text.h"

#include <charconv>
#include <optional>

namespace pool {
namespace {

constexpr int rows_at_once = 1000;  // some 2 MB

using Session = pqxx::transaction_base;

// Rows of any number, some at a time.
template <class OnRow>
void for_each_row(Session& session, const std::string& query, OnRow&& on_row) {
  session.exec0("DECLARE export_rows NO SCROLL CURSOR FOR " + query);
  const std::string fetch = "FETCH " + std::to_string(rows_at_once) + " FROM export_rows";
  for (;;) {
    const pqxx::result rows = session.exec(fetch);
    for (const auto& row : rows) on_row(row);
    if (rows.size() < rows_at_once) break;
  }
  session.exec0("CLOSE export_rows");
}

// The tables' constraints hold what is expected here.
template <class Bytes>
void read_hex(const pqxx::field& field, Bytes& out) {
  if (!base::decode_hex(field.as<std::string>(), out)) {
    throw pqxx::failure(std::string(field.name()) + " is no hex of " + std::to_string(out.size()) +
                        " bytes");
  }
}

std::uint64_t read_u64(const pqxx::field& field) {
  const auto text = field.as<std::string>();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw pqxx::failure(std::string(field.name()) + " is no unsigned number: " + text);
  }
  return value;
}

base::U256 read_target(const pqxx::field& field) {
  std::array<std::uint8_t, 32> bytes{};
  read_hex(field, bytes);
  std::reverse(bytes.begin(), bytes.end());
  return base::U256::from_le_bytes(bytes);
}

void read_rules(Session& session, const CoherenceExport& out) {
  const auto rows = session.exec(
      "SELECT block_seconds, retarget_blocks, initial_bits, extract(epoch FROM start_time)::bigint"
      " FROM coherence_rules");
  if (rows.empty()) return;
  out.on_rules({rows[0][0].as<std::uint32_t>(), rows[0][1].as<std::uint32_t>(),
                rows[0][2].as<std::uint32_t>(), rows[0][3].as<std::uint32_t>()});
}

CoherenceBlockRecord block_of(const pqxx::row& row) {
  CoherenceBlockRecord block;
  block.height = row["height"].as<std::uint32_t>();
  block.params = row["params"].as<std::uint32_t>();
  read_hex(row["hash"], block.hash);
  read_hex(row["header"], block.header);
  const auto tip = bitcoin::BlockHash::from_display_hex(row["bitcoin_tip"].as<std::string>());
  if (!tip) throw pqxx::failure("bitcoin_tip is no hash");
  block.bitcoin_tip = *tip;
  return block;
}

JournalStretch stretch_of(const pqxx::row& row) {
  JournalStretch of;
  of.stretch.pool = row["pool"].as<std::uint32_t>();
  of.stretch.first_sequence = read_u64(row["first_sequence"]);
  of.stretch.last_sequence = read_u64(row["last_sequence"]);
  read_hex(row["head"], of.stretch.head);
  read_hex(row["journal"], of.journal);
  return of;
}

// A row for each stretch; one for a block without.
void read_blocks(Session& session, const CoherenceExport& out) {
  std::optional<CoherenceBlockRecord> block;
  for_each_row(session,
               "SELECT c.height, c.params, encode(c.hash, 'hex') AS hash,"
               " encode(c.header, 'hex') AS header, encode(c.bitcoin_tip, 'hex') AS bitcoin_tip,"
               " s.pool, replace(s.journal::text, '-', '') AS journal, s.first_sequence,"
               " s.last_sequence, encode(s.head, 'hex') AS head FROM coherence_chain c"
               " LEFT JOIN coherence_stretches s ON s.height = c.height ORDER BY c.height, s.pool",
               [&](const pqxx::row& row) {
                 if (!block || block->height != row["height"].as<std::uint32_t>()) {
                   if (block) out.on_block(*block);
                   block = block_of(row);
                 }
                 if (!row["pool"].is_null()) block->stretches.push_back(stretch_of(row));
               });
  if (block) out.on_block(*block);
}

CoherenceProof proof_of_row(const pqxx::row& row) {
  CoherenceProof proof;
  read_hex(row["header"], proof.header92);
  proof.extranonce = read_u64(row["extranonce"]);
  proof.attempt = read_u64(row["attempt"]);
  proof.params = row["params"].as<std::uint32_t>();
  proof.target = read_target(row["target"]);
  read_hex(row["certificate"], proof.certificate);
  read_hex(row["work_hash"], proof.work_hash);
  return proof;
}

// The times whose proofs are wanted, both ends included, as rows.
std::string windows_query(Session& session, const ExportQuestion& question) {
  std::string ids = "{";
  for (const std::int64_t id : question.runs) {
    ids += (ids.size() == 1 ? "" : ",") + std::to_string(id);
  }
  const std::string runs =
      "SELECT coalesce(start_time, '-infinity') AS first, end_time AS last FROM payout_runs"
      " WHERE coherence_ppm > 0 AND (kind = 'pps' OR scheme <> 'pps') AND ";
  if (question.from.empty()) return runs + "id = ANY (" + session.quote(ids + "}") + "::bigint[])";
  const std::string from = session.quote(question.from) + "::timestamptz";
  const std::string to = session.quote(question.to) + "::timestamptz";
  return runs + "end_time >= " + from + " AND end_time < " + to + " UNION ALL SELECT " + from +
         ", " + to + " - interval '1 microsecond'";
}

void read_proofs(Session& session, const ExportQuestion& question, const CoherenceExport& out) {
  for_each_row(session,
               "SELECT encode(p.header, 'hex') AS header, p.extranonce, p.attempt, p.params,"
               " encode(p.target, 'hex') AS target, encode(p.certificate, 'hex') AS certificate,"
               " encode(p.work_hash, 'hex') AS work_hash FROM coherence_proofs p WHERE p.id IN"
               " (SELECT c.proof_id FROM coherence_chain c UNION SELECT q.id FROM (" +
                   windows_query(session, question) +
                   ") w JOIN coherence_proofs q ON q.time >= w.first AND q.time <= w.last)"
                   " ORDER BY p.id",
               [&](const pqxx::row& row) { out.on_proof(proof_of_row(row)); });
}

}  // namespace

base::Result<void, std::string> read_coherence_export(const std::string& database,
                                                      const ExportQuestion& question,
                                                      const CoherenceExport& out) {
  const auto done = guarded([&] {
    DatabaseConnection connection(database, "phasepool_export");
    pqxx::transaction<pqxx::isolation_level::repeatable_read> session(connection.get());
    session.exec0("SET TRANSACTION READ ONLY");
    read_rules(session, out);
    read_blocks(session, out);
    read_proofs(session, question, out);
  });
  if (!done) return base::err(done.error().message);
  return {};
}

}  // namespace pool
