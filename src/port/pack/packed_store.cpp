// See packed_store.hpp.
#include "port/pack/packed_store.hpp"

#include <sys/mman.h>

#include <new>

#include "port/stack_memory.hpp"

namespace weft::detail {
namespace {

constexpr std::uint32_t first_room = 64;  // behind the chunk's head

}  // namespace

address_span packed_store::mapping(std::size_t i) const noexcept {
  // Safety: the numbers are compared.
  const auto low = reinterpret_cast<std::uintptr_t>(mappings_[i]);
  return {low, low + mapping_bytes};
}

packed_store::chunk& packed_store::chunk_of(void* room) noexcept {
  // Safety: every room lies in an aligned chunk that begins with its head.
  return *reinterpret_cast<chunk*>(reinterpret_cast<std::uintptr_t>(room) & ~(chunk_bytes - 1));
}

bool packed_store::map_more() noexcept {
  if (mappings_made_ == mappings_max) return false;
  // What is not aligned is cut off.
  constexpr std::size_t asked = mapping_bytes + chunk_bytes;
  void* const got = ::mmap(nullptr, asked, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) return false;
  auto* const low = static_cast<std::byte*>(got);
  // Safety: rounded up within what was mapped.
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(low) & (chunk_bytes - 1);
  if (before > 0) ::munmap(low, before);
  if (before < chunk_bytes) ::munmap(low + before + mapping_bytes, chunk_bytes - before);
  ::madvise(low + before, mapping_bytes, MADV_NOHUGEPAGE);
  left_ = low + before;
  left_bytes_ = mapping_bytes;
  mappings_[mappings_made_++] = left_;
  return true;
}

void packed_store::list(chunk& c) noexcept {
  chunk*& first = with_room_[c.room_bytes / class_bytes];
  c.previous = nullptr;
  c.next = first;
  if (first) first->previous = &c;
  first = &c;
  c.listed = true;
}

void packed_store::unlist(chunk& c) noexcept {
  chunk*& first = with_room_[c.room_bytes / class_bytes];
  if (c.previous)
    c.previous->next = c.next;
  else
    first = c.next;
  if (c.next) c.next->previous = c.previous;
  c.listed = false;
}

packed_store::chunk* packed_store::take_chunk(std::size_t size_class) noexcept {
  static_assert(sizeof(chunk) <= first_room);
  void* memory = unused_;
  if (unused_) {
    unused_ = unused_->next;
  } else {
    if (left_bytes_ == 0 && !map_more()) return nullptr;
    memory = left_;
    left_ += chunk_bytes;
    left_bytes_ -= chunk_bytes;
  }
  auto* const made = ::new (memory) chunk{};
  made->room_bytes = static_cast<std::uint32_t>(size_class * class_bytes);
  made->fresh = first_room;
  list(*made);
  return made;
}

void* packed_store::take(std::size_t bytes) noexcept {
  const std::size_t size_class = (bytes + class_bytes - 1) / class_bytes;
  chunk* c = with_room_[size_class];
  if (!c) c = take_chunk(size_class);
  if (!c) return nullptr;
  void* room = c->free;
  if (room) {
    // Safety: a room that was given back holds the link to the next one.
    c->free = *static_cast<void**>(room);
  } else {
    room = reinterpret_cast<std::byte*>(c) + c->fresh;
    c->fresh += c->room_bytes;
  }
  ++c->used;
  if (!c->free && c->fresh + c->room_bytes > chunk_bytes) unlist(*c);
  return room;
}

void packed_store::give_back(void* room) noexcept {
  chunk& c = chunk_of(room);
  if (--c.used == 0) {
    if (c.listed) unlist(c);
    auto* const low = reinterpret_cast<std::byte*>(&c);
    discard_stack_memory(low + page_bytes(), chunk_bytes - page_bytes());
    c.next = unused_;
    unused_ = &c;
    return;
  }
  ::new (room) void*(c.free);
  c.free = room;
  if (!c.listed) list(c);
}

}  // namespace weft::detail
