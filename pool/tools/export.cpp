#include "pool/tools/export.h"

#include "pool/journal/journal_folder.h"
#include "pool/store/coherence_export.h"
#include "pool/tools/chain_files.h"
#include "pool/tools/payout_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

namespace pool {
namespace {

namespace fs = std::filesystem;

struct LocalSegment {
  std::string folder;
  SegmentHeader header;
};
// By journal, in hex, and segment.
using LocalSegments = std::map<std::string, std::map<std::uint64_t, LocalSegment>>;

base::Result<LocalSegments, std::string> list_local(const std::vector<std::string>& folders) {
  LocalSegments local;
  for (const std::string& given : folders) {
    std::error_code error;
    const std::string inside = journal_folder(given);
    const std::string folder = fs::is_directory(inside, error) ? inside : given;
    const auto segments = list_segments(folder);
    if (!segments) return base::err(segments.error());
    for (const std::uint64_t segment : *segments) {
      const auto header = read_segment_header(folder, segment);
      if (header) local[base::to_hex(header->journal)][segment] = {folder, *header};
    }
  }
  return local;
}

// The segments that hold the journal's wanted records: from the last that begins at or before the
// first record, to the last that begins at or before the last one.
base::Result<std::vector<std::uint64_t>, std::string> choose(
    const ExportedJournal& journal, const std::map<std::uint64_t, LocalSegment>& local) {
  const auto missing = [&](std::uint64_t first, std::uint64_t last) {
    std::string names;
    for (const ExportedSegment& closed : journal.closed) {
      if (!local.contains(closed.segment)) names += " " + segment_file_name(closed.segment);
    }
    return base::err(fmt::format(
        "journal {} (number {}): records {} to {} are wanted, and these segments of it are not "
        "here:{}. Give the folder they were copied to with --journal; a pool keeps them for "
        "journal.keep_days and journal.keep_bytes",
        journal.uuid, journal.number, first, last, names.empty() ? " all" : names));
  };
  std::vector<std::uint64_t> chosen;
  if (journal.all) {
    for (const auto& [segment, where] : local) chosen.push_back(segment);
    if (chosen.empty()) return missing(1, journal.last_sequence);
    return chosen;
  }
  for (const ExportedSegment& closed : journal.closed) {
    if (!local.contains(closed.segment))
      return missing(journal.first_sequence, journal.last_sequence);
  }
  for (auto it = local.begin(); it != local.end(); ++it) {
    const auto next = std::next(it);
    const bool ends_before =
        next != local.end() && next->second.header.first_sequence <= journal.first_sequence;
    if (!ends_before && it->second.header.first_sequence <= journal.last_sequence) {
      chosen.push_back(it->first);
    }
  }
  if (chosen.empty() || local.at(chosen.front()).header.first_sequence > journal.first_sequence) {
    return missing(journal.first_sequence, journal.last_sequence);
  }
  return chosen;
}

base::Result<std::uint64_t, std::string> copy_segments(
    const std::vector<std::uint64_t>& chosen, const std::map<std::uint64_t, LocalSegment>& local,
    const std::string& to) {
  std::error_code error;
  fs::create_directories(to, error);
  if (error) return base::err(fmt::format("{}: can't make it: {}", to, error.message()));
  std::uint64_t bytes = 0;
  for (const std::uint64_t segment : chosen) {
    const std::string path = segment_path(local.at(segment).folder, segment);
    fs::copy_file(path, segment_path(to, segment), fs::copy_options::overwrite_existing, error);
    if (error)
      return base::err(fmt::format("{}: can't copy it to {}: {}", path, to, error.message()));
    bytes += segment_bytes(to, segment);
  }
  return bytes;
}

// A file of lines that has its name when it is whole.
class LinesFile {
 public:
  LinesFile(const std::string& folder, const std::string& name)
      : path_(folder + "/" + name), file_(path_ + ".part", std::ios::binary | std::ios::trunc) {}

  void add(const std::string& line) {
    file_ << line << '\n';
    ++lines_;
  }
  std::size_t lines() const { return lines_; }
  const std::string& path() const { return path_; }
  // Where it is not wanted, nothing of that name is left. What is wrong; empty: nothing.
  std::string finish(bool wanted) {
    file_.close();
    std::error_code error;
    if (file_.fail()) return path_ + ".part: can't write it";
    if (!wanted) {
      fs::remove(path_ + ".part", error);
      fs::remove(path_, error);
    } else {
      fs::rename(path_ + ".part", path_, error);
    }
    return error ? fmt::format("{}: can't write it: {}", path_, error.message()) : std::string();
  }

 private:
  std::string path_;
  std::ofstream file_;
  std::size_t lines_ = 0;
};

// Adds a line for the operator for each file; the error, or empty.
std::string export_coherence(const ExportCommand& command, std::vector<std::string>& told) {
  LinesFile chain(command.out, coherence_chain_name);
  LinesFile proofs(command.out, coherence_proofs_name);
  const CoherenceExport out{
      [&](const coherence::ChainRules& rules) { chain.add(write_coherence_rules(rules)); },
      [&](const CoherenceBlockRecord& block) { chain.add(write_coherence_block(block)); },
      [&](const CoherenceProof& proof) { proofs.add(write_coherence_proof(proof)); }};
  const auto read = read_coherence_export(command.database, command.question, out);
  if (!read) return read.error();
  // A chain without proofs has an empty file of them: one that is missing is seen.
  const bool has_coherence = chain.lines() > 0 || proofs.lines() > 0;
  for (LinesFile* file : {&proofs, &chain}) {
    const bool wanted = file->lines() > 0 || (file == &proofs && has_coherence);
    if (std::string why = file->finish(wanted); !why.empty()) return why;
  }
  if (chain.lines() > 0) {
    told.push_back(fmt::format("{}: {} blocks", chain.path(), chain.lines() - 1));
  }
  if (proofs.lines() > 0)
    told.push_back(fmt::format("{}: {} proofs", proofs.path(), proofs.lines()));
  return {};
}

}  // namespace

base::Result<std::vector<std::string>, std::string> export_payouts(const ExportCommand& command) {
  const auto inputs = read_payout_export(command.database, command.question);
  if (!inputs) return base::err(inputs.error());
  // The chain before the journal: what a block commits to is in the journal before the block is in
  // the chain, but a block that comes while segments are copied may commit to what is behind them.
  std::error_code error;
  fs::create_directories(command.out, error);
  std::vector<std::string> told;
  if (std::string why = export_coherence(command, told); !why.empty()) return base::err(why);
  const auto local = list_local(command.folders);
  if (!local) return base::err(local.error());
  std::vector<std::string> lines;
  for (const ExportedJournal& journal : inputs->journals) {
    const auto here = local->find(journal.uuid);
    const std::map<std::uint64_t, LocalSegment> none;
    const auto& segments = here == local->end() ? none : here->second;
    const auto chosen = choose(journal, segments);
    if (!chosen) return base::err(chosen.error());
    const std::string to = command.out + "/" + journal.uuid;
    const auto bytes = copy_segments(*chosen, segments, to);
    if (!bytes) return base::err(bytes.error());
    lines.push_back(fmt::format("{}: {} segments, {} bytes", to, chosen->size(), *bytes));
  }
  lines.insert(lines.end(), told.begin(), told.end());
  const auto written = replace_file(command.out, payout_inputs_name, write_payout_inputs(*inputs));
  if (!written) return base::err(written.error());
  lines.push_back(
      fmt::format("{}/{}: {} runs", command.out, payout_inputs_name, inputs->runs.size()));
  return lines;
}

int export_command(const ExportCommand& command) {
  const auto lines = export_payouts(command);
  if (!lines) {
    std::fprintf(stderr, "phasepool: %s\n", lines.error().c_str());
    return 1;
  }
  for (const std::string& line : *lines) std::printf("%s\n", line.c_str());
  return 0;
}

}  // namespace pool
