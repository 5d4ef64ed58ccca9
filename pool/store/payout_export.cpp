#include "pool/store/payout_export.h"

#include "pool/store/database.h"

#include <algorithm>
#include <map>
#include <optional>

namespace pool {
namespace {

using Ranges = std::map<std::int64_t, ExportedJournal>;

std::string ids_text(const std::vector<std::int64_t>& ids) {
  std::string text = "{";
  for (const std::int64_t id : ids) text += (text.size() == 1 ? "" : ",") + std::to_string(id);
  return text + "}";
}

std::vector<std::int64_t> run_ids(pqxx::transaction_base& session, const ExportQuestion& question) {
  const auto rows =
      question.from.empty()
          ? session.exec_params(
                "SELECT id FROM payout_runs WHERE id = ANY ($1::bigint[]) ORDER BY id",
                ids_text(question.runs))
          : session.exec_params(
                "SELECT id FROM payout_runs WHERE end_time >= $1::timestamptz"
                " AND end_time < $2::timestamptz ORDER BY id",
                question.from, question.to);
  std::vector<std::int64_t> ids;
  for (const auto& row : rows) ids.push_back(row[0].as<std::int64_t>());
  for (const std::int64_t wanted : question.runs) {
    if (std::find(ids.begin(), ids.end(), wanted) != ids.end()) continue;
    throw pqxx::failure("payout run " + std::to_string(wanted) +
                        ": there is none (SELECT id, height, scheme FROM payout_runs shows them)");
  }
  return ids;
}

ExportedRun read_run(pqxx::transaction_base& session, std::int64_t id) {
  const auto row = session.exec_params1(
      "SELECT r.state, encode(r.digest, 'hex'), payout_text(stored_run(r.id)),"
      " encode(b.header, 'hex'), encode(b.coinbase, 'hex'),"
      " array_to_string(ARRAY(SELECT encode(h.hash, 'hex') FROM unnest(b.merkle_branch)"
      " WITH ORDINALITY AS h (hash, place) ORDER BY h.place), ' ')"
      " FROM payout_runs r LEFT JOIN blocks b ON b.hash = r.block_hash WHERE r.id = $1",
      id);
  ExportedRun run;
  run.id = id;
  run.state = row[0].as<std::string>();
  run.digest = row[1].as<std::string>();
  run.text = row[2].as<std::string>();
  run.header = row[3].as<std::string>("");
  run.coinbase = row[4].as<std::string>("");
  const std::string branch = row[5].as<std::string>("");
  for (std::size_t at = 0; at < branch.size(); at += 65) {
    run.merkle_branch.push_back(branch.substr(at, 64));
  }
  for (const auto& credit : session.exec_params(
           "SELECT c.height, m.address, c.before_work FROM pps_credits c JOIN miners m ON m.id ="
           " c.miner_id WHERE c.run_id = $1 AND c.before_work > 0 ORDER BY 1, 2",
           id)) {
    run.credits.push_back(
        {credit[0].as<std::uint32_t>(), credit[1].as<std::string>(), credit[2].as<std::string>()});
  }
  return run;
}

void widen(Ranges& ranges, const pqxx::result& rows) {
  for (const auto& row : rows) {
    ExportedJournal& journal = ranges[row[0].as<std::int64_t>()];
    const auto first = row[1].as<std::uint64_t>();
    journal.first_sequence =
        journal.last_sequence == 0 ? first : std::min(journal.first_sequence, first);
    journal.last_sequence = std::max(journal.last_sequence, row[2].as<std::uint64_t>());
  }
}

// Proofs of the window of the run $1, and how far each journal was stored when it was made.
constexpr const char* run_proofs =
    " FROM coherence_proofs p JOIN payout_runs r ON r.id = $1 AND r.coherence_ppm > 0"
    " AND (r.kind = 'pps' OR r.scheme <> 'pps')"
    " JOIN payout_run_journals j ON j.run_id = r.id AND j.journal = p.journal"
    " AND p.sequence <= j.sequence"
    " WHERE p.time <= r.end_time AND p.time >= coalesce(r.start_time, '-infinity')"
    " AND (r.start_kind <> 'after' OR p.time > r.start_time)";

// The records that hold a run's shares and proofs. Where the shares or proofs in the database are
// not all that the run counted, nobody knows which: then all of each journal are wanted.
void add_ranges(pqxx::transaction_base& session, std::int64_t run, Ranges& ranges) {
  widen(ranges,
        session.exec_params(
            "SELECT s.journal, min(s.sequence), max(s.sequence) FROM shares s, payout_runs r"
            " WHERE r.id = $1 AND r.kind = 'block' AND s.time <= r.end_time AND (s.time >="
            " CASE WHEN r.scheme IN ('pplns', 'prop') THEN coalesce(r.start_time,"
            " '-infinity') ELSE r.end_time END) GROUP BY 1",
            run));
  widen(ranges, session.exec_params(
                    "SELECT s.journal, min(s.sequence), max(s.sequence) FROM shares s"
                    " WHERE s.height IN (SELECT height FROM payout_run_heights WHERE run_id = $1)"
                    " GROUP BY 1",
                    run));
  widen(ranges,
        session.exec_params(std::string("SELECT p.journal, min(p.sequence), max(p.sequence)") +
                                run_proofs + " GROUP BY 1",
                            run));
  const auto incomplete = session.exec_params(
      "SELECT j.journal FROM payout_run_journals j JOIN payout_runs r ON r.id = j.run_id"
      " WHERE r.id = $1 AND j.sequence > 0 AND (r.start_kind IN ('minute', 'hour', 'day') OR"
      " CASE WHEN r.kind = 'pps' THEN EXISTS (SELECT FROM payout_run_heights h WHERE h.run_id = "
      "r.id"
      " AND (SELECT sum(work) FROM height_sums s WHERE s.height = h.height) IS DISTINCT FROM"
      " (SELECT sum(work) FROM shares s WHERE s.height = h.height))"
      " ELSE r.work > (SELECT coalesce(sum(s.work), 0) FROM shares s WHERE s.time <= r.end_time AND"
      " s.time >= CASE WHEN r.scheme IN ('pplns', 'prop') THEN coalesce(r.start_time, '-infinity')"
      " ELSE r.end_time END) END"
      " OR r.coherence_work > (SELECT coalesce(sum(p.work), 0)" +
          std::string(run_proofs) + "))",
      run);
  for (const auto& row : incomplete) ranges[row[0].as<std::int64_t>()].all = true;
}

void describe_journal(pqxx::transaction_base& session, std::int64_t number,
                      ExportedJournal& journal) {
  journal.number = number;
  journal.uuid = session
                     .exec_params1(
                         "SELECT replace(journal::text, '-', '') FROM journal_positions"
                         " WHERE id = $1",
                         number)[0]
                     .as<std::string>();
  const auto rows = session.exec_params(
      "SELECT segment, first_sequence, last_sequence, bytes, encode(sha256, 'hex')"
      " FROM journal_segments WHERE journal = $1 AND ($2 OR (last_sequence >= $3 AND first_sequence"
      " <= $4)) ORDER BY segment",
      number, journal.all, journal.first_sequence, journal.last_sequence);
  for (const auto& row : rows) {
    journal.closed.push_back({row[0].as<std::uint64_t>(), row[1].as<std::uint64_t>(),
                              row[2].as<std::uint64_t>(), row[3].as<std::uint64_t>(),
                              row[4].as<std::string>()});
  }
}

}  // namespace

base::Result<PayoutExport, std::string> read_payout_export(const std::string& database,
                                                           const ExportQuestion& question) {
  auto result = guarded([&] {
    DatabaseConnection connection(database, "phasepool_export");
    // One snapshot: runs and journals as they were at one moment.
    pqxx::transaction<pqxx::isolation_level::repeatable_read> session(connection.get());
    session.exec0("SET TRANSACTION READ ONLY");
    PayoutExport out;
    Ranges ranges;
    if (!question.from.empty()) {
      widen(ranges, session.exec_params("SELECT journal, min(sequence), max(sequence) FROM shares"
                                        " WHERE time >= $1::timestamptz AND time < $2::timestamptz"
                                        " GROUP BY 1",
                                        question.from, question.to));
      widen(ranges, session.exec_params(
                        "SELECT journal, min(sequence), max(sequence) FROM coherence_proofs"
                        " WHERE time >= $1::timestamptz AND time < $2::timestamptz GROUP BY 1",
                        question.from, question.to));
    }
    for (const std::int64_t id : run_ids(session, question)) {
      out.runs.push_back(read_run(session, id));
      add_ranges(session, id, ranges);
    }
    for (auto& [number, journal] : ranges) {
      describe_journal(session, number, journal);
      out.journals.push_back(std::move(journal));
    }
    return out;
  });
  if (!result) return base::err(result.error().message);
  return std::move(*result);
}

}  // namespace pool
