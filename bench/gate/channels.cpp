// Values on their way through channels, and choices between channels.
#include <array>
#include <optional>

#include "gate.hpp"

namespace {

using numbers = weft::chan<std::int64_t>;

void expect_sum(std::int64_t got, std::int64_t n) {
  gate::expect_equal(got, n * (n - 1) / 2, "sum of what was received");
}

const gate::row round_trip("chan_round_trip", [](std::int64_t n) {
  const numbers there;
  const numbers back;
  weft::go([=] {
    for (std::int64_t v : there) back.send(v);
    back.close();
  });
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    there.send(i);
    sum += *back.recv();
  }
  there.close();
  back.recv();
  expect_sum(sum, n);
});

const gate::row buffered("chan_buffered_send_recv", [](std::int64_t n) {
  const numbers c(10);
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    c.send(i);
    sum += *c.recv();
  }
  expect_sum(sum, n);
});

const gate::row producer(
    "chan_buffered_1p1c",
    [](std::int64_t n) {
      const numbers c(100);
      weft::go([=] {
        for (std::int64_t i = 0; i < n; ++i) c.send(i);
        c.close();
      });
      std::int64_t sum = 0;
      for (std::int64_t v : c) sum += v;
      expect_sum(sum, n);
    },
    10'000);

const gate::row tried("chan_try_send_try_recv", [](std::int64_t n) {
  const numbers c(10);
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i)
    if (c.try_send(i) == weft::channel_status::ok) sum += *c.try_recv();
  expect_sum(sum, n);
});

const gate::row tried_in_vain("chan_try_recv_empty", [](std::int64_t n) {
  const numbers c(10);
  std::int64_t got = 0;
  for (std::int64_t i = 0; i < n; ++i) got += c.try_recv() ? 1 : 0;
  gate::expect_equal(got, 0, "values received");
});

const gate::row made("chan_make_close", [](std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) numbers().close();
});

template <std::size_t n>
std::array<numbers, n> make_channels(int capacity) {
  return [capacity]<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<numbers, n>{((void)i, numbers(capacity))...};
  }(std::make_index_sequence<n>{});
}

template <std::size_t n>
std::int64_t receive_any(const std::array<numbers, n>& channels) {
  std::optional<std::int64_t> got;
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    weft::select(weft::on_recv(channels[i], got)...);
  }(std::make_index_sequence<n>{});
  return *got;
}

/// The value of which that case is ready is sent within the same operation.
template <std::size_t cases>
void one_ready(std::int64_t n) {
  const auto channels = make_channels<cases>(1);
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    channels[static_cast<std::size_t>(i) % cases].send(i);
    sum += receive_any(channels);
  }
  expect_sum(sum, n);
}

/// The select parks until its partner sends.
template <std::size_t cases>
void none_ready(std::int64_t n) {
  const auto channels = make_channels<cases>(0);
  weft::go([channels, n] {
    for (std::int64_t i = 0; i < n; ++i) channels[static_cast<std::size_t>(i) % cases].send(i);
  });
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += receive_any(channels);
  expect_sum(sum, n);
}

const gate::row ready_2("select_ready_2", &one_ready<2>, 4'000);
const gate::row ready_8("select_ready_8", &one_ready<8>, 4'000);
const gate::row block_2("select_block_2", &none_ready<2>, 4'000);
const gate::row block_8("select_block_8", &none_ready<8>, 4'000);

const gate::row otherwise("select_default", [](std::int64_t n) {
  const auto channels = make_channels<2>(1);
  std::int64_t defaults = 0;
  for (std::int64_t i = 0; i < n; ++i)
    weft::select(weft::on_recv(channels[0]), weft::on_recv(channels[1]),
                 weft::on_default([&] { ++defaults; }));
  gate::expect_equal(defaults, n, "defaults taken");
});

}  // namespace
