// pthreads, and the two Linux calls that a worker wants at its start.
#include "port/thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <system_error>

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

void prepare_worker_thread() noexcept {
  ::pthread_setname_np(::pthread_self(), "weft-worker");
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

bool is_main_thread() noexcept { return ::syscall(SYS_gettid) == ::getpid(); }

void yield_thread() noexcept { ::sched_yield(); }

}  // namespace weft::detail
