// The one thread-local word: each thread has its own, and it begins as null.
#include "port/switch/current.hpp"

#include "unit_support.hpp"

namespace {

using weft::detail::current_worker_word;
using weft::detail::set_current_worker_word;

class current_word : public unit::at_counts {};
WEFT_AT_COUNTS(current_word);

TEST_P(current_word, belongs_to_its_thread) {
  unit::on_threads(GetParam(), [](int) {
    EXPECT_EQ(current_worker_word(), nullptr);
    int mine[2] = {};
    for (int i = 0; i < 1'000; ++i) {
      set_current_worker_word(&mine[i % 2]);
      ASSERT_EQ(current_worker_word(), &mine[i % 2]);
      std::this_thread::yield();
      ASSERT_EQ(current_worker_word(), &mine[i % 2]);
    }
    set_current_worker_word(nullptr);
    EXPECT_EQ(current_worker_word(), nullptr);
  });
}

}  // namespace
