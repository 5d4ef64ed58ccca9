#include "miner/report_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <tuple>
#include <utility>

namespace miner {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t files_listed_max = 1'000'000;
constexpr std::size_t hour_bytes = std::string_view("2026/11/22/05/").size();

std::string problem(const fs::path& path, std::string_view what, int error) {
  return fmt::format("\"{}\" {}: {}", path.string(), what, std::strerror(error));
}

// All of it, or nothing: a line that does not fit on the disk is cut off again.
std::optional<std::string> write_whole(const fs::path& path, int flags, std::string_view text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0644);
  if (file < 0) return problem(path, "cannot be opened", errno);
  const off_t before = ::lseek(file, 0, SEEK_END);
  const ssize_t written = ::write(file, text.data(), text.size());
  std::optional<std::string> why;
  if (written != static_cast<ssize_t>(text.size())) {
    why = problem(path, "cannot be written", written < 0 ? errno : ENOSPC);
    if (written > 0 && before >= 0) (void)!::ftruncate(file, before);
  }
  if (::close(file) != 0 && !why) why = problem(path, "cannot be written", errno);
  return why;
}

std::optional<std::string> write_one(const std::string& report_dir, const FileWrite& write) {
  const fs::path path = fs::path(report_dir) / write.path;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return problem(path.parent_path(), "cannot be made", error.value());
  if (write.how == FileWrite::How::append) return write_whole(path, O_APPEND, write.text);
  const fs::path fresh = path.string() + ".new";
  if (auto why = write_whole(fresh, O_TRUNC, write.text)) {
    (void)::unlink(fresh.c_str());
    return why;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return problem(path, "cannot be replaced", errno);
  return std::nullopt;
}

struct ReportFile {
  bool is_proof = false;
  std::string hour;  // "2026/11/22/05/"
  fs::path path;
  std::uint64_t bytes = 0;
};

bool is_hour(std::string_view text) {
  constexpr std::string_view form = "dddd/dd/dd/dd/";
  return text.size() == form.size() &&
         std::equal(text.begin(), text.end(), form.begin(),
                    [](char c, char of) { return of == 'd' ? c >= '0' && c <= '9' : c == of; });
}

bool is_report_name(std::string_view name) {
  constexpr std::string_view beginnings[] = {"system_report_", "errors_", "ledger_", "block_",
                                             "coherence_"};
  return std::any_of(std::begin(beginnings), std::end(beginnings),
                     [&](std::string_view beginning) { return name.starts_with(beginning); });
}

std::vector<ReportFile> list_reports(const fs::path& root, std::error_code& error) {
  std::vector<ReportFile> files;
  fs::recursive_directory_iterator at(root, error);
  for (; !error && at != fs::end(at) && files.size() < files_listed_max; at.increment(error)) {
    std::error_code ignored;  // it may have gone meanwhile
    if (!at->is_regular_file(ignored) || at->is_symlink(ignored)) continue;
    const std::string folder = at->path().parent_path().generic_string() + "/";
    if (folder.size() < hour_bytes || !is_report_name(at->path().filename().string())) continue;
    ReportFile file;
    file.hour = folder.substr(folder.size() - hour_bytes);
    file.is_proof = folder.find("/Math_Proofs/") != std::string::npos;
    file.path = at->path();
    const std::uintmax_t size = at->file_size(ignored);
    file.bytes = ignored ? 0 : size;
    if (is_hour(file.hour)) files.push_back(std::move(file));
  }
  return files;
}

void remove_with_empty_folders(const fs::path& path, const fs::path& root) {
  std::error_code error;
  fs::remove(path, error);
  for (fs::path folder = path.parent_path(); folder != root; folder = folder.parent_path()) {
    // Fails where something is left in it: the end of the walk.
    if (!fs::remove(folder, error) || error) return;
  }
}

}  // namespace

std::optional<std::string> write_files(const std::string& report_dir,
                                       const std::vector<FileWrite>& writes) {
  std::optional<std::string> first;
  for (const FileWrite& write : writes) {
    auto why = write_one(report_dir, write);
    if (!first) first = std::move(why);
  }
  return first;
}

std::optional<std::string> trim_reports(const std::string& report_dir, std::uint64_t bytes_max,
                                        std::string_view newest_folder_suffix) {
  const fs::path root = fs::path(report_dir) / "Mining";
  std::error_code error;
  std::vector<ReportFile> files = list_reports(root, error);
  if (error) return problem(root, "cannot be listed", error.value());
  std::uint64_t bytes = 0;
  for (const ReportFile& file : files) bytes += file.bytes;
  std::sort(files.begin(), files.end(), [](const ReportFile& a, const ReportFile& b) {
    return std::tie(a.is_proof, a.hour, a.path) < std::tie(b.is_proof, b.hour, b.path);
  });
  for (const ReportFile& file : files) {
    if (bytes <= bytes_max) break;
    if (file.hour == newest_folder_suffix) continue;
    remove_with_empty_folders(file.path, root);
    bytes -= file.bytes;
  }
  return std::nullopt;
}

}  // namespace miner
