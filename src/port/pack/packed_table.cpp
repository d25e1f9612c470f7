// See packed_table.hpp.
#include "port/pack/packed_table.hpp"

#include <sys/mman.h>

namespace weft::detail {

void packed_table::put(part& p, std::uintptr_t page, void* record) noexcept {
  std::size_t at = home(p, page);
  while (p.entries[at].page != 0) at = (at + 1) & (p.capacity - 1);
  p.entries[at] = {page, record};
}

bool packed_table::reserve(std::uintptr_t page) noexcept {
  part& p = part_of(page);
  if (4 * (p.used + 1) <= 3 * p.capacity) return true;
  part larger;
  larger.capacity = p.capacity == 0 ? 256 : 2 * p.capacity;
  void* const got = ::mmap(nullptr, larger.capacity * sizeof(entry), PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED) return false;
  // Safety: zeroed memory is that many free entries.
  larger.entries = static_cast<entry*>(got);
  larger.used = p.used;
  for (std::size_t i = 0; i < p.capacity; ++i)
    if (p.entries[i].page != 0) put(larger, p.entries[i].page, p.entries[i].record);
  if (p.entries) ::munmap(p.entries, p.capacity * sizeof(entry));
  p = larger;
  return true;
}

void packed_table::insert(std::uintptr_t page, void* record) noexcept {
  part& p = part_of(page);
  put(p, page, record);
  ++p.used;
}

void* packed_table::find(std::uintptr_t page) const noexcept {
  const part& p = part_of(page);
  if (p.used == 0) return nullptr;
  for (std::size_t at = home(p, page); p.entries[at].page != 0; at = (at + 1) & (p.capacity - 1))
    if (p.entries[at].page == page) return p.entries[at].record;
  return nullptr;
}

/// The entries behind it move up, so that every one is still found from its home on.
void packed_table::erase(std::uintptr_t page) noexcept {
  part& p = part_of(page);
  const std::size_t mask = p.capacity - 1;
  std::size_t hole = home(p, page);
  while (p.entries[hole].page != page) hole = (hole + 1) & mask;
  for (std::size_t at = (hole + 1) & mask; p.entries[at].page != 0; at = (at + 1) & mask) {
    const std::size_t wanted = home(p, p.entries[at].page);
    if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
    p.entries[hole] = p.entries[at];
    hole = at;
  }
  p.entries[hole] = {};
  --p.used;
}

std::uintptr_t packed_table::any(std::size_t& from) const noexcept {
  for (; from < part_count; ++from) {
    const part& p = parts_[from];
    for (std::size_t i = 0; p.used > 0 && i < p.capacity; ++i)
      if (p.entries[i].page != 0) return p.entries[i].page;
  }
  return 0;
}

}  // namespace weft::detail
