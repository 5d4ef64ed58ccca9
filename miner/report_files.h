// The files below --report-dir: written, replaced, and removed when there is too much of them.
//
// Nothing here is waited for by whoever mines: the reporter calls it on a thread of its own.
//
// Errors: a sentence that names the file; what was written of a line that did not fit is cut off.
// Thread: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace miner {

struct FileWrite {
  enum class How { append, replace };
  How how = How::append;
  std::string path;  // below the report folder
  std::string text;
};

// Each of them, in order, folders and all. What fails keeps no other from being written; the first
// failure is told.
std::optional<std::string> write_files(const std::string& report_dir,
                                       const std::vector<FileWrite>& writes);

// Removes the oldest hours' files, ledgers and reports before proofs, until what is below
// `report_dir`/Mining has at most so many bytes. Nothing of the hour `newest_folder_suffix`
// ("2026/11/22/05/") is removed, and no file that has not the form of a report's name.
std::optional<std::string> trim_reports(const std::string& report_dir, std::uint64_t bytes_max,
                                        std::string_view newest_folder_suffix);

}  // namespace miner
