// What a flight's landing leaves behind.
#include <weft/sync/single_flight.hpp>

#include <stdexcept>

#include "port/clock.hpp"
#include "sched/scheduler.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::flight_core;
using weft::detail::flight_is_too_late;
using weft::detail::now_ns;

using flight_cores = weft_test::fixture;

TEST_F(flight_cores, wait_until_they_land) {
  weft_test::everywhere([] {
    flight_core f;
    EXPECT_FALSE(f.wait({.deadline = now_ns() + 50'000}));
    const weft::wait_group wg;
    for (int i = 0; i < 3; ++i) wg.go([&] { f.wait(); });
    weft_test::let_others_run();
    f.land();
    wg.wait();
    EXPECT_TRUE(f.wait({.deadline = 0}));
  });
}

TEST_F(flight_cores, know_when_it_is_too_late_to_start) {
  EXPECT_FALSE(flight_is_too_late({}));
  EXPECT_FALSE(flight_is_too_late({.deadline = now_ns() + 1'000'000'000}));
  EXPECT_TRUE(flight_is_too_late({.deadline = 0}));
}

/// Its hash throws from the second call on: the flight cannot be taken out of the table, and the
/// next call must not join what has landed.
TEST_F(flight_cores, that_cannot_be_taken_out_are_replaced) {
  static int calls_until_throw = -1;
  struct moody {
    std::size_t operator()(int) const {
      if (calls_until_throw >= 0 && calls_until_throw-- == 0) throw std::domain_error("no hash");
      return 1;
    }
  };
  weft::single_flight<int, int, moody> g;
  int runs = 0;
  calls_until_throw = 1;
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(g.call(1, [&] { return ++runs; }).value, i);
  calls_until_throw = -1;
  EXPECT_EQ(g.call(1, [&] { return ++runs; }).value, 4);
}

}  // namespace
