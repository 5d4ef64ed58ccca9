#include "pool/http/page_text.h"

#include "tests/unit/vectors.h"

#include <doctest/doctest.h>

using namespace pool;

TEST_CASE("figures have the forms that the script gives them too") {
  const rapidjson::Document vectors = vectors::load("format.json");
  const std::int64_t now_us = vectors["now_us"].GetInt64();
  CHECK_GE(vectors["rows"].Size(), 40);
  for (const auto& row : vectors["rows"].GetArray()) {
    CAPTURE(row["form"].GetString());
    CAPTURE(row["text"].GetString());
    CHECK_EQ(format_as(row["form"].GetString(), JsonView(row["value"]), now_us),
             row["text"].GetString());
  }
}

TEST_CASE("units stand apart from their figures") {
  const rapidjson::Document vectors = vectors::load("format.json");
  for (const auto& row : vectors["units"].GetArray()) {
    std::string wanted;
    for (const auto& piece : row["pieces"].GetArray()) {
      const std::string text = piece[0].GetString();
      wanted += piece[1].GetBool() ? "<span class=\"unit\">" + text + "</span>" : text;
    }
    CHECK_EQ(with_units(row["figure"].GetString()), wanted);
  }
  CHECK_EQ(with_units("<b>\u00a0&"), "&lt;b&gt;<span class=\"unit\">&amp;</span>");
}

TEST_CASE("pieces of markup escape what they are given") {
  const std::string evil = "\"><script>'";
  for (const std::string& html : {link(evil, evil), code_text(evil, evil), tag("", evil, evil),
                                  empty_row(2, evil), miner_link(evil), row_begin(evil)}) {
    CAPTURE(html);
    CHECK_EQ(html.find("<script"), std::string::npos);
    CHECK_EQ(html.find("\"><s"), std::string::npos);
  }
  CHECK_EQ(url_part("a.b-c_d~1/?&=#% \xc3\xa9"), "a.b-c_d~1%2F%3F%26%3D%23%25%20%C3%A9");
}

TEST_CASE("a fee is shown exactly") {
  CHECK_EQ(ppm_text(0), "0\u2009%");
  CHECK_EQ(ppm_text(2'500), "0.25\u2009%");
  CHECK_EQ(ppm_text(1), "0.0001\u2009%");
  CHECK_EQ(ppm_text(10'500), "1.05\u2009%");
  CHECK_EQ(ppm_text(1'000'000), "100\u2009%");
  CHECK_EQ(ppm_text(-1), "0\u2009%");
}

TEST_CASE("small words") {
  CHECK_EQ(plural(0, "worker"), "0\u00a0workers");
  CHECK_EQ(plural(1, "worker"), "1\u00a0worker");
  CHECK_EQ(plural(1'284, "worker"), "1,284\u00a0workers");
  CHECK_EQ(spaced("low_difficulty"), "Low difficulty");
  CHECK_EQ(spaced(""), "");
  CHECK_EQ(upper_case("pplns"), "PPLNS");
  CHECK_EQ(svg_percent(0.1234), "12.3%");
  CHECK_EQ(svg_percent(-1), "0.0%");
  CHECK_EQ(svg_percent(7), "100.0%");
  CHECK_EQ(svg_percent(0.0 / 1e-300 - 0.0), "0.0%");
  CHECK_EQ(time_tag(1'726'842'727'000'000, "day"),
           "<time datetime=\"2024-09-20T14:32:07Z\" title=\"2024-09-20 14:32:07 UTC\" "
           "data-t=\"day\">20 Sep, 14:32 UTC</time>");
}
