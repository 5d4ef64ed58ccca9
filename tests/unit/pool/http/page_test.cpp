#include "pool/http/page.h"
#include "pool/http/assets.h"

#include "tests/unit/pool/http/fixture.h"

#include <doctest/doctest.h>

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

std::string page(const PoolSnapshot& s) {
  return fill_template(web_page("overview"), page_values(s, "pool.example:8080"));
}

}  // namespace

TEST_CASE("a template's names are filled in, texts escaped, markup not") {
  const PageValues values{{"text", "<b>"}, {"markup", "<b>"}};
  CHECK_EQ(fill_template("a {{text}} {{&markup}} {{text}}", values), "a &lt;b&gt; <b> &lt;b&gt;");
  CHECK_EQ(fill_template("{{unknown}} {{text", values), "{{unknown}} {{text");
  // A value that looks like a name is not filled in again.
  CHECK_EQ(fill_template("{{a}}", {{"a", "{{b}}"}, {"b", "x"}}), "{{b}}");
}

TEST_CASE("the page shows the basic numbers without a script") {
  const std::string html = page(busy_snapshot());
  CHECK_FALSE(has(html, "{{"));
  CHECK(has(html, "On the tip at height <a href=\"#tip\">1,234</a>."));
  CHECK(has(html, "<a href=\"#rate\">2.50\u00a0MH/s</a>"));
  CHECK(has(html, "<span data-f=\"accepted\">9,990</span>"));
  CHECK(has(html, "<span data-f=\"rejected_part\">0.10\u2009%</span>"));
  CHECK(has(html, "<tr data-reason=\"stale\"><th scope=\"row\">Stale"));
  CHECK(has(html, "<tr data-reason=\"duplicate\" hidden>"));
  CHECK(has(html, "<span data-f=\"miners\">3</span>"));
  CHECK(has(html, "50.00\u2009000\u2009000"));
  CHECK(has(html, "2 accepted"));
  CHECK(has(html, "PPLNS, 1\u2009% fee"));
  CHECK(has(html, "stratum+tcp://127.0.0.1:3333"));
  CHECK(has(html, "/Satoshi:27.0.0/"));
}

TEST_CASE("the sentence counts the blocks that a node took, not the candidates") {
  PoolSnapshot s = busy_snapshot();
  s.blocks_found = 900;
  s.node->blocks_accepted = 5;
  s.blocks_by_status = {{"accepted", 2}, {"confirmed", 40}, {"submitted", 800}};
  CHECK(has(page(s), "42\u00a0blocks accepted"));
  s.blocks_by_status.clear();
  CHECK(has(page(s), "5\u00a0blocks accepted"));
  s.node->blocks_accepted = 1;
  CHECK(has(page(s), "1\u00a0block accepted"));
  s.node->blocks_accepted = 0;
  CHECK(has(page(s), "no block yet"));
}

TEST_CASE("a block's tag says how far it is, and its title what that means") {
  struct Row {
    const char* status;
    std::optional<std::int64_t> confirmations;
    std::optional<std::int64_t> matures_in;
    const char* detail;
    const char* tag;
    const char* title;
  };
  const Row rows[] = {
      {"submitted", {}, {}, "", "Submitted", "No node has answered yet"},
      {"submitted", {}, {}, "not in the best chain", "Submitted", "not in the best chain"},
      {"accepted", {}, {}, "", "Accepted", "A node took it; not seen in the chain yet"},
      {"accepted", 1, 99, "", "1 of 100",
       "In the chain; its coinbase can be spent in 99\u00a0blocks"},
      {"accepted", 99, 1, "", "99 of 100",
       "In the chain; its coinbase can be spent in 1\u00a0block"},
      {"accepted", 100, 0, "", "100 of 100",
       "In the chain; its coinbase can be spent in 0\u00a0blocks"},
      {"accepted", 101, -1, "", "100 of 100",
       "In the chain; its coinbase can be spent in 0\u00a0blocks"},
      {"confirmed", 123, 0, "", "Confirmed", "In the chain; its coinbase can be spent"},
      {"orphaned", {}, {}, "", "Orphaned", "The chain goes another way, for now or for good"},
      {"rejected", {}, {}, "high-hash", "Rejected", "high-hash"},
      {"new_status", {}, {}, "why", "new_status", "why"}};
  for (const Row& row : rows) {
    CAPTURE(row.status);
    PoolSnapshot s = busy_snapshot();
    BlockRow& block = s.blocks[0];
    block.status = row.status;
    block.confirmations = row.confirmations;
    block.matures_in = row.matures_in;
    block.detail = row.detail;
    CHECK(has(page(s), std::string("title=\"") + row.title +
                           "\nnode 1: accepted\nnode 2: inconclusive, inconclusive\">" + row.tag +
                           "</span>"));
  }
}

TEST_CASE("a fee is shown exactly") {
  PoolSnapshot s = busy_snapshot();
  for (const auto& [ppm, text] :
       {std::pair{0u, "0\u2009%"}, std::pair{2'500u, "0.25\u2009%"}, std::pair{1u, "0.0001\u2009%"},
        std::pair{10'500u, "1.05\u2009%"}, std::pair{1'000'000u, "100\u2009%"}}) {
    s.facts.fee_ppm = ppm;
    CHECK_EQ(page_values(s, "").at("fee"), text);
  }
}

TEST_CASE("in every state the page is complete and says what is wrong") {
  struct Row {
    const char* why;
    std::function<void(PoolSnapshot&)> change;
    const char* says;
  };
  const Row rows[] = {
      {"nothing known", [](PoolSnapshot& s) { s = PoolSnapshot{}; },
       "Starting: the node has not answered yet."},
      {"node away",
       [](PoolSnapshot& s) {
         s.node->connected = false;
         s.node->error = "connection refused";
       },
       "<b>No node answers.</b>"},
      {"journal broken",
       [](PoolSnapshot& s) {
         s.journal->writable = false;
         s.journal->error = "disk full";
       },
       "journal can\u2019t be written.</b> The log says why."},
      {"database away", [](PoolSnapshot& s) { s.stored->connected = false; },
       "<b>The database is away.</b>"},
      {"nobody mines", [](PoolSnapshot& s) { s.workers = 0; }, "Waiting for the first miner"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    PoolSnapshot s = busy_snapshot();
    row.change(s);
    const std::string html = page(s);
    CHECK_FALSE(has(html, "{{"));
    CHECK(has(html, row.says));
  }
}

TEST_CASE("text from peers, nodes and the database can't become markup") {
  const std::string evil = "\"><script>alert(1)</script>'";
  PoolSnapshot s = busy_snapshot();
  s.facts = {bitcoin::Network::regtest, evil, evil, evil, evil, 0};
  s.blocks[0].worker = evil;
  s.blocks[0].address = evil;
  s.blocks[0].hash = evil;
  s.blocks[0].status = evil;
  s.blocks[0].detail = evil;
  s.blocks[0].answers = {{evil, evil, evil, 0}};
  s.blocks_by_status = {{evil, 1}};
  s.node->version = evil;
  s.node->error = evil;
  s.stored->error = evil;
  s.journal->error = evil;
  for (const int broken : {0, 1, 2, 3}) {
    s.node->connected = broken != 1;
    s.journal->writable = broken != 2;
    s.stored->connected = broken != 3;
    const std::string html = page(s);
    CHECK_FALSE(has(html, "<script>"));
    CHECK_FALSE(has(html,
                    "\"><"
                    "script"));
    CHECK(has(html, "&lt;script&gt;"));
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
