// One list under one lock: it is off the hot path.
#include "sched/injection.hpp"

#include <algorithm>
#include <mutex>

namespace weft::detail {

void injection_queue::push(waiter* runnable) noexcept {
  std::lock_guard guard(lock_);
  queue_.push_back(runnable);
  count_.write(count_.read() + 1);
}

void injection_queue::push(wake_list&& many) noexcept {
  std::lock_guard guard(lock_);
  while (waiter* w = many.pop_front()) {
    queue_.push_back(w);
    count_.write(count_.read() + 1);
  }
}

wake_list injection_queue::take_share(int processors) noexcept {
  wake_list share;
  if (empty()) return share;
  std::lock_guard guard(lock_);
  const std::size_t count = count_.read();
  const std::size_t fair = count / static_cast<std::size_t>(processors) + 1;
  std::size_t wanted = std::min({fair, share_max, count});
  count_.write(count - wanted);
  for (; wanted > 0; --wanted) share.push_back(queue_.pop_front());
  return share;
}

}  // namespace weft::detail
