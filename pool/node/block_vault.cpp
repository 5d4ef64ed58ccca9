#include "pool/node/block_vault.h"

#include "common/base/bytes.h"
#include "common/bitcoin/header.h"
#include "common/uv/work.h"
#include "pool/core/journal_format.h"
#include "pool/core/limits.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
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

constexpr std::string_view extension = ".block";
constexpr std::string_view unfinished_extension = ".tmp";
// Hex of the heaviest block (4,000,000 bytes) and of the longest record, and the newlines.
constexpr std::uintmax_t file_bytes_max =
    2 * 4'000'000 + 1 + 2 * limits::journal_record_bytes_max + 1;

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

std::string file_name(const bitcoin::BlockHash& hash) {
  return hash.display_hex() + std::string(extension);
}

// The line of a file that follows the block's.
std::string candidate_line(const BlockCandidateRecord& candidate) {
  base::Bytes payload;
  append_payload(payload, candidate);
  base::Bytes frame;
  append_frames(frame, payload, 1);
  return base::to_hex(frame) + "\n";
}

std::optional<BlockCandidateRecord> read_candidate_line(std::string_view line) {
  const auto bytes = base::from_hex(line);
  if (!bytes) return std::nullopt;
  auto frame = parse_frame(*bytes);
  if (!frame || frame->bytes != bytes->size()) return std::nullopt;
  auto* candidate = std::get_if<BlockCandidateRecord>(&frame->record);
  if (candidate == nullptr) return std::nullopt;
  return std::move(*candidate);
}

Outcome write_durably(const std::string& vault, const VaultedBlock& block) {
  const std::string path = vault + "/" + file_name(block.hash);
  const std::string unfinished = path + std::string(unfinished_extension);
  {
    File file(unfinished, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.is_open()) return failure("create", unfinished, errno);
    const std::string rest = "\n" + (block.candidate ? candidate_line(*block.candidate) : "");
    if (!file.write_all(*block.hex) || !file.write_all(rest)) {
      return failure("write", unfinished, errno);
    }
    if (!file.sync()) return failure("sync", unfinished, errno);
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0) return failure("rename", unfinished, errno);
  return sync_folder(vault);
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
  prune(folder);
  return {};
}

base::Result<std::string, std::string> read_file(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return failure("read", path.string(), error.value());
  if (size > file_bytes_max) {
    return base::err(fmt::format("{}: {} bytes is more than a block has", path.string(), size));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    return failure("read", path.string(), EIO);
  }
  return text;
}

// The block in a file, provided that it is whole and is the one that the name says. A bad record
// does not keep the block back.
base::Result<VaultedBlock, std::string> read_block(const fs::path& path,
                                                   std::string* why_no_record) {
  const auto bad = [&](std::string_view why) {
    return base::err(fmt::format("{}: {}", path.string(), why));
  };
  const auto hash = bitcoin::BlockHash::from_display_hex(path.stem().string());
  if (!hash) return bad("its name is not a block hash");
  auto text = read_file(path);
  if (!text) return base::err(text.error());
  if (text->empty() || text->back() != '\n') return bad("it does not end with a newline");
  text->pop_back();
  std::optional<BlockCandidateRecord> candidate;
  if (const std::size_t end = text->find('\n'); end != std::string::npos) {
    candidate = read_candidate_line(std::string_view(*text).substr(end + 1));
    if (candidate && candidate->hash != *hash) candidate.reset();
    if (!candidate) *why_no_record = path.string() + ": its second line is not the block's record";
    text->resize(end);
  }
  const auto bytes = base::from_hex(*text);
  bitcoin::HeaderBytes header{};
  if (!bytes || bytes->size() <= header.size()) return bad("it is not a block in hex");
  std::copy_n(bytes->begin(), header.size(), header.begin());
  if (bitcoin::hash_header(header) != *hash) return bad("its header has another hash");
  return VaultedBlock{*hash, std::make_shared<const std::string>(std::move(*text)),
                      std::move(candidate)};
}

// Runs `act` on libuv's pool and hands its outcome to `on_done` on the loop.
void run_on_pool(uv::Loop& loop, std::function<Outcome()> act, BlockVault::OnDone on_done) {
  auto outcome = std::make_shared<Outcome>();
  uv::queue_work(
      loop, [outcome, act = std::move(act)] { *outcome = act(); },
      [outcome, on_done = std::move(on_done)] { on_done(std::move(*outcome)); });
}

}  // namespace

BlockVault::BlockVault(uv::Loop& loop, const std::string& data_dir)
    : loop_(loop), folder_(data_dir + "/vault") {}

BlockVault::Outcome BlockVault::open() { return make_folders(folder_); }

base::Result<VaultContents, std::string> BlockVault::load() {
  VaultContents contents;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    std::error_code ignored;
    if (path.extension() == unfinished_extension) {
      fs::remove(path, ignored);
    } else if (path.extension() == extension) {
      std::string why_no_record;
      auto block = read_block(path, &why_no_record);
      if (block) {
        contents.blocks.push_back(std::move(*block));
      } else {
        contents.ignored.push_back(block.error());
      }
      if (!why_no_record.empty()) contents.ignored.push_back(std::move(why_no_record));
    }
  }
  if (error) return failure("read folder", folder_, error.value());
  return contents;
}

void BlockVault::store(const VaultedBlock& block, OnDone on_done) {
  run_on_pool(
      loop_,
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
  run_on_pool(
      loop_,
      [folder = folder_, name = file_name(hash), fate]() -> Outcome {
        return move_away(folder, name, fate == Fate::done ? "done" : "rejected");
      },
      std::move(on_done));
}

}  // namespace pool
