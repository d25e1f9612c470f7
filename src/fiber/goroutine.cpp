// A goroutine's closure, name and description.
#include "fiber/goroutine.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace weft::detail {
namespace {

struct outside_closure {
  void* address;
  std::size_t alignment;
  std::size_t bytes;
};
static_assert(sizeof(outside_closure) <= goroutine::inline_bytes);

outside_closure read_outside(const goroutine& g) noexcept {
  outside_closure outside;
  std::memcpy(&outside, g.closure, sizeof outside);
  return outside;
}

}  // namespace

void* goroutine::closure_address() noexcept {
  return closure_is_outside ? read_outside(*this).address : closure;
}

std::size_t goroutine::closure_bytes_outside() const noexcept {
  return closure_is_outside ? read_outside(*this).bytes : 0;
}

void* make_room_for_closure(goroutine& g, std::size_t bytes, std::size_t alignment) {
  g.closure_is_outside = !fits_inside(bytes, alignment);
  if (!g.closure_is_outside) [[likely]]
    return g.closure;
  const outside_closure outside{::operator new(bytes, std::align_val_t{alignment}), alignment,
                                bytes};
  std::memcpy(g.closure, &outside, sizeof outside);
  return outside.address;
}

void free_closure_room(goroutine& g) noexcept {
  if (!g.closure_is_outside) [[likely]]
    return;
  const outside_closure outside = read_outside(g);
  ::operator delete(outside.address, std::align_val_t{outside.alignment});
  g.closure_is_outside = false;
}

void set_name(goroutine& g, std::string_view name) {
  if (!name.empty()) g.own.rename(name);
}

void describe(const goroutine& g, char* text, std::size_t bytes) noexcept {
  const auto id = static_cast<unsigned long long>(g.id);
  const char* quote = g.own.name ? "'" : "";
  const char* gap = g.own.name ? " " : "";
  const char* name = g.own.name ? g.own.name : "";
  if (g.site.where.line() != 0)
    std::snprintf(text, bytes, "goroutine %llu%s%s%s%s, started at %s:%u (%s)", id, gap, quote,
                  name, quote, g.site.where.file_name(), g.site.where.line(),
                  g.site.where.function_name());
  else
    std::snprintf(text, bytes, "goroutine %llu%s%s%s%s, started at address %p", id, gap, quote,
                  name, quote, g.site.address);
}

void describe_shortly(const goroutine& g, char* text, std::size_t bytes) noexcept {
  const auto id = static_cast<unsigned long long>(g.id);
  const char* gap = g.own.name ? " " : "";
  const char* name = g.own.name ? g.own.name : "";
  const char* path = g.site.where.file_name();
  const char* slash = std::strrchr(path, '/');
  if (g.site.where.line() != 0)
    std::snprintf(text, bytes, "goroutine %llu%s%s %s:%u", id, gap, name, slash ? slash + 1 : path,
                  static_cast<unsigned>(g.site.where.line()));
  else
    std::snprintf(text, bytes, "goroutine %llu%s%s", id, gap, name);
}

}  // namespace weft::detail
