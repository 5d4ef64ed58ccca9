// The schema's version as a connection sees it. Private to pool/store: it names pqxx.
#pragma once

#include <optional>
#include <pqxx/pqxx>
#include <string>

namespace pool {

// None: no schema_migrations table. Throws what pqxx throws.
std::optional<int> schema_version_of(pqxx::connection& connection);

// Why this program can't work with that version; empty when it can.
std::string schema_complaint(std::optional<int> version);

}  // namespace pool
