// A call on a large stack: from a thread, from a goroutine with a small one, with large frames.
#include "port/switch/roomy_call.hpp"

#include "unit_support.hpp"

namespace {

using weft::detail::call_with_room;

void use_half_a_mebibyte(void* raw) {
  volatile char room[512 * 1024];
  for (std::size_t i = 0; i < sizeof room; i += 1024) room[i] = static_cast<char>(i);
  *static_cast<int*>(raw) += room[0] + 1;
}

TEST(roomy_call, has_room_on_a_thread_and_comes_back) {
  int calls = 0;
  for (int i = 0; i < 100; ++i) call_with_room(use_half_a_mebibyte, &calls);
  EXPECT_EQ(calls, 100);
}

TEST(roomy_call, has_room_on_the_smallest_stack) {
  int calls = 0;
  weft::wait_group done;
  done.go(weft::named("small").stack(16 << 10), [&calls] {
    call_with_room(use_half_a_mebibyte, &calls);
    weft::yield();
    call_with_room(use_half_a_mebibyte, &calls);
  });
  done.wait();
  EXPECT_EQ(calls, 2);
}

void throw_and_catch(void* raw) {
  try {
    throw 3;
  } catch (int thrown) {
    *static_cast<int*>(raw) = thrown;
  }
}

TEST(roomy_call, may_throw_inside) {
  int caught = 0;
  call_with_room(throw_and_catch, &caught);
  EXPECT_EQ(caught, 3);
}

}  // namespace
