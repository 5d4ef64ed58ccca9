// MetricsText: metrics in Prometheus's text format, a family at a time.
//
// Each family is begun once, with its help and its kind, and its samples follow. Names and label
// names are the program's own words and ASSERTed to be well formed; label values are escaped.
//
// Units:  base units, as the names say: seconds, bytes, hashes. Durations are given in
// microseconds. Thread: one owner. Pure. Source:
// https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4)
#pragma once

#include "pool/core/histogram.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace pool {

class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // What follows, until the next one, are samples of this family.
  void counter(std::string_view name, std::string_view help) { begin(name, help, "counter"); }
  void gauge(std::string_view name, std::string_view help) { begin(name, help, "gauge"); }
  void histogram(std::string_view name, std::string_view help) { begin(name, help, "histogram"); }

  void sample(std::uint64_t value, Labels labels = {});
  void sample(double value, Labels labels = {});
  void flag(bool value, Labels labels = {}) { sample(std::uint64_t{value ? 1U : 0U}, labels); }
  void seconds(std::int64_t microseconds, Labels labels = {});
  void sample(const LatencyHistogram& times, Labels labels = {});
  void sample(const DepthHistogram& depths, Labels labels = {});

  std::string take() { return std::move(text_); }

 private:
  void begin(std::string_view name, std::string_view help, std::string_view kind);
  void line(std::string_view suffix, Labels labels, std::string_view bound, std::string_view value);
  template <class AnyHistogram>
  void buckets(const AnyHistogram& counts, std::int64_t unit, Labels labels);

  std::string text_;
  std::string name_;
};

}  // namespace pool
