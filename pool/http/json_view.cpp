#include "pool/http/json_view.h"

#include <algorithm>
#include <cstdlib>

namespace pool {

JsonView JsonView::at(std::string_view path) const {
  JsonView here = *this;
  while (!path.empty() && here.value_ != nullptr) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (!here.value_->IsObject()) return {};
    const auto found = here.value_->FindMember(rapidjson::Value(
        rapidjson::StringRef(name.data(), static_cast<rapidjson::SizeType>(name.size()))));
    if (found == here.value_->MemberEnd()) return {};
    here = JsonView(found->value);
  }
  return here;
}

std::optional<double> JsonView::number() const {
  if (value_ == nullptr || !value_->IsNumber()) return std::nullopt;
  return value_->GetDouble();
}

std::optional<std::int64_t> JsonView::integer() const {
  if (value_ == nullptr || !value_->IsInt64()) return std::nullopt;
  return value_->GetInt64();
}

std::string JsonView::text() const {
  if (value_ == nullptr || !value_->IsString()) return {};
  return {value_->GetString(), value_->GetStringLength()};
}

bool JsonView::flag() const { return value_ != nullptr && value_->IsTrue(); }

std::vector<JsonView> JsonView::items() const {
  std::vector<JsonView> out;
  if (value_ == nullptr || !value_->IsArray()) return out;
  out.reserve(value_->Size());
  for (const rapidjson::Value& item : value_->GetArray()) out.emplace_back(item);
  return out;
}

std::vector<std::pair<std::string, JsonView>> JsonView::members() const {
  std::vector<std::pair<std::string, JsonView>> out;
  if (value_ == nullptr || !value_->IsObject()) return out;
  for (const auto& member : value_->GetObject()) {
    out.emplace_back(std::string(member.name.GetString(), member.name.GetStringLength()),
                     JsonView(member.value));
  }
  return out;
}

std::optional<double> decimal(const JsonView& view) {
  const std::string text = view.text();
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  return std::strtod(text.c_str(), nullptr);
}

}  // namespace pool
