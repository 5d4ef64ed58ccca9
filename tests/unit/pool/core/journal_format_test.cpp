#include "pool/core/journal_format.h"

#include "pool/core/limits.h"

#include <doctest/doctest.h>

#include <limits>
#include <numeric>

namespace {

using base::Bytes;
using base::ByteSpan;
using pool::JournalError;

template <std::size_t N>
std::array<std::uint8_t, N> counting(std::uint8_t first) {
  std::array<std::uint8_t, N> bytes{};
  std::iota(bytes.begin(), bytes.end(), first);
  return bytes;
}

pool::ShareRecord a_share() {
  pool::ShareRecord share;
  share.time_us = 1'769'000'000'123'456;
  share.address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
  share.worker_name = "rig-7";
  share.height = 840'000;
  share.job_id = 0xfedcba9876543210;
  share.difficulty = 0.001;
  share.work = base::U256::max();
  share.share_difficulty = 123.5;
  share.hash.bytes = counting<32>(1);
  return share;
}

pool::BlockCandidateRecord a_candidate() {
  pool::BlockCandidateRecord block;
  block.time_us = -1;
  block.address = "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2";
  block.height = std::numeric_limits<std::uint32_t>::max();
  block.hash.bytes = counting<32>(100);
  block.header = counting<80>(7);
  block.reward = bitcoin::Sats{312'500'000};
  block.network_difficulty = 1e14;
  block.share_difficulty = std::numeric_limits<double>::infinity();
  block.coinbase = Bytes(300, 0xab);
  for (std::uint8_t i = 0; i < 12; ++i) {
    block.merkle_branch.emplace_back(counting<32>(static_cast<std::uint8_t>(i * 3)));
  }
  return block;
}

pool::RejectRecord a_full_reject() {
  pool::RejectRecord reject;
  reject.reason = stratum::RejectReason::low_difficulty;
  reject.version_bits = 0x1fffe000;
  reject.height = 0;
  reject.difficulty = 0.5;
  reject.share_difficulty = 0.25;
  reject.hash = bitcoin::BlockHash(counting<32>(3));
  return reject;
}

pool::CoherenceProofRecord a_proof() {
  pool::CoherenceProofRecord proof;
  proof.time_us = 14;
  proof.address = "bcrt1q";
  proof.worker_name = "rig";
  proof.attempt = std::numeric_limits<std::uint64_t>::max();
  proof.work = base::U256::max();
  proof.certificate = counting<332>(5);
  return proof;
}

pool::CoherenceBlockRecord a_coherence_block() {
  pool::CoherenceBlockRecord block;
  block.time_us = 15;
  block.height = 123;
  block.hash = counting<32>(8);
  block.stretches = {{{0, 1, 5, counting<32>(9)}, counting<16>(1)},
                     {{255, 6, 6, counting<32>(19)}, counting<16>(2)}};
  return block;
}

std::vector<pool::JournalRecord> one_of_each() {
  return {a_share(),
          a_candidate(),
          pool::BlockOutcomeRecord{5, bitcoin::BlockHash(counting<32>(9)),
                                   pool::BlockStatus::rejected, "high-hash"},
          pool::EventRecord{6, "low", "node", std::string("nul \0 and \xff", 11), "{\"a\":1}"},
          pool::BlockSubmissionRecord{7, bitcoin::BlockHash(counting<32>(60)), "[::1]:8332",
                                      pool::SubmissionAnswer::unreachable, "no answer in 60 s"},
          pool::BlockStateRecord{8, bitcoin::BlockHash(counting<32>(61)),
                                 pool::BlockState::confirmed, 0xfffffffe},
          pool::ChainTipRecord{9, 840'001, bitcoin::BlockHash(counting<32>(62)),
                               bitcoin::BlockHash(counting<32>(94))},
          pool::HeightRecord{10, 840'001, bitcoin::BlockHash(counting<32>(62)), 0x1703255b,
                             bitcoin::Sats{312'500'000}, bitcoin::Sats{320'000'001}},
          pool::PayoutSchemeRecord{11, "pplns", "2.50", 10'000, 5, bitcoin::Sats{100'000}},
          pool::RejectSumRecord{12, "bcrt1q", "rig", stratum::RejectReason::not_subscribed, 7},
          pool::RejectRecord{13,
                             "bcrt1q",
                             "rig",
                             stratum::RejectReason::stale,
                             "",
                             "cgminer/4.12",
                             "a1",
                             1,
                             2,
                             {},
                             840'001,
                             -3,
                             {},
                             {},
                             {}},
          a_full_reject(),
          a_proof(),
          a_coherence_block()};
}

Bytes framed(const std::vector<pool::JournalRecord>& records, std::uint64_t first_sequence) {
  Bytes payloads;
  for (const auto& record : records) pool::append_payload(payloads, record);
  Bytes frames;
  CHECK_EQ(pool::append_frames(frames, payloads, first_sequence), records.size());
  return frames;
}

// What a reader that is given `bytes` takes from them: whole valid frames, up to the first that is
// not.
std::vector<pool::ParsedFrame> read_all(ByteSpan bytes) {
  std::vector<pool::ParsedFrame> frames;
  while (true) {
    auto frame = pool::parse_frame(bytes);
    if (!frame) return frames;
    bytes = bytes.subspan(frame->bytes);
    frames.push_back(std::move(*frame));
  }
}

}  // namespace

TEST_CASE("crc32c gives the published values") {
  // RFC 3720, appendix B.4 (as the integers whose bytes stand there), and the usual check value.
  struct Row {
    const char* why;
    Bytes bytes;
    std::uint32_t crc;
  };
  Bytes rising(32);
  std::iota(rising.begin(), rising.end(), std::uint8_t{0});
  const Bytes falling(rising.rbegin(), rising.rend());
  const Row rows[] = {{"nothing", {}, 0},
                      {"32 zeros", Bytes(32, 0), 0x8a9136aa},
                      {"32 ones", Bytes(32, 0xff), 0x62a8ab43},
                      {"rising", rising, 0x46dd794e},
                      {"falling", falling, 0x113fdb5c},
                      {"check", {'1', '2', '3', '4', '5', '6', '7', '8', '9'}, 0xe3069283}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK_EQ(pool::crc32c(row.bytes), row.crc);
  }
}

TEST_CASE("crc32c of two parts is that of the whole, wherever it is cut") {
  const Bytes bytes = framed(one_of_each(), 1);
  for (std::size_t cut = 0; cut <= 100; ++cut) {
    const ByteSpan all(bytes);
    CHECK_EQ(pool::crc32c(all.subspan(cut), pool::crc32c(all.first(cut))), pool::crc32c(bytes));
  }
}

TEST_CASE("every record type comes back as it was written") {
  const auto records = one_of_each();
  const auto frames = read_all(framed(records, 41));
  REQUIRE_EQ(frames.size(), records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK_EQ(frames[i].sequence, 41 + i);
    CHECK(frames[i].record == records[i]);
  }
}

TEST_CASE("a journal cut anywhere gives the whole records before the cut, and nothing else") {
  const auto records = one_of_each();
  const Bytes bytes = framed(records, 1);
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; at < bytes.size();) {
    at += pool::parse_frame(ByteSpan(bytes).subspan(at))->bytes;
    ends.push_back(at);
  }
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    CAPTURE(cut);
    const auto whole = static_cast<std::size_t>(
        std::count_if(ends.begin(), ends.end(), [cut](std::size_t end) { return end <= cut; }));
    CHECK_EQ(read_all(ByteSpan(bytes).first(cut)).size(), whole);
  }
}

TEST_CASE("any flipped bit is noticed") {
  const Bytes good = framed({a_share()}, 3);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    CHECK_FALSE(pool::parse_frame(bad).has_value());
  }
}

TEST_CASE("a frame is asked for again until it is whole, at every fragment size") {
  const Bytes bytes = framed(one_of_each(), 1);
  for (const std::size_t fragment : {std::size_t{1}, std::size_t{2}, std::size_t{5},
                                     std::size_t{10}, std::size_t{100}, bytes.size()}) {
    CAPTURE(fragment);
    Bytes waiting;
    std::size_t records = 0;
    for (std::size_t at = 0; at < bytes.size(); at += fragment) {
      base::append(waiting, ByteSpan(bytes).subspan(at, std::min(fragment, bytes.size() - at)));
      while (true) {
        const auto frame = pool::parse_frame(waiting);
        if (!frame) {
          CHECK_EQ(frame.error(), JournalError::truncated);
          break;
        }
        waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(frame->bytes));
        ++records;
      }
    }
    CHECK_EQ(records, one_of_each().size());
    CHECK(waiting.empty());
  }
}

TEST_CASE("what can't be a record is refused with its reason") {
  struct Row {
    const char* why;
    Bytes bytes;
    JournalError error;
  };
  Bytes unknown_type;
  Bytes payload{2, 0, 0, 0, 99, 0};
  pool::append_frames(unknown_type, payload, 1);
  Bytes trailing_byte;
  Bytes long_payload;
  pool::append_payload(long_payload, one_of_each()[2]);
  long_payload.push_back(0);
  base::write_le32(long_payload, static_cast<std::uint32_t>(long_payload.size() - 4));
  pool::append_frames(trailing_byte, long_payload, 1);
  Bytes bad_status;
  Bytes outcome;
  pool::append_payload(outcome, one_of_each()[2]);
  outcome[4 + 1 + 8 + 32] = 3;
  pool::append_frames(bad_status, outcome, 1);
  Bytes bad_answer;
  Bytes submission;
  pool::append_payload(submission, one_of_each()[4]);
  submission[4 + 1 + 8 + 32 + 2 + std::string_view("[::1]:8332").size()] = 5;
  pool::append_frames(bad_answer, submission, 1);
  Bytes bad_state;
  Bytes state;
  pool::append_payload(state, one_of_each()[5]);
  state[4 + 1 + 8 + 32] = 3;
  pool::append_frames(bad_state, state, 1);
  const Row rows[] = {
      {"nothing", {}, JournalError::truncated},
      {"zeros, as a file system may leave behind", Bytes(64, 0), JournalError::bad_payload},
      {"length that no record has", Bytes(64, 0xff), JournalError::too_long},
      {"a type from the future", unknown_type, JournalError::bad_payload},
      {"bytes left over", trailing_byte, JournalError::bad_payload},
      {"a status that does not exist", bad_status, JournalError::bad_payload},
      {"an answer that does not exist", bad_answer, JournalError::bad_payload},
      {"a state that does not exist", bad_state, JournalError::bad_payload}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto frame = pool::parse_frame(row.bytes);
    REQUIRE_FALSE(frame.has_value());
    CHECK_EQ(frame.error(), row.error);
  }
}

TEST_CASE("the bytes of a record are those that older programs wrote and read") {
  // Journals outlive programs: a change here is a new type or a new version, never a new form of an
  // old type.
  const auto payload_hex = [](const pool::JournalRecord& record) {
    Bytes payload;
    pool::append_payload(payload, record);
    return base::to_hex(payload);
  };
  const std::string hash = base::to_hex(counting<32>(0));
  const bitcoin::BlockHash block(counting<32>(0));
  CHECK_EQ(payload_hex(pool::BlockOutcomeRecord{-2, block, pool::BlockStatus::accepted, "x"}),
           "2d00000003"
           "feffffffffffffff" +
               hash +
               "01"
               "010078");
  CHECK_EQ(payload_hex(pool::EventRecord{1, "a", "b", "", "{}"}),
           "1500000004"
           "0100000000000000"
           "010061"
           "010062"
           "0000"
           "02007b7d");
  CHECK_EQ(payload_hex(pool::BlockSubmissionRecord{1, block, "n:1",
                                                   pool::SubmissionAnswer::rejected, "bad"}),
           "3400000005"
           "0100000000000000" +
               hash +
               "03006e3a31"
               "03"
               "0300626164");
  CHECK_EQ(payload_hex(pool::BlockStateRecord{1, block, pool::BlockState::orphaned, 258}),
           "2e00000006"
           "0100000000000000" +
               hash +
               "01"
               "02010000");
  CHECK_EQ(payload_hex(pool::ChainTipRecord{1, 258, block, block}),
           "4d00000007"
           "0100000000000000"
           "02010000" +
               hash + hash);
}

TEST_CASE("texts too long for a record are cut, so that whatever is journalled fits") {
  const std::string endless(100'000, 'x');
  const Bytes bytes = framed({pool::EventRecord{1, endless, endless, endless, endless}}, 1);
  CHECK(bytes.size() <= pool::limits::journal_record_bytes_max);
  const auto frame = pool::parse_frame(bytes);
  REQUIRE(frame.has_value());
  CHECK_EQ(std::get<pool::EventRecord>(frame->record).message, std::string(8192, 'x'));
}
