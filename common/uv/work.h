// queue_work: something that may block (a file's fsync) runs on libuv's thread pool; the loop hears
// when it is done.
//
// `work` runs on a pool thread and shares nothing with the loop but what it was given; `on_done`
// runs on the loop's thread afterwards. Neither may throw. What they capture must live until then:
// hold shared state, not `this`. There is no cancelling: a loop's destructor waits for the work.
// Thread: the loop's.
#pragma once

#include "common/base/assert.h"
#include "common/uv/loop.h"

#include <functional>
#include <memory>
#include <utility>

namespace uv {

inline void queue_work(Loop& loop, std::function<void()> work, std::function<void()> on_done) {
  struct Request {
    uv_work_t request{};
    std::function<void()> work;
    std::function<void()> on_done;
  };
  auto owned = std::make_unique<Request>();
  owned->work = std::move(work);
  owned->on_done = std::move(on_done);
  Request* queued = owned.release();  // libuv's until the second callback has run
  queued->request.data = queued;
  const int queued_ok = uv_queue_work(
      loop.get(), &queued->request,
      [](uv_work_t* request) noexcept { static_cast<Request*>(request->data)->work(); },
      [](uv_work_t* request, int /*status*/) noexcept {
        const std::unique_ptr<Request> done(static_cast<Request*>(request->data));
        done->on_done();
      });
  ASSERT(queued_ok == 0);
}

}  // namespace uv
