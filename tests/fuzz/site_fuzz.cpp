// Web requests from their bytes to their answers: parser, router, endpoints and pages. Whatever a
// browser's user is talked into sending, the answer is one of those that there are.
//
// Holds for each request: exactly one answer, at once; a status that the API knows; the headers
// that keep a browser from doing more than the page needs, none of them with a line's end in it;
// the type that was said: JSON that parses, an error with code, message and hint; no body for HEAD
// or where it says 304; nothing of the request as markup in a page. What is asked of the database
// for it is a short text that PostgreSQL takes. Where only TLS is served, it is sent nowhere but to
// its own host.
#include "common/net/http.h"
#include "pool/http/database_api.h"
#include "pool/http/json_members.h"
#include "pool/http/responses.h"
#include "pool/http/site.h"
#include "tests/fuzz/fuzz_check.h"
#include "tests/fuzz/strict_json.h"
#include "tests/unit/pool/http/fixture.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr net::HttpLimits limits{16 * 1024, 16 * 1024};
constexpr std::array<int, 11> statuses{200, 204, 304, 400, 404, 405, 406, 413, 429, 431, 503};

constexpr std::size_t argument_bytes_max = 256;

struct World {
  std::vector<pool::StatsQuery> asked;
  std::uint64_t questions = 0;
  base::MonoTime now{};
  pool::QueryCache queries{[this](pool::StatsQuery query) {
    asked.push_back(std::move(query));
    return true;
  }};
  pool::DatabaseApi database{
      queries,
      {bitcoin::Network::regtest, [this] { return now; },
       [] { return std::int64_t{1'700'000'000}; },
       [](std::string_view) { return std::string("node 1"); },
       [this](const pool::LiveWanted& wanted, const pool::LiveBook::Done& done) {
         check(wanted.address);
         done(connected(wanted.address, ++questions % 2 == 0));
       }}};
  pool::PoolSnapshot snapshot = pool::busy_snapshot();
  pool::Site site{[this] {
    pool::SiteSources sources;
    sources.snapshot = [this](pool::Audience) -> const pool::PoolSnapshot& { return snapshot; };
    sources.rejects = [](std::string_view user, std::size_t) {
      pool::RejectedSubmit reject;
      reject.worker = std::string(user);  // as if somebody had such a name
      reject.user_agent = std::string(user);
      return std::vector<pool::RejectedSubmit>{reject};
    };
    sources.add_more = [this](pool::Router& router) { database.add_to(router); };
    return sources;
  }()};

  // The shards' turn: they know everybody, or do not answer.
  static pool::LiveWorkers connected(const std::string& address, bool complete) {
    pool::LiveWorkers live;
    live.complete = complete;
    if (complete) live.connected = 1;
    live.silent[address] = {address, 1, 1, 1, address, 1.0, false, std::nullopt};
    return live;
  }

  // The database's turn: it finds something, finds nothing, or fails. A page may go on asking.
  void reply() {
    while (!asked.empty()) {
      for (const pool::StatsQuery& query : std::exchange(asked, {})) {
        for (const auto& argument : query.arguments) check(argument.value_or(""));
        const std::uint64_t turn = ++questions % 3;
        FUZZ_CHECK(
            queries.on_result({query.request, turn != 0, turn == 1 ? "{}" : "", false}, now));
      }
    }
    now += std::chrono::hours(1);  // nothing is fresh for the next one
  }
  static void check(const std::string& argument) {
    FUZZ_CHECK(argument.size() <= argument_bytes_max);
    FUZZ_CHECK(argument.find('\0') == argument.npos && pool::valid_utf8(argument) == argument);
  }
};

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void check_headers(const net::HttpResponse& response) {
  FUZZ_CHECK(std::find(statuses.begin(), statuses.end(), response.status) != statuses.end());
  for (const auto& [name, value] : response.headers) {
    FUZZ_CHECK((name + value).find_first_of("\r\n") == std::string::npos);
    FUZZ_CHECK((name + value).find('\0') == std::string::npos);
  }
  FUZZ_CHECK(net::header_value(response.headers, "x-content-type-options") == "nosniff");
  FUZZ_CHECK(!net::header_value(response.headers, "content-security-policy").empty());
  if (response.status == 405) FUZZ_CHECK(!net::header_value(response.headers, "allow").empty());
}

void check_json(const net::HttpResponse& response) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag>(
      response.body.data(), response.body.size());
  FUZZ_CHECK(!document.HasParseError());
  FUZZ_CHECK(fuzz::keys_are_unique(document));
  if (response.status < 400) return;
  FUZZ_CHECK(document.IsObject() && document.HasMember("error") && document["error"].IsObject());
  for (const char* name : {"code", "message", "hint"}) {
    FUZZ_CHECK(document["error"].HasMember(name) && document["error"][name].IsString());
  }
}

// A page has as many scripts, images and handlers as its template, whoever asks for it.
void check_page(const std::string& body) {
  for (const std::string_view trap : {"<script>", "<img", "<iframe", "\"onmouse"}) {
    FUZZ_CHECK(count_of(body, trap) == 0);
  }
}

// Where it leads is the host it was asked for, if that can be one, and no other.
void check_redirect(const net::HttpRequest& request) {
  const net::HttpResponse response = pool::redirect_to_tls(request);
  check_json(response);
  const std::string_view place = net::header_value(response.headers, "location");
  FUZZ_CHECK((response.status == 308) == !place.empty());
  if (place.empty()) return;
  constexpr std::string_view scheme = "https://";
  FUZZ_CHECK(place.starts_with(scheme));
  const std::string_view host =
      place.substr(scheme.size(), place.find('/', scheme.size()) - scheme.size());
  FUZZ_CHECK(!host.empty() && host.find_first_of("@\\?# \t\r\n") == host.npos);
  FUZZ_CHECK(host == net::header_value(request.headers, "host"));
}

void check_answer(const net::HttpRequest& request, const pool::Answer& answer) {
  const net::HttpResponse& response = answer.response;
  check_headers(response);
  if (answer.then_events) FUZZ_CHECK(response.status == 200 && response.body.empty());
  if (request.method == "HEAD" || response.status == 304) {
    FUZZ_CHECK(response.body.empty());
    return;
  }
  if (!net::header_value(response.headers, "content-encoding").empty()) return;  // a packed asset
  const std::string_view type = net::header_value(response.headers, "content-type");
  if (type.starts_with("application/json")) check_json(response);
  if (type.starts_with("text/html")) check_page(response.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  world.questions = 0;
  base::ByteSpan bytes(data, size);
  if (bytes.empty()) return 0;
  const std::size_t fragment = std::size_t{bytes[0]} + 1;
  bytes = bytes.subspan(1);
  net::HttpRequestParser parser(limits);
  while (!bytes.empty()) {
    const std::size_t length = std::min(fragment, bytes.size());
    const auto pushed = parser.push(bytes.first(length), [](net::HttpRequest&& request) {
      std::optional<pool::Answer> answer;
      world.site.answer(request, pool::Responder(request, [&](pool::Answer&& given) {
                          FUZZ_CHECK(!answer);
                          answer = std::move(given);
                        }));
      world.reply();
      FUZZ_CHECK(answer);
      check_answer(request, *answer);
      check_redirect(request);
    });
    if (!pushed) {
      const net::HttpResponse refusal = pool::Site::answer_error(pushed.error());
      check_headers(refusal);
      check_json(refusal);
      FUZZ_CHECK(!refusal.keep_alive);
      return 0;
    }
    bytes = bytes.subspan(length);
  }
  return 0;
}
