#include "pool/http/page.h"

#include "pool/http/assets.h"
#include "tests/unit/vectors.h"

#include <doctest/doctest.h>

#include <functional>
#include <list>

using namespace pool;

namespace {

std::string_view web_page(std::string_view name) {
  for (const WebPage& page : web_pages()) {
    if (page.name == name) return page.html;
  }
  FAIL("no such page");
  return {};
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A page filled in from the vectors; what `missing` names did not come, `change` alters the rest.
struct Filled {
  using Change = std::function<void(const std::string&, rapidjson::Document&)>;

  explicit Filled(PageRequest asked, const std::vector<std::string>& missing = {},
                  const Change& change = {})
      : request(std::move(asked)) {
    for (const PageNeed& need : page_needs(request)) {
      bool is_missing = false;
      for (const std::string& name : missing) is_missing = is_missing || name == need.name;
      documents.push_back(is_missing ? rapidjson::Document{}
                                     : vectors::load("pages/" + need.name + ".json"));
      if (is_missing) {
        documents.back().Parse(R"({"error":{"code":"database_away","message":"gone","hint":""}})");
      } else if (change) {
        change(need.name, documents.back());
      }
      answers[need.name] = {is_missing ? 503 : 200, JsonView(documents.back())};
    }
    html = fill_page(web_page(request.page), request, answers);
  }

  PageRequest request;
  std::list<rapidjson::Document> documents;
  PageAnswers answers;
  std::string html;
};

PageRequest to(const char* page, const std::function<void(PageRequest&)>& set = {}) {
  PageRequest request;
  request.page = page;
  request.host = "pool.example:8080";
  if (set) set(request);
  return request;
}

// Every page in each of its modes.
std::vector<PageRequest> every_request() {
  const std::string hash(64, '0');
  return {to("overview"),
          to("blocks"),
          to("blocks", [&](PageRequest& r) { r.block = hash; }),
          to("miner"),
          to("miner", [](PageRequest& r) { r.address = "bc1q"; }),
          to("payouts"),
          to("payouts", [](PageRequest& r) { r.run = "17"; }),
          to("coherence"),
          to("connect"),
          to("status")};
}

void replace_texts(rapidjson::Value& value, const std::string& text,
                   rapidjson::Document::AllocatorType& memory) {
  if (value.IsString()) {
    value.SetString(text.c_str(), memory);
  } else if (value.IsArray()) {
    for (auto& item : value.GetArray()) replace_texts(item, text, memory);
  } else if (value.IsObject()) {
    for (auto& member : value.GetObject()) replace_texts(member.value, text, memory);
  }
}

}  // namespace

TEST_CASE("a template's names are filled in, texts escaped, markup not") {
  rapidjson::Document document;
  document.Parse(R"({"time_us":1,"a":{"n":9990},"e":0.316,"t":"<b>"})");
  const JsonView pool(document);
  const PageValues values{{"text", "<b>"}, {"markup", "<b>"}};
  CHECK_EQ(fill_template("a {{text}} {{&markup}} {{text}}", values, pool),
           "a &lt;b&gt; <b> &lt;b&gt;");
  CHECK_EQ(fill_template("{{unknown}} {{text", values, pool), "{{unknown}} {{text");
  // A value that looks like a name is not filled in again.
  CHECK_EQ(fill_template("{{a}}", {{"a", "{{b}}"}, {"b", "x"}}, pool), "{{b}}");
  CHECK_EQ(fill_template("{{=count a.n}}", {}, pool),
           "<span data-v=\"a.n\" data-as=\"count\">9,990</span>");
  CHECK_EQ(fill_template("{{#effort e}}", {}, pool),
           "<span data-v=\"e\" data-as=\"effort\" data-large>31.6<span "
           "class=\"unit\">%</span></span>");
  CHECK_EQ(fill_template("{{=text t}}", {}, pool),
           "<span data-v=\"t\" data-as=\"text\">&lt;b&gt;</span>");
  CHECK_EQ(fill_template("{{=count x}}", {}, pool),
           "<span data-v=\"x\" data-as=\"count\">–</span>");
}

TEST_CASE("the overview shows its figures without a script") {
  const std::string html = Filled(to("overview")).html;
  CHECK(has(
      html,
      "On the tip at height <a href=\"#tip\" data-v=\"height\" data-as=\"count\">862,114</a>."));
  CHECK(has(html,
            "data-as=\"hashrate\">3.42\u00a0EH/s</a>; <a href=\"/blocks\">31\u00a0blocks</a> "
            "found, 2 orphaned."));
  CHECK(has(html,
            "<th scope=\"row\">1m</th><td class=\"num value\">3.39</td><td class=\"num faint "
            "small\">±\u00a01.14\u2009%</td>"));
  CHECK(has(html, ">461,269</span>"));
  CHECK(has(html, "Stale <span class=\"faint small\">21</span>"));
  CHECK(has(html, "<td class=\"num\">702</td><td class=\"num faint\">0.15\u2009%</td>"));
  CHECK(has(html, "A block by now had a chance of 27.1\u2009%."));
  CHECK(has(html, "Luck of the last ten rounds: 112\u2009%; of all 31: 103\u2009%."));
  CHECK(has(html, "Maturing 62/100"));
  CHECK(has(html, "3.17\u2009312\u2009458"));
  CHECK(has(html, "PPLNS, 1\u2009% fee"));
  CHECK(has(html, "stratum+tcp://pool.example:3333"));
  CHECK(has(html, "Node 1, Satoshi 27.1.0"));
  CHECK(has(html, ">1\u00a0block behind</span>"));
  CHECK(has(html, "data-as=\"count\">1,284</a> workers of <a"));
  CHECK(has(html, "data-as=\"count\">398</a> miners in <a"));
  CHECK(has(html,
            "The pool started 4\u00a0min 19\u00a0s ago: longer windows are of the time since."));
  CHECK(has(html, "<dt>since the last block</dt>"));
  CHECK(has(html, "1 maturing, 28 confirmed, 2 orphaned"));
  CHECK(has(html, "EH/s</span>, of it here 0.51\u2009%"));
  CHECK(has(html, "<title>Phasepool: 3.42\u00a0EH/s, on the tip at 862,114</title>"));
}

TEST_CASE("the other pages show theirs") {
  const std::vector<PageRequest> all = every_request();
  const std::string miner = Filled(all[4]).html;
  CHECK(has(miner, ">2 of 3\u00a0workers</a> mine at <a href=\"#rate\">731\u00a0TH/s</a>"));
  CHECK(has(miner, ">1 needs</a> a look."));
  CHECK(has(miner, "Rejects 3.92\u2009%"));
  CHECK(has(miner, "Offline 3\u00a0h 12\u00a0min"));
  CHECK(has(miner, "<strong>67\u2009791</strong>"));
  CHECK(has(miner, "Normal: it was on its way"));
  CHECK(has(miner, "\u22129\u00a0s"));
  CHECK(has(Filled(all[3]).html, "<b>1\u00a0miner</b> in the last week"));
  CHECK(has(Filled(all[1]).html, "Luck so far <b>103\u2009%</b>"));
  CHECK(has(Filled(all[1]).html, "href=\"/blocks?before=860779\""));
  CHECK(has(Filled(all[2]).html, "Block <b>861,902</b>"));
  CHECK(has(Filled(all[5]).html, "92.04\u2009417\u2009733\u00a0BTC</a> paid"));
  CHECK(has(Filled(all[6]).html, "Run <b>17</b> divided <b>3.16\u2009884\u2009102"));
  CHECK(has(Filled(all[7]).html, "<b>18,402</b> chained proofs"));
  CHECK(has(Filled(all[7]).html, "data-replay=\"18401\""));
  // Both epochs, the newer first, each with the coupling of its level.
  const std::string chain = Filled(all[7]).html;
  CHECK(has(chain,
            "<td class=\"num\">2,164</td><td class=\"num\">10.1\u00a0M</td><td "
            "class=\"num\">31.3\u00a0G</td><td class=\"num\">\u2013</td>"));
  CHECK(has(chain, "<td class=\"num\">2,051</td>"));
  CHECK_LT(chain.find(">18,327<"), chain.find(">18,204<"));
  const std::string connect = Filled(all[8]).html;
  CHECK(has(connect, "stratum+ssl://pool.example:3443"));
  CHECK(has(connect, "stratum+tcps://pool.example:3443"));
  CHECK(has(connect, "Host: <code>pool.example</code>. Port: <code>3333</code>"));
  CHECK(has(Filled(all[9]).html, "node 2 does not answer"));
}

TEST_CASE(
    "a miner's page says who is connected, who has come, who has gone, and what is not known") {
  struct Row {
    const char* why;
    Filled::Change change;
    const char* sentence;
  };
  using Document = rapidjson::Document;
  const auto first_comer = [](Document& miner) {
    miner["workers"].Clear();
    for (const char* count : {"workers_total", "shares_total"}) miner[count] = 0;
    miner["first_seen_us"].SetNull();
    Document one(&miner.GetAllocator());
    one.Parse(R"([{"name":"new","live":{"connections":2,"user_agent":"<x>","difficulty":null,)"
              R"("coherence":true,"connected_us":1726842700000000,"last_share_us":null}}])");
    rapidjson::Value& list = one;
    miner["silent_workers"] = list;
  };
  const Row rows[] = {
      {"nobody is", [](const std::string&, Document& d) { d["workers_online"] = 0; },
       "No worker is connected now; <a href=\"#workers\">3\u00a0workers</a> mined here before."},
      {"not known", [](const std::string&, Document& d) { d["workers_online"].SetNull(); },
       "Who is connected was not known in time; <a href=\"#workers\">3\u00a0workers</a> mined"},
      {"idle", [](const std::string&, Document& d) { d["hashrate"]["5m"] = 0; },
       "2 of 3\u00a0workers</a> are connected; no share came in the last 5\u00a0minutes."},
      {"not one share yet",
       [&](const std::string&, Document& d) {
         d["workers_online"] = 1;
         first_comer(d);
       },
       "1\u00a0worker</a> is connected; its first share is awaited."},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const Filled page(to("miner", [](PageRequest& r) { r.address = "bc1q"; }), {},
                      [&](const std::string& name, Document& answer) {
                        if (name == "miner") row.change(name, answer);
                      });
    CHECK(has(page.html, row.sentence));
  }
  const Filled fresh(to("miner", [](PageRequest& r) { r.address = "bc1q"; }), {},
                     [&](const std::string& name, Document& answer) {
                       if (name == "miner") first_comer(answer);
                     });
  CHECK(has(fresh.html, ">No share yet</span>"));
  CHECK_FALSE(has(fresh.html, "data-spark"));  // there is no history to ask for
  CHECK(has(fresh.html, ", by 2\u00a0connections; takes coherence work\""));
  CHECK(has(fresh.html, "&lt;x&gt;"));
}

TEST_CASE("no page leaves a name standing, whatever is missing") {
  for (const PageRequest& request : every_request()) {
    CAPTURE(request.page);
    CHECK_FALSE(has(Filled(request).html, "{{"));
    std::vector<std::string> names;
    for (const PageNeed& need : page_needs(request)) names.push_back(need.name);
    for (const std::string& name : names) {
      const std::string html = Filled(request, {name}).html;
      CHECK_FALSE(has(html, "{{"));
      CHECK(has(html, "<h1 "));
    }
    CHECK_FALSE(has(Filled(request, names).html, "{{"));
    // Answers that are objects, and nothing more.
    const Filled empty(request, {},
                       [](const std::string&, rapidjson::Document& d) { d.SetObject(); });
    CHECK_FALSE(has(empty.html, "{{"));
  }
}

TEST_CASE("in every state the overview says what is wrong") {
  struct Row {
    const char* state;
    const char* says;
  };
  for (const Row& row : {Row{"starting", "Starting: the node has not answered yet."},
                         Row{"no_node", "<b>No node answers.</b>"},
                         Row{"journal_broken", "journal can\u2019t be written.</b>"},
                         Row{"database_away", "<b>The database is away.</b>"}}) {
    const Filled page(to("overview"), {}, [&](const std::string& name, rapidjson::Document& d) {
      if (name == "pool") d["state"].SetString(row.state, d.GetAllocator());
    });
    CHECK(has(page.html, row.says));
    CHECK(has(page.html, "data-state=\"" + std::string(row.state) + "\""));
  }
  // One of each is no plural; and what the node believes of a chain where only we mine is no part.
  const Filled alone(to("overview"), {}, [](const std::string& name, rapidjson::Document& d) {
    if (name != "pool") return;
    d["workers"].SetInt(1);
    d["miners"].SetInt(1);
    d["uptime_seconds"].SetInt(7 * 86'400);
    d["network_hashrate"].SetDouble(0.6);
  });
  CHECK(has(alone.html, ">1</a> worker of <a"));
  CHECK(has(alone.html, ">1</a> miner in <a"));
  CHECK_FALSE(has(alone.html, "of it here"));
  CHECK_FALSE(has(alone.html, "The pool started"));
  const Filled idle(to("overview"), {}, [](const std::string& name, rapidjson::Document& d) {
    if (name == "pool") d["workers"].SetInt(0);
  });
  CHECK(has(idle.html, "Waiting for the first miner"));
  CHECK(has(Filled(to("overview"), {"blocks"}).html,
            "This can\u2019t be read now: gone. Mining goes on."));
}

TEST_CASE("what is not there is 404, what could not be asked is not") {
  const auto status = [](const char* need, int came) {
    PageAnswers answers;
    answers[need] = {came, JsonView{}};
    return page_status(to("miner"), answers);
  };
  CHECK_EQ(status("miner", 200), 200);
  CHECK_EQ(status("miner", 404), 404);
  CHECK_EQ(status("miner", 400), 404);
  CHECK_EQ(status("miners", 400), 404);  // a page that can't be
  CHECK_EQ(status("miners", 404), 200);
  CHECK_EQ(status("block", 404), 404);
  CHECK_EQ(status("run", 404), 404);
  CHECK_EQ(status("miner", 503), 200);
  CHECK_EQ(status("blocks", 404), 200);
}

TEST_CASE("what a reader puts into a path or a query stays a value there") {
  const auto target = [](const PageRequest& request, std::size_t need) {
    return page_needs(request).at(need).target;
  };
  CHECK_EQ(target(to("miner", [](PageRequest& r) { r.address = "a/b?c&d"; }), 1),
           "/api/v1/miners/a%2Fb%3Fc%26d");
  CHECK_EQ(target(to("blocks", [](PageRequest& r) { r.before = "12"; }), 1),
           "/api/v1/blocks?limit=50&before=12");
  for (const char* before : {"x", "-1", "1&limit=9", "9999999999999999"}) {
    CHECK_EQ(target(to("blocks", [&](PageRequest& r) { r.before = before; }), 1),
             "/api/v1/blocks?limit=50");
  }
  CHECK_EQ(target(to("miner", [](PageRequest& r) { r.number = "2"; }), 1),
           "/api/v1/miners?per_page=50&page=2");
  CHECK_EQ(target(to("payouts", [](PageRequest& r) { r.run = "preview"; }), 1),
           "/api/v1/payouts/0?page=1");
}

TEST_CASE("text from peers, nodes and the database can't become markup") {
  const std::string evil = "\"><script>alert(1)</script>'";
  for (PageRequest request : every_request()) {
    CAPTURE(request.page);
    const Filled page(request, {}, [&](const std::string&, rapidjson::Document& d) {
      replace_texts(d, evil, d.GetAllocator());
    });
    CHECK_FALSE(has(page.html, "<script>"));
    CHECK_FALSE(has(page.html, "\"><script"));
    CHECK(has(page.html, "&lt;script&gt;"));
    request.host = evil;
    if (!request.address.empty()) request.address = evil;
    if (!request.run.empty()) request.run = evil;
    const Filled again(request, {"miner", "run", "block"});
    CHECK_FALSE(has(again.html, "<script>"));
  }
}

TEST_CASE("the pages keep to their own content security policy: nothing inline, nothing foreign") {
  CHECK_GE(web_pages().size(), 7);
  for (const WebPage& page : web_pages()) {
    CAPTURE(page.name);
    const std::string html(page.html);
    CHECK_FALSE(has(html, "style=\""));
    CHECK_FALSE(has(html, "<style"));
    CHECK_FALSE(has(html, " onclick"));
    CHECK_FALSE(has(html, "://"));
    std::size_t at = 0;
    while ((at = html.find("<script", at)) != std::string::npos) {
      CHECK_EQ(html.substr(at, 14), "<script src=\"/");
      ++at;
    }
  }
}

TEST_CASE("a pool on every address is reached where its page was") {
  struct Row {
    const char* url;
    const char* host;
    const char* reached;
  };
  const Row rows[] = {
      {"stratum+tcp://0.0.0.0:3333", "pool.example:8080", "stratum+tcp://pool.example:3333"},
      {"stratum+tcp://0.0.0.0:3333", "pool.example", "stratum+tcp://pool.example:3333"},
      {"stratum+tcp://[::]:3333", "[2001:db8::1]:80", "stratum+tcp://[2001:db8::1]:3333"},
      {"stratum+tcp://:::3333", "10.0.0.1", "stratum+tcp://10.0.0.1:3333"},
      {"stratum+tcp://stratum.example:3333", "pool.example", "stratum+tcp://stratum.example:3333"},
      {"stratum+tcp://0.0.0.0:3333", "", "stratum+tcp://0.0.0.0:3333"},
      {"stratum+tcp://0.0.0.0:3333", "a b", "stratum+tcp://0.0.0.0:3333"},
      {"stratum+tcp://0.0.0.0:3333", "<b>", "stratum+tcp://0.0.0.0:3333"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.host);
    CHECK_EQ(reachable_url(row.url, row.host), row.reached);
  }
}
