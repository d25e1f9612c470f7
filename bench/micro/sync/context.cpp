// What does a context cost: to make and end one, to look at it, to wait with it?
#include <optional>
#include <vector>

#include "bench.hpp"

namespace {

using namespace std::chrono_literals;

const weft::context_key<int> key;

const bench::entry with_cancel_and_end("context_cancel", [](bench::recorder& r) {
  const std::int64_t times = r.count(500'000);
  const auto parent = weft::with_cancel(weft::background());
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    auto [ctx, cancel] = weft::with_cancel(parent.ctx);
    cancel();
  }
  r.record(watch.ns_each(times), "ns");
  r.note(times);
});

const bench::entry with_timeout_and_end("context_timeout", [](bench::recorder& r) {
  const std::int64_t times = r.count(500'000);
  const auto parent = weft::with_cancel(weft::background());
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    auto [ctx, cancel] = weft::with_timeout(parent.ctx, 10s);
    cancel();
  }
  r.record(watch.ns_each(times), "ns");
  r.note(times);
});

const bench::entry value("context_value_depth_10", [](bench::recorder& r) {
  const std::int64_t times = r.count(1'000'000);
  weft::context ctx = weft::with_value(weft::background(), key, 1);
  for (int i = 0; i < 10; ++i) ctx = weft::with_cancel(ctx).ctx;
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) sum += *ctx.value(key);
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times, "values");
});

const bench::entry error("context_err", [](bench::recorder& r) {
  const std::int64_t times = r.count(2'000'000);
  const auto ctx = weft::with_cancel(weft::background()).ctx;
  int errors = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) errors += ctx.err() ? 1 : 0;
  r.record(watch.ns_each(times), "ns");
  r.check(errors, 0, "errors");
});

const bench::entry after("context_after_func_stop", [](bench::recorder& r) {
  const std::int64_t times = r.count(500'000);
  const auto parent = weft::with_cancel(weft::background());
  int stopped = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) stopped += weft::after_func(parent.ctx, [] {})() ? 1 : 0;
  r.record(watch.ns_each(times), "ns");
  r.check(stopped, times, "stopped");
});

/// A tree of one parent and its children: cancelled as a whole, per child.
const bench::entry many_children("context_cancel_100000_children", [](bench::recorder& r) {
  constexpr int children = 100'000;
  auto [parent, cancel] = weft::with_cancel(weft::background());
  std::vector<weft::context> all;
  for (int i = 0; i < children; ++i) all.push_back(weft::with_cancel(parent).ctx);
  const bench::stopwatch watch;
  cancel();
  r.record(watch.ns_each(children), "ns");
  r.check(all.back().cancelled() ? 1 : 0, 1, "cancelled");
});

/// A buffered send and a receive that finds the value there.
const bench::entry receive_plain("context_recv_ready_without", [](bench::recorder& r) {
  const std::int64_t times = r.count(1'000'000);
  const weft::chan<int> c(1);
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    c.send(1);
    sum += *c.recv();
  }
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times, "received");
});

/// In Go: a select of the channel and of ctx.Done().
const bench::entry receive_with("context_recv_ready_with", [](bench::recorder& r) {
  const std::int64_t times = r.count(1'000'000);
  const weft::chan<int> c(1);
  const auto made = weft::with_cancel(weft::background());
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    c.send(1);
    sum += *c.recv(made.ctx);
  }
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times, "received");
});

/// A select that finds a value in the first of two channels, alone and beside a context.
template <class... Done>
void select_ready(bench::recorder& r, Done... done) {
  const std::int64_t times = r.count(1'000'000);
  const weft::chan<int> c(1);
  const weft::chan<int> other(1);
  std::int64_t sum = 0;
  std::optional<int> v;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    c.send(1);
    weft::select(weft::on_recv(c, v), weft::on_recv(other), weft::on_done(done)...);
    sum += *v;
  }
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times, "received");
}
const bench::entry select_without("context_select_ready_without",
                                  [](bench::recorder& r) { select_ready(r); });
const bench::entry select_with("context_select_ready_with", [](bench::recorder& r) {
  select_ready(r, weft::with_cancel(weft::background()).ctx);
});

/// Two goroutines hand a value to and fro; the one that waits can be cancelled.
const bench::entry parked("context_recv_parked_with", [](bench::recorder& r) {
  const std::int64_t times = r.count(200'000);
  const auto made = weft::with_cancel(weft::background());
  const weft::chan<int> there;
  const weft::chan<int> back;
  weft::go([=, ctx = made.ctx] {
    while (auto v = there.recv(ctx)) back.send(*v);
    back.close();
  });
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (int i = 0; i < times; ++i) {
    there.send(1);
    sum += *back.recv(made.ctx);
  }
  r.record(watch.ns_each(times), "ns");
  r.check(sum, times, "received");
  made.cancel();
  back.recv();
});

}  // namespace
