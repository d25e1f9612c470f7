// Noticing fork(). _Fork() and a bare clone() tell nobody, and vfork() shares everything.
#include "port/fork.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace weft::detail {

constinit hint<bool> in_forked_child{false};

namespace {

constinit hint<void (*)()> told_in_child{nullptr};

void begin_child() {
  in_forked_child.write(true);
  told_in_child.read()();
}

}  // namespace

void watch_for_fork(void (*in_child)()) noexcept {
  told_in_child.write(in_child);
  ::pthread_atfork(nullptr, nullptr, begin_child);
}

void die_in_forked_child(const char* asked_for) noexcept {
  // Not by stdio: the child has a copy of what the parent had not written yet.
  char text[256];
  const int length = std::snprintf(
      text, sizeof text,
      "fatal error: weft: used in a child of fork() (%s): no thread runs goroutines here; "
      "only exec or _exit\n",
      asked_for);
  if (length > 0 && ::write(STDERR_FILENO, text, static_cast<std::size_t>(length)) < 0) {
    // There is nobody else to tell.
  }
  std::abort();
}

}  // namespace weft::detail
