// What does a choice between channels cost, when one is ready and when none is?
#include <array>

#include "bench.hpp"

namespace {

using numbers = weft::chan<std::int64_t>;

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

/// One buffered send and one select over n channels, of which exactly that one is ready.
template <std::size_t n>
void one_ready(bench::recorder& r) {
  const std::int64_t times = r.count(400'000);
  const auto channels = make_channels<n>(1);
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) {
    channels[static_cast<std::size_t>(i) % n].send(i);
    sum += receive_any(channels);
  }
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times * (times - 1) / 2, "sum of what was selected");
}

/// The select parks until its partner sends on one of the n unbuffered channels.
template <std::size_t n>
void none_ready(bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  const auto channels = make_channels<n>(0);
  weft::go([channels, times] {
    for (std::int64_t i = 0; i < times; ++i) channels[static_cast<std::size_t>(i) % n].send(i);
  });
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < times; ++i) sum += receive_any(channels);
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times * (times - 1) / 2, "sum of what was selected");
}

const bench::entry ready_2("select_ready_2", &one_ready<2>);
const bench::entry ready_8("select_ready_8", &one_ready<8>);
const bench::entry block_2("select_block_2", &none_ready<2>);
const bench::entry block_8("select_block_8", &none_ready<8>);

}  // namespace
