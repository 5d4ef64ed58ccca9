#include "pool/http/page_text.h"

#include "common/base/assert.h"
#include "pool/http/format.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace pool {
namespace {

constexpr std::string_view no_break_space = "\u00a0";
constexpr std::string_view thin_space = "\u2009";

using Form = std::string (*)(const JsonView&);

std::string hashrate_text(const JsonView& value) {
  const auto rate = value.number();
  if (!rate) return std::string(unknown_figure);
  const Figure figure = format_hashrate(*rate);
  return figure.number + std::string(no_break_space) + figure.unit;
}

template <class Format>
std::string of_integer(const JsonView& value, const Format& format) {
  const auto integer = value.integer();
  return integer ? format(*integer) : std::string(unknown_figure);
}

template <class Format>
std::string of_number(const JsonView& value, const Format& format) {
  const auto number = value.number();
  return number ? format(*number) : std::string(unknown_figure);
}

struct NamedForm {
  std::string_view name;
  Form form;
};

const std::array<NamedForm, 10> forms{{
    {"count",
     [](const JsonView& v) {
       return of_integer(v, [](std::int64_t n) {
         return format_count(static_cast<std::uint64_t>(std::max<std::int64_t>(n, 0)));
       });
     }},
    {"hashrate", hashrate_text},
    {"difficulty",
     [](const JsonView& v) { return of_number(v, [](double d) { return format_difficulty(d); }); }},
    {"btc", [](const JsonView& v) { return of_integer(v, format_btc); }},
    {"sats", [](const JsonView& v) { return of_integer(v, format_sats); }},
    {"percent",
     [](const JsonView& v) { return of_number(v, [](double p) { return format_percent(p, 1); }); }},
    {"effort", [](const JsonView& v) { return of_number(v, format_effort); }},
    {"duration", [](const JsonView& v) { return of_integer(v, format_duration); }},
    {"latency", [](const JsonView& v) { return of_integer(v, format_latency); }},
    {"text",
     [](const JsonView& v) {
       const std::string text = v.text();
       return text.empty() ? std::string(unknown_figure) : text;
     }},
}};

// The length of a space that parts a number from its unit at `at`; 0: none stands there.
std::size_t unit_space(std::string_view text, std::size_t at) {
  for (const std::string_view space : {no_break_space, thin_space}) {
    if (text.substr(at, space.size()) != space) continue;
    const std::size_t after = at + space.size();
    const bool digit = after < text.size() && text[after] >= '0' && text[after] <= '9';
    return digit || after >= text.size() ? 0 : space.size();
  }
  return 0;
}

}  // namespace

std::string format_as(std::string_view form, const JsonView& value, std::int64_t now_us) {
  if (form == "ago") {
    const auto then = value.integer();
    return then ? format_duration((now_us - *then) / 1'000'000) : std::string(unknown_figure);
  }
  const auto found = std::find_if(forms.begin(), forms.end(),
                                  [&](const NamedForm& named) { return named.name == form; });
  ASSERT(found != forms.end());
  return found->form(value);
}

std::string show(const JsonView& view, std::string_view form, std::string_view path) {
  return escape_html(format_as(form, view.at(path), 0));
}

std::string show_with(const JsonView& view, std::string_view form, std::string_view path,
                      std::string_view unit) {
  const std::string text = show(view, form, path);
  return text == unknown_figure ? text : text + std::string(no_break_space) + std::string(unit);
}

std::uint64_t count_of(const JsonView& view) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(view.integer_or(0), 0));
}

std::string fact(std::string_view name, const std::string& markup) {
  return "<div><dt>" + std::string(name) + "</dt><dd>" + markup + "</dd></div>\n";
}

std::string with_units(std::string_view figure) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = 0; at < figure.size();) {
    const std::size_t space = unit_space(figure, at);
    if (space == 0) {
      ++at;
      continue;
    }
    out += escape_html(figure.substr(from, at - from));
    const std::size_t begin = at + space;
    const std::size_t end = std::min(figure.find(' ', begin), figure.size());
    out += "<span class=\"unit\">" + escape_html(figure.substr(begin, end - begin)) + "</span>";
    from = at = end;
  }
  return out + escape_html(figure.substr(from));
}

std::string plural(std::uint64_t count, std::string_view word) {
  return format_count(count) + std::string(no_break_space) + std::string(word) +
         (count == 1 ? "" : "s");
}

std::string link(std::string_view href, std::string_view text) {
  return "<a href=\"" + escape_html(href) + "\">" + escape_html(text) + "</a>";
}

std::string code_text(std::string_view shown, std::string_view title) {
  return "<code title=\"" + escape_html(title) + "\">" + escape_html(shown) + "</code>";
}

std::string tag(std::string_view css, std::string_view word, std::string_view title) {
  std::string out = "<span class=\"tag";
  if (!css.empty()) out += " " + std::string(css);
  out += "\"";
  if (!title.empty()) out += " title=\"" + escape_html(title) + "\"";
  return out + ">" + escape_html(word) + "</span>";
}

std::string time_tag(std::int64_t unix_micros, std::string_view form) {
  const std::string full = format_utc(unix_micros);
  const std::string shown = form == "day"     ? format_day(unix_micros) + " UTC"
                            : form == "clock" ? format_clock(unix_micros) + " UTC"
                                              : full;
  return "<time datetime=\"" + format_utc_machine(unix_micros) + "\" title=\"" + full +
         "\" data-t=\"" + std::string(form) + "\">" + shown + "</time>";
}

std::string row_begin(std::string_view key, std::string_view css) {
  std::string out = "<tr data-key=\"" + escape_html(key) + "\"";
  if (!css.empty()) out += " class=\"" + std::string(css) + "\"";
  return out + ">";
}

std::string empty_row(int columns, std::string_view text) {
  return "<tr><td class=\"faint\" colspan=\"" + std::to_string(columns) + "\">" +
         escape_html(text) + "</td></tr>\n";
}

std::string svg_percent(double part) {
  std::array<char, 16> text{};
  const double percent = std::isfinite(part) ? std::clamp(100 * part, 0.0, 100.0) : 0;
  std::snprintf(text.data(), text.size(), "%.1f%%", percent);
  return text.data();
}

std::string part_bar(double part, std::string_view css) {
  return "<svg class=\"bar\" height=\"8\" aria-hidden=\"true\"><rect class=\"rail\" width=\"100%\" "
         "height=\"2\" y=\"3\"/><rect class=\"" +
         std::string(css) + "\" width=\"" + svg_percent(part) + "\" height=\"8\"/></svg>";
}

std::string url_part(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string miner_link(const std::string& address) {
  return "<a href=\"/miner/" + url_part(address) + "\">" +
         code_text(shorten(address, 8, 4), address) + "</a>";
}

RateUnit rate_unit(double largest) {
  constexpr std::array<const char*, 9> letters{"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
  RateUnit unit;
  std::size_t step = 0;
  while (largest / unit.divisor >= 999.5 && step + 1 < letters.size()) {
    unit.divisor *= 1000;
    ++step;
  }
  unit.name = std::string(letters[step]) + "H/s";
  return unit;
}

std::string in_unit(std::optional<double> rate, const RateUnit& unit) {
  if (!rate) return std::string(unknown_figure);
  if (!(*rate > 0)) return "0";
  const double value = *rate / unit.divisor;
  if (value < 0.00995) {
    const Figure own = format_hashrate(*rate);
    return own.number + std::string(no_break_space) + own.unit;
  }
  std::array<char, 32> text{};
  const char* form = value < 0.0995  ? "%.4f"
                     : value < 0.995 ? "%.3f"
                     : value < 9.995 ? "%.2f"
                     : value < 99.95 ? "%.1f"
                                     : "%.0f";
  std::snprintf(text.data(), text.size(), form, value);
  return text.data();
}

std::string upper_case(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z') {
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
  }
  return name;
}

std::string ppm_text(std::int64_t ppm) {
  ppm = std::max<std::int64_t>(ppm, 0);
  std::string rest = std::to_string(10'000 + ppm % 10'000).substr(1);
  rest.resize(rest.find_last_not_of('0') + 1);
  return std::to_string(ppm / 10'000) + (rest.empty() ? "" : "." + rest) + "\u2009%";
}

}  // namespace pool
