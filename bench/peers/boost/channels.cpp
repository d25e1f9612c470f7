// Values through channels; see bench/micro/channels and bench/micro/programs/chain.cpp.
#include "fibers.hpp"

namespace {

using bench::buffered;
using bench::unbuffered;

const bench::entry round_trip("ping_pong", [](bench::recorder& r) {
  const std::int64_t trips = r.count(500'000);
  unbuffered there;
  unbuffered back;
  auto echo = bench::start([&] {
    for (const std::int64_t v : there) back.push(v + 1);
  });
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t i = 0; i < trips; ++i) {
    there.push(i);
    sum += back.value_pop();
  }
  r.record(watch.ns_each(trips), "ns");
  there.close();
  echo.join();
  r.check(sum, trips * (trips + 1) / 2, "sum of the echoes");
});

void produce_and_consume(bench::recorder& r, std::int64_t pairs) {
  const std::int64_t each = r.count(1'000'000) / pairs;
  buffered items(128);
  std::vector<std::int64_t> sums(static_cast<std::size_t>(pairs));
  std::vector<bench::fibers::fiber> consumers;
  const bench::stopwatch watch;
  for (std::int64_t& sum : sums)
    consumers.push_back(bench::start([&items, &sum] {
      for (const std::int64_t v : items) sum += v;
    }));
  bench::together(pairs, [&](std::int64_t) {
    for (std::int64_t v = 0; v < each; ++v) items.push(v);
  });
  items.close();
  for (auto& consumer : consumers) consumer.join();
  r.record(watch.ns_each(each * pairs), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, pairs * bench::sum_below(each), "sum of the items");
}

const bench::entry one("buffered_1p1c", [](bench::recorder& r) { produce_and_consume(r, 1); });
const bench::entry four("buffered_4p4c", [](bench::recorder& r) { produce_and_consume(r, 4); });

/// With one processor the channel that Go's BenchmarkChanContended shares has one user.
void fill_and_empty(bench::recorder& r, buffered* shared) {
  constexpr std::int64_t room = 100;
  const std::int64_t fills = r.count(10'000);
  std::vector<std::int64_t> sums(static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(r.procs(), [&](std::int64_t i) {
    buffered own(128);
    buffered& c = shared != nullptr ? *shared : own;
    std::int64_t sum = 0;
    for (std::int64_t f = 0; f < fills; ++f) {
      for (std::int64_t v = 0; v < room; ++v) c.push(v);
      for (std::int64_t v = 0; v < room; ++v) sum += c.value_pop();
    }
    sums[static_cast<std::size_t>(i)] = sum;
  });
  r.record(watch.ns_each(fills * room * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, r.procs() * fills * bench::sum_below(room), "sum of the values");
}

const bench::entry alone("go_chan_uncontended",
                         [](bench::recorder& r) { fill_and_empty(r, nullptr); });
const bench::entry contended("go_chan_contended", [](bench::recorder& r) {
  buffered shared(128 * static_cast<std::size_t>(r.procs() == 1 ? 1 : 2 * r.procs()));
  fill_and_empty(r, &shared);
});

const bench::entry sync("go_chan_sync", [](bench::recorder& r) {
  const std::int64_t times = r.count(500'000);
  unbuffered c;
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  bench::together(2, [&](std::int64_t i) {
    for (std::int64_t v = 0; v < times; ++v) {
      if (i == 0) {
        c.push(v);
        sum += c.value_pop();
      } else {
        c.push(c.value_pop() + 1);
      }
    }
  });
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times * (times + 1) / 2, "sum of the answers");
});

template <class Channel>
void prod_cons(bench::recorder& r, Channel& items, int work) {
  const std::int64_t each = r.count(200'000) / r.procs();
  std::vector<std::int64_t> sums(2 * static_cast<std::size_t>(r.procs()));
  const bench::stopwatch watch;
  bench::together(2 * r.procs(), [&](std::int64_t i) {
    std::int64_t& sum = sums[static_cast<std::size_t>(i)];
    std::uint64_t x = 1;
    if (i % 2 == 0) {
      for (std::int64_t v = each; v >= 0; --v) {
        x = bench::grind(x, work);
        items.push(v);
      }
    } else {
      for (std::int64_t v = items.value_pop(); v != 0; v = items.value_pop()) {
        x = bench::grind(x, work);
        sum += v;
      }
    }
    bench::keep(x);
  });
  r.record(watch.ns_each(each * r.procs()), "ns");
  std::int64_t total = 0;
  for (const std::int64_t sum : sums) total += sum;
  r.check(total, r.procs() * (each * (each + 1) / 2), "sum of the values");
}

template <std::size_t capacity, int work>
void prod_cons_at(bench::recorder& r) {
  if constexpr (capacity == 0) {
    unbuffered items;
    prod_cons(r, items, work);
  } else {
    buffered items(capacity);
    prod_cons(r, items, work);
  }
}

const bench::entry room_0("go_chan_prod_cons_0", &prod_cons_at<0, 0>);
const bench::entry room_10("go_chan_prod_cons_10", &prod_cons_at<16, 0>);
const bench::entry room_100("go_chan_prod_cons_100", &prod_cons_at<128, 0>);
const bench::entry work_0("go_chan_prod_cons_work_0", &prod_cons_at<0, 100>);
const bench::entry work_10("go_chan_prod_cons_work_10", &prod_cons_at<16, 100>);
const bench::entry work_100("go_chan_prod_cons_work_100", &prod_cons_at<128, 100>);

}  // namespace
