#include "pool/core/record_codec.h"

#include <doctest/doctest.h>

namespace {

pool::RejectRecord a_reject() {
  pool::RejectRecord reject;
  reject.time_us = 1;
  reject.address = "bcrt1q";
  reject.stale_ms = -5;
  reject.share_difficulty = 0.25;
  return reject;
}

base::ByteSpan payload_of(const base::Bytes& record) { return base::ByteSpan(record).subspan(1); }

}  // namespace

TEST_CASE("a field that is not there stays apart from one that is zero") {
  base::Bytes with_zero;
  base::Bytes without;
  pool::RejectRecord reject = a_reject();
  pool::append_record(without, reject);
  reject.height = 0;
  pool::append_record(with_zero, reject);
  CHECK_EQ(with_zero.size(), without.size() + 4);
  CHECK(pool::parse_record(without[0], payload_of(without)) == pool::JournalRecord(a_reject()));
  CHECK(pool::parse_record(with_zero[0], payload_of(with_zero)) == pool::JournalRecord(reject));
}

TEST_CASE("a payload that is cut or has something left over is no record") {
  base::Bytes record;
  pool::append_record(record, a_reject());
  for (std::size_t bytes = 1; bytes < record.size(); ++bytes) {
    CAPTURE(bytes);
    CHECK_FALSE(pool::parse_record(record[0], base::ByteSpan(record).subspan(1, bytes - 1)));
  }
  record.push_back(0);
  CHECK_FALSE(pool::parse_record(record[0], payload_of(record)));
}

TEST_CASE("a flag, a reason or a type that does not exist is refused") {
  pool::RejectSumRecord sum;
  sum.count = 1;
  base::Bytes record;
  pool::append_record(record, sum);
  const std::size_t reason_at = 1 + 8 + 2 + 2;
  record[reason_at] = stratum::reject_reason_count - 1;
  CHECK(pool::parse_record(record[0], payload_of(record)));
  record[reason_at] = stratum::reject_reason_count;
  CHECK_FALSE(pool::parse_record(record[0], payload_of(record)));

  base::Bytes reject;
  pool::append_record(reject, pool::RejectRecord{});
  CHECK(pool::parse_record(reject[0], payload_of(reject)));
  reject.back() = 2;  // the flag of the last field, the hash
  CHECK_FALSE(pool::parse_record(reject[0], payload_of(reject)));

  CHECK_FALSE(pool::parse_record(0, payload_of(reject)));
  CHECK_FALSE(pool::parse_record(200, payload_of(reject)));
}
