// `phasepool check`: the doctor. Looks at everything that `phasepool run` needs, a line each, and
// changes nothing: no table, no folder, no listening port stays behind.
//
//   ok    node       http://127.0.0.1:18443 regtest height 12 /Satoshi:27.0.0/
//   FAIL  ports      stratum.listen[0]: can't listen on 0.0.0.0:3333: …; stop what uses it, or …
//
// Errors: a FAIL line says what, where, and what to do.
// Thread: the caller's, which it blocks for up to the node's and the database's time limits.
#pragma once

#include "pool/config/config.h"
#include "pool/tools/node_exam.h"

#include <chrono>
#include <string>

namespace pool {

struct CheckOptions {
  std::chrono::milliseconds node_deadline{10'000};
};

// Calls `report` once for each finding, as it is found. True when all of them are ok.
bool check_everything(const Config& config, const CheckOptions& options, const CheckReport& report);
// "ok    node      …", without a newline.
std::string format_check_line(const CheckLine& line);

// The command: prints the lines and returns the exit code, 0 or 1.
int check_command(const Config& config);

}  // namespace pool
