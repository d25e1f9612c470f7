// Random programs over channels: nothing lost, nothing twice, nothing out of order.
#include "exchange.hpp"

namespace {

class exchange : public stress::at_processors {};
WEFT_AT_PROCESSORS(exchange);

TEST_P(exchange, values_arrive_exactly_once_and_in_order) {
  stress::repeat([](std::uint64_t seed) {
    stress::run_exchange<stress::by_value>(stress::random_options(seed));
    stress::expect_no_goroutines();
  });
}

TEST_P(exchange, move_only_values_arrive_exactly_once_and_in_order) {
  stress::repeat([](std::uint64_t seed) {
    stress::run_exchange<stress::move_only>(stress::random_options(seed));
    stress::expect_no_goroutines();
  });
}

TEST_P(exchange, values_with_a_throwing_move_arrive_exactly_once_and_in_order) {
  stress::repeat([](std::uint64_t seed) {
    stress::run_exchange<stress::throwing_move>(stress::random_options(seed));
    stress::expect_no_goroutines();
  });
}

TEST_P(exchange, goroutines_alone_cancelled_and_closed_in_the_middle) {
  stress::repeat([](std::uint64_t seed) {
    auto options = stress::random_options(seed);
    options.thread_percent = 0;
    options.cancel = true;
    options.close_early = true;
    stress::run_exchange<stress::by_value>(options);
  });
}

TEST_P(exchange, processors_come_and_go_meanwhile) {
  stress::repeat([](std::uint64_t seed) {
    stress::processor_shaker shaker(seed);
    stress::run_exchange<stress::move_only>(stress::random_options(seed));
  });
}

TEST_P(exchange, sixty_four_threads_call_in) {
  stress::repeat([](std::uint64_t seed) {
    auto options = stress::random_options(seed);
    options.thread_percent = 100;
    options.channels = 4;
    options.senders = 30;
    options.roamers = 20;
    options.mixers = 10;
    options.attempts = 1 + 60 / stress::slowdown;
    stress::run_exchange<stress::by_value>(options);
  });
}

TEST_P(exchange, a_crowd_of_goroutines_and_a_few_threads) {
  stress::repeat([](std::uint64_t seed) {
    auto options = stress::random_options(seed);
    options.thread_percent = 3;
    options.channels = 5;
    options.senders = 150;
    options.roamers = 80;
    options.mixers = 50;
    options.attempts = 1 + 20 / stress::slowdown;
    stress::run_exchange<stress::by_value>(options);
  });
}

/// Go's select stress: one goroutine sends all values through a select whose cases are switched off
/// one by one, another receives them in the same way, beside plain senders and receivers.
TEST_P(exchange, selects_whose_cases_are_switched_off_one_by_one) {
  constexpr int per_channel = 20'000 / stress::slowdown;
  const std::vector<weft::chan<int>> channels = {weft::chan<int>(0), weft::chan<int>(0),
                                                 weft::chan<int>(2), weft::chan<int>(3)};
  std::vector<long> sums(channels.size() + 1);
  weft::wait_group all;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    all.go([c = channels[i]] {
      for (int v = 0; v < per_channel; ++v) c.send(1);
    });
    all.go([c = channels[i], &sum = sums[i]] {
      for (int v = 0; v < per_channel; ++v) sum += c.recv().value_or(1'000'000);
    });
  }
  all.go([open = channels]() mutable {
    int left[4] = {per_channel, per_channel, per_channel, per_channel};
    for (int n = 0; n < 4 * per_channel; ++n) {
      const std::size_t i = weft::select(weft::on_send(open[3], 1), weft::on_send(open[2], 1),
                                         weft::on_send(open[0], 1), weft::on_send(open[1], 1));
      const std::size_t c = std::size_t{i == 0 ? 3U : i == 1 ? 2U : i == 2 ? 0U : 1U};
      if (--left[c] == 0) open[c] = nullptr;
    }
  });
  all.go([open = channels, &sum = sums.back()]() mutable {
    int left[4] = {per_channel, per_channel, per_channel, per_channel};
    for (int n = 0; n < 4 * per_channel; ++n) {
      std::optional<int> got;
      const std::size_t c = weft::select(weft::on_recv(open[0], got), weft::on_recv(open[1], got),
                                         weft::on_recv(open[2], got), weft::on_recv(open[3], got));
      sum += got.value_or(1'000'000);
      if (--left[c] == 0) open[c] = nullptr;
    }
  });
  all.wait();
  for (std::size_t i = 0; i < channels.size(); ++i) EXPECT_EQ(sums[i], per_channel);
  EXPECT_EQ(sums.back(), 4L * per_channel);
}

}  // namespace
