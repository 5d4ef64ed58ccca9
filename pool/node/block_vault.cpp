#include "pool/node/block_vault.h"

#include "common/base/test_faults.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace pool {

namespace {

namespace fs = std::filesystem;
using Outcome = BlockVault::Outcome;

std::string reason_text(int error) { return std::generic_category().message(error); }

auto failure(std::string_view what, const std::string& path, int error) {
  return base::err(fmt::format("can't {} {}: {}", what, path, reason_text(error)));
}

// A file descriptor that is closed when it goes out of scope.
class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0640)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return fd_ >= 0; }
  bool write_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }
  bool sync() { return ::fsync(fd_) == 0; }

 private:
  int fd_;
};

Outcome sync_folder(const std::string& path) {
  File folder(path, O_RDONLY | O_DIRECTORY);
  if (!folder.is_open() || !folder.sync()) return failure("sync folder", path, errno);
  return {};
}

Outcome make_folders(const std::string& vault) {
  for (const char* below : {"/done", "/rejected"}) {
    std::error_code error;
    fs::create_directories(vault + below, error);
    if (error) return failure("make folder", vault + below, error.value());
  }
  if (auto synced = sync_folder(vault); !synced) return synced;
  return sync_folder(fs::path(vault).parent_path().string());
}

Outcome write_durably(const std::string& vault, const VaultedBlock& block) {
  const std::string path = vault + "/" + vault_file_name(block.hash);
  const std::string unfinished = path + std::string(vault_unfinished_extension);
  base::kill_point("vault_before_create");
  {
    File file(unfinished, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.is_open()) return failure("create", unfinished, errno);
    base::kill_point("vault_created");
    if (!file.write_all(*block.hex) || !file.write_all(vault_file_rest(block.candidate))) {
      return failure("write", unfinished, errno);
    }
    base::kill_point("vault_written");
    if (!file.sync()) return failure("sync", unfinished, errno);
  }
  base::kill_point("vault_synced");
  if (::rename(unfinished.c_str(), path.c_str()) != 0) return failure("rename", unfinished, errno);
  base::kill_point("vault_renamed");
  auto synced = sync_folder(vault);
  base::kill_point("vault_folder_synced");
  return synced;
}

// Keeps the newest files of a folder of settled blocks.
void prune(const std::string& folder) {
  std::vector<std::pair<fs::file_time_type, fs::path>> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    const auto written_at = it->last_write_time(gone);
    if (!gone) files.emplace_back(written_at, it->path());
  }
  if (files.size() <= limits::vault_settled_files_max) return;
  const std::size_t excess = files.size() - limits::vault_settled_files_max;
  std::sort(files.begin(), files.end());
  for (std::size_t i = 0; i < excess; ++i) fs::remove(files[i].second, error);
}

Outcome move_away(const std::string& vault, const std::string& name, std::string_view to) {
  const std::string from = vault + "/" + name;
  const std::string folder = fmt::format("{}/{}", vault, to);
  if (::rename(from.c_str(), (folder + "/" + name).c_str()) != 0) {
    return failure("move", from, errno);
  }
  base::kill_point("vault_moved");
  prune(folder);
  return {};
}

base::Result<std::string, std::string> read_file(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return failure("read", path.string(), error.value());
  if (size > vault_file_bytes_max) {
    return base::err(fmt::format("{}: {} bytes is more than a block has", path.string(), size));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    return failure("read", path.string(), EIO);
  }
  return text;
}

// What load() does with one file: its block, or a line on why there is none.
class Loader {
 public:
  explicit Loader(const std::string& vault) : vault_(vault) {}

  void take(const fs::path& path) {
    if (path.extension() == vault_extension) take_whole(path);
    if (path.extension() == vault_unfinished_extension) take_unfinished(path);
  }
  VaultContents contents;

 private:
  void take_whole(const fs::path& path) {
    const auto hash = parse_vault_file_name(path.filename().string());
    if (!hash) return ignore(path, "its name is not a block hash");
    auto text = read_file(path);
    if (!text) return contents.ignored.push_back(text.error());
    auto file = parse_vault_file(std::move(*text), *hash);
    if (!file) return ignore(path, file.error());
    if (!file->why_no_record.empty()) ignore(path, file->why_no_record);
    contents.blocks.push_back(std::move(file->block));
  }

  // Of an earlier life that ended between two steps of write_durably().
  void take_unfinished(const fs::path& path) {
    const auto hash = parse_vault_file_name(path.filename().string());
    std::error_code ignored;
    auto text = hash ? read_file(path) : base::Result<std::string, std::string>(std::string());
    if (!text) return contents.ignored.push_back(text.error());
    auto file = hash ? parse_unfinished_vault_file(std::move(*text), *hash)
                     : base::err(std::string("its name is not a block hash"));
    const bool there_already = hash && fs::exists(vault_ + "/" + vault_file_name(*hash), ignored);
    if (!file || there_already) {
      fs::remove(path, ignored);
      return;
    }
    // Written once more, since its record may be torn.
    if (auto written = write_durably(vault_, file->block); !written) {
      contents.ignored.push_back(written.error());
    }
    contents.blocks.push_back(std::move(file->block));
  }

  void ignore(const fs::path& path, const std::string& why) {
    contents.ignored.push_back(path.string() + ": " + why);
  }

  const std::string& vault_;
};

}  // namespace

BlockVault::BlockVault(uv::Loop& loop, const std::string& data_dir)
    : folder_(data_dir + "/vault"), worker_(loop, limits::vault_jobs_max) {}

BlockVault::Outcome BlockVault::open() { return make_folders(folder_); }

base::Result<VaultContents, std::string> BlockVault::load() {
  std::vector<fs::path> files;  // taking one may rename it, which an iterator need not survive
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    files.push_back(it->path());
  }
  if (error) return failure("read folder", folder_, error.value());
  Loader loader(folder_);
  for (const fs::path& path : files) loader.take(path);
  return std::move(loader.contents);
}

void BlockVault::store(const VaultedBlock& block, OnDone on_done) {
  run(
      [folder = folder_, block]() -> Outcome {
        auto written = write_durably(folder, block);
        if (written) return written;
        // The folder may be missing: removed by hand, or a disk that was not mounted at the start.
        if (auto made = make_folders(folder); !made) return written;
        return write_durably(folder, block);
      },
      std::move(on_done));
}

void BlockVault::retire(const bitcoin::BlockHash& hash, Fate fate, OnDone on_done) {
  run(
      [folder = folder_, name = vault_file_name(hash), fate]() -> Outcome {
        return move_away(folder, name, fate == Fate::done ? "done" : "rejected");
      },
      std::move(on_done));
}

void BlockVault::run(std::function<Outcome()> act, OnDone on_done) {
  auto outcome = std::make_shared<Outcome>();
  worker_.run([outcome, act = std::move(act)] { *outcome = act(); },
              [outcome, on_done = std::move(on_done)] { on_done(std::move(*outcome)); });
}

}  // namespace pool
