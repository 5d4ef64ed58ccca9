#include "pool/core/height_notes.h"

#include "tests/unit/pool/core/shard_fixture.h"

#include <doctest/doctest.h>

using namespace pool_test;

namespace {

std::shared_ptr<mining::Job> job_paying(std::int64_t sats, std::uint8_t tip = 1) {
  JobOptions options;
  options.tip = tip;
  auto job = std::make_shared<mining::Job>(*make_job(options));
  job->coinbase_value = bitcoin::Sats{sats};
  return job;
}

}  // namespace

TEST_CASE("a height is noted with its first job, and once more when its fees are known") {
  pool::HeightNotes notes(bitcoin::Network::regtest);
  const Clock clock;
  constexpr std::int64_t subsidy = 5'000'000'000;
  const auto first = notes.on_job(*job_paying(subsidy), clock.now);
  REQUIRE(first.has_value());
  CHECK_EQ(first->height, 101);
  CHECK_EQ(first->nbits, 0x1d00ffff);
  CHECK_EQ(first->time_us, clock.now.unix_micros());
  CHECK(first->prev_hash == job_paying(subsidy)->prev_hash());
  CHECK_EQ(first->subsidy.value, subsidy);
  CHECK_EQ(first->coinbase_value.value, subsidy);
  CHECK_FALSE(notes.on_job(*job_paying(subsidy), clock.now));

  const auto with_fees = notes.on_job(*job_paying(subsidy + 7), clock.now);
  REQUIRE(with_fees.has_value());
  CHECK_EQ(with_fees->subsidy.value, subsidy);
  CHECK_EQ(with_fees->coinbase_value.value, subsidy + 7);
  CHECK_FALSE(notes.on_job(*job_paying(subsidy + 9), clock.now));

  CHECK(notes.on_job(*job_paying(subsidy, 2), clock.now).has_value());
}

TEST_CASE("a template that pays less than the subsidy is taken at its word") {
  pool::HeightNotes notes(bitcoin::Network::regtest);
  const auto noted = notes.on_job(*job_paying(3), Clock{}.now);
  REQUIRE(noted.has_value());
  CHECK_EQ(noted->subsidy.value, 3);
}
