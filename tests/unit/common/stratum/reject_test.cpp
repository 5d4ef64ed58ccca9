#include "common/stratum/reject.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

using stratum::RejectReason;

TEST_CASE("every reason has the code that miners know, a text and a name of its own") {
  std::set<std::string> names;
  std::set<std::string> texts;
  for (std::size_t i = 0; i < stratum::reject_reason_count; ++i) {
    const auto reason = static_cast<RejectReason>(i);
    CHECK_GE(stratum::reject_code(reason), 20);
    CHECK_LE(stratum::reject_code(reason), 25);
    names.insert(std::string(stratum::reject_name(reason)));
    texts.insert(std::string(stratum::reject_text(reason)));
  }
  CHECK_EQ(names.size(), stratum::reject_reason_count);
  CHECK_EQ(texts.size(), stratum::reject_reason_count);
}

TEST_CASE("the codes are those of the original protocol page") {
  CHECK_EQ(stratum::reject_code(RejectReason::malformed), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::bad_extranonce2), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::bad_version_bits), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::ntime_too_old), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::ntime_too_new), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::unsupported_method), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::not_stored), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::job_not_found), 21);
  CHECK_EQ(stratum::reject_code(RejectReason::stale), 21);
  CHECK_EQ(stratum::reject_code(RejectReason::duplicate), 22);
  CHECK_EQ(stratum::reject_code(RejectReason::low_difficulty), 23);
  CHECK_EQ(stratum::reject_code(RejectReason::unauthorized), 24);
  CHECK_EQ(stratum::reject_code(RejectReason::bad_address), 24);
  CHECK_EQ(stratum::reject_code(RejectReason::pool_full), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::not_subscribed), 25);
  CHECK_EQ(stratum::reject_code(RejectReason::coherence_off), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::bad_claim), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::verifier_busy), 20);
  CHECK_EQ(stratum::reject_code(RejectReason::false_proof), 20);
  // Stored by number in journals, so these never change.
  CHECK_EQ(static_cast<int>(RejectReason::not_subscribed), 14);
  CHECK_EQ(static_cast<int>(RejectReason::false_proof), 18);
  CHECK_EQ(stratum::reject_name(RejectReason::low_difficulty), "low_difficulty");
  CHECK_EQ(stratum::reject_text(RejectReason::low_difficulty), "Low difficulty share");
}
