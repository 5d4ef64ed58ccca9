#include "pool/tools/verify.h"

#include "common/bitcoin/block.h"
#include "common/bitcoin/block_check.h"
#include "common/bitcoin/merkle.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace pool {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t part_width = 9;

std::string_view describe_error(bitcoin::BlockError error) {
  switch (error) {
    case bitcoin::BlockError::truncated:
      return "it ends before its last transaction does";
    case bitcoin::BlockError::trailing_bytes:
      return "it goes on after its last transaction";
    case bitcoin::BlockError::no_transactions:
      return "it has no transactions";
    case bitcoin::BlockError::bad_transaction:
      return "one of its transactions is none";
  }
  return "";
}

base::Result<std::string, std::string> read_text(const fs::path& path) {
  std::error_code error;
  const bool is_file = fs::is_regular_file(path, error);
  if (error) return base::err("can't read it: " + error.message());
  if (!is_file) return base::err(std::string("it is not a file"));
  const auto size = fs::file_size(path, error);
  if (error) return base::err("can't read it: " + error.message());
  if (size > vault_file_bytes_max) {
    return base::err(fmt::format("{} bytes is more than a block has", size));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  std::ifstream file(path, std::ios::binary);
  if (!text.empty() && !file.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    return base::err(std::string("can't read it to its end"));
  }
  return text;
}

base::Result<VaultFile, std::string> read_vault_file(const fs::path& path) {
  const std::string name = path.filename().string();
  const auto hash = parse_vault_file_name(name);
  if (!hash) return base::err(std::string("its name is not <block hash>.block"));
  auto text = read_text(path);
  if (!text) return base::err(text.error());
  const bool unfinished = path.extension() == vault_unfinished_extension;
  return unfinished ? parse_unfinished_vault_file(std::move(*text), *hash)
                    : parse_vault_file(std::move(*text), *hash);
}

// What of the record does not fit the block; empty: all does.
std::string record_flaw(const BlockCandidateRecord& record, const bitcoin::Block& block) {
  const bitcoin::Transaction& coinbase = block.transactions.front();
  if (record.header != block.header.serialize()) return "its record has another header";
  if (record.coinbase != coinbase.serialize_legacy()) return "its record has another coinbase";
  if (record.height != bitcoin::coinbase_height(coinbase)) {
    return fmt::format("its record says height {}, its coinbase does not", record.height);
  }
  if (const bitcoin::Sats paid = bitcoin::output_sum(coinbase); record.reward != paid) {
    return fmt::format("its record says {} sats, its coinbase pays {}", record.reward.value,
                       paid.value);
  }
  const bitcoin::Hash256 leaf{coinbase.txid().bytes};
  if (bitcoin::fold_merkle_branch(leaf, record.merkle_branch) != block.header.merkle_root) {
    return "its record's merkle branch leads to another root";
  }
  return {};
}

bool verify_file(const fs::path& path, const std::string& part, const VerifyReport& report) {
  const auto file = read_vault_file(path);
  const auto told = file ? judge_vaulted_block(*file)
                         : base::Result<std::string, std::string>(base::err(file.error()));
  if (told) {
    report({true, part, fmt::format("{}  {}", path.string(), *told)});
  } else {
    report({false, part, fmt::format("{}: {}", path.string(), told.error())});
  }
  return told.has_value();
}

struct Folder {
  std::string path;
  std::string part;
};

// The files of one of the vault's folders, by name; false when it can't be read.
bool list_files(const std::string& folder, std::vector<fs::path>& files,
                const VerifyReport& report) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (!it->is_directory(ignored)) files.push_back(it->path());
  }
  std::sort(files.begin(), files.end());
  if (error)
    report({false, "vault", fmt::format("{}: can't read it: {}", folder, error.message())});
  return !error;
}

void print(const VerifyLine& line) {
  std::printf("%s\n", format_verify_line(line).c_str());
  std::fflush(stdout);
}

}  // namespace

base::Result<std::string, std::string> judge_vaulted_block(const VaultFile& file) {
  if (!file.why_no_record.empty()) return base::err(file.why_no_record);
  const auto bytes = base::from_hex(*file.block.hex);
  if (!bytes) return base::err(std::string("it is not a block in hex"));
  const auto block = bitcoin::parse_block(*bytes);
  if (!block) return base::err(std::string(describe_error(block.error())));
  std::string flaws;
  for (const bitcoin::BlockFlaw flaw : bitcoin::find_flaws(*block)) {
    flaws += (flaws.empty() ? "" : "; ") + std::string(bitcoin::describe(flaw));
  }
  if (!flaws.empty()) return base::err(flaws);
  const auto& record = file.block.candidate;
  if (record) {
    if (std::string flaw = record_flaw(*record, *block); !flaw.empty()) return base::err(flaw);
  }
  const bitcoin::Transaction& coinbase = block->transactions.front();
  const std::string who =
      record ? fmt::format("found by {}{}{}", record->address,
                           record->worker_name.empty() ? "" : ".", record->worker_name)
             : std::string("without a record of who found it");
  return fmt::format("height {}, {} transactions, weight {}, pays {} sats, {}",
                     bitcoin::coinbase_height(coinbase).value_or(0), block->transactions.size(),
                     block->weight(), bitcoin::output_sum(coinbase).value, who);
}

bool verify_block_files(const std::vector<std::string>& paths, const VerifyReport& report) {
  bool all = true;
  for (const std::string& path : paths) all = verify_file(path, "block", report) && all;
  return all;
}

bool verify_vault(const std::string& data_dir, const VerifyReport& report) {
  const std::string vault = data_dir + "/vault";
  const Folder folders[] = {
      {vault, "unsettled"}, {vault + "/done", "done"}, {vault + "/rejected", "rejected"}};
  bool all = true;
  std::string counts;
  for (const Folder& folder : folders) {
    std::vector<fs::path> files;
    all = list_files(folder.path, files, report) && all;
    for (const fs::path& file : files) all = verify_file(file, folder.part, report) && all;
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", files.size(), folder.part);
  }
  report({all, "vault", fmt::format("{}: {}", vault, counts)});
  return all;
}

base::Result<void, std::string> export_block(const std::string& path, const std::string& out) {
  const auto file = read_vault_file(path);
  if (!file) return base::err(fmt::format("{}: {}", path, file.error()));
  std::ofstream to(out, std::ios::binary | std::ios::trunc);
  to << *file->block.hex << '\n';
  to.close();
  if (!to) return base::err(fmt::format("can't write {}", out));
  return {};
}

std::string format_verify_line(const VerifyLine& line) {
  return fmt::format("{:<4}  {:<{}}  {}", line.ok ? "ok" : "FAIL", line.part, part_width,
                     line.text);
}

int verify_block_command(const std::vector<std::string>& paths, const std::string& out) {
  const bool all = verify_block_files(paths, print);
  if (out.empty()) return all ? 0 : 1;
  if (const auto written = export_block(paths.front(), out); !written) {
    std::fprintf(stderr, "phasepool: %s\n", written.error().c_str());
    return 1;
  }
  return all ? 0 : 1;
}

int verify_vault_command(const std::string& data_dir) {
  return verify_vault(data_dir, print) ? 0 : 1;
}

}  // namespace pool
