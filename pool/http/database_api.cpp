#include "pool/http/database_api.h"

#include "common/base/bytes.h"
#include "common/bitcoin/target.h"
#include "pool/http/ckpool.h"
#include "pool/http/json_members.h"
#include "pool/http/live_json.h"
#include "pool/http/responses.h"

#include <rapidjson/document.h>

#include <array>
#include <utility>

namespace pool {
namespace {

using rapidjson::Document;
using rapidjson::Value;

constexpr std::int64_t id_max = INT64_MAX;
constexpr std::int64_t page_max = 10'000;
constexpr std::int64_t list_max = 200;
constexpr std::size_t worker_name_bytes_max = 256;
constexpr std::size_t tags_bytes_max = 256;
// The first is the default.
constexpr std::array<std::string_view, 5> spans{"1d", "6h", "7d", "30d", "1y"};
constexpr std::int64_t ranking_max = 10'000;  // miners that the ranking is told of
// Parts of list_max, so that a page is within one; the first is the default.
constexpr std::array<std::string_view, 12> page_sizes{"50", "1",  "2",  "4",  "5",   "8",
                                                      "10", "20", "25", "40", "100", "200"};
constexpr std::array<std::string_view, 5> severities{"info", "low", "medium", "high", "critical"};

// Who is connected changes sooner than what the database has.
constexpr std::string_view live_cache_control = "public, max-age=1";

// What the database makes is well-formed; what it is not is handed on as it is. In full precision,
// so that numbers come out as they went in.
bool parse(Document& document, const std::string& json) {
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseFullPrecisionFlag>(json.data(),
                                                                                      json.size());
  return !document.HasParseError() && document.IsObject();
}

std::string write(const Document& document) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  document.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

Value text_value(std::string_view text, Document& document) {
  return Value(text.data(), static_cast<rapidjson::SizeType>(text.size()), document.GetAllocator());
}

std::string_view text_of(const Value& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsString()) return {};
  return {found->value.GetString(), found->value.GetStringLength()};
}

// Of a request that waits; what is longer than our own tags are is none of them.
net::HttpHeaders kept_headers(const net::HttpHeaders& request_headers) {
  const std::string_view tags = net::header_value(request_headers, "if-none-match");
  if (tags.size() > tags_bytes_max) return {};
  return {{"if-none-match", std::string(tags)}};
}

// A page out of the part of the ranking that it is in.
std::string ranking_page(const std::string& part, std::int64_t page, std::int64_t per_page) {
  Document document;
  if (!parse(document, part)) return part;
  const auto miners = document.FindMember("miners");
  const auto total = document.FindMember("total");
  if (miners == document.MemberEnd() || !miners->value.IsArray() || total == document.MemberEnd() ||
      !total->value.IsInt64()) {
    return part;
  }
  const std::int64_t known = std::min(total->value.GetInt64(), ranking_max);
  auto& rows = miners->value;
  const auto skipped = static_cast<rapidjson::SizeType>((page - 1) * per_page % list_max);
  const auto size = static_cast<rapidjson::SizeType>(per_page);
  Value shown(rapidjson::kArrayType);
  for (rapidjson::SizeType i = skipped; i < rows.Size() && i < skipped + size; ++i)
    shown.PushBack(rows[i], document.GetAllocator());
  rows = std::move(shown);
  document["page"] = Value(page);
  document["per_page"] = Value(per_page);
  document["next"] = page * per_page < known ? Value(page + 1) : Value();
  return write(document);
}

// As long as the answer is fresh here, nobody else need ask either.
std::string cache_control(StatsQuery::What what) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(kept_for(what)).count();
  return "public, max-age=" + std::to_string(seconds);
}

// What a node said, where that does not tell where it is; and which one, by its public name.
void hide_node(Value& answer, Document& document,
               const std::function<std::string(std::string_view)>& node_name) {
  const auto node = answer.FindMember("node");
  const auto detail = answer.FindMember("detail");
  if (node == answer.MemberEnd() || detail == answer.MemberEnd()) return;
  const std::string name(text_of(answer, "node"));
  const std::string_view said = text_of(answer, "detail");
  const bool is_nodes_word =
      text_of(answer, "answer") != "unreachable" && said.find(name) == std::string_view::npos;
  if (!is_nodes_word || said.empty()) detail->value.SetNull();
  node->value = text_value(node_name(name), document);
}

}  // namespace

net::HttpResponse database_error(DatabaseAnswer::Kind kind, std::string_view missing,
                                 const std::string& note) {
  constexpr std::string_view meanwhile = "mining goes on; try again in a moment";
  const std::string end = note.empty() ? "" : "; " + note;
  if (kind == DatabaseAnswer::Kind::nothing) {
    return error_response(404, "not_found", std::string(missing) + end,
                          "what there is: /api/v1/miners, /api/v1/blocks, /api/v1/payouts");
  }
  net::HttpResponse out =
      kind == DatabaseAnswer::Kind::busy
          ? error_response(503, "database_busy", "the database has too much to do" + end, meanwhile)
          : error_response(503, "database_away", "the database could not answer" + end, meanwhile);
  out.headers.emplace_back("retry-after", "5");
  return out;
}

DatabaseApi::DatabaseApi(QueryCache& queries, DatabaseApiSources sources)
    : queries_(queries), sources_(std::move(sources)) {}

void DatabaseApi::add_to(Router& router) {
  add(router, "/api/v1/history",
      [](Parameters& p) {
        return Question{What::history, {p.choice("span", spans)}};
      },
      {});
  add(router, "/api/v1/events",
      [](Parameters& p) {
        return Question{What::events,
                        {p.integer_or_none("before", 0, id_max),
                         p.integer("limit", 50, 1, list_max), p.choice("severity", severities)}};
      },
      {});
  add_miners(router);
  add_live_miners(router);
  add_blocks(router);
  add_payouts(router);
  add_chain(router);
}

void DatabaseApi::add(Router& router, std::string_view pattern, Ask ask, Form form) {
  router.get_later(pattern, [this, ask = std::move(ask), form = std::move(form)](
                                const RoutedRequest& request, const Responder& responder) {
    Parameters parameters(request);
    Question question = ask(parameters);
    if (parameters.error()) return responder.answer(*parameters.error());
    const Asked asked{question, kept_headers(request.http.headers), responder};
    queries_.ask(question.what, std::move(question.arguments), sources_.now(),
                 [this, form, asked](const DatabaseAnswer& given) {
                   if (asked.responder.is_answered()) return;
                   if (!form.add_live) return answer(form, asked, given);
                   ask_live(asked.question.arguments.front().value_or(""), given.json,
                            [this, form, asked, given](const LiveWorkers& live) {
                              if (asked.responder.is_answered()) return;
                              answer_with_live(form, asked, given, live);
                            });
                 });
  });
}

void DatabaseApi::answer(const Form& form, const Asked& asked, const DatabaseAnswer& given) {
  if (given.kind != DatabaseAnswer::Kind::found)
    return asked.responder.answer(database_error(given.kind, form.missing));
  Converted& converted = *form.converted;
  if (form.convert && converted.from != given.json)
    converted = {given.json, form.convert(*given.json)};
  net::HttpResponse out = tagged_response(asked.headers, json_type,
                                          (form.convert ? converted.text : *given.json) + "\n",
                                          cache_control(asked.question.what));
  if (!form.file.empty()) {
    out.headers.emplace_back("content-disposition",
                             "attachment; filename=\"" + std::string(form.file) + "\"");
  }
  asked.responder.answer(std::move(out));
}

// Also of who has had no share yet, or while the database is away, it is known whether they are
// connected.
void DatabaseApi::answer_with_live(const Form& form, const Asked& asked,
                                   const DatabaseAnswer& given, const LiveWorkers& live) {
  const bool is_new = given.kind == DatabaseAnswer::Kind::nothing && form.before_first_share &&
                      live.complete && live.connected > 0;
  if (given.kind != DatabaseAnswer::Kind::found && !is_new) {
    return asked.responder.answer(database_error(given.kind, form.missing, connected_note(live)));
  }
  const std::string json = is_new ? form.before_first_share(asked.question) : *given.json;
  asked.responder.answer(tagged_response(asked.headers, json_type, form.add_live(json, live) + "\n",
                                         live_cache_control));
}

void DatabaseApi::ask_live(const std::string& address,
                           const std::shared_ptr<const std::string>& json, LiveBook::Done done) {
  if (!sources_.live) return done({});
  LiveWanted wanted{address, {}};
  Document document;
  if (json && parse(document, *json)) wanted.names = worker_names(document);
  sources_.live(std::move(wanted), std::move(done));
}

void DatabaseApi::add_miners(Router& router) {
  const bitcoin::Network network = sources_.network;
  add_ranking(router);
  add(router, "/api/v1/miners/{address}/history",
      [network](Parameters& p) {
        return Question{What::miner_history,
                        {p.address_segment(0, network), p.text("worker", worker_name_bytes_max),
                         p.choice("span", spans)}};
      },
      {"no share was ever accepted for this address and worker"});
}

// Pages are cut out of parts of the ranking, which are the same for all page sizes: there are few
// of these, however many pages are asked for, and each costs the database as much as the whole.
void DatabaseApi::add_ranking(Router& router) {
  router.get_later("/api/v1/miners", [this](const RoutedRequest& request,
                                            const Responder& responder) {
    Parameters parameters(request);
    const std::string size = parameters.choice("per_page", page_sizes);
    const std::int64_t per_page = parameters.error() ? list_max : std::stoll(size);
    const std::int64_t page = std::stoll(parameters.integer("page", 1, 1, ranking_max / per_page));
    if (parameters.error()) return responder.answer(*parameters.error());
    const std::int64_t first = (page - 1) * per_page;
    queries_.ask(What::miners, {std::to_string(first / list_max + 1), std::to_string(list_max)},
                 sources_.now(),
                 [responder, page, per_page,
                  headers = kept_headers(request.http.headers)](const DatabaseAnswer& given) {
                   if (responder.is_answered()) return;
                   if (given.kind != DatabaseAnswer::Kind::found)
                     return responder.answer(database_error(given.kind, "there is no ranking"));
                   responder.answer(tagged_response(
                       headers, json_type, ranking_page(*given.json, page, per_page) + "\n",
                       cache_control(What::miners)));
                 });
  });
}

// Those that also tell who is connected.
void DatabaseApi::add_live_miners(Router& router) {
  const bitcoin::Network network = sources_.network;
  const auto with_live = [](AddLive add_live,
                            std::function<std::string(const Question&)> before_first_share = {}) {
    return Form{"no share was ever accepted for this address",
                {},
                {},
                std::move(add_live),
                std::move(before_first_share)};
  };
  add(
      router, "/api/v1/miners/{address}",
      [network](Parameters& p) {
        return Question{What::miner, {p.address_segment(0, network)}};
      },
      with_live(
          [this](const std::string& json, const LiveWorkers& live) { return miner_of(json, live); },
          [this](const Question& q) { return new_miner_json(*q.arguments.at(0), now_us()); }));
  add(
      router, "/users/{address}",
      [network](Parameters& p) {
        return Question{What::ckpool_user, {p.address_segment(0, network)}};
      },
      with_live([this](const std::string& json, const LiveWorkers& live) {
        const auto connected = live.complete ? std::optional(live.connected) : std::nullopt;
        return ckpool_user(json, sources_.now_seconds(), connected).value_or("{}");
      }));
  add(
      router, "/api/v1/workers",
      [network](Parameters& p) {
        return Question{What::workers,
                        {p.address("address", network), p.integer("page", 1, 1, page_max),
                         p.integer("per_page", 100, 1, list_max)}};
      },
      with_live(
          [](const std::string& json, const LiveWorkers& live) {
            Document document;
            if (!parse(document, json)) return json;
            pool::add_live(document, live);
            return write(document);
          },
          [this](const Question& q) {
            return new_workers_json(*q.arguments.at(0), *q.arguments.at(1), *q.arguments.at(2),
                                    now_us());
          }));
}

void DatabaseApi::add_blocks(Router& router) {
  const Form with_nodes{"the pool has found no such block",
                        [this](const std::string& json) { return with_node_names(json); }};
  add(
      router, "/api/v1/blocks",
      [](Parameters& p) {
        return Question{
            What::block_list,
            {p.integer_or_none("before", 0, id_max), p.integer("limit", 50, 1, list_max)}};
      },
      with_nodes);
  add(
      router, "/api/v1/blocks/{hash}",
      [](Parameters& p) {
        return Question{What::block, {p.hash_segment(0)}};
      },
      with_nodes);
  add(router, "/api/v1/blocks/{hash}/proof",
      [](Parameters& p) {
        return Question{What::block_proof, {p.hash_segment(0)}};
      },
      {with_nodes.missing, [this](const std::string& json) { return proof_of(json); },
       "block-proof.json"});
}

void DatabaseApi::add_payouts(Router& router) {
  add(router, "/api/v1/payouts",
      [](Parameters& p) {
        return Question{
            What::payouts,
            {p.integer_or_none("before", 0, id_max), p.integer("limit", 50, 1, list_max)}};
      },
      {});
  add_preview(router);
  add(router, "/api/v1/payouts/{run}",
      [](Parameters& p) {
        return Question{What::payout,
                        {p.integer_segment(0, "run", 1, id_max), p.integer("page", 1, 1, page_max),
                         p.integer("per_page", 100, 1, list_max)}};
      },
      {"there is no such payout run"});
}

// One answer for all pages: the last one is shown while another is computed.
void DatabaseApi::add_preview(Router& router) {
  router.get_later("/api/v1/payouts/preview", [this](const RoutedRequest& request,
                                                     const Responder& responder) {
    Parameters parameters(request);
    const std::size_t page = std::stoul(parameters.integer("page", 1, 1, page_max));
    const std::size_t per_page = std::stoul(parameters.integer("per_page", 50, 1, list_max));
    if (parameters.error()) return responder.answer(*parameters.error());
    const auto done = [this, responder, page, per_page,
                       headers = kept_headers(request.http.headers)](const DatabaseAnswer& given) {
      if (responder.is_answered()) return;
      const auto table = previews_.table_of(given.json);
      if (table == nullptr) {
        net::HttpResponse out =
            database_error(given.kind, "nobody has worked, or what that is worth is not known yet");
        return responder.answer(std::move(out));
      }
      responder.answer(tagged_response(headers, json_type,
                                       preview_json(*table, page, per_page) + "\n",
                                       cache_control(What::preview)));
    };
    const auto last = queries_.last(What::preview, {}, sources_.now());
    if (last && last->kind == DatabaseAnswer::Kind::found) return done(*last);
    queries_.ask(What::preview, {}, sources_.now(), done);
  });
}

void DatabaseApi::add_chain(Router& router) {
  add(router, "/api/v1/coherence/chain",
      [](Parameters& p) {
        return Question{
            What::chain,
            {p.integer_or_none("before", 0, INT32_MAX), p.integer("limit", 50, 1, list_max)}};
      },
      {});
  add(router, "/api/v1/coherence/epochs",
      [](Parameters& p) {
        return Question{What::epochs, {p.integer("limit", 40, 1, list_max)}};
      },
      {"no proof chain was begun"});
  add(router, "/api/v1/coherence/blocks/{height}",
      [](Parameters& p) {
        return Question{What::chain_block, {p.integer_segment(0, "height", 0, INT32_MAX)}};
      },
      {"the proof chain has no block of this height"});
}

// ---------------------------------------------------------------- what the database does not know

std::string DatabaseApi::with_node_names(const std::string& json) const {
  Document document;
  if (!parse(document, json)) return json;
  const auto hide_in = [&](Value& block) {
    const auto answers = block.FindMember("submissions");
    if (answers == block.MemberEnd() || !answers->value.IsArray()) return;
    for (Value& answer : answers->value.GetArray()) hide_node(answer, document, sources_.node_name);
  };
  const auto blocks = document.FindMember("blocks");
  if (blocks == document.MemberEnd()) {
    hide_in(document);
  } else {
    for (Value& block : blocks->value.GetArray()) hide_in(block);
  }
  return write(document);
}

std::string DatabaseApi::proof_of(const std::string& json) const {
  Document document;
  if (!parse(document, json)) return json;
  document.AddMember("network", text_value(bitcoin::network_name(sources_.network), document),
                     document.GetAllocator());
  const auto header = base::from_hex(text_of(document, "header"));
  if (header && header->size() == 80) {
    const auto target =
        bitcoin::Target256::from_compact(base::read_le32(base::ByteSpan(*header).subspan(72, 4)));
    if (target)
      document.AddMember("target", text_value(target->display_hex(), document),
                         document.GetAllocator());
  }
  return write(document);
}

// Beside the ledger's figures: what the miner would get for blocks that are not divided yet, and if
// one were found now. Both are computed for everybody at once, in the background; null until then.
std::string DatabaseApi::miner_of(const std::string& json, const LiveWorkers& live) {
  Document document;
  if (!parse(document, json)) return json;
  add_live(document, live);
  const base::MonoTime now = sources_.now();
  const std::string address(text_of(document, "address"));
  std::int64_t sum = 0;
  std::size_t known = 0;
  const auto pending = document.FindMember("pending");
  const auto sats_of = [&](Value& block) {
    const std::string hash(text_of(block, "hash"));
    const auto parts = queries_.last(What::expected_parts, {hash}, now);
    const auto sats = parts ? expected_.find(hash, parts->json, address) : std::nullopt;
    if (!sats) return;
    block["sats"] = Value(*sats);
    sum += *sats;
    ++known;
  };
  if (pending != document.MemberEnd() && pending->value.IsArray()) {
    for (Value& block : pending->value.GetArray()) sats_of(block);
    if (known > 0 || pending->value.Empty()) document["pending_sats"] = Value(sum);
  }
  const auto preview = queries_.last(What::preview, {}, now);
  const auto table = preview ? previews_.table_of(preview->json) : nullptr;
  const PreviewTable::Row* row = table == nullptr ? nullptr : table->find(address);
  if (row == nullptr) return write(document);
  // As text, so that no number of it goes through a double.
  const auto place = document.FindMember("if_block_now");
  if (place == document.MemberEnd()) return write(document);
  document.RemoveMember(place);
  std::string out = write(document);
  out.insert(out.size() - 1, ",\"if_block_now\":" + preview_json(*table, *row));
  return out;
}

}  // namespace pool
