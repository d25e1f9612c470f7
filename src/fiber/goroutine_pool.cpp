// Control blocks move between the pool and the processors' caches by the chunk.
#include "fiber/goroutine_pool.hpp"

#include <algorithm>
#include <mutex>
#include <new>

namespace weft::detail {

void goroutine_pool::refill(goroutine_cache& cache) {
  {
    std::lock_guard guard(lock_);
    const std::size_t wanted = std::min(free_count_, chunk_count);
    for (std::size_t i = 0; i < wanted; ++i) cache.push(pop_locked());
    if (wanted != 0) return;
  }
  const unseen_scope unseen;
  auto made = std::make_unique<goroutine[]>(chunk_count);
  goroutine* first = made.get();
  {
    std::lock_guard guard(lock_);
    chunks_.push_back(std::move(made));
  }
  for (std::size_t i = chunk_count; i-- > 0;) cache.push(&first[i]);
}

void goroutine_pool::drain(goroutine_cache& cache) noexcept {
  std::lock_guard guard(lock_);
  for (std::size_t i = cache.count() / 2; i-- > 0;) push_locked(cache.pop());
}

std::size_t goroutine_pool::list_chunks(std::size_t from, std::span<goroutine*> firsts) noexcept {
  std::lock_guard guard(lock_);
  std::size_t count = 0;
  while (count < firsts.size() && from + count < chunks_.size()) {
    firsts[count] = chunks_[from + count].get();
    ++count;
  }
  return count;
}

void goroutine_pool::list_blocks(std::vector<goroutine*>& to) {
  std::vector<goroutine*> firsts;
  for (std::size_t room = 64;; room *= 2) {  // nothing is allocated under the lock
    firsts.reserve(room);
    std::lock_guard guard(lock_);
    if (chunks_.size() > firsts.capacity()) continue;
    for (const chunk& c : chunks_) firsts.push_back(c.get());
    break;
  }
  to.reserve(to.size() + firsts.size() * chunk_count);
  for (goroutine* first : firsts)
    for (std::size_t i = 0; i < chunk_count; ++i) to.push_back(first + i);
}

}  // namespace weft::detail
