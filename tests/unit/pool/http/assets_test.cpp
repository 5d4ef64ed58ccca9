#include "pool/http/assets.h"

#include <doctest/doctest.h>

#include <string>

using namespace pool;

TEST_CASE("a bundle's path names its content, and the packed forms are smaller") {
  REQUIRE_GE(web_assets().size(), 5);
  for (const WebAsset& asset : web_assets()) {
    CAPTURE(asset.name);
    CHECK_FALSE(asset.raw.empty());
    CHECK_EQ(asset.gzip.substr(0, 3), "\x1f\x8b\x08");  // RFC 1952, 2.3
    CHECK_LE(asset.brotli.size(), asset.gzip.size());
    CHECK_EQ(asset.etag.size(), 14);
    CHECK_EQ(asset.etag.front(), '"');
    CHECK_EQ(asset.etag.back(), '"');
    const std::string hash(asset.etag.substr(1, 12));
    CHECK_EQ(asset.path.find(hash) != std::string_view::npos, asset.is_immutable);
  }
}

TEST_CASE("what a first visit loads weighs less than 150 KB") {
  std::size_t bytes = 0;
  for (const WebAsset& asset : web_assets()) bytes += asset.gzip.size();
  for (const WebPage& page : web_pages()) {
    CAPTURE(page.name);
    CHECK_LT(bytes + page.html.size(), 110'000);  // the rest is for the figures that are filled in
  }
}

TEST_CASE("pages name bundles that exist") {
  REQUIRE_GE(web_pages().size(), 7);
  for (const WebPage& page : web_pages()) {
    CAPTURE(page.name);
    CHECK_EQ(page.html.substr(0, 15), "<!DOCTYPE html>");
    CHECK_EQ(page.html.find("{{asset"), std::string_view::npos);
    for (const std::string_view name : {"style.css", "theme.js", "app.js"}) {
      bool is_named = false;
      for (const WebAsset& asset : web_assets()) {
        if (asset.name == name) is_named = page.html.find(asset.path) != std::string_view::npos;
      }
      CHECK(is_named);
    }
  }
}
