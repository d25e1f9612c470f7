// Worker threads as the operating system sees them.
#include "port/thread.hpp"

#include <pthread.h>
#include <sys/prctl.h>

#include <string>

#include "port/sync/parker.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::parker;
using weft::detail::start_thread;

/// What a started thread found, and how the test learns of it.
struct visit {
  bool on_main = true;
  bool local_in_bounds = false;
  std::string name;
  int slack_ns = 0;
  parker done;
};

void look_around(void* raw) {
  auto& seen = *static_cast<visit*>(raw);
  weft::detail::prepare_worker_thread("weft-worker");
  seen.on_main = weft::detail::is_main_thread();
  const weft::detail::stack_bounds bounds = weft::detail::thread_stack_bounds();
  const auto* low = static_cast<const std::byte*>(bounds.low);
  const auto* frame = static_cast<const std::byte*>(__builtin_frame_address(0));
  seen.local_in_bounds = low <= frame && frame < low + bounds.bytes;
  char name[16] = {};
  ::pthread_getname_np(::pthread_self(), name, sizeof name);
  seen.name = name;
  seen.slack_ns = ::prctl(PR_GET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL);
  seen.done.unpark();
}

TEST(thread, runs_the_function_elsewhere) {
  visit seen;
  start_thread(look_around, &seen);
  seen.done.park();
  EXPECT_FALSE(seen.on_main);
  EXPECT_TRUE(seen.local_in_bounds);
  EXPECT_EQ(seen.name, "weft-worker");
  EXPECT_EQ(seen.slack_ns, 1);
}

TEST(thread, main_is_the_main_thread) {
  EXPECT_TRUE(weft::detail::is_main_thread());
  unit::on_threads(1, [](int) { EXPECT_FALSE(weft::detail::is_main_thread()); });
}

TEST(thread, many_can_be_started_one_after_another) {
  for (int i = 0; i < 200; ++i) {
    parker done;
    start_thread([](void* raw) { static_cast<parker*>(raw)->unpark(); }, &done);
    done.park();
  }
}

}  // namespace
