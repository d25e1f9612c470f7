// Pages of stacks that are packed: their few live bytes are kept elsewhere, and a guard stands in
// their place until somebody touches them, or their owner asks for them.
//
// A page is brought back in one instant: filled beside its place, then moved there. Who removed the
// guard first would show zeros to a second thread while it copies.
// Threads: any, and a handler of SIGSEGV. Locks: one spin lock, a leaf, held with signals blocked.
// Invariants: R1 a page is packed only while its mark says so; its owner reads that before it runs.
//             R2 under the lock nothing is touched but these pages and memory of this folder.
// Rejected: writing through /proc/self/mem (half the time, but its descriptor can be closed behind
// weft's back, and is the parent's memory in a child of fork); userfaultfd (containers forbid it);
// copying without a write protection (a stranger's write between copy and guard would be lost).
// Tested by: tests/unit/port/pack/packed_pages_test.cpp, tests/stress/library/pack_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <weft/detail/atomic.hpp>
#include <weft/io/buffers.hpp>

#include "port/trace/process_memory.hpp"

namespace weft::detail {

/// Of the owner of a page: `touched` says that somebody else brought it back; later, `cooling`.
enum class pack_mark : std::uint8_t { none, packed, touched, cooling };

/// What is to be packed: the page that holds `live`, from there to the page's end or `top`, and the
/// dead memory from `dead` up to that page.
struct pack_request {
  std::byte* live = nullptr;
  std::byte* top = nullptr;
  std::byte* dead = nullptr;
  hint<pack_mark>* mark = nullptr;
  void* owner = nullptr;
  bool granted = false;
};

namespace packed_pages {

inline constexpr std::size_t batch_max = 8;

/// Whether this system and this build can pack: light guards, barriers, no sanitizer, no Valgrind.
/// Null: yes; otherwise why not. Installs the handler.
const char* prepare() noexcept;

/// Before pages in it are packed. False: no room to remember it. Only one thread at a time.
[[nodiscard]] bool know_memory(const std::byte* low, std::size_t bytes) noexcept;

[[nodiscard]] bool knows(const void* address) noexcept;

/// Marks all, and asks once for each, after a barrier, whether it still stands still: who moves
/// later finds the mark. Packs those. At most batch_max.
/// Returns: how many were packed; -1: the system refuses, and will again.
int pack(pack_request* first, std::size_t count, bool (*stands_still)(pack_request&)) noexcept;

/// The owner is about to use the page at `live`. Afterwards it is there, and not marked.
void bring_back(const void* live, hint<pack_mark>& mark) noexcept;
void bring_back_all() noexcept;
/// From touched to cooling, from cooling to none: it may be packed again after a while.
void cool(hint<pack_mark>& mark) noexcept;

/// A handler's question after a fault: true if the memory is there now.
bool mend(std::uintptr_t address) noexcept;
/// Whether the handler is still in its place.
bool handler_is_ours() noexcept;

/// Reads what is packed, without bringing it back. False: it is not all packed.
[[nodiscard]] bool peek(void* to, const void* from, std::size_t bytes) noexcept;

std::size_t count() noexcept;
/// Touches by others than the owner, since the start.
std::size_t touch_count() noexcept;

/// The memory of the kept bytes. Throws: std::bad_alloc.
void list_memory(mapped_table<address_span>& to);

}  // namespace packed_pages

/// Whether prepare() has ever succeeded.
extern hint<bool> packing_begun;

/// Memory in which the kernel is about to read or write for weft: what of it is packed is brought
/// back, and it is not packed while this lives. A load and a branch where nothing is ever packed.
class pages_in_use {
 public:
  explicit pages_in_use(std::span<const raw_buffer> buffers) noexcept {
    if (packing_begun.read()) [[unlikely]]
      enter(buffers);
  }
  pages_in_use(const pages_in_use&) = delete;
  pages_in_use& operator=(const pages_in_use&) = delete;
  ~pages_in_use() {
    if (high_ != 0) [[unlikely]]
      leave();
  }

 private:
  void enter(std::span<const raw_buffer> buffers) noexcept;
  void leave() noexcept;

  std::uintptr_t low_ = 0;
  std::uintptr_t high_ = 0;
};

}  // namespace weft::detail
