#include "pool/http/page.h"

#include "pool/http/format.h"
#include "pool/http/page_parts.h"
#include "pool/http/page_text.h"

#include <algorithm>
#include <array>

namespace pool {
namespace {

using Needs = std::vector<PageNeed> (*)(const PageRequest&);
using Fill = void (*)(const PageInput&, PageValues&);

std::string all_digits_or(const std::string& text, const char* other) {
  const bool digits =
      !text.empty() && text.size() <= 15 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? text : other;
}

std::string paged(const std::string& target, const PageRequest& r) {
  const std::string before = all_digits_or(r.before, "");
  return before.empty() ? target : target + "&before=" + before;
}

std::vector<PageNeed> overview_needs(const PageRequest& /*request*/) {
  return {{"blocks", "/api/v1/blocks?limit=31"}, {"payouts", "/api/v1/payouts?limit=1"}};
}

std::vector<PageNeed> blocks_needs(const PageRequest& r) {
  if (!r.block.empty()) return {{"block", "/api/v1/blocks/" + url_part(r.block)}};
  return {{"blocks", paged("/api/v1/blocks?limit=50", r)}};
}

std::vector<PageNeed> miner_needs(const PageRequest& r) {
  if (r.address.empty()) {
    return {{"miners", "/api/v1/miners?per_page=50&page=" + all_digits_or(r.number, "1")}};
  }
  const std::string address = url_part(r.address);
  return {{"miner", "/api/v1/miners/" + address},
          {"shares", "/api/v1/shares?limit=30&address=" + address}};
}

std::vector<PageNeed> payouts_needs(const PageRequest& r) {
  if (!r.run.empty()) {
    const std::string run = all_digits_or(r.run, "0");  // which there never is
    return {{"run", "/api/v1/payouts/" + run + "?page=" + all_digits_or(r.number, "1")}};
  }
  return {{"payouts", paged("/api/v1/payouts?limit=25", r)},
          {"preview", "/api/v1/payouts/preview?per_page=20", false}};
}

std::vector<PageNeed> coherence_needs(const PageRequest& r) {
  return {{"coherence", "/api/v1/coherence"},
          {"chain", paged("/api/v1/coherence/chain?limit=12", r)},
          {"epochs", "/api/v1/coherence/epochs"}};
}

std::vector<PageNeed> status_needs(const PageRequest& r) {
  return {{"coherence", "/api/v1/coherence"}, {"events", paged("/api/v1/events?limit=40", r)}};
}

std::vector<PageNeed> nothing_more(const PageRequest& /*request*/) { return {}; }

struct Page {
  std::string_view name;
  Needs needs;
  Fill fill;
};
constexpr std::array<Page, 7> pages{{{"overview", overview_needs, fill_overview},
                                     {"blocks", blocks_needs, fill_blocks},
                                     {"miner", miner_needs, fill_miner},
                                     {"payouts", payouts_needs, fill_payouts},
                                     {"coherence", coherence_needs, fill_coherence},
                                     {"connect", nothing_more, fill_connect},
                                     {"status", status_needs, fill_status}}};

const Page& page_named(std::string_view name) {
  const auto found =
      std::find_if(pages.begin(), pages.end(), [&](const Page& page) { return page.name == name; });
  return found == pages.end() ? pages.front() : *found;
}

// Why it is so, what still works, and since when the figures stand; empty when all is well.
std::string notice(std::string_view state) {
  if (state == "no_node") {
    return "<b>No node answers.</b> Miners keep their last work, shares are still journaled, and "
           "found blocks are kept on disk until a node takes them. The log says why.";
  }
  if (state == "journal_broken") {
    return "<b>The share journal can\u2019t be written.</b> Shares are refused until it can. The "
           "log says why.";
  }
  if (state == "database_away") {
    return "<b>The database is away.</b> Mining goes on: shares are journaled on disk and stored "
           "when it is back. What is read from it may be missing or old.";
  }
  return {};
}

// An answer that the page should have was not there in time, here or in the database.
bool is_late(const PageRequest& request, const PageAnswers& answers) {
  const std::vector<PageNeed> needs = page_needs(request);
  return std::any_of(needs.begin(), needs.end(), [&](const PageNeed& need) {
    const auto found = answers.find(need.name);
    if (found == answers.end()) return need.is_awaited;
    return found->second.body.at("error.code").text() == "database_busy";
  });
}

void fill_common(const PageInput& in, PageValues& out) {
  const std::string state = in.pool.at("state").text();
  out["state"] = state.empty() ? "starting" : state;
  out["notice"] = notice(state);
  out["notice_class"] = state == "database_away" ? "" : "error";
  out["time"] = time_tag(in.now_us, "full");
  out["network"] = in.pool.at("network").text();
  const std::string scheme = upper_case(in.pool.at("payout.scheme").text());
  out["terms"] = scheme.empty()
                     ? ""
                     : "<span>" + escape_html(scheme) + ", " +
                           ppm_text(in.pool.at("payout.fee_ppm").integer_or(0)) + " fee</span>";
  out["version"] = in.pool.at("version").text();
  out["late"] = is_late(in.request, in.answers) ? "data-late" : "";
  out["stratum"] = reachable_url(in.pool.at("stratum").text(), in.request.host);
}

// {{=form path}} or {{#form path}}
std::string figure_in_template(std::string_view name, const JsonView& pool) {
  const bool large = name.front() == '#';
  name.remove_prefix(1);
  const std::string_view form = name.substr(0, name.find(' '));
  const std::string_view path = name.substr(std::min(name.size(), form.size() + 1));
  const std::string text = format_as(form, pool.at(path), pool.at("time_us").integer_or(0));
  return "<span data-v=\"" + std::string(path) + "\" data-as=\"" + std::string(form) + "\"" +
         (large ? " data-large>" + with_units(text) : ">" + escape_html(text)) + "</span>";
}

}  // namespace

JsonView PageInput::body(std::string_view name) const {
  const auto found = answers.find(name);
  return found != answers.end() && found->second.is_well() ? found->second.body : JsonView{};
}

std::string PageInput::trouble(std::string_view name, std::string_view subject) const {
  const auto found = answers.find(name);
  if (found == answers.end()) {
    return std::string(subject) +
           " was not read in time: the database is slow now. Reload the "
           "page, or wait a moment: with JavaScript it comes by itself.";
  }
  if (found->second.is_well()) return {};
  if (found->second.status == 400) return "There is no such page of it. Go back to the first one.";
  const bool told = found->second.status == 503;
  const std::string why = told ? found->second.body.at("error.message").text() : std::string();
  return std::string(subject) + " can\u2019t be read now" + (why.empty() ? "" : ": " + why) +
         ". Mining goes on.";
}

std::string live_figure(const PageInput& in, std::string_view form, std::string_view path) {
  return figure_in_template("=" + std::string(form) + " " + std::string(path), in.pool);
}

std::string more_link(std::string_view path, std::string_view name, const JsonView& next,
                      std::string_view text) {
  const auto at = next.integer();
  if (!at) return {};
  const std::string_view join = path.find('?') == std::string_view::npos ? "?" : "&";
  return "<p class=\"more\">" +
         link(std::string(path) + std::string(join) + std::string(name) + "=" + std::to_string(*at),
              text) +
         "</p>";
}

std::vector<PageNeed> page_needs(const PageRequest& request) {
  std::vector<PageNeed> needs{{"pool", "/api/v1/pool"}};
  for (PageNeed& need : page_named(request.page).needs(request)) needs.push_back(std::move(need));
  return needs;
}

int page_status(const PageRequest& /*request*/, const PageAnswers& answers) {
  for (const auto& [name, answer] : answers) {
    const bool is_asked_for = name == "block" || name == "miner" || name == "run";
    if (answer.status == 400 || (is_asked_for && answer.status == 404)) return 404;
  }
  return 200;
}

std::string fill_page(std::string_view html, const PageRequest& request,
                      const PageAnswers& answers) {
  PageInput in{request, answers, {}, 0};
  in.pool = in.body("pool");
  in.now_us = in.pool.at("time_us").integer_or(0);
  PageValues values;
  fill_common(in, values);
  page_named(request.page).fill(in, values);
  return fill_template(html, values, in.pool);
}

std::string reachable_url(const std::string& stratum_url, std::string_view host) {
  const std::size_t port = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  if (port != std::string_view::npos && (bracket == std::string_view::npos || bracket < port)) {
    host = host.substr(0, port);
  }
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  };
  if (host.empty() || host.size() > 253 || !std::all_of(host.begin(), host.end(), is_plain)) {
    return stratum_url;
  }
  for (const std::string_view any : {"//0.0.0.0:", "//[::]:", "//:::"}) {
    const std::size_t at = stratum_url.find(any);
    if (at == std::string::npos) continue;
    return stratum_url.substr(0, at + 2) + std::string(host) +
           stratum_url.substr(at + any.size() - 1);
  }
  return stratum_url;
}

std::string fill_template(std::string_view html, const PageValues& values, const JsonView& pool) {
  std::string out;
  out.reserve(html.size() * 2);
  for (;;) {
    const std::size_t open = html.find("{{");
    const std::size_t close = html.find("}}", open == std::string_view::npos ? open : open + 2);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    out += html.substr(0, open);
    std::string_view name = html.substr(open + 2, close - open - 2);
    const char first = name.empty() ? '\0' : name.front();
    if (first == '&') name.remove_prefix(1);
    const auto value = values.find(name);
    if (first == '=' || first == '#') {
      out += figure_in_template(name, pool);
    } else if (value == values.end()) {
      out += html.substr(open, close + 2 - open);
    } else {
      out += first == '&' ? value->second : escape_html(value->second);
    }
    html.remove_prefix(close + 2);
  }
  out += html;
  return out;
}

}  // namespace pool
