// A real job and its share, for the miner's tests: vector V1 of tests/unit/vectors/
// stratum_shares.json (p2poolv2, validation/stratum/b).
#pragma once

#include "common/stratum/codec.h"
#include "miner/work.h"

#include <string>
#include <string_view>

namespace miner::golden {

inline constexpr std::string_view v1_notify_line =
    R"({"id":null,"method":"mining.notify","params":["18468e1f5fa5cbaa",)"
    R"("6d600f568f665af26301fcafa53326454b9db355ff5d87f9863a956300000000",)"
    R"("01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff2c017b000438f9b667049c0fc52d0c",)"
    R"("0a636b706f6f6c0a2f7032706f6f6c76322fffffffff0300111024010000001600148f1b6f0d5a0422afad259ec03977bdf2c74a037600e1f50500000000160014a248cf2f99f449511b22bab1a3d001719f84cd090000000000000000266a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf900000000",)"
    R"([],"20000000","1e0377ae","67b6f938",true]})";
inline constexpr std::string_view v1_extranonce1_hex = "fdf8b667";
inline constexpr std::uint32_t v1_extranonce2_size = 8;
inline constexpr std::uint32_t v1_nonce = 0xf15f1590;
inline constexpr std::string_view v1_header_hex =
    "00000020560f606df25a668faffc0163452633a555b39d4bf9875dff63953a860000000004ad3ae2852a15ebb53312"
    "2b"
    "77f32a0229eec55ebe1ae427f3b85762fc346d1838f9b667ae77031e90155ff1";
inline constexpr std::string_view v1_hash_display =
    "000000000822bbfaf34d53fc43d0c1382054d3aafe31893020c315db8b0a19f9";

// The job as it stands in the line above, at difficulty 1 unless told.
inline Work work_v1(double difficulty = 1) {
  Work work;
  const auto message = stratum::parse_server_message(v1_notify_line);
  work.notify = std::get<stratum::Notify>(message.value());
  work.extranonce1 = base::from_hex(v1_extranonce1_hex).value();
  work.extranonce2_size = v1_extranonce2_size;
  work.difficulty = bitcoin::Difficulty::from_double(difficulty).value();
  work.share_target = bitcoin::Target256::from_difficulty(work.difficulty);
  work.network_target = bitcoin::Target256::from_compact(work.notify.nbits).value();
  work.search_id = 1;
  return work;
}

}  // namespace miner::golden
