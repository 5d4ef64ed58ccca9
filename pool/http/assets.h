// What of web/ the pool serves: bundles as browsers get them, and pages as templates (page.h fills
// them in). Written at build time by web/build.mjs.
// Thread: constants.
#pragma once

#include <span>
#include <string_view>

namespace pool {

struct WebAsset {
  std::string_view name;  // "app.js"
  std::string_view path;  // "/assets/app.1f0c3d6b9a24.js"
  std::string_view type;  // "text/javascript; charset=utf-8"
  std::string_view etag;  // in quotes; of the plain body
  bool is_immutable;      // the path names this very content, so that browsers may keep it
  std::string_view raw;
  std::string_view gzip;
  std::string_view brotli;
};

struct WebPage {
  std::string_view name;  // "overview"
  std::string_view html;
};

std::span<const WebAsset> web_assets();
std::span<const WebPage> web_pages();

}  // namespace pool
