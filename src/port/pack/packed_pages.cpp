// See packed_pages.hpp.
//
// Orders: census: the marks, heavy_barrier(), the owner's run_state; an owner's turn begins before
//         it reads its mark.
#include "port/pack/packed_pages.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "port/fault.hpp"
#include "port/pack/packed_store.hpp"
#include "port/pack/packed_table.hpp"
#include "port/stack_memory.hpp"
#include "port/switch/sanitizer.hpp"
#include "port/sync/barrier.hpp"
#include "port/sync/spin_lock.hpp"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace weft::detail {

constinit hint<bool> packing_begun{false};

namespace {

constexpr int pack_guard_install = 102;  // not in every libc's headers yet
constexpr int pack_guard_remove = 103;

struct packed_record {
  hint<pack_mark>* mark;
  std::uint32_t offset;
  std::uint32_t bytes;

  std::byte* kept() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
};

struct known_span {
  hint<std::uintptr_t> low;
  hint<std::uintptr_t> high;
};

constinit spin_lock pack_lock;
constinit packed_store pack_store;
constinit packed_table pack_table;
constinit std::byte* pack_scratch = nullptr;  // a page's worth of addresses
constinit hint<std::size_t> packed_now{0};
constinit hint<std::size_t> packed_touches{0};

// What a handler reads without the lock: spans only grow.
constinit std::array<known_span, 1024> known_spans{};
constinit published<std::size_t> known_span_count{0};

// What the kernel uses: see pages_in_use.
constinit std::array<address_span, 256> spans_in_use{};
constinit std::size_t spans_in_use_count = 0;
constinit std::size_t spans_without_room = 0;

/// A handler that interrupts its holder might want the lock.
class quiet_guard {
 public:
  quiet_guard() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    pack_lock.lock();
  }
  quiet_guard(const quiet_guard&) = delete;
  quiet_guard& operator=(const quiet_guard&) = delete;
  ~quiet_guard() {
    pack_lock.unlock();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    errno = errno_before_;
  }

 private:
  int errno_before_ = errno;
  sigset_t before_;
};

std::uintptr_t page_number_of(const void* address) noexcept {
  // Safety: an address becomes a key.
  return reinterpret_cast<std::uintptr_t>(address) & ~(page_bytes() - 1);
}
std::byte* page_at(std::uintptr_t page) noexcept {
  // Safety: the key was made from a pointer into a slab, which lives as long as the process.
  return reinterpret_cast<std::byte*>(page);
}

bool is_known(std::uintptr_t address) noexcept {
  const std::size_t count = known_span_count.read();
  return std::any_of(
      known_spans.begin(), known_spans.begin() + static_cast<std::ptrdiff_t>(count),
      [&](const known_span& s) { return address >= s.low.read() && address < s.high.read(); });
}

bool protect(void* page, int rights) noexcept {
  return ::mprotect(page, page_bytes(), rights) == 0;
}

/// Filled beside its place, then moved there. The page itself goes there and back, since a page
/// from elsewhere would be a mapping of its own for ever.
bool replace_in_one_instant(std::byte* page, packed_record& r) noexcept {
  constexpr int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
  const std::size_t bytes = page_bytes();
  if (!protect(page, PROT_NONE)) return false;
  if (::mremap(page, bytes, bytes, flags, pack_scratch) == MAP_FAILED) return false;
  if (!protect(pack_scratch, PROT_READ | PROT_WRITE)) return false;
  if (::madvise(pack_scratch, bytes, pack_guard_remove) != 0) return false;
  std::memcpy(pack_scratch + r.offset, r.kept(), r.bytes);
  return ::mremap(pack_scratch, bytes, bytes, flags, page) != MAP_FAILED;
}

/// Where the process has no mapping left: others may see zeros for a moment.
void replace_in_place(std::byte* page, packed_record& r) noexcept {
  while (!protect(page, PROT_READ | PROT_WRITE) ||
         ::madvise(page, page_bytes(), pack_guard_remove) != 0)
    pause_cpu();
  std::memcpy(page + r.offset, r.kept(), r.bytes);
}

void restore_locked(std::uintptr_t page, packed_record& r, pack_mark mark) noexcept {
  if (!replace_in_one_instant(page_at(page), r)) replace_in_place(page_at(page), r);
  r.mark->write(mark);
  pack_table.erase(page);
  pack_store.give_back(&r);
  packed_now.write(packed_now.read() - 1);
}

packed_record* find_record(std::uintptr_t page) noexcept {
  return static_cast<packed_record*>(pack_table.find(page));
}

bool kernel_uses_locked(std::uintptr_t page) noexcept {
  if (spans_without_room > 0) return true;
  return spans_in_use_count > 0 &&
         std::any_of(spans_in_use.begin(), spans_in_use.end(), [&](const address_span& s) {
           return s.low < page + page_bytes() && s.high > page;
         });
}

enum class pack_outcome : std::uint8_t { packed, passed_over, refused };

/// Its owner stands still, and will find the mark. Others may touch the page: from the first
/// mprotect() on they come to the handler, and wait for the lock.
pack_outcome pack_page_locked(pack_request& q) noexcept {
  const std::uintptr_t page = page_number_of(q.live);
  if (kernel_uses_locked(page) || find_record(page)) return pack_outcome::passed_over;
  std::byte* const low = page_at(page);
  const auto offset = static_cast<std::uint32_t>(q.live - low);
  const auto bytes = static_cast<std::uint32_t>(std::min(q.top, low + page_bytes()) - q.live);
  if (!pack_table.reserve(page)) return pack_outcome::passed_over;
  auto* const r = static_cast<packed_record*>(pack_store.take(sizeof(packed_record) + bytes));
  if (!r) return pack_outcome::passed_over;
  r->mark = q.mark;
  r->offset = offset;
  r->bytes = bytes;
  if (!protect(low, PROT_READ)) {
    pack_store.give_back(r);
    return pack_outcome::passed_over;  // no mapping left
  }
  std::memcpy(r->kept(), q.live, bytes);
  // The system takes the page away before it sets the guard: in between a reader would find zeros.
  const bool hidden = protect(low, PROT_NONE);
  const bool guarded = hidden && ::madvise(low, page_bytes(), pack_guard_install) == 0;
  if (guarded) {
    pack_table.insert(page, r);
    packed_now.bump();
  } else {
    pack_store.give_back(r);  // mlockall()
  }
  while (!protect(low, PROT_READ | PROT_WRITE)) pause_cpu();
  if (guarded && q.dead < low) discard_stack_memory(q.dead, static_cast<std::size_t>(low - q.dead));
  if (!hidden) return pack_outcome::passed_over;
  return guarded ? pack_outcome::packed : pack_outcome::refused;
}

/// What is packed can be brought back in the child too, unless somebody was at it.
constinit sigset_t fork_mask_before{};
void lock_before_fork() {
  sigset_t all;
  ::sigfillset(&all);
  sigset_t before;
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pack_lock.lock();
  fork_mask_before = before;
}
void unlock_after_fork() {
  const sigset_t before = fork_mask_before;
  pack_lock.unlock();
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

bool runs_on_valgrind() noexcept {
#if defined(RUNNING_ON_VALGRIND)
  return RUNNING_ON_VALGRIND != 0;
#else
  return false;
#endif
}

bool is_readable(std::uintptr_t address) noexcept {
  constexpr int populate_read = 22;
  const std::uintptr_t page = address & ~(page_bytes() - 1);
  return ::madvise(page_at(page), page_bytes(), populate_read) == 0;
}

}  // namespace

namespace packed_pages {

const char* prepare() noexcept {
  if (with_asan || sanitizer_thread_count > 0) return "not with a sanitizer";
  if (runs_on_valgrind()) return "not under Valgrind";
  if (!guards_are_light()) return "needs MADV_GUARD_INSTALL (Linux 6.13), and WEFT_GUARDS unset";
  if (!light_barrier_is_free.read()) return "needs membarrier(2)";
  const quiet_guard guard;
  if (!pack_scratch) {
    void* const got = ::mmap(nullptr, page_bytes(), PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return "no memory";
    ::madvise(got, page_bytes(), MADV_NOHUGEPAGE);
    pack_scratch = static_cast<std::byte*>(got);
    ::pthread_atfork(lock_before_fork, unlock_after_fork, unlock_after_fork);
  }
  if (!watch_mendable_faults(mend)) return "the handler of SIGSEGV could not be installed";
  packing_begun.write(true);
  return nullptr;
}

bool handler_is_ours() noexcept { return mendable_faults_are_watched(); }

bool know_memory(const std::byte* memory, std::size_t bytes) noexcept {
  // Safety: the numbers are compared.
  const auto low = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t high = low + bytes;
  const std::size_t count = known_span_count.read();
  for (std::size_t i = 0; i < count; ++i) {
    known_span& s = known_spans[i];
    if (low >= s.low.read() && high <= s.high.read()) return true;
    if (high == s.low.read()) return s.low.write(low), true;
    if (low == s.high.read()) return s.high.write(high), true;
  }
  if (count == known_spans.size()) return false;
  known_spans[count].low.write(low);
  known_spans[count].high.write(high);
  known_span_count.publish(count + 1);
  return true;
}

bool knows(const void* address) noexcept {
  // Safety: the number is compared.
  return is_known(reinterpret_cast<std::uintptr_t>(address));
}

int pack(pack_request* first, std::size_t count, bool (*stands_still)(pack_request&)) noexcept {
  const quiet_guard guard;
  for (std::size_t i = 0; i < count; ++i) {
    first[i].granted = first[i].mark->read() == pack_mark::none;
    if (first[i].granted) first[i].mark->write(pack_mark::packed);
  }
  heavy_barrier();  // Order: census.
  int packed = 0;
  bool refused = false;
  for (std::size_t i = 0; i < count; ++i) {
    pack_request& q = first[i];
    if (!q.granted) continue;
    pack_outcome outcome = pack_outcome::passed_over;
    if (!refused && stands_still(q)) outcome = pack_page_locked(q);
    if (outcome == pack_outcome::packed)
      ++packed;
    else
      q.mark->write(pack_mark::none);
    refused |= outcome == pack_outcome::refused;
  }
  return refused ? -1 : packed;
}

void bring_back(const void* live, hint<pack_mark>& mark) noexcept {
  const std::uintptr_t page = page_number_of(live);
  const quiet_guard guard;
  if (packed_record* r = find_record(page)) restore_locked(page, *r, pack_mark::none);
  mark.write(pack_mark::none);
}

void cool(hint<pack_mark>& mark) noexcept {
  const quiet_guard guard;
  const pack_mark now = mark.read();
  if (now == pack_mark::touched) mark.write(pack_mark::cooling);
  if (now == pack_mark::cooling) mark.write(pack_mark::none);
}

void bring_back_all() noexcept {
  for (std::size_t from = 0;;) {
    const quiet_guard guard;
    const std::uintptr_t page = pack_table.any(from);
    if (page == 0) return;
    restore_locked(page, *find_record(page), pack_mark::none);
  }
}

bool mend(std::uintptr_t address) noexcept {
  if (!is_known(address)) return false;
  const std::uintptr_t page = address & ~(page_bytes() - 1);
  const quiet_guard guard;
  packed_record* const r = find_record(page);
  if (!r) return is_readable(address);  // it has been brought back meanwhile; or a true guard
  packed_touches.bump();
  restore_locked(page, *r, pack_mark::touched);
  return true;
}

bool peek(void* to, const void* from, std::size_t bytes) noexcept {
  if (!packing_begun.read()) return false;
  const std::uintptr_t page = page_number_of(from);
  const quiet_guard guard;
  packed_record* const r = find_record(page);
  // Safety: offsets within one page.
  const std::size_t offset = reinterpret_cast<std::uintptr_t>(from) - page;
  if (!r || offset + bytes > page_bytes()) return false;
  std::memset(to, 0, bytes);
  const std::size_t low = std::max<std::size_t>(offset, r->offset);
  const std::size_t high = std::min<std::size_t>(offset + bytes, r->offset + r->bytes);
  if (low < high)
    std::memcpy(static_cast<std::byte*>(to) + (low - offset), r->kept() + (low - r->offset),
                high - low);
  return true;
}

std::size_t count() noexcept { return packed_now.read(); }
std::size_t touch_count() noexcept { return packed_touches.read(); }

void list_memory(mapped_table<address_span>& to) {
  to.reserve(4096);
  const quiet_guard guard;
  for (std::size_t i = 0; i < pack_store.mapping_count(); ++i) to.push_back(pack_store.mapping(i));
}

}  // namespace packed_pages

void pages_in_use::enter(std::span<const raw_buffer> buffers) noexcept {
  address_span all{~std::uintptr_t{0}, 0};
  for (const raw_buffer& b : buffers) {
    // Safety: the numbers are compared, and rounded to pages.
    const auto low = reinterpret_cast<std::uintptr_t>(b.data);
    if (b.size == 0 || (!is_known(low) && !is_known(low + b.size - 1))) continue;
    all = {std::min(all.low, low), std::max(all.high, low + b.size)};
  }
  if (all.high == 0) return;
  low_ = all.low;
  high_ = all.high;
  const quiet_guard guard;
  const auto free = std::find_if(spans_in_use.begin(), spans_in_use.end(),
                                 [](const address_span& s) { return s.high == 0; });
  if (free == spans_in_use.end()) {
    ++spans_without_room;
  } else {
    *free = all;
    ++spans_in_use_count;
  }
  for (const raw_buffer& b : buffers) {
    if (b.size == 0) continue;
    const auto low = reinterpret_cast<std::uintptr_t>(b.data);
    if (!is_known(low) && !is_known(low + b.size - 1)) continue;
    for (std::uintptr_t page = page_number_of(b.data); page < low + b.size; page += page_bytes())
      if (packed_record* r = find_record(page)) restore_locked(page, *r, pack_mark::touched);
  }
}

/// Those that found no room and those that did are counted together: whichever leaves first.
void pages_in_use::leave() noexcept {
  const quiet_guard guard;
  const auto mine =
      std::find_if(spans_in_use.begin(), spans_in_use.end(),
                   [&](const address_span& s) { return s.low == low_ && s.high == high_; });
  if (mine == spans_in_use.end()) {
    --spans_without_room;
    return;
  }
  *mine = {};
  --spans_in_use_count;
}

}  // namespace weft::detail
