#include "pool/http/money_tables.h"

#include "pool/http/json_members.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace pool {
namespace {

using rapidjson::Value;

bool is_decimal(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool read_text(const Value& object, const char* name, std::string& out) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsString()) return false;
  out.assign(found->value.GetString(), found->value.GetStringLength());
  return true;
}

bool read_integer(const Value& object, const char* name, std::int64_t& out) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsInt64()) return false;
  out = found->value.GetInt64();
  return true;
}

bool read_row(const Value& item, PreviewTable::Row& row) {
  const std::array<std::string*, 8> fields{&row.address,   &row.pplns_sats, &row.pplns_work,
                                           &row.prop_sats, &row.prop_work,  &row.pps_sats,
                                           &row.pps_work,  &row.solo_sats};
  if (!item.IsArray() || item.Size() != fields.size()) return false;
  for (rapidjson::SizeType i = 0; i < item.Size(); ++i) {
    if (!item[i].IsString()) return false;
    fields[i]->assign(item[i].GetString(), item[i].GetStringLength());
    if (i > 0 && !is_decimal(*fields[i])) return false;
  }
  return true;
}

// A number as the text has it, whatever its length.
void write_number(JsonWriter& writer, std::string_view name, std::string_view digits) {
  writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  writer.RawValue(digits.data(), digits.size(), rapidjson::kNumberType);
}

void write_head(Members& json, const PreviewTable& table) {
  json.integer("time_us", table.time_us);
  json.text("scheme", table.scheme);
  json.integer("height", table.height);
  json.integer("reward_sats", table.reward_sats);
  json.integer("fee_ppm", table.fee_ppm);
  json.integer("coherence_ppm", table.coherence_ppm);
  json.text("network_work", table.network_work);
}

}  // namespace

const PreviewTable::Row* PreviewTable::find(std::string_view address) const {
  const auto found = places.find(address);
  return found == places.end() ? nullptr : &rows[found->second];
}

std::shared_ptr<const PreviewTable> parse_preview(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) return nullptr;
  auto table = std::make_shared<PreviewTable>();
  const bool has_head = read_integer(document, "time_us", table->time_us) &&
                        read_text(document, "scheme", table->scheme) &&
                        read_integer(document, "height", table->height) &&
                        read_integer(document, "reward_sats", table->reward_sats) &&
                        read_integer(document, "fee_ppm", table->fee_ppm) &&
                        read_integer(document, "coherence_ppm", table->coherence_ppm) &&
                        read_text(document, "network_work", table->network_work) &&
                        read_text(document, "pplns_work", table->pplns_work) &&
                        read_text(document, "prop_work", table->prop_work);
  const auto rows = document.FindMember("rows");
  if (!has_head || rows == document.MemberEnd() || !rows->value.IsArray()) return nullptr;
  table->rows.reserve(rows->value.Size());
  for (const Value& item : rows->value.GetArray()) {
    PreviewTable::Row row;
    if (!read_row(item, row)) return nullptr;
    table->rows.push_back(std::move(row));
  }
  for (std::size_t i = 0; i < table->rows.size(); ++i)
    table->places.emplace(table->rows[i].address, i);
  return table;
}

std::string preview_json(const PreviewTable& table, std::size_t page, std::size_t per_page) {
  const std::size_t first = std::min(table.rows.size(), (page - 1) * per_page);
  const std::size_t last = std::min(table.rows.size(), first + per_page);
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  write_head(json, table);
  json.text("pplns_work", table.pplns_work);
  json.text("prop_work", table.prop_work);
  json.count("page", page);
  json.count("per_page", per_page);
  json.count("total", table.rows.size());
  if (last < table.rows.size()) {
    json.count("next", page + 1);
  } else {
    json.null("next");
  }
  writer.Key("miners");
  writer.StartArray();
  for (std::size_t i = first; i < last; ++i) {
    const PreviewTable::Row& row = table.rows[i];
    writer.StartObject();
    json.text("address", row.address);
    write_number(writer, "pplns_sats", row.pplns_sats);
    json.text("pplns_work", row.pplns_work);
    write_number(writer, "prop_sats", row.prop_sats);
    json.text("prop_work", row.prop_work);
    write_number(writer, "pps_sats", row.pps_sats);
    json.text("pps_work", row.pps_work);
    write_number(writer, "solo_sats", row.solo_sats);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::string preview_json(const PreviewTable& table, const PreviewTable::Row& row) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  Members json(writer);
  writer.StartObject();
  write_head(json, table);
  json.object("pplns", [&] {
    write_number(writer, "sats", row.pplns_sats);
    json.text("work", row.pplns_work);
    json.text("total_work", table.pplns_work);
  });
  json.object("prop", [&] {
    write_number(writer, "sats", row.prop_sats);
    json.text("work", row.prop_work);
    json.text("total_work", table.prop_work);
  });
  json.object("pps", [&] {
    write_number(writer, "sats", row.pps_sats);
    json.text("work", row.pps_work);
  });
  json.object("solo", [&] { write_number(writer, "sats", row.solo_sats); });
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

std::shared_ptr<const PreviewTable> PreviewBook::table_of(
    const std::shared_ptr<const std::string>& json) {
  if (json == nullptr) return nullptr;
  if (json != json_) {
    json_ = json;
    table_ = parse_preview(*json);
  }
  return table_;
}

std::optional<std::int64_t> ExpectedParts::find(const std::string& hash,
                                                const std::shared_ptr<const std::string>& json,
                                                const std::string& address) {
  if (json == nullptr) return std::nullopt;
  auto block = std::find_if(blocks_.begin(), blocks_.end(),
                            [&](const Block& known) { return known.hash == hash; });
  if (block == blocks_.end()) {
    if (blocks_.size() >= blocks_max) blocks_.pop_back();
    blocks_.push_front({hash, nullptr, false, {}});
  } else {
    blocks_.splice(blocks_.begin(), blocks_, block);
  }
  block = blocks_.begin();
  if (block->json != json) {
    block->json = json;
    block->sats.clear();
    rapidjson::Document document;
    document.Parse<rapidjson::kParseIterativeFlag>(json->data(), json->size());
    block->is_valid = !document.HasParseError() && document.IsArray();
    for (rapidjson::SizeType i = 0; block->is_valid && i < document.Size(); ++i) {
      const Value& row = document[i];
      std::int64_t sats = 0;
      block->is_valid = row.IsArray() && row.Size() == 2 && row[0].IsString() && row[1].IsString();
      if (!block->is_valid) break;
      const std::string_view digits(row[1].GetString(), row[1].GetStringLength());
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), sats);
      block->is_valid = error == std::errc() && end == digits.data() + digits.size();
      block->sats.emplace(std::string(row[0].GetString(), row[0].GetStringLength()), sats);
    }
  }
  if (!block->is_valid) return std::nullopt;
  const auto found = block->sats.find(address);
  return found == block->sats.end() ? 0 : found->second;
}

}  // namespace pool
