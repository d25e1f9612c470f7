// pthreads, and the two Linux calls that a worker wants at its start.
#include "port/thread.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <system_error>

#include <weft/detail/atomic.hpp>

#include "port/file/uring.hpp"

namespace weft::detail {
namespace {

struct start_request {
  void (*run)(void*);
  void* argument;
};

void* run_thread(void* raw) {
  const start_request request = *std::unique_ptr<start_request>(static_cast<start_request*>(raw));
  request.run(request.argument);
  return nullptr;
}

}  // namespace

void start_thread(void (*run)(void*), void* argument) {
  auto request = std::make_unique<start_request>(start_request{run, argument});
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int error = ::pthread_create(&thread, &attributes, run_thread, request.get());
  ::pthread_attr_destroy(&attributes);
  if (error != 0)
    throw std::system_error(error, std::generic_category(), "weft: no thread for a worker");
  request.release();
}

namespace {
constinit inner_atomic<int> service_threads_started{0};
}  // namespace

void start_service_thread(void (*run)(void*), void* argument) {
  start_thread(run, argument);
  service_threads_started.fetch_add(1);
}

int service_thread_count() noexcept { return service_threads_started.load(); }

void prepare_worker_thread(const char* name) noexcept {
  ::pthread_setname_np(::pthread_self(), name);
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

stack_bounds thread_stack_bounds() noexcept {
  pthread_attr_t attributes;
  stack_bounds bounds{nullptr, 0};
  if (::pthread_getattr_np(::pthread_self(), &attributes) != 0) return bounds;
  ::pthread_attr_getstack(&attributes, &bounds.low, &bounds.bytes);
  ::pthread_attr_destroy(&attributes);
  return bounds;
}

void read_thread_name(char (&to)[thread_name_room]) noexcept {
  if (::pthread_getname_np(::pthread_self(), to, sizeof to) != 0) to[0] = '\0';
}

bool memory_is_left() noexcept {
  void* const page = std::malloc(4096);
  asm volatile("" : : "r"(page) : "memory");  // or the compiler leaves both calls out
  std::free(page);
  return page != nullptr;
}

bool is_main_thread() noexcept { return this_thread_number() == ::getpid(); }

int this_thread_number() noexcept { return static_cast<int>(::syscall(SYS_gettid)); }

namespace {

/// 0: it is not known.
char state_of_thread(int thread_number) noexcept {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread_number);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[512];
  const ssize_t count = ::read(fd, text, sizeof text);
  ::close(fd);
  // "number (name) state ...": a name may contain anything, so its last bracket counts.
  const std::string_view line(text, count > 0 ? static_cast<std::size_t>(count) : 0);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos || name_end + 2 >= line.size()) return 0;
  return line[name_end + 2];
}

/// One of those by which the kernel carries out what io_uring was asked for: it runs no program.
bool is_kernel_worker(const char* number) noexcept {
  constexpr std::string_view its_name = "iou-";
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%.20s/comm", number);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char name[its_name.size()];
  const ssize_t count = ::read(fd, name, sizeof name);
  ::close(fd);
  return count > 0 && std::string_view(name, static_cast<std::size_t>(count)) == its_name;
}

}  // namespace

bool thread_is_runnable(int thread_number) noexcept {
  const char state = state_of_thread(thread_number);
  return state != 'S' && state != 'D';
}

int count_threads() noexcept {
  DIR* const folder = ::opendir("/proc/self/task");
  if (!folder) return -1;
  int count = 0;
  while (const dirent* entry = ::readdir(folder))
    if (entry->d_name[0] != '.' && !(uring_in_use.read() && is_kernel_worker(entry->d_name)))
      ++count;
  ::closedir(folder);
  // A main thread that has ended stays until the process ends.
  if (state_of_thread(::getpid()) == 'Z') --count;
  return count;
}

void yield_thread() noexcept { ::sched_yield(); }

}  // namespace weft::detail
