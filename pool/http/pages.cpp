#include "pool/http/pages.h"

#include "common/base/assert.h"
#include "pool/core/limits.h"
#include "pool/http/assets.h"
#include "pool/http/page.h"
#include "pool/http/responses.h"

#include <algorithm>
#include <array>
#include <list>
#include <memory>
#include <utility>

namespace pool {
namespace {

struct PagePath {
  std::string_view path;
  std::string_view page;
};
constexpr std::array<PagePath, 8> page_paths{{{"/", "overview"},
                                              {"/blocks", "blocks"},
                                              {"/miner", "miner"},
                                              {"/miner/{address}", "miner"},
                                              {"/payouts", "payouts"},
                                              {"/coherence", "coherence"},
                                              {"/connect", "connect"},
                                              {"/status", "status"}}};

std::string_view page_template(std::string_view name) {
  const auto pages = web_pages();
  const auto found = std::find_if(pages.begin(), pages.end(),
                                  [&](const WebPage& page) { return page.name == name; });
  ASSERT(found != pages.end());
  return found->html;
}

PageRequest page_request(std::string_view page, const RoutedRequest& request) {
  PageRequest out;
  out.page = page;
  const auto value = [&](std::string_view name) { return request.query(name).value_or(""); };
  out.address = request.segments.empty() ? value("address") : request.segments.front();
  // People paste what they told their miner: an address, a dot and a name.
  out.address = out.address.substr(0, out.address.find('.'));
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  out.address.erase(std::remove_if(out.address.begin(), out.address.end(), is_space),
                    out.address.end());
  out.block = value("block");
  out.before = value("before");
  out.run = value("run");
  out.number = value("page");
  out.host = net::header_value(request.http.headers, "host");
  return out;
}

// A page's answers while they come in; lives as long as one of them is awaited.
struct Gathering {
  Gathering(PageRequest page, std::string_view html, const Responder& reader)
      : request(std::move(page)), page_html(html), responder(reader) {}

  void take(const std::string& name, const net::HttpResponse& response) {
    documents.emplace_back();
    documents.back().Parse(response.body.data(), response.body.size());
    const bool read = !documents.back().HasParseError();
    answers[name] = {read ? response.status : 0, read ? JsonView(documents.back()) : JsonView{}};
  }
  void fill_in() const {
    if (responder.is_answered()) return;
    responder.answer(fresh_response(page_status(request, answers), html_type,
                                    fill_page(page_html, request, answers)));
  }

  const PageRequest request;
  const std::string_view page_html;
  const Responder responder;
  std::list<rapidjson::Document> documents;
  PageAnswers answers;
  std::size_t awaited = 0;
};

void ask(const Router& router, const std::shared_ptr<Gathering>& page, const PageNeed& need) {
  net::HttpRequest request;
  request.method = "GET";
  request.target = need.target;
  const Responder responder(request,
                            [page, name = need.name, awaited = need.is_awaited](Answer&& answer) {
                              if (page->responder.is_answered()) return;  // without it
                              page->take(name, answer.response);
                              if (awaited && --page->awaited == 0) page->fill_in();
                            });
  router.answer(request, responder);
}

void answer_page(const Router& router, const DoLater& later, const PagePath& row,
                 std::string_view html, const RoutedRequest& request, const Responder& responder) {
  const auto page = std::make_shared<Gathering>(page_request(row.page, request), html, responder);
  const std::vector<PageNeed> needs = page_needs(page->request);
  for (const PageNeed& need : needs) page->awaited += need.is_awaited ? 1 : 0;
  // What is not waited for goes first: where it is known already it comes at once.
  for (const bool awaited : {false, true}) {
    for (const PageNeed& need : needs) {
      if (need.is_awaited == awaited) ask(router, page, need);
    }
  }
  if (!later || responder.is_answered()) return;
  later(limits::http_page_deadline, [late = std::weak_ptr<Gathering>(page)] {
    if (const auto waiting = late.lock()) waiting->fill_in();
  });
}

}  // namespace

void add_pages(Router& router, const DoLater& later) {
  for (const PagePath& row : page_paths) {
    const std::string_view html = page_template(row.page);
    router.get_later(row.path, [&router, later, &row, html](const RoutedRequest& request,
                                                            const Responder& responder) {
      answer_page(router, later, row, html, request, responder);
    });
  }
}

}  // namespace pool
