#include "common/stratum/reject.h"

#include <iterator>

namespace stratum {

namespace {

struct Row {
  RejectReason reason;
  int code;
  std::string_view name;
  std::string_view text;
};
constexpr Row rows[] = {
    {RejectReason::malformed, 20, "malformed", "Malformed request"},
    {RejectReason::bad_extranonce2, 20, "bad_extranonce2", "Invalid extranonce2 length"},
    {RejectReason::bad_version_bits, 20, "bad_version_bits", "Invalid version mask"},
    {RejectReason::ntime_too_old, 20, "ntime_too_old", "Time too old"},
    {RejectReason::ntime_too_new, 20, "ntime_too_new", "Time too new"},
    {RejectReason::unsupported_method, 20, "unsupported_method", "Unsupported method"},
    {RejectReason::not_stored, 20, "not_stored", "Share could not be stored"},
    {RejectReason::pool_full, 20, "pool_full", "The pool is full"},
    {RejectReason::job_not_found, 21, "job_not_found", "Job not found"},
    {RejectReason::stale, 21, "stale", "Stale share"},
    {RejectReason::duplicate, 22, "duplicate", "Duplicate share"},
    {RejectReason::low_difficulty, 23, "low_difficulty", "Low difficulty share"},
    {RejectReason::unauthorized, 24, "unauthorized", "Unauthorized worker"},
    {RejectReason::bad_address, 24, "bad_address", "Unauthorized worker: invalid address"},
    {RejectReason::not_subscribed, 25, "not_subscribed", "Not subscribed"},
    {RejectReason::coherence_off, 20, "coherence_off", "Coherence work is off"},
    {RejectReason::bad_claim, 20, "bad_claim", "Impossible claim"},
    {RejectReason::verifier_busy, 20, "verifier_busy", "Verifiers are busy"},
    {RejectReason::false_proof, 20, "false_proof", "False proof"},
};
static_assert(std::size(rows) == reject_reason_count);

constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    if (static_cast<std::size_t>(rows[i].reason) != i) return false;
  }
  return true;
}
static_assert(in_order(), "a row is found by its reason's number");

const Row& row(RejectReason reason) { return rows[static_cast<std::size_t>(reason)]; }

}  // namespace

int reject_code(RejectReason reason) { return row(reason).code; }
std::string_view reject_text(RejectReason reason) { return row(reason).text; }
std::string_view reject_name(RejectReason reason) { return row(reason).name; }

}  // namespace stratum
