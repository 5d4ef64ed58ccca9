#include "pool/core/vault_file.h"

#include "common/bitcoin/block.h"
#include "common/bitcoin/block_check.h"
#include "common/bitcoin/header.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace pool {

namespace {

std::optional<BlockCandidateRecord> read_record_line(std::string_view line) {
  const auto bytes = base::from_hex(line);
  if (!bytes) return std::nullopt;
  auto frame = parse_frame(*bytes);
  if (!frame || frame->bytes != bytes->size()) return std::nullopt;
  auto* candidate = std::get_if<BlockCandidateRecord>(&frame->record);
  if (candidate == nullptr) return std::nullopt;
  return std::move(*candidate);
}

}  // namespace

std::string vault_file_name(const bitcoin::BlockHash& hash) {
  return hash.display_hex() + std::string(vault_extension);
}

std::optional<bitcoin::BlockHash> parse_vault_file_name(std::string_view name) {
  const auto drop = [&](std::string_view end) {
    const bool ends = name.size() > end.size() && name.substr(name.size() - end.size()) == end;
    if (ends) name.remove_suffix(end.size());
    return ends;
  };
  drop(vault_unfinished_extension);
  if (!drop(vault_extension)) return std::nullopt;
  const auto hash = bitcoin::BlockHash::from_display_hex(name);
  return hash ? std::optional(*hash) : std::nullopt;
}

std::string vault_file_rest(const std::optional<BlockCandidateRecord>& candidate) {
  if (!candidate) return "\n";
  base::Bytes payload;
  append_payload(payload, *candidate);
  base::Bytes frame;
  append_frames(frame, payload, 1);
  return "\n" + base::to_hex(frame) + "\n";
}

base::Result<VaultFile, std::string> parse_vault_file(std::string text,
                                                      const bitcoin::BlockHash& hash) {
  const auto bad = [](const char* why) { return base::err(std::string(why)); };
  if (text.empty()) return bad("it is empty");
  if (text.back() != '\n') return bad("it does not end with a newline, so it was cut off");
  text.pop_back();
  VaultFile file;
  if (const std::size_t end = text.find('\n'); end != std::string::npos) {
    file.block.candidate = read_record_line(std::string_view(text).substr(end + 1));
    if (file.block.candidate && file.block.candidate->hash != hash) file.block.candidate.reset();
    if (!file.block.candidate) file.why_no_record = "its second line is not the block's record";
    text.resize(end);
  }
  const auto bytes = base::from_hex(text);
  bitcoin::HeaderBytes header{};
  if (!bytes || bytes->size() <= header.size()) return bad("it is not a block in hex");
  std::copy_n(bytes->begin(), header.size(), header.begin());
  if (bitcoin::hash_header(header) != hash) return bad("its header has another hash than its name");
  file.block.hash = hash;
  file.block.hex = std::make_shared<const std::string>(std::move(text));
  return file;
}

base::Result<VaultFile, std::string> parse_unfinished_vault_file(std::string text,
                                                                 const bitcoin::BlockHash& hash) {
  text.resize(text.rfind('\n') + 1);  // npos + 1 is 0
  auto file = parse_vault_file(std::move(text), hash);
  if (!file) return file;
  const auto bytes = base::from_hex(*file->block.hex);
  const auto block = bitcoin::parse_block(*bytes);
  if (!block || !has_its_transactions(*block)) {
    return base::err(std::string("its transactions are not those of its header"));
  }
  return file;
}

}  // namespace pool
