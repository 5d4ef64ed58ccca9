// The easiest target that blocks of a network may have.
//
// Thread: pure.
// Source: Bitcoin Core, kernel/chainparams.cpp (powLimit); every signet has the same.
#pragma once

#include "common/bitcoin/address.h"
#include "common/bitcoin/target.h"

namespace bitcoin {

Target256 pow_limit(Network network);

}  // namespace bitcoin
