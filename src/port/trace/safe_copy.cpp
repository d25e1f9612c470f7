// process_vm_readv(2) on this process itself.
#include "port/trace/safe_copy.hpp"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "port/pack/packed_pages.hpp"
#include "port/stack_memory.hpp"

namespace weft::detail {
namespace {

/// Where the call is forbidden: what is asked for is nearly always there.
WEFT_READS_RACILY void copy_by_hand(volatile char* to, const volatile char* from,
                                    std::size_t bytes) noexcept {
  for (std::size_t i = 0; i < bytes; ++i) to[i] = from[i];
}

long copy_by_kernel(void* to, const void* from, std::size_t bytes) noexcept {
  iovec local{to, bytes};
  // Safety: the kernel only reads there.
  iovec remote{const_cast<void*>(from), bytes};
  return ::syscall(SYS_process_vm_readv, ::getpid(), &local, 1UL, &remote, 1UL, 0UL);
}

/// Page by page: some may be packed.
bool copy_pages(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  const std::size_t page = page_bytes();
  while (bytes > 0) {
    const std::size_t part = std::min(bytes, page - reinterpret_cast<std::uintptr_t>(from) % page);
    if (!packed_pages::peek(to, from, part) &&
        copy_by_kernel(to, from, part) != static_cast<long>(part))
      return false;
    to += part;
    from += part;
    bytes -= part;
  }
  return true;
}

}  // namespace

bool copy_memory(void* to, const void* from, std::size_t bytes) noexcept {
  const int saved = errno;
  const long copied = copy_by_kernel(to, from, bytes);
  const bool forbidden = copied < 0 && (errno == EPERM || errno == ENOSYS);
  const bool some_packed =
      !forbidden && copied != static_cast<long>(bytes) && packed_pages::count() > 0 &&
      copy_pages(static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes);
  errno = saved;
  if (some_packed) return true;
  if (forbidden) {
    copy_by_hand(static_cast<char*>(to), static_cast<const char*>(from), bytes);
    return true;
  }
  return copied == static_cast<long>(bytes);
}

bool copy_string(char* to, std::size_t room, const char* from) noexcept {
  const std::size_t page = page_bytes();
  std::size_t length = 0;
  while (length + 1 < room) {
    const auto at = reinterpret_cast<std::uintptr_t>(from + length);
    const std::size_t part = std::min(room - 1 - length, page - at % page);
    if (!copy_memory(to + length, from + length, part)) return false;
    char* const end = std::find(to + length, to + length + part, '\0');
    if (end != to + length + part) return true;
    length += part;
  }
  to[length] = '\0';
  return true;
}

}  // namespace weft::detail
