// The whole miner against pools that are unusual: extranonces of no bytes and of sixteen, other
// extranonces and masks in the middle of a job, and bytes that are no Stratum at all. Every share
// is hashed here again, from the words on the wire alone.
#include "miner/miner_loop.h"

#include "common/base/random.h"
#include "common/crypto/cpu_features.h"
#include "common/crypto/sha256.h"
#include "common/stratum/codec.h"
#include "miner/pool_source.h"
#include "tests/loop/miner/relays.h"
#include "tests/unit/miner/conversation.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace miner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t job_version = 0x20000000;

// Says what the test wants, and judges each share by the job's hexadecimal words.
struct QuirkyPool {
  uv::Loop& loop;
  std::string extranonce1 = "0a0b0c0d";
  std::uint32_t extranonce2_size = 8;
  std::uint32_t mask = 0;  // 0: configure is not understood
  double difficulty = 1.0 / (1 << 16);
  std::string told_extranonce1;  // of the job at hand
  std::uint32_t told_extranonce2_size = 0;
  std::size_t shares = 0;
  std::size_t wrong = 0;
  std::set<std::string> headers;
  std::set<std::uint32_t> rolled;  // version bits that were seen
  std::function<void()> on_share;
  std::string waiting;
  fake::Listener listener{loop, [this](uv::TcpStream& stream, base::ByteSpan bytes) {
                            waiting += base::as_text(bytes);
                            for (auto end = waiting.find('\n'); end != std::string::npos;
                                 end = waiting.find('\n')) {
                              const std::string line = waiting.substr(0, end);
                              waiting.erase(0, end + 1);
                              on_line(stream, line);
                            }
                          }};

  explicit QuirkyPool(uv::Loop& on) : loop(on) {}

  void on_line(uv::TcpStream& stream, const std::string& line) {
    const auto request = stratum::parse_request(line);
    REQUIRE(request.has_value());
    const stratum::RequestId& id = request->id;
    if (std::holds_alternative<stratum::Subscribe>(request->message)) {
      say(stream, "{\"id\":" + id.json + ",\"result\":[[[\"mining.notify\",\"s\"]],\"" +
                      extranonce1 + "\"," + std::to_string(extranonce2_size) + "],\"error\":null}");
    } else if (std::holds_alternative<stratum::Authorize>(request->message)) {
      stream.write(stratum::write_result_true(id));
      stream.write(
          stratum::write_set_difficulty(bitcoin::Difficulty::from_double(difficulty).value()));
      send_job(stream);
    } else if (std::holds_alternative<stratum::Configure>(request->message) && mask != 0) {
      stratum::ConfigureResult result;
      result.extensions = {{"version-rolling", true}};
      result.version_rolling_mask = mask;
      stream.write(stratum::write_configure_result(id, result));
    } else if (const auto* submit = std::get_if<stratum::Submit>(&request->message)) {
      judge(*submit);
      stream.write(stratum::write_result_true(id));
      if (on_share) on_share();
    } else {
      stream.write(stratum::write_error(id, stratum::RejectReason::unsupported_method));
    }
  }
  static void say(uv::TcpStream& stream, const std::string& line) { stream.write(line + "\r\n"); }
  void send_job(uv::TcpStream& stream) {
    told_extranonce1 = extranonce1;
    told_extranonce2_size = extranonce2_size;
    say(stream, conversation::notify_line("j", "0102", true));
  }
  void judge(const stratum::Submit& submit) {
    ++shares;
    const std::string coinbase_hex = "0102" + told_extranonce1 + submit.extranonce2_hex + "00";
    const base::Bytes coinbase = base::from_hex(coinbase_hex).value();
    const auto root = crypto::sha256d(coinbase);
    const std::uint32_t bits = submit.version_bits.value_or(0);
    base::Bytes header(80, 0);  // prevhash is zero
    base::write_le32(std::span(header).first(4), (job_version & ~mask) | bits);
    std::copy(root.begin(), root.end(), header.begin() + 36);
    base::write_le32(std::span(header).subspan(68, 4), submit.ntime);
    base::write_le32(std::span(header).subspan(72, 4), 0x207fffff);
    base::write_le32(std::span(header).subspan(76, 4), submit.nonce);
    const auto target =
        bitcoin::Target256::from_difficulty(bitcoin::Difficulty::from_double(difficulty).value());
    const bool right = submit.extranonce2_hex.size() == 2 * std::size_t{told_extranonce2_size} &&
                       (bits & ~mask) == 0 && submit.version_bits.has_value() == (mask != 0) &&
                       target.admits(crypto::sha256d(header)) &&
                       headers.insert(base::to_hex(header)).second;
    if (!right) ++wrong;
    rolled.insert(bits);
  }
};

struct Rig {
  uv::Loop loop;
  QuirkyPool pool{loop};
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, CloseFile> out{std::tmpfile()};
  Console console{{}, out.get(), out.get()};
  std::unique_ptr<MinerLoop> mining;
  bool late = false;

  void mine(std::uint16_t port, std::int64_t retries = -1) {
    PoolSourceSettings settings;
    PoolSettings& only = settings.pools.emplace_back();
    only.host = "127.0.0.1";
    only.port = port;
    only.username = "rig";
    settings.client.user_agent = "phaseminer/test";
    settings.retry_first = settings.retry_most = milliseconds(5);
    settings.retries = retries;
    MinerSettings miner;
    miner.crew.threads = 2;
    const MinerKernels kernels{pick_kernel(scan_kernels(), crypto::detect_cpu_features(), ""),
                               nullptr};
    mining = std::make_unique<MinerLoop>(loop, miner, kernels, console, [&](WorkSourceHost& host) {
      return std::make_unique<PoolSource>(loop, settings, host);
    });
    uv::Timer deadline(loop, [this] {
      late = true;
      loop.stop();
    });
    deadline.start(std::chrono::minutes(2), milliseconds(0));
    mining->start();
    loop.run();
    CHECK_FALSE(late);
  }
  std::string printed() const {
    std::fflush(out.get());
    std::rewind(out.get());
    std::string text(1 << 20, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), out.get()));
    return text;
  }
};

TEST_CASE(
    "extranonce2 of every size from none to sixteen bytes: shares are right, and none twice") {
  for (const std::uint32_t size : {0, 1, 2, 3, 4, 7, 8, 16}) {
    for (const std::uint32_t mask : {0U, 0x1fffe000U}) {
      CAPTURE(size);
      CAPTURE(mask);
      Rig rig;
      rig.pool.extranonce2_size = size;
      rig.pool.mask = mask;
      rig.pool.on_share = [&] {
        if (rig.pool.shares == 20) rig.mining->stop();
      };
      rig.mine(rig.pool.listener.port());
      CHECK_EQ(rig.pool.wrong, 0);
      if (mask == 0) CHECK_EQ(rig.pool.rolled, std::set<std::uint32_t>{0});
    }
  }
}

TEST_CASE("no extranonce1, or a long one") {
  for (const std::size_t bytes : {0, 1, 32}) {
    Rig rig;
    rig.pool.extranonce1 = std::string(2 * bytes, '7');
    rig.pool.on_share = [&] {
      if (rig.pool.shares == 20) rig.mining->stop();
    };
    rig.mine(rig.pool.listener.port());
    CHECK_EQ(rig.pool.wrong, 0);
  }
}

TEST_CASE(
    "bytes that are no Stratum, in any amount: it comes back each time, and gives up when told") {
  base::Random random(7);
  for (const std::size_t bytes : {1, 100, 70'000, 300'000}) {
    for (const bool lines : {false, true}) {
      Rig rig;
      fake::Listener noise(rig.loop, [&](uv::TcpStream& stream, base::ByteSpan) {
        std::string garbage;
        for (std::size_t i = 0; i < bytes; ++i) {
          const auto byte = static_cast<char>(random.below(256));
          garbage += byte == '\n' && !lines ? 'x' : (lines && i % 37 == 0 ? '\n' : byte);
        }
        stream.write(garbage);
        stream.close_after_flush(seconds(5));
      });
      rig.mine(noise.port(), 2);
      CHECK_EQ(rig.mining->exit_code(), 1);
      CHECK_EQ(noise.streams.size(), 3);
      CHECK_NE(rig.printed().find("giving up after 3 attempts"), std::string::npos);
      CHECK_EQ(rig.mining->status().hashes, 0);
    }
  }
}

}  // namespace
}  // namespace miner
