#include "pool/tools/payout_inputs.h"

#include <rapidjson/document.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/stringbuffer.h>

namespace pool {
namespace {

using Writer = rapidjson::PrettyWriter<rapidjson::StringBuffer>;

constexpr const char* format_name = "phasepool payout inputs 1";

void write_text(Writer& json, const char* key, const std::string& text) {
  json.Key(key);
  json.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_run(Writer& json, const ExportedRun& run) {
  json.StartObject();
  json.Key("id");
  json.Int64(run.id);
  write_text(json, "state", run.state);
  write_text(json, "digest", run.digest);
  write_text(json, "text", run.text);
  write_text(json, "header", run.header);
  write_text(json, "coinbase", run.coinbase);
  json.Key("merkle_branch");
  json.StartArray();
  for (const std::string& hash : run.merkle_branch) json.String(hash.c_str());
  json.EndArray();
  json.Key("credited_before");
  json.StartArray();
  for (const ExportedCredit& credit : run.credits) {
    json.StartObject();
    json.Key("height");
    json.Uint(credit.height);
    write_text(json, "address", credit.address);
    write_text(json, "work", credit.before_work);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

void write_journal(Writer& json, const ExportedJournal& journal) {
  json.StartObject();
  json.Key("number");
  json.Int64(journal.number);
  write_text(json, "uuid", journal.uuid);
  json.Key("segments");
  json.StartArray();
  for (const ExportedSegment& segment : journal.closed) {
    json.StartObject();
    json.Key("segment");
    json.Uint64(segment.segment);
    json.Key("first_sequence");
    json.Uint64(segment.first_sequence);
    json.Key("last_sequence");
    json.Uint64(segment.last_sequence);
    json.Key("bytes");
    json.Uint64(segment.bytes);
    write_text(json, "sha256", segment.sha256);
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

// Takes members out of objects. After the first that is not there or of another type, ok() is false
// and everything reads as empty: callers check once, at the end.
class Reader {
 public:
  using Value = rapidjson::Value;

  const Value& member(const Value& object, const char* key) {
    static const Value nothing;
    if (!object.IsObject() || !object.HasMember(key)) return fail(nothing);
    return object[key];
  }
  std::string text(const Value& object, const char* key) {
    const Value& value = member(object, key);
    if (!value.IsString()) return fail(std::string());
    return {value.GetString(), value.GetStringLength()};
  }
  std::uint64_t number(const Value& object, const char* key) {
    const Value& value = member(object, key);
    return value.IsUint64() ? value.GetUint64() : fail(std::uint64_t{0});
  }
  template <class Each>
  void each(const Value& object, const char* key, Each each) {
    const Value& list = member(object, key);
    if (!list.IsArray()) {
      ok_ = false;
      return;
    }
    for (const Value& item : list.GetArray()) each(item);
  }
  bool ok() const { return ok_; }

 private:
  template <class Result>
  Result fail(Result result) {
    ok_ = false;
    return result;
  }
  const Value& fail(const Value& result) {
    ok_ = false;
    return result;
  }

  bool ok_ = true;
};

ExportedRun read_run(Reader& in, const rapidjson::Value& json) {
  ExportedRun run;
  run.id = static_cast<std::int64_t>(in.number(json, "id"));
  run.state = in.text(json, "state");
  run.digest = in.text(json, "digest");
  run.text = in.text(json, "text");
  run.header = in.text(json, "header");
  run.coinbase = in.text(json, "coinbase");
  in.each(json, "merkle_branch", [&](const rapidjson::Value& hash) {
    run.merkle_branch.emplace_back(hash.IsString() ? hash.GetString() : "");
  });
  in.each(json, "credited_before", [&](const rapidjson::Value& credit) {
    run.credits.push_back({static_cast<std::uint32_t>(in.number(credit, "height")),
                           in.text(credit, "address"), in.text(credit, "work")});
  });
  return run;
}

ExportedJournal read_journal(Reader& in, const rapidjson::Value& json) {
  ExportedJournal journal;
  journal.number = static_cast<std::int64_t>(in.number(json, "number"));
  journal.uuid = in.text(json, "uuid");
  in.each(json, "segments", [&](const rapidjson::Value& segment) {
    journal.closed.push_back({in.number(segment, "segment"), in.number(segment, "first_sequence"),
                              in.number(segment, "last_sequence"), in.number(segment, "bytes"),
                              in.text(segment, "sha256")});
  });
  return journal;
}

}  // namespace

std::string write_payout_inputs(const PayoutExport& inputs) {
  rapidjson::StringBuffer buffer;
  Writer json(buffer);
  json.SetIndent(' ', 1);
  json.StartObject();
  write_text(json, "format", format_name);
  json.Key("journals");
  json.StartArray();
  for (const ExportedJournal& journal : inputs.journals) write_journal(json, journal);
  json.EndArray();
  json.Key("runs");
  json.StartArray();
  for (const ExportedRun& run : inputs.runs) write_run(json, run);
  json.EndArray();
  json.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

base::Result<PayoutExport, std::string> parse_payout_inputs(std::string_view json) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  if (document.HasParseError()) return base::err(std::string("it is not JSON"));
  Reader in;
  if (in.text(document, "format") != format_name) {
    return base::err(std::string("its format is not \"") + format_name + "\"");
  }
  PayoutExport inputs;
  in.each(document, "journals",
          [&](const rapidjson::Value& each) { inputs.journals.push_back(read_journal(in, each)); });
  in.each(document, "runs",
          [&](const rapidjson::Value& each) { inputs.runs.push_back(read_run(in, each)); });
  if (!in.ok()) return base::err(std::string("a key is missing, or has another type"));
  return inputs;
}

}  // namespace pool
