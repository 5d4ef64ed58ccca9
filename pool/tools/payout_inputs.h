// payout_inputs.json, the list of contents of an export: the runs as the database holds them, and
// the journals beside it whose shares they were computed from. docs/journal.md describes it.
//
// Errors: one line; the file is not as it must be.
// Thread: pure functions.
#pragma once

#include "pool/store/payout_export.h"

#include <string>
#include <string_view>

namespace pool {

inline constexpr const char* payout_inputs_name = "payout_inputs.json";

std::string write_payout_inputs(const PayoutExport& inputs);
[[nodiscard]] base::Result<PayoutExport, std::string> parse_payout_inputs(std::string_view json);

}  // namespace pool
