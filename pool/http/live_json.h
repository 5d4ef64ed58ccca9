// What the shards say of the workers that are connected now, written into the database's answers.
//
// Miner and Workers (web/openapi.json) come with `live` null; here each worker that is connected
// gets its figures, and those that the database does not list are added as `silent_workers`.
// Inner to pool/http: it names RapidJSON.
// Thread: pure functions.
#pragma once

#include "pool/http/live_book.h"

#include <rapidjson/document.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

// Of an answer's `workers`; at most limits::live_names_asked_max.
std::vector<std::string> worker_names(const rapidjson::Document& answer);
// REQUIRES: the answer is an object.
void add_live(rapidjson::Document& answer, const LiveWorkers& live);
// Of an address without a share: the database's answers as they are before the first one.
std::string new_miner_json(std::string_view address, std::int64_t now_us);
std::string new_workers_json(std::string_view address, std::string_view page,
                             std::string_view per_page, std::int64_t now_us);
// "3 workers of this address are connected"; empty: none is, or it is not known.
std::string connected_note(const LiveWorkers& live);

}  // namespace pool
