// Whatever bytes arrive, the codec returns; and what it accepts stays within its bounds.
#include "common/stratum/codec.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace {

// A small generator of our own (xorshift64*), so that a failure repeats everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::size_t below(std::size_t bound) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<std::size_t>((state_ * 2685821657736338717u) >> 33) % bound;
  }

 private:
  std::uint64_t state_;
};

const std::vector<std::string> good_lines = {
    R"({"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]})",
    R"({"id":2,"method":"mining.subscribe","params":["bitaxe/BM1370/v2.9.0",null]})",
    R"({"id":"a","method":"mining.authorize","params":["bc1q.rig","x"]})",
    R"({"id":7,"method":"mining.submit","params":["u","875b4b7","17000000","685468d7","7552034c","00b44000"]})",
    R"({"id":7,"result":false,"error":[23,"Low difficulty share",null]})",
    R"({"id":null,"method":"mining.notify","params":["1","00","00","00",["00"],"20000000","1","2",true]})",
    R"({"id":4,"method":"mining.suggest_difficulty","params":["0.001000"]})",
};

std::string mutated(Random& random) {
  std::string line = good_lines[random.below(good_lines.size())];
  const std::size_t changes = 1 + random.below(6);
  for (std::size_t i = 0; i < changes && !line.empty(); ++i) {
    const std::size_t at = random.below(line.size());
    switch (random.below(5)) {
      case 0:
        line[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        line.erase(at, 1 + random.below(8));
        break;
      case 2:
        line.insert(at, line.substr(random.below(line.size()), random.below(30)));
        break;
      case 3:
        line.insert(at, 1, "[]{}\",:\\0-.e"[random.below(12)]);
        break;
      default:
        line.resize(at);
        break;
    }
  }
  return line;
}

}  // namespace

TEST_CASE("mutated lines never do harm, and what is accepted is in bounds") {
  Random random(20250620);
  int accepted = 0;
  for (int round = 0; round < 30'000; ++round) {
    const std::string line = mutated(random);
    CAPTURE(line);
    const auto request = stratum::parse_request(line);
    (void)stratum::parse_server_message(line);
    (void)stratum::parse_subscribe_result(line);
    (void)stratum::parse_configure_result(line);
    if (!request) continue;
    ++accepted;
    REQUIRE_LE(request->id.json.size(), 64);
    if (const auto* malformed = std::get_if<stratum::Malformed>(&request->message)) {
      REQUIRE_LE(malformed->why.size(), 160);
      // The reply that a session would send is itself valid.
      std::string reply =
          stratum::write_error(request->id, stratum::RejectReason::malformed, malformed->why);
      reply.pop_back();
      REQUIRE(stratum::parse_server_message(reply));
    }
  }
  CHECK_GT(accepted, 1000);  // else the mutations are too wild to test anything
}

TEST_CASE("random bytes are no message") {
  Random random(7);
  for (int round = 0; round < 5'000; ++round) {
    std::string line(random.below(300), '\0');
    for (char& c : line) c = static_cast<char>(random.below(256));
    (void)stratum::parse_request(line);
    (void)stratum::parse_server_message(line);
    bitcoin::BlockHash hash;
    REQUIRE_FALSE(stratum::prevhash_from_wire(line, hash));
  }
}
