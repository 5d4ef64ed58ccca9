#include "pool/tools/verify_journal.h"

#include "pool/journal/journal_folder.h"
#include "pool/journal/segment_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace pool {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const std::string& path) {
  std::error_code error;
  const std::string inside = journal_folder(path);
  return fs::is_directory(inside, error) ? inside : path;
}

std::string bytes_text(std::uint64_t bytes) { return fmt::format("{} bytes", bytes); }

class JournalVerifier {
 public:
  JournalVerifier(std::string folder, const VerifyReport& report)
      : folder_(std::move(folder)), report_(report) {}

  bool run();

 private:
  void fail(std::uint64_t segment, const std::string& why);
  void read_headers(const std::vector<std::uint64_t>& segments);
  void check_identity(std::uint64_t segment, const SegmentHeader& header);
  void verify_segment(std::uint64_t segment);
  WalkLimit limit_of(std::uint64_t segment) const;
  bool check_end(std::uint64_t segment, const SegmentWalk& walk);
  bool check_last(std::uint64_t segment, const SegmentWalk& walk);
  bool check_link(std::uint64_t segment, const SegmentWalk& walk, const SegmentHeader& next);
  bool check_meets(std::uint64_t segment, const SegmentWalk& walk, const SegmentHeader& next);
  std::string found_at_end(const SegmentWalk& walk) const;
  bool check_start(std::uint64_t segment, const SegmentWalk& walk);
  std::string tail_text(const SegmentWalk& walk) const;
  void list_damaged();
  std::string summary(std::size_t segments) const;

  const std::string folder_;
  const VerifyReport& report_;
  bool all_ = true;
  std::optional<JournalUuid> journal_;
  std::map<std::uint64_t, SegmentHeader> headers_;  // of segments whose header is good
  std::map<std::uint64_t, SegmentWalk> walks_;
  std::uint64_t records_ = 0;
};

void JournalVerifier::fail(std::uint64_t segment, const std::string& why) {
  all_ = false;
  report_({false, "segment", fmt::format("{}: {}", segment_path(folder_, segment), why)});
}

bool JournalVerifier::run() {
  const auto segments = list_segments(folder_);
  if (!segments) {
    report_({false, "journal", segments.error()});
    return false;
  }
  if (std::ifstream file(folder_ + "/journal_id"); file) {
    JournalUuid uuid{};
    std::string text;
    file >> text;
    if (base::decode_hex(text, uuid)) {
      journal_ = uuid;
    } else {
      all_ = false;
      report_({false, "journal", folder_ + "/journal_id: expected 32 hex digits"});
    }
  }
  read_headers(*segments);
  for (const std::uint64_t segment : *segments) {
    if (headers_.contains(segment)) verify_segment(segment);
  }
  list_damaged();
  report_({all_, "journal", summary(segments->size())});
  return all_;
}

void JournalVerifier::read_headers(const std::vector<std::uint64_t>& segments) {
  for (const std::uint64_t segment : segments) {
    // Only the header: nothing has a sequence number below 0.
    const auto walk = walk_segment(segment_path(folder_, segment), {0, 0});
    if (!walk) {
      all_ = false;
      report_({false, "segment", walk.error()});
    } else if (!walk->header) {
      fail(segment, fmt::format("byte 0: {}; expected a segment's header, found {} in all",
                                describe(walk->header.error()), bytes_text(walk->file_bytes)));
    } else {
      check_identity(segment, *walk->header);
    }
  }
}

void JournalVerifier::check_identity(std::uint64_t segment, const SegmentHeader& header) {
  if (header.segment != segment) {
    return fail(segment, fmt::format("byte 32: expected the number of the file's name, found {}",
                                     segment_file_name(header.segment)));
  }
  if (!journal_) journal_ = header.journal;
  if (header.journal != *journal_) {
    return fail(segment, fmt::format("byte 16: expected journal {}, found {}",
                                     base::to_hex(*journal_), base::to_hex(header.journal)));
  }
  headers_.emplace(segment, header);
}

// What later headers say. That of the newest counts: an older one may be of a segment whose making
// had failed, and which was passed over.
WalkLimit JournalVerifier::limit_of(std::uint64_t segment) const {
  WalkLimit limit;
  const auto next = headers_.upper_bound(segment);
  if (next != headers_.end()) limit.sequence = next->second.first_sequence;
  for (auto later = next; later != headers_.end(); ++later) {
    if (later->second.previous.exists() && later->second.previous.segment == segment) {
      limit.bytes = later->second.previous.bytes;
    }
  }
  return limit;
}

void JournalVerifier::verify_segment(std::uint64_t segment) {
  const auto walked = walk_segment(segment_path(folder_, segment), limit_of(segment));
  if (!walked) {
    all_ = false;
    return report_({false, "segment", walked.error()});
  }
  const SegmentWalk& walk = walks_.emplace(segment, *walked).first->second;
  records_ += walk.records();
  const bool starts_well = check_start(segment, walk);
  const bool ends_well = check_end(segment, walk);
  if (!starts_well || !ends_well) return;
  const std::string records =
      walk.records() == 0
          ? "no records"
          : fmt::format("records {} to {}", walk.header->first_sequence, walk.last_sequence);
  report_({true, "segment",
           fmt::format("{}  {}, {}, sha256 {}{}", segment_path(folder_, segment), records,
                       bytes_text(walk.end), base::to_hex(walk.sha256), tail_text(walk))});
}

// Does it follow from those before it?
bool JournalVerifier::check_start(std::uint64_t segment, const SegmentWalk& walk) {
  const SegmentHeader& header = *walk.header;
  const SegmentLink& previous = header.previous;
  const auto here = headers_.find(segment);
  const bool oldest = here == headers_.begin();
  if (header.version == 1) return true;  // check_end() of the one before looks
  if (!previous.exists()) {
    if (header.first_sequence == 1 && oldest) return true;
    fail(segment, fmt::format("byte 48: expected the name of the segment before, found none, "
                              "though its first record is {}",
                              header.first_sequence));
    return false;
  }
  if (walks_.contains(previous.segment)) return true;  // held against it already
  if (oldest) return true;                             // stored and removed
  fail(segment,
       fmt::format("byte 48: names {} as the segment before, which is not here or has no "
                   "header; {} is",
                   segment_file_name(previous.segment), segment_file_name(std::prev(here)->first)));
  return false;
}

bool JournalVerifier::check_end(std::uint64_t segment, const SegmentWalk& walk) {
  bool named = false;
  bool good = true;
  for (auto later = headers_.upper_bound(segment); later != headers_.end(); ++later) {
    const SegmentLink& previous = later->second.previous;
    if (!previous.exists() || previous.segment != segment) continue;
    named = true;
    good = check_link(segment, walk, later->second) && good;
  }
  if (named) return good;
  const auto next = headers_.upper_bound(segment);
  if (next == headers_.end()) return check_last(segment, walk);
  if (next->second.version == 1) return check_meets(segment, walk, next->second);
  if (walk.records() == 0) return true;  // its making had failed, and the chain passes it over
  fail(segment, fmt::format("has records {} to {}, but no later segment names it as the one before",
                            walk.header->first_sequence, walk.last_sequence));
  return false;
}

std::string JournalVerifier::found_at_end(const SegmentWalk& walk) const {
  if (walk.damage) return std::string(describe(*walk.damage));
  if (walk.other_sequence) return fmt::format("record {}", *walk.other_sequence);
  return walk.end < walk.file_bytes ? "the first record of the next one" : "the end of the file";
}

// Without a chain, only the sequence numbers tell whether the data ends where it should.
bool JournalVerifier::check_meets(std::uint64_t segment, const SegmentWalk& walk,
                                  const SegmentHeader& next) {
  if (walk.last_sequence + 1 == next.first_sequence) return true;
  fail(segment, fmt::format("byte {}: expected record {}, as {} goes on with record {}, found {}",
                            walk.end, walk.last_sequence + 1, segment_file_name(next.segment),
                            next.first_sequence, found_at_end(walk)));
  return false;
}

// Is it what a later header says?
bool JournalVerifier::check_link(std::uint64_t segment, const SegmentWalk& walk,
                                 const SegmentHeader& next) {
  const SegmentLink& said = next.previous;
  const std::string who = segment_file_name(next.segment);
  if (walk.end != said.bytes) {
    fail(segment,
         fmt::format("byte {}: expected record {}, as {} says that {} count, found {}", walk.end,
                     walk.last_sequence + 1, who, bytes_text(said.bytes), found_at_end(walk)));
    return false;
  }
  if (walk.last_sequence + 1 != next.first_sequence) {
    fail(segment, fmt::format("byte {}: expected {} as its last record, as {} goes on from there, "
                              "found {}",
                              walk.end, next.first_sequence - 1, who, walk.last_sequence));
    return false;
  }
  if (walk.sha256 != said.sha256) {
    fail(segment, fmt::format("bytes 0 to {}: expected sha256 {}, as {} says, found {}: it was "
                              "changed after it was closed",
                              walk.end, base::to_hex(said.sha256), who, base::to_hex(walk.sha256)));
    return false;
  }
  return true;
}

// Nobody speaks for the last segment.
bool JournalVerifier::check_last(std::uint64_t segment, const SegmentWalk& walk) {
  if (walk.end >= walk.file_bytes) return true;
  const auto behind =
      find_record_behind(segment_path(folder_, segment), walk.end, walk.last_sequence);
  if (!behind) {
    all_ = false;
    report_({false, "segment", behind.error()});
    return false;
  }
  if (!*behind) return true;
  fail(segment, fmt::format("byte {}: expected record {}, found {}; record {} is whole at byte {}: "
                            "damage, or a write that a power cut interrupted",
                            walk.end, walk.last_sequence + 1, found_at_end(walk),
                            (*behind)->sequence, (*behind)->offset));
  return false;
}

std::string JournalVerifier::tail_text(const SegmentWalk& walk) const {
  if (walk.end >= walk.file_bytes) return {};
  return fmt::format("; {} behind them are a torn write and no data",
                     bytes_text(walk.file_bytes - walk.end));
}

void JournalVerifier::list_damaged() {
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.ends_with(".journal.damaged")) continue;
    report_({true, "kept",
             fmt::format("{}: the pool has met damage in it; not looked at here",
                         it->path().string())});
  }
}

std::string JournalVerifier::summary(std::size_t segments) const {
  std::string text = fmt::format("{}: {} segments, {} records", folder_, segments, records_);
  if (headers_.empty()) return text;
  const SegmentHeader& oldest = headers_.begin()->second;
  if (oldest.first_sequence > 1) {
    text += fmt::format(
        "; records 1 to {} are not here: their segments, the last of them {}, were "
        "stored and removed",
        oldest.first_sequence - 1,
        oldest.previous.exists() ? segment_file_name(oldest.previous.segment) : "of version 1");
  }
  return text;
}

}  // namespace

bool verify_journal(const std::string& path, const VerifyReport& report) {
  return JournalVerifier(folder_of(path), report).run();
}

int verify_journal_command(const std::string& path) {
  const auto print = [](const VerifyLine& line) {
    std::printf("%s\n", format_verify_line(line).c_str());
    std::fflush(stdout);
  };
  return verify_journal(path, print) ? 0 : 1;
}

}  // namespace pool
