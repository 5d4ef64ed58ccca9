// TurnEnd: calls back once at the end of each turn of the loop, after every socket and mailbox that
// was ready has been served. What a turn gathered is handed over there, once.
// Thread: the loop's.
#pragma once

#include "common/base/assert.h"
#include "common/uv/loop.h"

#include <functional>
#include <utility>

namespace uv {

class TurnEnd {
 public:
  TurnEnd(Loop& loop, std::function<void()> on_turn_end) : on_turn_end_(std::move(on_turn_end)) {
    ASSERT(uv_check_init(loop.get(), handle_.get()) == 0);
    handle_->data = this;
    ASSERT(uv_check_start(handle_.get(), on_check) == 0);
    // Alone it keeps no loop alive.
    uv_unref(reinterpret_cast<uv_handle_t*>(handle_.get()));
  }
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;

 private:
  static void on_check(uv_check_t* handle) noexcept {
    static_cast<TurnEnd*>(handle->data)->on_turn_end_();
  }

  std::function<void()> on_turn_end_;
  Owned<uv_check_t> handle_{new uv_check_t};
};

}  // namespace uv
