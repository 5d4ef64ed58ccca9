#include "pool/core/tip_race.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

namespace pool {
namespace {

using namespace std::chrono_literals;

constexpr base::MonoTime start{1000h};

bitcoin::BlockHash tip(std::uint8_t n) {
  bitcoin::BlockHash hash;
  hash.bytes.fill(n);
  return hash;
}

}  // namespace

TEST_CASE("the first to tell wins, the others' lags are counted, once for each tip") {
  TipRace race;
  race.on_tip(tip(1), TipSource::poll, start);
  race.on_tip(tip(2), TipSource::zmq_hashblock, start + 10s);
  race.on_tip(tip(2), TipSource::zmq_rawblock, start + 10s + 300us);
  race.on_tip(tip(2), TipSource::zmq_hashblock, start + 11s);
  race.on_tip(tip(2), TipSource::poll, start + 12s);
  race.on_tip(tip(2), TipSource::poll, start + 13s);
  race.on_tip(tip(3), TipSource::zmq_hashblock, start + 20s);
  race.on_tip(tip(3), TipSource::zmq_rawblock, start + 20s + 100us);
  const TipRaceStats& stats = race.stats();
  CHECK_EQ(stats.of(TipSource::zmq_hashblock), TipSourceStats{2, 2, 0, 0});
  CHECK_EQ(stats.of(TipSource::zmq_rawblock), TipSourceStats{0, 2, 100, 400});
  CHECK_EQ(stats.of(TipSource::zmq_rawblock).mean_lag_us(), 200);
  CHECK_EQ(stats.of(TipSource::poll), TipSourceStats{0, 1, 2'000'000, 2'000'000});
  CHECK_EQ(stats.of(TipSource::own_block), TipSourceStats{});
  CHECK_EQ(stats.of(TipSource::own_block).mean_lag_us(), 0);
}

TEST_CASE("the tip that is there at the start, and at another node's, is nobody's win") {
  TipRace race;
  race.on_tip(tip(1), TipSource::poll, start);
  race.on_tip(tip(1), TipSource::zmq_sequence, start + 1s);
  CHECK_EQ(race.stats(), TipRaceStats{});
  race.on_tip(tip(2), TipSource::long_poll, start + 2s);
  race.start_over();
  race.on_tip(tip(3), TipSource::poll, start + 3s);
  CHECK_EQ(race.stats().of(TipSource::poll), TipSourceStats{});
  CHECK_EQ(race.stats().of(TipSource::long_poll).wins, 1);
}

TEST_CASE("only the last tips are remembered") {
  TipRace race;
  for (std::uint8_t n = 0; n <= limits::tip_races_kept_max; ++n) {
    race.on_tip(tip(n), TipSource::zmq_hashblock, start);
  }
  race.on_tip(tip(1), TipSource::poll, start + 1s);
  CHECK_EQ(race.stats().of(TipSource::poll), TipSourceStats{0, 1, 1'000'000, 1'000'000});
  race.on_tip(tip(0), TipSource::poll, start + 1s);
  CHECK_MESSAGE(race.stats().of(TipSource::poll).wins == 1, "forgotten, so told anew");
}

}  // namespace pool
