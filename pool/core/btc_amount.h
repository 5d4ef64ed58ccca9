// Amounts as bitcoind writes them: decimal text in whole coins, "0.00012300". They are read and
// written digit by digit; a double never comes near them.
//
// Units:  whole coins in the text, satoshis in Sats.
// Errors: nullopt for anything but digits with at most eight behind a point, or beyond the most
//         money that there can be.
// Thread: pure functions.
#pragma once

#include "common/bitcoin/sats.h"

#include <optional>
#include <string>
#include <string_view>

namespace pool {

// May begin with a minus: bitcoind tells a fee that the wallet paid as a negative amount.
std::optional<bitcoin::Sats> parse_btc(std::string_view text);
// Eight digits behind the point.
std::string btc_text(bitcoin::Sats amount);

}  // namespace pool
