// The compiled half of `go`: room for closures of every size, limits, and a failure that starts
// nothing.
#include <weft/go.hpp>

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "elements.hpp"
#include "fiber/goroutine.hpp"
#include "sched/scheduler.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::goroutine;
using weft_test::counted;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::what_thrown;

class starts : public weft_test::fixture {
 protected:
  void TearDown() override {
    fixture::TearDown();
    EXPECT_EQ(counted::alive(), 0);
    EXPECT_EQ(counted::strays(), 0);
  }
};

goroutine& self() { return static_cast<goroutine&>(weft::detail::this_waiter()); }

template <std::size_t bytes>
void start_with_closure_of(const weft::wait_group& wg) {
  std::array<unsigned char, bytes> load;
  for (std::size_t i = 0; i < bytes; ++i) load[i] = static_cast<unsigned char>(i * 7);
  wg.add();
  weft::go([load, wg, witness = counted(1)] {
    for (std::size_t i = 0; i < bytes; ++i) ASSERT_EQ(load[i], static_cast<unsigned char>(i * 7));
    EXPECT_EQ(witness.value(), 1);
    wg.done();
  });
}

TEST_F(starts, closures_of_every_size) {
  everywhere([] {
    const weft::wait_group wg;
    for (int i = 0; i < 50; ++i) {
      start_with_closure_of<1>(wg);
      start_with_closure_of<40>(wg);
      start_with_closure_of<64>(wg);
      start_with_closure_of<72>(wg);
      start_with_closure_of<73>(wg);
      start_with_closure_of<5'000>(wg);
    }
    wg.wait();
    EXPECT_TRUE(eventually([] { return counted::alive() == 0; }));
  });
}

TEST_F(starts, closures_at_their_alignment) {
  everywhere([] {
    weft::wait_group wg;
    for (int i = 0; i < 50; ++i)
      wg.go([v = weft_test::over_aligned(i), i] {
        EXPECT_TRUE(v.at_home());
        EXPECT_EQ(v.value, i);
      });
    wg.wait();
  });
}

TEST_F(starts, nothing_when_the_closure_cannot_be_copied) {
  everywhere([] {
    const std::size_t before = weft::num_goroutines();
    const weft_test::copy_thrower v(1);
    const auto f = [](const weft_test::copy_thrower&) { FAIL() << "it was started"; };
    for (int i = 0; i < 200; ++i)
      EXPECT_EQ(what_thrown<std::runtime_error>([&] { weft::go(weft::named("n"), f, v); }),
                "copying throws");
    EXPECT_EQ(weft::num_goroutines(), before);
  });
}

TEST_F(starts, nothing_on_a_stack_of_an_impossible_size) {
  everywhere([] {
    const std::size_t before = weft::num_goroutines();
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{16'383},
                                    (std::size_t{1} << 30) + 1, SIZE_MAX})
      EXPECT_EQ(what_thrown<std::invalid_argument>([&] {
                  weft::go(weft::named("x").stack(bytes), [] { FAIL() << "it was started"; });
                }),
                "weft::go: a stack has 16 KiB to 1 GiB");
    EXPECT_EQ(weft::num_goroutines(), before);
  });
}

TEST_F(starts, on_the_smallest_and_a_huge_stack) {
  weft::wait_group wg;
  for (const std::size_t bytes : {std::size_t{16'384}, std::size_t{1} << 30})
    wg.go(weft::named("sized").stack(bytes), [] { weft::yield(); });
  wg.wait();
}

TEST_F(starts, nothing_for_nil) {
  const std::string words = "go of nil func value";
  const std::function<void()> empty;
  void (*const null)() = nullptr;
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { weft::go(empty); }), words);
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { weft::go(null); }), words);
  EXPECT_EQ(what_thrown<std::invalid_argument>([&] { weft::go(weft::named("n"), null); }), words);
}

TEST_F(starts, with_a_name_of_its_own_and_its_place) {
  everywhere([] {
    weft::wait_group wg;
    std::string name = "reader";
    wg.add();
    const unsigned line = std::source_location::current().line() + 1;
    weft::go(weft::named(name), [wg, line] {
      EXPECT_STREQ(self().own.name, "reader");
      EXPECT_EQ(self().site.where.line(), line);
      wg.done();
    });
    name = "clobbered";
    wg.wait();
  });
}

TEST_F(starts, with_arguments_from_a_code_address) {
  weft::wait_group wg;
  wg.add();
  weft::go(
      [wg](int) {
        EXPECT_EQ(self().own.name, nullptr);
        EXPECT_NE(self().site.address, nullptr);
        EXPECT_EQ(self().site.where.line(), 0U);
        wg.done();
      },
      1);
  wg.wait();
}

TEST_F(starts, without_the_name_of_who_had_the_block_before) {
  weft_test::on_one_processor([] {
    weft::wait_group wg;
    wg.go(weft::named("first"), [] { EXPECT_STREQ(self().own.name, "first"); });
    wg.wait();
    for (int i = 0; i < 100; ++i) wg.go([] { EXPECT_EQ(self().own.name, nullptr); });
    wg.wait();
  });
}

}  // namespace
