// A journal, the proof chain that commits to it, and a forger who makes everything fit.
#pragma once

#include "pool/journal/journal_writer.h"
#include "pool/tools/verify_chain.h"
#include "tests/loop/pool/journal/journal_fixture.h"
#include "tests/unit/pool/core/chain_maker.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace chain_test {

using namespace journal_test;

struct Verdict {
  bool all = false;
  std::vector<std::string> fails;  // "part: text"
  std::string summary;
};

// A journal of three segments with ten shares each, and a chain of six blocks: each commits to five
// of them. The fifth also commits to another pool's journal, which is not here.
struct World {
  World() {
    pool::WriterOptions options;
    options.folder = folder.path() + "/journal";
    options.journal = test_uuid;
    options.fsync = false;
    options.segment_bytes_max = 1'000'000;
    std::filesystem::create_directory(options.folder);
    pool::JournalWriter writer(options, {});
    for (std::uint64_t half = 0; half < 6; ++half) {
      if (half % 2 == 0) {
        ASSERT(writer.open_segment(static_cast<std::int64_t>(1 + half / 2)).has_value());
      }
      writer.append(pool::JournalSource{0}, pool::AppendId{half + 1}, payloads(half * 5 + 1, 5));
      ASSERT(writer.flush(1).failed.empty());
      std::vector<pool::JournalStretch> stretches(1);
      stretches[0].journal = test_uuid;
      stretches[0].stretch = {1, half * 5 + 1, half * 5 + 5, writer.link().sha256};
      if (half == 4) {
        stretches.emplace_back();
        stretches[1].stretch = {2, 1, 7, {}};
        stretches[1].journal.fill(0x77);
      }
      chain.add(stretches);
    }
  }

  std::string segment(std::uint64_t number) const {
    return pool::segment_path(folder.path() + "/journal", number);
  }
  pool::ProofChain proof_chain() const {
    pool::ProofChain made{chain.rules(), chain.blocks, {}};
    for (const auto& proof : chain.proofs) made.proofs.emplace(proof.work_hash, proof);
    return made;
  }
  Verdict verify(const std::vector<std::string>& witnesses = {}) const {
    return verify(proof_chain(), witnesses);
  }
  Verdict verify(const pool::ProofChain& of, const std::vector<std::string>& witnesses = {}) const {
    Verdict verdict;
    verdict.all =
        pool::verify_chain(of, {folder.path()}, witnesses, [&](const pool::VerifyLine& line) {
          if (!line.ok) verdict.fails.push_back(line.part + ": " + line.text);
          if (line.part == "chain") verdict.summary = line.text;
        });
    return verdict;
  }
  // That of the first stretch which is not as the chain has it; checks that there is one.
  std::string stretch_told() const {
    const Verdict verdict = verify();
    CHECK_FALSE(verdict.all);
    for (const std::string& fail : verdict.fails) {
      if (fail.starts_with("stretch: ")) return fail.substr(9);
    }
    return {};
  }

  TemporaryFolder folder;
  ChainMaker chain;
};

// A forger with all the time of the world: checksums, sequence numbers and the hashes by which
// segments name those before them are made to fit.
class Forger {
 public:
  explicit Forger(const World& world) : world_(world) {
    for (std::uint64_t number = 1; number <= 3; ++number) {
      const base::Bytes bytes = file_bytes(world_.segment(number));
      Segment segment{*pool::parse_segment_header(bytes), {}};
      std::size_t at = segment.header.bytes();
      while (at < bytes.size()) {
        const auto frame = pool::parse_frame(base::ByteSpan(bytes).subspan(at));
        ASSERT(frame.has_value());
        segment.records.push_back(frame->record);
        at += frame->bytes;
      }
      segments_.push_back(std::move(segment));
    }
  }
  std::vector<pool::JournalRecord>& records(std::size_t segment) {
    return segments_[segment - 1].records;
  }
  void write() { write(1, {}); }
  // As if there had been a segment before the first, with the records up to `first_sequence`.
  void write_from(std::uint64_t first_sequence) {
    std::filesystem::remove(world_.segment(1));
    for (Segment& segment : segments_) ++segment.header.segment;
    write(first_sequence, {1, 5000, crypto::sha256({})});
  }

 private:
  struct Segment {
    pool::SegmentHeader header;
    std::vector<pool::JournalRecord> records;
  };
  void write(std::uint64_t sequence, pool::SegmentLink previous) {
    for (Segment& segment : segments_) {
      segment.header.first_sequence = sequence;
      segment.header.previous = previous;
      base::Bytes bytes = pool::write_segment_header(segment.header);
      base::Bytes records;
      for (const auto& record : segment.records) pool::append_payload(records, record);
      sequence += pool::append_frames(bytes, records, sequence);
      write_file(world_.segment(segment.header.segment), bytes);
      previous = {segment.header.segment, bytes.size(), crypto::sha256(bytes)};
    }
  }

  const World& world_;
  std::vector<Segment> segments_;
};

inline const std::string test_uuid_hex = "01020304000000000000000000000000";

}  // namespace chain_test
