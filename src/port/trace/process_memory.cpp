// /proc/self/maps and /proc/self/mem.
#include "port/trace/process_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "port/pack/packed_pages.hpp"
#include "port/stack_memory.hpp"

namespace weft::detail {
namespace {

struct mapping_line {
  address_span where;
  char rights[8];
  unsigned long inode;
  std::string_view name;
};

bool parse_mapping(const char* line, mapping_line& m) noexcept {
  int name_at = 0;
  unsigned long low = 0, high = 0;
  if (std::sscanf(line, "%lx-%lx %7s %*x %*x:%*x %lu %n", &low, &high, m.rights, &m.inode,
                  &name_at) < 4)
    return false;
  m.where = {low, high};
  m.name = line + name_at;
  return true;
}

bool is_device(std::string_view name) noexcept {
  return name.starts_with("/dev/") && !name.starts_with("/dev/shm/") &&
         !name.starts_with("/dev/zero");
}

/// The kernel's own pages hold no pointers of the program's.
bool keeps_pointers(const mapping_line& m) noexcept {
  if (m.rights[0] != 'r' || m.name.starts_with("[v")) return false;
  return m.rights[1] == 'w' || m.inode == 0;
}

}  // namespace

mapped_room::mapped_room(std::size_t bytes) {
  void* low = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (low == MAP_FAILED) throw std::bad_alloc();
  low_ = static_cast<std::byte*>(low);
  bytes_ = bytes;
}

mapped_room::~mapped_room() {
  if (low_) ::munmap(low_, bytes_);
}

process_memory::process_memory() noexcept : fd_(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC)) {}

process_memory::~process_memory() {
  if (fd_ >= 0) ::close(fd_);
}

std::size_t process_memory::read(void* to, std::uintptr_t from, std::size_t bytes) const noexcept {
  const int saved = errno;
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t count =
        ::pread(fd_, static_cast<char*>(to) + done, bytes - done, static_cast<off_t>(from + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 && packed_pages::count() > 0) {
      const std::size_t page = page_bytes();
      const std::size_t part = std::min(bytes - done, page - (from + done) % page);
      // Safety: only compared.
      if (packed_pages::peek(static_cast<char*>(to) + done,
                             reinterpret_cast<const void*>(from + done), part)) {
        done += part;
        continue;
      }
    }
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  errno = saved;
  return done;
}

bool process_memory::list_keeping(mapped_table<address_span>& to) {
  const int fd = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const mapped_room room(std::size_t{64} << 10);
  char* const text = reinterpret_cast<char*>(room.low());
  std::size_t kept = 0;
  bool good = true;
  try {
    for (;;) {
      const ssize_t count = ::read(fd, text + kept, room.bytes() - kept - 1);
      if (count <= 0) {
        good = good && count == 0 && kept == 0;
        break;
      }
      kept += static_cast<std::size_t>(count);
      text[kept] = '\0';
      char* line = text;
      while (char* const end = std::strchr(line, '\n')) {
        *end = '\0';
        mapping_line m;
        good = good && parse_mapping(line, m) && !(is_device(m.name) && keeps_pointers(m));
        if (good && keeps_pointers(m)) to.push_back(m.where);
        line = end + 1;
      }
      kept = static_cast<std::size_t>(text + kept - line);
      std::memmove(text, line, kept);
    }
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
  return good;
}

}  // namespace weft::detail
