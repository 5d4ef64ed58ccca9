// RpcResult: the "result" of an answer, inside the body it came in. A block template's is
// megabytes, so it is handed on where it was received, and its parser may work in place.
//
// Thread: a value; moving it keeps the bytes where they are.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace rpc {

class RpcResult {
 public:
  RpcResult() = default;
  explicit RpcResult(std::string text) : body_(std::move(text)), size_(body_.size()) {}
  // REQUIRES: `result` lies in `body`.
  RpcResult(std::string&& body, std::string_view result)
      : begin_(static_cast<std::size_t>(result.data() - body.data())), size_(result.size()) {
    body_ = std::move(body);  // only now: a short body's bytes lie in the string itself
  }

  // Raw JSON.
  std::string_view text() const { return std::string_view(body_).substr(begin_, size_); }
  operator std::string_view() const { return text(); }
  const char* data() const { return text().data(); }
  std::size_t size() const { return size_; }
  friend bool operator==(const RpcResult& a, std::string_view b) { return a.text() == b; }

  // The memory that it lies in, for another answer. The text is gone then.
  std::string&& release() && { return std::move(body_); }

  // The same text, to be written over, with `padding` zero bytes behind it that are the caller's
  // too. What followed it in the body is gone then. Nothing is copied where the body has room.
  std::span<char> writable(std::size_t padding) {
    body_.resize(begin_ + size_);
    body_.append(padding, '\0');
    return std::span<char>(body_).subspan(begin_, size_);
  }

 private:
  std::string body_;
  std::size_t begin_ = 0;
  std::size_t size_ = 0;
};

}  // namespace rpc
