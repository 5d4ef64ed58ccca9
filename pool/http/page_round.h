// The overview's two plots without a script: how long this round is, and how fast work arrives.
// Thread: pure functions.
#pragma once

#include "pool/http/page_parts.h"

namespace pool {

// round_since, round_plot, round_elapsed(_name), round_text
void fill_round(const PageInput& in, PageValues& out);
// delivery_since, delivery_plot, delivery_text
void fill_delivery(const PageInput& in, PageValues& out);

}  // namespace pool
