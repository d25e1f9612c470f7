// What does a parked goroutine cost in memory, and what do many of them cost in CPU while idle?
//
// A program of its own, for one benchmark at a time (`--only parked --count 1000000`), once: what
// others left behind would be counted otherwise.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "bench.hpp"

namespace {

using namespace std::chrono_literals;

/// A field of /proc/self/status, in bytes.
std::int64_t status_bytes(std::string_view field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(std::string(field) + ':', 0) == 0)
      return std::strtoll(line.c_str() + field.size() + 1, nullptr, 10) * 1024;
  return 0;
}

struct crowd {
  std::int64_t count;
  weft::chan<void> begin{};
  weft::wait_group all{};
  std::atomic<std::int64_t> arrived{0};
  std::atomic<std::int64_t> woken{0};

  void park() {
    for (std::int64_t i = 0; i < count; ++i)
      all.go([this] {
        arrived.fetch_add(1, std::memory_order_relaxed);
        begin.recv();
        woken.fetch_add(1, std::memory_order_relaxed);
      });
    while (arrived.load() < count) weft::yield();
  }
  void wake() {
    begin.close();
    all.wait();
  }
};

const bench::entry parked("parked", [](bench::recorder& r) {
  const std::int64_t resident = status_bytes("VmRSS");
  const std::int64_t tables = status_bytes("VmPTE");
  crowd c{r.count_or(1'000'000)};
  const auto operations = static_cast<std::size_t>(c.count);
  const auto each = [&c](std::int64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(c.count);
  };
  const bench::stopwatch create;
  c.park();
  r.record("create", create.ns_each(operations), "ns");
  weft::sleep_for(100ms);  // the last of them is parked, not only about to
  r.record("resident", each(status_bytes("VmRSS") - resident), "B");
  r.record("page_tables", each(status_bytes("VmPTE") - tables), "B");
  const bench::stopwatch wake;
  c.wake();
  r.record("wake", wake.ns_each(operations), "ns");
  r.check(c.woken.load(), c.count, "woken");
});

/// Goroutines that have not begun: their starter does not let go of its processor.
const bench::entry queued("queued", [](bench::recorder& r) {
  const std::int64_t number = r.count_or(1'000'000);
  const std::int64_t resident = status_bytes("VmRSS");
  std::atomic<std::int64_t> ran{0};
  const weft::wait_group all;
  const bench::stopwatch create;
  for (std::int64_t i = 0; i < number; ++i)
    all.go([&ran] { ran.fetch_add(1, std::memory_order_relaxed); });
  r.record("create", create.ns_each(number), "ns");
  const std::int64_t now = status_bytes("VmRSS");
  r.record("resident", static_cast<double>(now - resident) / static_cast<double>(number), "B");
  all.wait();
  r.check(ran.load(), number, "run");
});

/// The same crowd with its stacks packed; "before": what each takes until then.
const bench::entry packed("parked_packed", [](bench::recorder& r) {
  const std::int64_t resident = status_bytes("VmRSS");
  const std::int64_t tables = status_bytes("VmPTE");
  crowd c{r.count_or(1'000'000)};
  const auto operations = static_cast<std::size_t>(c.count);
  const auto each = [&c](std::int64_t bytes) {
    return static_cast<double>(bytes) / static_cast<double>(c.count);
  };
  c.park();
  weft::sleep_for(100ms);
  r.record("before", each(status_bytes("VmRSS") - resident), "B");
  const double cpu = bench::cpu_ms();
  const bench::stopwatch pack;
  if (!weft::set_pack_parked_after(1ms)) {
    std::fputs("parked goroutines cannot be packed here\n", stderr);
    c.wake();
    return r.check(c.woken.load(), c.count, "woken");
  }
  // A few may have been touched since, and are not packed again.
  while (static_cast<std::int64_t>(weft::num_packed()) < c.count - c.count / 1000)
    weft::sleep_for(1ms);
  r.record("pack", pack.ns_each(operations), "ns");
  r.record("pack_cpu", (bench::cpu_ms() - cpu) * 1e6 / static_cast<double>(c.count), "ns");
  r.record("resident", each(status_bytes("VmRSS") - resident), "B");
  r.record("page_tables", each(status_bytes("VmPTE") - tables), "B");
  const bench::stopwatch wake;
  c.wake();
  r.record("wake", wake.ns_each(operations), "ns");
  r.check(c.woken.load(), c.count, "woken");
  weft::set_pack_parked_after(0ms);
});

const bench::entry idle("idle_cpu_2s", [](bench::recorder& r) {
  crowd c{r.count_or(100'000)};
  c.park();
  weft::sleep_for(200ms);  // spinning workers come to rest
  const double before = bench::cpu_ms();
  weft::sleep_for(2s);
  r.record(bench::cpu_ms() - before, "ms");
  c.wake();
  r.check(c.woken.load(), c.count, "woken");
});

}  // namespace

int main(int argc, char** argv) {
  bench::options o = bench::parse(argc, argv);
  o.rounds = 1;
  o.warm_up = false;
  return bench::run_in_goroutine(o);
}
