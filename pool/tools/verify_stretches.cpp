#include "pool/tools/verify_stretches.h"

#include "pool/journal/journal_folder.h"
#include "pool/journal/segment_walk.h"
#include "pool/tools/payout_inputs.h"
#include "pool/tools/verify_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace pool {
namespace {

namespace fs = std::filesystem;

struct Commitment {
  const CoherenceBlockRecord* block = nullptr;
  coherence::Stretch stretch;
};

// One journal's segments that are here, by number, with their folders.
struct LocalJournal {
  struct Segment {
    std::string folder;
    std::uint64_t first_sequence = 0;
  };
  std::map<std::uint64_t, Segment> segments;
  // Segments that an export's list of contents says to be closed, with the bytes that count.
  std::map<std::uint64_t, std::uint64_t> closed;
};

// What a walk through all of a journal's segments found.
struct Walked {
  ChainHeads heads;
  std::uint64_t first_here = 0;       // record
  std::uint64_t last_here = 0;        // record
  bool goes_on_elsewhere = false;     // the last segment that is here is closed
  std::vector<std::uint64_t> starts;  // first records of the segments, rising
  bool has_records() const { return last_here >= first_here; }
};

class StretchVerifier {
 public:
  StretchVerifier(const VerifyReport& report, StretchCounts& counts)
      : report_(report), counts_(counts) {}

  void look_into(const std::string& given);
  bool run(const std::vector<CoherenceBlockRecord>& blocks);

 private:
  void fail(const std::string& part, const std::string& text) {
    all_ = false;
    report_({false, part, text});
  }
  void take_folder(const std::string& folder);
  void take_contents(const std::string& folder);
  void verify_journal_of(const std::string& uuid, const std::vector<Commitment>& commitments);
  std::optional<Walked> walk(const std::string& uuid, const std::vector<Commitment>& commitments);
  void tell_uncommitted(const std::string& uuid);
  std::string flaw_of(const Commitment& commitment, const Walked& walked) const;

  const VerifyReport& report_;
  StretchCounts& counts_;
  bool all_ = true;
  std::set<std::string> seen_;
  std::map<std::string, LocalJournal> local_;  // by journal, in hex
};

void StretchVerifier::look_into(const std::string& given) {
  std::error_code error;
  const std::string inside = journal_folder(given);
  take_folder(fs::is_directory(inside, error) ? inside : given);
  for (fs::directory_iterator it(given, error), end; !error && it != end; it.increment(error)) {
    JournalUuid uuid{};
    std::error_code ignored;
    if (it->is_directory(ignored) && base::decode_hex(it->path().filename().string(), uuid)) {
      take_folder(it->path().string());
    }
  }
  take_contents(given);
}

void StretchVerifier::take_folder(const std::string& folder) {
  const auto segments = list_segments(folder);
  if (!segments || segments->empty() || !seen_.insert(folder).second) return;
  if (!verify_journal(folder, report_)) all_ = false;
  for (const std::uint64_t segment : *segments) {
    const auto header = read_segment_header(folder, segment);
    if (!header) continue;  // told
    local_[base::to_hex(header->journal)].segments[segment] = {folder, header->first_sequence};
  }
}

void StretchVerifier::take_contents(const std::string& folder) {
  std::ifstream file(folder + "/" + payout_inputs_name, std::ios::binary);
  const std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (json.empty()) return;
  const auto inputs = parse_payout_inputs(json);
  if (!inputs) return fail("export", folder + "/" + payout_inputs_name + ": " + inputs.error());
  for (const ExportedJournal& journal : inputs->journals) {
    for (const ExportedSegment& closed : journal.closed) {
      local_[journal.uuid].closed[closed.segment] = closed.bytes;
    }
  }
}

bool StretchVerifier::run(const std::vector<CoherenceBlockRecord>& blocks) {
  std::map<std::string, std::vector<Commitment>> by_journal;
  for (const CoherenceBlockRecord& block : blocks) {
    for (const JournalStretch& each : block.stretches) {
      by_journal[base::to_hex(each.journal)].push_back({&block, each.stretch});
    }
  }
  for (const auto& [uuid, commitments] : by_journal) verify_journal_of(uuid, commitments);
  if (by_journal.empty()) return all_;
  for (const auto& [uuid, local] : local_) {
    if (!by_journal.contains(uuid)) tell_uncommitted(uuid);
  }
  return all_;
}

void StretchVerifier::tell_uncommitted(const std::string& uuid) {
  const auto walked = walk(uuid, {});
  if (!walked || !walked->has_records()) return;
  fail("journal",
       fmt::format("records {} to {} of journal {} are in no block of the chain: it was begun "
                   "since the newest block or is of a pool without coherence work, or the chain "
                   "has it under another name",
                   walked->first_here, walked->last_here, uuid));
}

std::optional<Walked> StretchVerifier::walk(const std::string& uuid,
                                            const std::vector<Commitment>& commitments) {
  const auto found = local_.find(uuid);
  if (found == local_.end() || found->second.segments.empty()) return std::nullopt;
  const LocalJournal& local = found->second;
  Walked walked;
  for (const Commitment& each : commitments) walked.heads[each.stretch.last_sequence];
  walked.first_here = local.segments.begin()->second.first_sequence;
  for (auto it = local.segments.begin(); it != local.segments.end(); ++it) {
    const auto& [segment, where] = *it;
    WalkLimit limit;
    const auto next = std::next(it);
    if (next != local.segments.end()) limit.sequence = next->second.first_sequence;
    const auto walk = walk_segment(segment_path(where.folder, segment), limit, {}, &walked.heads);
    if (!walk) {
      fail("segment", walk.error());
      continue;
    }
    walked.starts.push_back(where.first_sequence);
    walked.last_here = walk->last_sequence;
    const auto closed = local.closed.find(segment);
    walked.goes_on_elsewhere = closed != local.closed.end() && closed->second == walk->end;
  }
  return walked;
}

void StretchVerifier::verify_journal_of(const std::string& uuid,
                                        const std::vector<Commitment>& commitments) {
  const auto walked = walk(uuid, commitments);
  std::size_t good = 0;
  std::size_t wrong = 0;
  std::size_t not_here = 0;
  std::optional<std::uint64_t> told_of;  // the segment, by its first record
  for (const Commitment& each : commitments) {
    const std::uint64_t last = each.stretch.last_sequence;
    const std::string flaw = walked ? flaw_of(each, *walked) : std::string();
    if (walked && flaw.empty()) {
      ++good;
      continue;
    }
    // A head at the very start of what is here may be that of the segment before, which is not.
    const bool before = walked && last < walked->first_here;
    const bool behind = walked && last > walked->last_here && walked->goes_on_elsewhere;
    if (!walked || before || behind) {
      ++not_here;
      continue;
    }
    ++wrong;
    // Every later head of the same segment is wrong as well: it is told once.
    const auto start = std::upper_bound(walked->starts.begin(), walked->starts.end(), last);
    const std::uint64_t segment = start == walked->starts.begin() ? 0 : *std::prev(start);
    if (told_of == segment) continue;
    told_of = segment;
    fail("stretch", fmt::format("block {}, stretch of pool {}, records {} to {} of journal {}: {}",
                                each.block->height, each.stretch.pool, each.stretch.first_sequence,
                                last, uuid, flaw));
  }
  counts_.good += good;
  counts_.wrong += wrong;
  counts_.not_here += not_here;
  const bool has_records = walked && walked->has_records();
  if (has_records && good + wrong == 0) {
    return fail("journal",
                fmt::format("no block commits to any of the records here, {} to {} of journal {}: "
                            "its {} stretches end with other records, the last with {}",
                            walked->first_here, walked->last_here, uuid, not_here,
                            commitments.back().stretch.last_sequence));
  }
  std::string text = fmt::format(
      "{}: {} stretches are as the chain has them, {} are not, {} can't be checked "
      "since their segments are not here",
      uuid, good, wrong, not_here);
  const std::uint64_t committed = commitments.back().stretch.last_sequence;
  if (has_records && walked->last_here > committed) {
    text += fmt::format("; records {} to {} are in no block yet",
                        std::max(committed + 1, walked->first_here), walked->last_here);
  }
  report_({wrong == 0, "journal", text});
}

std::string StretchVerifier::flaw_of(const Commitment& commitment, const Walked& walked) const {
  const std::uint64_t last = commitment.stretch.last_sequence;
  const auto& heads = walked.heads.at(last);
  if (std::find(heads.begin(), heads.end(), commitment.stretch.head) != heads.end()) return {};
  if (last > walked.last_here) {
    return fmt::format("the journal here ends with record {}: records are missing",
                       walked.last_here);
  }
  if (heads.empty()) return fmt::format("record {} is not in the segments here", last);
  return fmt::format(
      "the chain has the head {}, but the records here give {}: one of them, or what "
      "stands before them in their segment, was changed, removed or moved",
      base::to_hex(commitment.stretch.head), base::to_hex(heads.front()));
}

}  // namespace

bool verify_stretches(const std::vector<CoherenceBlockRecord>& blocks,
                      const std::vector<std::string>& folders, const VerifyReport& report,
                      StretchCounts& counts) {
  StretchVerifier verifier(report, counts);
  for (const std::string& folder : folders) verifier.look_into(folder);
  return verifier.run(blocks);
}

}  // namespace pool
