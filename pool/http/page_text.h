// Pieces of markup that every page is made of. All texts are escaped here.
//
// A figure that lives carries where its value stands in the API's pool object (data-v) and how it
// is written (data-as): web/js/live.js writes it anew by the same names when the value changes.
// Thread: pure functions.
#pragma once

#include "pool/http/json_view.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pool {

// A value in one of the forms of web/js/format.js: count, hashrate, difficulty, btc, sats, percent,
// effort, duration, latency, ago, text. `now_us` is what `ago` counts from.
// REQUIRES: the form is one of these.
std::string format_as(std::string_view form, const JsonView& value, std::int64_t now_us);

// A member in a form, escaped.
std::string show(const JsonView& view, std::string_view form, std::string_view path);
// The same with a unit behind it; of what is unknown the dash alone.
std::string show_with(const JsonView& view, std::string_view form, std::string_view path,
                      std::string_view unit);
// A count of things; nothing and less than nothing are 0.
std::uint64_t count_of(const JsonView& view);
// A line of a list of facts; the markup is as it is.
std::string fact(std::string_view name, const std::string& markup);

// "31.6 %" with the unit in a span of its own; escaped.
std::string with_units(std::string_view figure);
// "3 workers", "1 worker"
std::string plural(std::uint64_t count, std::string_view word);

std::string link(std::string_view href, std::string_view text);
std::string code_text(std::string_view shown, std::string_view title);
// A well-being tag: css is "", "part", "warn", "bad" or "off".
std::string tag(std::string_view css, std::string_view word, std::string_view title = {});
// The script writes it in the reader's zone; here it says UTC. `form`: "day", "clock" or "full".
std::string time_tag(std::int64_t unix_micros, std::string_view form);
// The beginning of a table's row. The script tells rows by their key when the table is renewed.
std::string row_begin(std::string_view key, std::string_view css = {});
// "<tr><td colspan=…>text</td></tr>", where a table has no rows.
std::string empty_row(int columns, std::string_view text);
// A whole as a rail and a part of it, for one line of a table.
std::string part_bar(double part, std::string_view css);
// "12.3%", within 0 and 100: for the attributes of an SVG.
std::string svg_percent(double part);
// Percent-encoded for a path or a query.
std::string url_part(std::string_view text);
// A payout address, shortened, that leads to its page.
std::string miner_link(const std::string& address);

// One unit for a whole table of hash rates, chosen by its largest.
struct RateUnit {
  double divisor = 1;
  std::string name = "H/s";
};
RateUnit rate_unit(double largest);
// Three digits in that unit; a rate too small for it brings its own.
std::string in_unit(std::optional<double> rate, const RateUnit& unit);

std::string upper_case(std::string text);
// "low_difficulty" to "Low difficulty".
std::string spaced(std::string name);
// Millionths as a percentage, exactly: "1 %", "0.25 %".
std::string ppm_text(std::int64_t ppm);

}  // namespace pool
