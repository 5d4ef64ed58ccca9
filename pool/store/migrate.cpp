#include "pool/store/migrate.h"

#include "common/log.h"
#include "pool/store/database.h"
#include "pool/store/database_text.h"
#include "pool/store/migrations.h"
#include "pool/store/schema_version.h"

#include <algorithm>

namespace pool {
namespace {

// Any constant will do, as long as every Phasepool uses the same: "PHASPOOL" in ASCII.
constexpr std::string_view lock_key = "5784099951253279564";

std::string display_name(const Migration& migration) {
  std::string number = std::to_string(migration.version);
  number.insert(0, 3 - std::min<std::size_t>(number.size(), 3), '0');
  return number + "_" + migration.name;
}

std::string too_new(int version) {
  return "the schema is version " + std::to_string(version) +
         ", newer than this program, which knows 1 to " + std::to_string(schema_version_known()) +
         ": run a newer phasepool";
}

void make_migrations_table(pqxx::connection& connection) {
  pqxx::work transaction(connection);
  transaction.exec0(
      "CREATE TABLE IF NOT EXISTS schema_migrations ("
      " version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
      " applied_at timestamptz NOT NULL DEFAULT now())");
  transaction.commit();
}

void warn_of_changed_texts(pqxx::connection& connection) {
  pqxx::read_transaction transaction(connection);
  for (const auto& row : transaction.exec("SELECT version, sha256 FROM schema_migrations")) {
    const int version = row[0].as<int>();
    for (const Migration& known : migrations()) {
      if (known.version != version || row[1].as<std::string>() == known.sha256) continue;
      LOG(warning, "migration_text_differs", {"migration", display_name(known)},
          {"hint", "the database was migrated with another text of it"});
    }
  }
}

void apply(pqxx::connection& connection, const Migration& migration) {
  pqxx::work transaction(connection);
  transaction.exec(migration.sql);
  transaction.exec_params0(
      "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)",
      migration.version, migration.name, migration.sha256);
  transaction.commit();
}

std::string migration_failed(const std::string& database, const std::string& what,
                             const std::string& why) {
  return "database " + without_password(database) + ": " + what + ": " + why;
}

base::Result<std::vector<std::string>, std::string> apply_missing(const std::string& database,
                                                                  pqxx::connection& connection,
                                                                  int version) {
  std::vector<std::string> applied;
  for (const Migration& migration : migrations()) {
    if (migration.version <= version) continue;
    const auto done = guarded([&] { apply(connection, migration); });
    if (!done) {
      return base::err(migration_failed(
          database, "migration " + display_name(migration) + " failed", done.error().message));
    }
    LOG(info, "migration_applied", {"migration", display_name(migration)});
    applied.push_back(display_name(migration));
  }
  return applied;
}

std::string cannot_connect(const std::string& database, const std::string& why) {
  std::string line = migration_failed(database, "can't connect", why);
  if (why.find("does not exist") != std::string::npos) line += "; create it first (createdb)";
  return line;
}

}  // namespace

std::optional<int> schema_version_of(pqxx::connection& connection) {
  pqxx::read_transaction transaction(connection);
  const auto row = transaction.exec1("SELECT to_regclass('schema_migrations') IS NOT NULL");
  if (!row[0].as<bool>()) return std::nullopt;
  return transaction.exec1("SELECT coalesce(max(version), 0) FROM schema_migrations")[0].as<int>();
}

std::string schema_complaint(std::optional<int> version) {
  if (!version || *version < schema_version_known()) {
    return "the schema is " + (version ? "version " + std::to_string(*version) : "not there") +
           ", this program needs version " + std::to_string(schema_version_known()) +
           ": run phasepool migrate";
  }
  return *version > schema_version_known() ? too_new(*version) : std::string();
}

int schema_version_known() { return migrations().back().version; }

base::Result<SchemaState, std::string> schema_state(const std::string& database) {
  const auto version = guarded([&] {
    DatabaseConnection connection(database, "phasepool_schema");
    return schema_version_of(connection.get());
  });
  if (!version) return base::err(cannot_connect(database, version.error().message));
  if (!*version || **version == 0) return SchemaState::absent;
  if (**version < schema_version_known()) return SchemaState::older;
  return **version > schema_version_known() ? SchemaState::newer : SchemaState::current;
}

base::Result<std::vector<std::string>, std::string> migrate(const std::string& database) {
  auto connection =
      guarded([&] { return std::make_unique<DatabaseConnection>(database, "phasepool_migrate"); });
  if (!connection) return base::err(cannot_connect(database, connection.error().message));
  pqxx::connection& server = (*connection)->get();
  const auto version = guarded([&] {
    {
      // Held until the connection closes.
      pqxx::nontransaction lock(server);
      lock.exec("SELECT pg_advisory_lock(" + std::string(lock_key) + ")");
    }
    const auto found = schema_version_of(server);
    if (found.value_or(0) > schema_version_known()) return *found;
    if (!found) make_migrations_table(server);
    warn_of_changed_texts(server);
    return found.value_or(0);
  });
  if (!version) {
    return base::err(migration_failed(database, "can't migrate", version.error().message));
  }
  if (*version > schema_version_known()) {
    return base::err("database " + without_password(database) + ": " + too_new(*version));
  }
  return apply_missing(database, server, *version);
}

}  // namespace pool
