// Stratum V1 lines to structs and structs to lines, both directions. The only place in the
// protocol code where JSON exists.
//
// parse_request / parse_server_message take one line without its newline. write_* return one line
// with its newline; they never fail.
//
// Byte orders on the wire (all hex, lower case):
//   prevhash                internal order with each 32-bit word byte-swapped (prevhash_to_wire)
//   coinb1, coinb2          raw bytes; merkle_branch entries: internal order
//   version, nbits, ntime, nonce, version_bits: eight digits of the integer
//   coherence.*: exactly as many digits as the field has, lower case only, also when read
//     job id, extranonce, attempt   16 digits of the integer; params: 8; target: 64
//     header, cert_hash             bytes in their order
//
// Errors: a line that is not one JSON object, or is nested deeper than 8, or has an id that is an
//         array, an object or longer than 64 bytes: ProtocolError, and the connection is closed.
//         Anything milder is a value (Malformed, UnknownMethod) that the session answers.
// Thread: pure functions.
#pragma once

#include "common/base/result.h"
#include "common/stratum/client_to_server.h"
#include "common/stratum/reject.h"
#include "common/stratum/server_to_client.h"

#include <string>
#include <string_view>

namespace stratum {

enum class ProtocolError { not_json, not_an_object, too_deep, bad_id, line_too_long, no_method };
std::string_view describe(ProtocolError error);

// --- pool side ---
[[nodiscard]] base::Result<ClientRequest, ProtocolError> parse_request(std::string_view line);

std::string write_result_true(const RequestId& id);
std::string write_result_json(const RequestId& id, std::string_view result_json);  // raw JSON
// {"id":…,"result":false,"error":[code,"text",null]}; `detail` is appended to the text after ": ".
std::string write_reject(const RequestId& id, RejectReason reason, std::string_view detail = {});
// The same with result null: for requests that are neither submit nor authorize.
std::string write_error(const RequestId& id, RejectReason reason, std::string_view detail = {});
// The subscription ids are session_id with "d" (set_difficulty) and "n" (notify) appended.
std::string write_subscribe_result(const RequestId& id, const SubscribeResult& result);
std::string write_configure_result(const RequestId& id, const ConfigureResult& result);
std::string write_set_difficulty(bitcoin::Difficulty difficulty);
std::string write_set_version_mask(std::uint32_t mask);
std::string write_set_extranonce(base::ByteSpan extranonce1, std::uint32_t extranonce2_size);
std::string write_notify(const Notify& notify);
std::string write_coherence_set_extranonce(std::uint64_t extranonce);
std::string write_coherence_set_target(const base::U256& target);
std::string write_coherence_notify(const CoherenceNotify& notify);
std::string write_show_message(std::string_view text);
std::string write_reconnect(const Reconnect& reconnect);
// A question to the miner, with an id that is a number: some firmware can't read another.
std::string write_get_version(std::uint64_t id);

// --- miner side ---
[[nodiscard]] base::Result<ServerMessage, ProtocolError> parse_server_message(
    std::string_view line);
// The result_json of the answers whose results have structure. session_id is the subscription id of
// mining.notify as the pool wrote it: what a miner sends back to resume.
[[nodiscard]] base::Result<SubscribeResult, std::string> parse_subscribe_result(
    std::string_view result_json);
[[nodiscard]] base::Result<ConfigureResult, std::string> parse_configure_result(
    std::string_view result_json);

std::string write_subscribe(std::uint64_t id, const Subscribe& request);
std::string write_authorize(std::uint64_t id, const Authorize& request);
std::string write_configure(std::uint64_t id, const Configure& request);
std::string write_suggest_difficulty(std::uint64_t id, bitcoin::Difficulty difficulty);
std::string write_extranonce_subscribe(std::uint64_t id);
std::string write_ping(std::uint64_t id);
std::string write_submit(std::uint64_t id, const Submit& request);
std::string write_coherence_submit(std::uint64_t id, const CoherenceSubmit& request);
std::string write_pong(std::string_view id_json);
std::string write_version_answer(std::string_view id_json, std::string_view user_agent);

// --- shared encodings ---
std::string prevhash_to_wire(const bitcoin::BlockHash& hash);
[[nodiscard]] bool prevhash_from_wire(std::string_view hex, bitcoin::BlockHash& out);

}  // namespace stratum
