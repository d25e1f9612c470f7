// Names, and what belongs to a plain thread.
#include "fiber/own/belongings.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace weft::detail {

void belongings::rename(std::string_view to) {
  char* copy = nullptr;
  if (!to.empty()) {
    copy = static_cast<char*>(std::malloc(to.size() + 1));
    if (!copy) throw std::bad_alloc();
    std::memcpy(copy, to.data(), to.size());
    copy[to.size()] = '\0';
  }
  std::free(std::exchange(name, copy));
}

void belongings::end_locals() noexcept {
  delete locals;  // it is still to be found here while its values end: they may use one another
  locals = nullptr;
}

void belongings::drop_names() noexcept {
  std::free(std::exchange(name, nullptr));
  drop(std::exchange(labels, nullptr));
}

namespace {

/// Needs no destructor, so that it can be used while other thread_locals end. What is put into it
/// after `thread_end` is lost.
thread_local constinit belongings of_this_thread;

struct thread_end {
  ~thread_end() {
    of_this_thread.end_locals();
    of_this_thread.drop_names();
  }
};

}  // namespace

// Not inlined: on another thread it must look again.
[[gnu::noinline]] belongings& thread_belongings() noexcept {
  static thread_local thread_end end;
  static_cast<void>(&end);
  return of_this_thread;
}

}  // namespace weft::detail
