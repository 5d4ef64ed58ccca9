// Ring<T>: a FIFO of fixed capacity. push() says no when it is full; nothing ever grows.
#pragma once

#include "common/base/assert.h"

#include <cstddef>
#include <utility>
#include <vector>

namespace base {

template <class T>
class Ring {
 public:
  explicit Ring(std::size_t capacity) : slots_(capacity) { ASSERT(capacity > 0); }

  [[nodiscard]] bool push(T value) {
    if (size_ == slots_.size()) return false;
    slots_[(first_ + size_) % slots_.size()] = std::move(value);
    ++size_;
    return true;
  }
  // REQUIRES: not empty.
  T pop() {
    ASSERT(size_ > 0);
    T value = std::move(slots_[first_]);
    first_ = (first_ + 1) % slots_.size();
    --size_;
    return value;
  }
  // Element i, counted from the oldest. REQUIRES: i < size().
  const T& operator[](std::size_t i) const {
    ASSERT(i < size_);
    return slots_[(first_ + i) % slots_.size()];
  }
  T& operator[](std::size_t i) {
    ASSERT(i < size_);
    return slots_[(first_ + i) % slots_.size()];
  }
  std::size_t size() const { return size_; }
  std::size_t capacity() const { return slots_.size(); }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == slots_.size(); }

 private:
  std::vector<T> slots_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace base
