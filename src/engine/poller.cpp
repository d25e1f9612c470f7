// Descriptors, and whom their news wake.
#include "engine/poller.hpp"

#include <cerrno>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <stdexcept>
#include <system_error>

#include "port/clock.hpp"

namespace weft::detail {
namespace {

constexpr std::uint64_t foreign_bit = std::uint64_t{1} << 63;
constexpr std::uint32_t generation_mask = 0x7fff'ffff;

/// Also one that was waited for as a foreign one: the kernel keeps that in mind until it is closed.
void watch_afresh(int fd, std::uint64_t tag) {
  try {
    poll_watch(fd, tag);
  } catch (const std::system_error& e) {
    if (e.code() != std::errc::file_exists) throw;
    poll_forget(fd);
    poll_watch(fd, tag);
  }
}

}  // namespace

descriptor* descriptor_table::find(std::uint32_t number) noexcept {
  if (number / chunk_count >= chunks_max) return nullptr;
  descriptor* const chunk = chunks_[number / chunk_count].read();
  return chunk ? &chunk[number % chunk_count] : nullptr;
}

descriptor& descriptor_table::at(std::uint32_t number) {
  if (descriptor* found = find(number)) return *found;
  if (number / chunk_count >= chunks_max) throw std::length_error("weft: too many descriptors");
  auto chunk = std::make_unique<descriptor[]>(chunk_count);
  std::lock_guard guard(lock_);
  auto& place = chunks_[number / chunk_count];
  if (!place.read()) place.publish(chunk.release());
  return place.read()[number % chunk_count];
}

std::uint64_t descriptor::tag() const noexcept {
  return (foreign_ ? foreign_bit : 0) | std::uint64_t{generation_ & generation_mask} << 32 |
         number_;
}

bool descriptor::take_ready_locked(io_side side) noexcept {
  if (!has(ready_, side)) return false;
  ready_ = side == io_side::read ? (has(ready_, io_side::write) ? io_side::write : io_side::none)
                                 : (has(ready_, io_side::read) ? io_side::read : io_side::none);
  return true;
}

io_side descriptor::wanted_locked() const noexcept {
  return (queues_[0].empty() ? io_side::none : io_side::read) |
         (queues_[1].empty() ? io_side::none : io_side::write);
}

int descriptor::enlist_locked(io_node& node, io_side side) noexcept {
  if (foreign_) {
    ++generation_;  // what an earlier registration still tells is not for this wait
    if (const int error = poll_once(fd_, wanted_locked() | side, tag()); error != 0) return error;
  }
  node.queued = true;
  queue_of(side).push_back(&node);
  // Order: none. A hint.
  poller::get().waiting_.fetch_add(1, relaxed);
  return 0;
}

void descriptor::delist_locked(io_node& node, io_side side) noexcept {
  // Order: none. A hint.
  poller::get().waiting_.fetch_sub(1, relaxed);
  if (!node.queued) return;
  node.queued = false;
  queue_of(side).remove(&node);
}

bool descriptor::collect_waiters_locked(io_side side, wake_list& woken) noexcept {
  queue& waiters = queue_of(side);
  bool any = false;
  while (io_node* node = waiters.pop_front()) {
    node->queued = false;
    if (node->claim && !node->claim->try_claim(io_node::claimed_by_io)) continue;
    woken.push_back(node->who);
    any = true;
  }
  return any;
}

poller& poller::get() noexcept {
  // Outlives every static object, like the runtime.
  alignas(poller) static std::byte room[sizeof(poller)];
  static poller* const instance = ::new (room) poller;
  return *instance;
}

descriptor& poller::watch(int fd, news_collector tells) {
  descriptor* d = nullptr;
  std::uint32_t number = 0;
  {
    std::lock_guard guard(free_lock_);
    d = free_;
    if (d)
      free_ = d->next_free_;
    else
      number = made_++;
  }
  if (!d) {
    d = &owned_.at(number);
    d->number_ = number;
  }
  {
    std::lock_guard guard(d->lock);
    ++d->generation_;
    d->fd_ = fd;
    d->closed_.write(false);
    d->ready_ = io_side::none;
    d->told_more_than_bytes_.write(false);
    d->collect_ = tells;
  }
  try {
    watch_afresh(fd, d->tag());
  } catch (...) {
    give_back(*d);
    throw;
  }
  return *d;
}

void poller::close(descriptor& d, wake_list& woken) noexcept {
  std::lock_guard guard(d.lock);
  d.closed_.write(true);
  poll_forget(d.fd_);
  d.collect_waiters_locked(io_side::read, woken);
  d.collect_waiters_locked(io_side::write, woken);
}

void poller::give_back(descriptor& d) noexcept {
  {
    std::lock_guard guard(d.lock);
    ++d.generation_;
    d.closed_.write(true);
    d.fd_ = -1;
  }
  std::lock_guard guard(free_lock_);
  d.next_free_ = free_;
  free_ = &d;
}

descriptor& poller::foreign(int fd) {
  if (fd < 0) throw std::system_error(EBADF, std::generic_category(), "weft: not a descriptor");
  descriptor& d = foreign_.at(static_cast<std::uint32_t>(fd));
  std::lock_guard guard(d.lock);
  d.foreign_ = true;
  d.closed_.write(false);
  d.fd_ = fd;
  d.number_ = static_cast<std::uint32_t>(fd);
  return d;
}

descriptor* poller::find(std::uint64_t tag) noexcept {
  const auto number = static_cast<std::uint32_t>(tag);
  return (tag & foreign_bit) != 0 ? foreign_.find(number) : owned_.find(number);
}

void poller::deliver(const poll_event& event, wake_list& woken) noexcept {
  descriptor* d = find(event.tag);
  if (!d) return;
  std::lock_guard guard(d->lock);
  if (d->closed_.read() || d->tag() != event.tag) return;  // of an earlier life
  if (event.more_than_bytes) d->told_more_than_bytes_.write(true);
  if (d->collect_) return d->collect_(woken);
  for (const io_side side : {io_side::read, io_side::write}) {
    if (!has(event.sides, side)) continue;
    // Who has run out of time, but has not left the queue, does not hear of it.
    if (!d->collect_waiters_locked(side, woken) && !d->foreign_) d->ready_ = d->ready_ | side;
  }
  // Told once: who waits for the other side must be told, too.
  if (d->foreign_ && d->wanted_locked() != io_side::none &&
      poll_once(d->fd_, d->wanted_locked(), d->tag()) != 0) {
    d->collect_waiters_locked(io_side::read, woken);
    d->collect_waiters_locked(io_side::write, woken);
  }
}

bool poller::collect(deadline_ns until, wake_list& woken) noexcept {
  std::array<poll_event, 128> events;
  const int count = collect_poll(events, until);
  last_look_ns_.write(now_ns());
  for (int i = 0; i < count; ++i) deliver(events[static_cast<std::size_t>(i)], woken);
  return count > 0;
}

}  // namespace weft::detail
