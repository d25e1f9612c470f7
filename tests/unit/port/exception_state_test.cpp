// The two words of the C++ ABI can be taken away from a thread and given back.
#include "port/switch/exception_state.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include "unit_support.hpp"

namespace {

using weft::detail::exception_state;
using weft::detail::thread_exception_state;

TEST(exception_state, is_empty_outside_of_exceptions) {
  EXPECT_TRUE(thread_exception_state()->empty());
  EXPECT_EQ(thread_exception_state(), thread_exception_state());
}

TEST(exception_state, is_each_threads_own) {
  const exception_state* const here = thread_exception_state();
  unit::on_threads(1, [&](int) {
    EXPECT_NE(thread_exception_state(), here);
    EXPECT_TRUE(thread_exception_state()->empty());
  });
}

void expect_a_clean_thread() {
  EXPECT_EQ(std::current_exception(), nullptr);
  EXPECT_EQ(std::uncaught_exceptions(), 0);
  try {
    throw std::logic_error("another");
  } catch (const std::logic_error& e) {
    EXPECT_STREQ(e.what(), "another");
  }
  EXPECT_TRUE(thread_exception_state()->empty());
}

TEST(exception_state, a_caught_exception_can_be_put_aside) {
  const auto catch_and_rethrow = [] {
    try {
      throw std::runtime_error("put aside");
    } catch (...) {
      EXPECT_FALSE(thread_exception_state()->empty());
      const exception_state aside = std::exchange(*thread_exception_state(), {});
      expect_a_clean_thread();
      *thread_exception_state() = aside;
      throw;
    }
  };
  EXPECT_EQ(weft_test::what_thrown<std::runtime_error>(catch_and_rethrow), "put aside");
  EXPECT_TRUE(thread_exception_state()->empty());
}

TEST(exception_state, unwinding_can_be_put_aside) {
  struct puts_aside {
    ~puts_aside() {
      EXPECT_EQ(std::uncaught_exceptions(), 1);
      const exception_state aside = std::exchange(*thread_exception_state(), {});
      expect_a_clean_thread();
      *thread_exception_state() = aside;
      EXPECT_EQ(std::uncaught_exceptions(), 1);
    }
  };
  const auto unwind = [] {
    const puts_aside on_the_way;
    throw std::runtime_error("on its way");
  };
  EXPECT_EQ(weft_test::what_thrown<std::runtime_error>(unwind), "on its way");
}

}  // namespace
