// What the pool tells in ckpool's forms, for dashboards that read its files: pool/pool.status and
// users/ADDRESS.
//
// Units:  hash rates are texts with an SI letter, as "1.23T"; shares are counted in units of
//         difficulty 1, rounded down; times are seconds since 1970; diff is percent.
// Thread: pure functions.
// Source: the members of ckpool's files, as its stratifier writes them. Its `Idle`, `Disconnected`
//         and shares per second are worked out from what we have.
#pragma once

#include "pool/http/snapshot.h"

#include <optional>
#include <string>
#include <string_view>

namespace pool {

// Three significant digits: "0", "999", "1.23T", "100E".
std::string ckpool_number(double value);
// Three lines of JSON.
std::string ckpool_status(const PoolSnapshot& snapshot);
// Out of what api_ckpool_user() of sql/migrations answers, and how many workers are connected;
// where that is not known, those with a share in the last day count. nullopt: not of that form.
std::optional<std::string> ckpool_user(std::string_view json, std::int64_t now_seconds,
                                       std::optional<std::uint64_t> connected = {});

}  // namespace pool
