#include "pool/http/page_round.h"

#include "pool/http/format.h"
#include "pool/http/page_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace pool {
namespace {

constexpr double rounds_scale = 4;  // the plot ends at 400 %
constexpr std::size_t rounds_shown_max = 30;

// exp(-x): the part of all rounds that take more than x times the expected work.
std::string luck_curve() {
  std::string path = "M0 100";
  for (int x = 0; x <= 400; x += 8) {
    std::array<char, 32> point{};
    std::snprintf(point.data(), point.size(), "L%d %.1f", x, 100 - 98 * std::exp(-x / 100.0));
    path += point.data();
  }
  return path + "L400 100Z";
}

std::string ticks() {
  std::string out = "<line class=\"tick\" x1=\"0\" x2=\"100%\" y1=\"100.5\" y2=\"100.5\"/>";
  for (const char* x : {".5", "25%", "50%", "75%", "100%"}) {
    out += "<line class=\"tick\" x1=\"" + std::string(x) + "\" x2=\"" + x +
           "\" y1=\"100\" y2=\"105\"/>";
  }
  return out;
}

std::string round_plot(std::optional<double> now, const std::vector<double>& past) {
  if (!now && past.empty()) return {};

  std::string out = "<svg class=\"bar gap\" height=\"128\" role=\"img\" aria-label=\"";
  out += now ? "Effort " + format_effort(*now) : std::string("Effort unknown");
  out += " on a scale from 0 to 400 percent; the " + std::to_string(past.size()) +
         " rounds before are dots\"><svg viewBox=\"0 0 400 100\" width=\"100%\" height=\"96\" "
         "y=\"4\" preserveAspectRatio=\"none\"><path class=\"expected\" d=\"" +
         luck_curve() + "\"/></svg>" + ticks();
  for (const double effort : past) {
    out += "<circle class=\"past\" cx=\"" + svg_percent(effort / rounds_scale) +
           "\" cy=\"92\" r=\"3\"/>";
  }
  if (now) {
    const double at = std::min(*now / rounds_scale, 1.0);
    const bool left = at > 0.8;
    out += "<line class=\"now\" x1=\"" + svg_percent(at) + "\" x2=\"" + svg_percent(at) +
           "\" y1=\"4\" y2=\"100\"/><text class=\"on\" x=\"" + svg_percent(at) + "\" dx=\"" +
           (left ? "-8\" text-anchor=\"end" : "8") + "\" y=\"16\">now" +
           (*now > rounds_scale ? ", beyond the scale" : "") + "</text>";
  }
  return out +
         "<text x=\"0\" y=\"122\">0</text><text x=\"25%\" y=\"122\" "
         "text-anchor=\"middle\">100\u2009%"
         "</text><text x=\"50%\" y=\"122\" text-anchor=\"middle\">200</text><text x=\"75%\" "
         "y=\"122\" text-anchor=\"middle\">300</text><text x=\"100%\" y=\"122\" "
         "text-anchor=\"end\">400</text></svg>";
}

std::string luck_text(const PageInput& in) {
  std::string out;
  const auto add = [&](std::string_view path, const std::string& words) {
    const auto luck = in.pool.at(path).at("luck").number();
    const auto blocks = in.pool.at(path).at("blocks").integer();
    if (!luck || !blocks || *blocks < 1) return;
    out += (out.empty() ? " Luck of " : "; of ") + words + ": " + format_effort(*luck);
  };
  const std::int64_t all = in.pool.at("luck.all.blocks").integer_or(0);
  if (all > 10) add("luck.last_10", "the last ten rounds");
  add("luck.all",
      all > 10 ? "all " + format_count(static_cast<std::uint64_t>(all)) : "the rounds so far");
  return out.empty() ? out : out + ".";
}

// What luck alone would say of the round, and how long one takes at today's rate.
std::string round_text(const PageInput& in, std::optional<double> effort) {
  if (!effort) {
    return "A round is the time between two blocks. Effort is the work done in it, against what a "
           "block takes on average.";
  }
  std::string out =
      "Dots: the rounds before; grey: what luck alone would do. A block by now had a "
      "chance of " +
      format_percent(-std::expm1(-*effort), 1) + ".";
  const auto work = decimal(in.pool.at("round.network_work"));
  const double rate = in.pool.at("hashrate.1d").number_or(0);
  if (work && rate > 0 && *work / rate < 3e10) {
    const double seconds = *work / rate;
    out += seconds < 1
               ? " At this rate a block takes less than a second."
               : " Expected every " + format_duration(static_cast<std::int64_t>(seconds)) + ".";
  }
  return out + luck_text(in);
}

}  // namespace

void fill_round(const PageInput& in, PageValues& out) {
  const auto effort = in.pool.at("effort").number();
  std::vector<double> past;
  for (const JsonView& block : in.body("blocks").at("blocks").items()) {
    const auto done = block.at("effort").number();
    if (done && past.size() < rounds_shown_max) past.push_back(*done);
  }
  const auto began = in.pool.at("round.began_us").integer();
  out["round_elapsed"] = with_units(began ? format_duration((in.now_us - *began) / 1'000'000)
                                          : std::string(unknown_figure));
  const JsonView last = in.pool.at("last_block");
  out["round_elapsed_name"] = last.is_there() ? "since the last block" : "since the first share";
  out["round_since"] =
      last.is_there() ? "since block " + link("/blocks?block=" + url_part(last.at("hash").text()),
                                              format_as("count", last.at("height"), 0))
                      : std::string("no block before");
  out["round_plot"] = round_plot(effort, past);
  out["round_text"] = round_text(in, effort);
}

namespace {

struct Mark {
  std::int64_t us;
  const char* name;
  bool is_main;
};

// A line as long as it took, and what it is: behind its end, or above it where there is no room.
std::string delivery_mark(const Mark& mark, double part, int height) {
  const std::string x = svg_percent(part);
  const std::string y = std::to_string(height);
  const bool above = part > 0.6;
  return "<line class=\"" + std::string(mark.is_main ? "now" : "thin") + "\" x1=\"0\" x2=\"" + x +
         "\" y1=\"" + y + "\" y2=\"" + y + "\"/><circle class=\"" + (mark.is_main ? "pt" : "dot2") +
         "\" cx=\"" + x + "\" cy=\"" + y + "\" r=\"4\"/><text class=\"on\" x=\"" + x + "\" dx=\"" +
         (above ? "-10\" dy=\"-6\" text-anchor=\"end" : "10\" dy=\"4") + "\" y=\"" + y + "\">" +
         mark.name + ", " + escape_html(format_latency(mark.us)) + "</text>";
}

// One line from 0 to a round number of milliseconds, with what was measured on it.
std::string delivery_plot(const std::vector<Mark>& marks) {
  std::int64_t largest = 0;
  for (const Mark& mark : marks) largest = std::max(largest, mark.us);
  if (marks.empty()) return {};
  double scale_ms = 1;
  for (const double step :
       {1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10000.0}) {
    scale_ms = step;
    if (static_cast<double>(largest) <= 950 * step) break;
  }
  std::string label = "Time until the last miner had new work:";
  std::string drawn;
  int row = 0;
  for (const Mark& mark : marks) {
    label.append(row == 0 ? " " : ", ")
        .append(mark.name)
        .append(" ")
        .append(format_latency(mark.us));
    drawn += delivery_mark(mark, static_cast<double>(mark.us) / 1000 / scale_ms, 18 + 26 * row);
    ++row;
  }
  const std::string base = std::to_string(18 + 26 * row) + ".5";
  const std::string text = std::to_string(18 + 26 * row + 20);
  std::array<char, 64> half{};
  std::snprintf(half.data(), half.size(), "%g", scale_ms / 2);
  std::array<char, 64> full{};
  std::snprintf(full.data(), full.size(), "%g\u00a0ms", scale_ms);
  return "<svg class=\"bar gap\" height=\"" + std::to_string(18 + 26 * row + 26) +
         "\" role=\"img\" aria-label=\"" + escape_html(label) +
         "\"><line class=\"tick\" x1=\"0\" x2=\"100%\" y1=\"" + base + "\" y2=\"" + base + "\"/>" +
         drawn + "<text x=\"0\" y=\"" + text + "\">0</text><text x=\"50%\" y=\"" + text +
         "\" text-anchor=\"middle\">" + half.data() + "</text><text x=\"100%\" y=\"" + text +
         "\" text-anchor=\"end\">" + full.data() + "</text></svg>";
}

}  // namespace

void fill_delivery(const PageInput& in, PageValues& out) {
  const auto tip = in.pool.at("tip_time_us").integer();
  out["delivery_since"] = tip ? "last tip, " + time_tag(*tip, "clock") : std::string("no tip yet");
  std::vector<Mark> marks;
  const auto add = [&](std::string_view path, const char* name, bool is_main) {
    const auto us = in.pool.at(path).integer();
    if (us) marks.push_back({*us, name, is_main});
  };
  add("notify_latency_us", "last tip", true);
  add("notify.p50_us", "half of them", false);
  add("notify.p99_us", "99 of 100", false);
  add("notify.max_us", "slowest", false);
  out["delivery_plot"] = delivery_plot(marks);
  const std::int64_t tips = in.pool.at("notify.tips").integer_or(0);
  const auto slow = in.pool.at("notify.slow").integer();
  out["delivery_text"] =
      marks.empty()
          ? "From the node\u2019s word of a new tip to the last miner\u2019s new work. No tip yet."
      : tips > 0
          ? "From the node\u2019s word of a new tip to the last miner\u2019s new work, over the "
            "last " +
                plural(static_cast<std::uint64_t>(tips), "tip") +
                ". Slower than 50\u00a0ms since the start: " +
                format_count(static_cast<std::uint64_t>(slow.value_or(0))) + "."
          : "From the node\u2019s word of a new tip to the last miner\u2019s new work.";
}

}  // namespace pool
