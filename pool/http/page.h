// The pages with their figures filled in, so that they say what they have to say without
// JavaScript.
//
// A page is a client of the API: it names the answers it wants (page_needs), and is filled in out
// of them (fill_page). web/pages/*.html are the templates:
//   {{name}}        a text, which is escaped       {{&name}}  markup made here out of escaped texts
//   {{=form path}}  a live figure of the pool's object: "{{=count shares.accepted}}"
//   {{#form path}}  the same, large, its unit small
// Where an answer is missing (the database is away), its part says so and the rest stands.
// Thread: pure functions.
#pragma once

#include "pool/http/json_view.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pool {

using PageValues = std::map<std::string, std::string, std::less<>>;

// What the reader asked for: the page's path and query, decoded, and the Host header.
struct PageRequest {
  std::string page;     // "overview"
  std::string address;  // of a miner; empty: all miners
  std::string block;    // hash
  std::string before;   // where a list goes on
  std::string run;      // of a payout
  std::string number;   // of a page, from 1
  std::string host;
};

// An answer of the API: what was asked, and what came.
struct PageAnswer {
  int status = 0;  // of HTTP; 0: none came
  JsonView body;
  bool is_well() const { return status == 200; }
};
using PageAnswers = std::map<std::string, PageAnswer, std::less<>>;

struct PageNeed {
  std::string name;    // "blocks"
  std::string target;  // "/api/v1/blocks?limit=8"
  // False: where it is not known at once, the page goes without it.
  bool is_awaited = true;
};
// What a page is filled in from; "pool" is always first.
std::vector<PageNeed> page_needs(const PageRequest& request);
// 200, or 404 where what was asked for (a miner, a block, a run) is not there.
int page_status(const PageRequest& request, const PageAnswers& answers);
std::string fill_page(std::string_view html, const PageRequest& request,
                      const PageAnswers& answers);

// The stratum URL with `host` in the place of 0.0.0.0 or [::]; unchanged when `host` is not a name
// or an address.
std::string reachable_url(const std::string& stratum_url, std::string_view host);
// Fills a template. A name that has no value is left standing, for the tests to find.
std::string fill_template(std::string_view html, const PageValues& values, const JsonView& pool);

}  // namespace pool
