#include "pool/http/format.h"
#include "pool/http/page_parts.h"
#include "pool/http/page_text.h"

#include <algorithm>
#include <array>

namespace pool {
namespace {

struct StatusTag {
  std::string_view status;
  std::string_view css;
  std::string_view label;
};
constexpr std::array<StatusTag, 5> status_tags{{{"submitted", "part", "Submitted"},
                                                {"accepted", "", "Accepted"},
                                                {"rejected", "bad", "Rejected"},
                                                {"confirmed", "", "Confirmed"},
                                                {"orphaned", "warn", "Orphaned"}}};

constexpr std::int64_t confirmations_wanted = 100;  // then the coinbase can be spent

bool is_maturing(const JsonView& row) {
  return row.at("status").text() == "accepted" && row.at("confirmations").integer();
}

const StatusTag* status_known(std::string_view status) {
  const auto known = std::find_if(status_tags.begin(), status_tags.end(),
                                  [&](const StatusTag& one) { return one.status == status; });
  return known == status_tags.end() ? nullptr : known;
}

std::string status_label(const JsonView& row) {
  if (is_maturing(row)) {
    const std::int64_t shown =
        std::clamp<std::int64_t>(*row.at("confirmations").integer(), 0, confirmations_wanted);
    return "Maturing " + std::to_string(shown) + "/" + std::to_string(confirmations_wanted);
  }
  const std::string status = row.at("status").text();
  const StatusTag* known = status_known(status);
  return known == nullptr ? status : std::string(known->label);
}

std::string status_text(const JsonView& row) {
  const std::string status = row.at("status").text();
  std::string detail = row.at("detail").text();
  if (status == "confirmed") return "In the chain; its coinbase can be spent";
  if (is_maturing(row)) {
    const std::int64_t left = std::max<std::int64_t>(row.at("matures_in").integer_or(0), 0);
    return "In the chain; its coinbase can be spent in " +
           plural(static_cast<std::uint64_t>(left), "block");
  }
  if (status == "accepted") return "A node took it; not seen in the chain yet";
  if (status == "orphaned") return "The chain goes another way, for now or for good";
  if (status == "submitted" && detail.empty()) return "No node has answered yet";
  return detail;
}

// In words what the tag says in one: what it means, and what each node said.
std::string status_title(const JsonView& row) {
  std::string title = status_text(row);
  for (const JsonView& answer : row.at("submissions").items()) {
    title += "\n" + answer.at("node").text() + ": " + answer.at("answer").text();
    const std::string detail = answer.at("detail").text();
    if (!detail.empty()) title += ", " + detail;
  }
  return title;
}

std::string status_tag(const JsonView& row) {
  const StatusTag* known = status_known(row.at("status").text());
  const std::string_view css = is_maturing(row) ? "part" : known == nullptr ? "off" : known->css;
  return tag(css, status_label(row), status_title(row));
}

// An API of before told the time as a text alone.
std::int64_t found_us(const JsonView& row) {
  const auto us = row.at("time_us").integer();
  return us ? *us : parse_utc(row.at("time").text()).value_or(0);
}

std::string finder(const JsonView& row) {
  const std::string worker = escape_html(row.at("worker").text());
  return miner_link(row.at("address").text()) + " <span class=\"faint cut\" title=\"" + worker +
         "\">" + worker + "</span>";
}

std::string proof_link(const JsonView& row) {
  const std::string hash = row.at("hash").text();
  const std::string height = format_as("count", row.at("height"), 0);
  return "<a href=\"/api/v1/blocks/" + url_part(hash) + "/proof\" download=\"block-" +
         std::to_string(row.at("height").integer_or(0)) +
         ".json\">Proof<span class=\"unseen\"> of block " + height + ", JSON</span></a>";
}

std::string block_row(const JsonView& row) {
  const std::string hash = row.at("hash").text();
  const bool lost = row.at("status").text() == "orphaned" || row.at("status").text() == "rejected";
  return row_begin(hash) + "<th scope=\"row\"><a href=\"/blocks?block=" + url_part(hash) + "\">" +
         format_as("count", row.at("height"), 0) + "</a></th><td>" + status_tag(row) + "</td><td>" +
         time_tag(found_us(row), "day") + "</td><td class=\"num\">" +
         escape_html(format_as("effort", row.at("effort"), 0)) + "</td><td class=\"num\">" +
         (lost ? "0" : format_as("btc", row.at("reward_sats"), 0)) + "</td><td>" + finder(row) +
         "</td><td>" + proof_link(row) + "</td></tr>\n";
}

std::string block_facts(const JsonView& b) {
  const auto show = [&](std::string_view form, std::string_view path) {
    return escape_html(format_as(form, b.at(path), 0));
  };
  const auto run = b.at("run").integer();
  return fact("Found", time_tag(found_us(b), "full")) + fact("Finder", finder(b)) +
         fact("Confirmations", show("count", "confirmations")) +
         fact("Effort of its round",
              show("effort", "effort") +
                  (b.at("round_shares").is_there()
                       ? " <span class=\"faint\">" +
                             plural(count_of(b.at("round_shares")), "share") + "</span>"
                       : std::string())) +
         fact("Difficulty", show("difficulty", "network_difficulty")) +
         fact("Its hash met", show("difficulty", "share_difficulty")) +
         fact("Reward", show_with(b, "btc", "reward_sats", "BTC")) +
         fact("Of it divided", show_with(b, "btc", "pool_sats", "BTC")) +
         fact("Divided in",
              run ? link("/payouts?run=" + std::to_string(*run), "run " + std::to_string(*run))
                  : std::string("not yet"));
}

std::string answer_rows(const JsonView& block) {
  std::string out;
  for (const JsonView& answer : block.at("submissions").items()) {
    const std::string said = answer.at("answer").text();
    const std::string_view css = said == "accepted" || said == "duplicate" ? ""
                                 : said == "rejected"                      ? "bad"
                                                                           : "off";
    out += "<tr><th scope=\"row\">" + escape_html(spaced(answer.at("node").text())) + "</th><td>" +
           tag(css, spaced(said)) + "</td><td class=\"faint wrap\">" +
           escape_html(answer.at("detail").text()) + "</td><td class=\"num faint\">" +
           time_tag(parse_utc(answer.at("time").text()).value_or(0), "clock") + "</td></tr>\n";
  }
  return out.empty() ? empty_row(4, "No node has answered yet.") : out;
}

void fill_one_block(const PageInput& in, PageValues& out) {
  const JsonView block = in.body("block");
  const std::string height = format_as("count", block.at("height"), 0);
  if (!block.is_there()) {
    out["title"] = "No such block: Phasepool";
    out["sentence"] =
        in.answers.count("block") != 0 && in.answers.find("block")->second.status == 404
            ? "This pool found no block with that hash. " + link("/blocks", "All its blocks") + "."
            : escape_html(in.trouble("block", "This block"));
    return;
  }
  out["title"] = "Block " + height + ": Phasepool";
  std::string said = status_text(block);
  if (said.size() > 1 && said[0] >= 'A' && said[0] <= 'Z' && said[1] >= 'a') {
    said[0] = static_cast<char>(said[0] - 'A' + 'a');
  }
  out["sentence"] = "Block <b>" + height + "</b>: " + escape_html(said) +
                    ". Your browser checks its proof here, bit for bit.";
  out["block_facts"] = block_facts(block);
  out["block_tag"] = status_tag(block);
  out["answer_rows"] = answer_rows(block);
  out["block_hash"] = block.at("hash").text();
  out["block_proof"] = "/api/v1/blocks/" + url_part(block.at("hash").text()) + "/proof";
  out["block_file"] = "block-" + std::to_string(block.at("height").integer_or(0)) + ".json";
}

// "28 confirmed and 1 maturing; 2 of 31 were orphaned", as far as it is so.
std::string sentence(const PageInput& in) {
  const JsonView by_status = in.pool.at("blocks");
  const auto count = [&](std::string_view status) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(by_status.at(status).integer_or(0), 0));
  };
  const std::uint64_t confirmed = count("confirmed");
  const std::uint64_t accepted = count("accepted");
  const std::uint64_t orphaned = count("orphaned");
  const std::uint64_t found = confirmed + accepted + orphaned;
  if (found == 0) return "No block yet. The first one shows here a moment after a node took it.";
  std::string out = "<b>" + plural(found, "block") + "</b> found: <b>" + format_count(confirmed) +
                    "</b> confirmed, <b>" + format_count(accepted) + "</b> maturing, ";
  out += orphaned == 0 ? "none orphaned." : "<b>" + format_count(orphaned) + "</b> orphaned.";
  const auto luck = in.pool.at("luck.all.luck").number();
  if (luck) out += " Luck so far <b>" + escape_html(format_effort(*luck)) + "</b>.";
  return out;
}

}  // namespace

std::string block_rows(const JsonView& blocks, std::string_view trouble) {
  const auto items = blocks.items();
  if (items.empty()) return empty_row(7, trouble.empty() ? "None yet." : trouble);
  std::string out;
  for (const JsonView& row : items) out += block_row(row);
  return out;
}

std::string blocks_note(const JsonView& by_status) {
  std::string out;
  for (const auto& [status, count] : by_status.members()) {
    const std::int64_t n = count.integer_or(0);
    if (n > 0)
      out += (out.empty() ? "" : ", ") + format_count(static_cast<std::uint64_t>(n)) + " " +
             (status == "accepted" ? "maturing" : status);
  }
  return out;
}

void fill_blocks(const PageInput& in, PageValues& out) {
  for (const char* name : {"block_facts", "block_tag", "answer_rows", "block_hash", "block_proof",
                           "block_file", "block_rows", "blocks_note", "more"}) {
    out[name] = "";
  }
  const bool one = !in.request.block.empty();
  out["is_list"] = one ? "hidden" : "";
  out["is_one"] = one && in.body("block").is_there() ? "" : "hidden";
  if (one) return fill_one_block(in, out);
  out["title"] = "Blocks: Phasepool";
  out["sentence"] = sentence(in);
  out["blocks_note"] = blocks_note(in.pool.at("blocks"));
  out["block_rows"] = block_rows(in.body("blocks").at("blocks"), in.trouble("blocks"));
  out["more"] = more_link("/blocks", "before", in.body("blocks").at("next"), "Older blocks");
}

}  // namespace pool
