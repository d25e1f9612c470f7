// Runs every row on one processor and prints what was allocated, and the sizes, as JSON.
//
// A row's runs are n, 2n, n, 2n ... operations, with a mark before each and after the last; so the
// k-th run of all is what callgrind counted between the marks k and k + 1, from 0.
#include "gate.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "sched/scheduler.hpp"

/// callgrind knows it by its name; the asm keeps its calls from being merged or dropped.
extern "C" [[gnu::noinline]] void gate_mark() { asm volatile("" ::: "memory"); }

namespace gate {
namespace {

struct known_row {
  const char* name;
  body run;
  std::int64_t times;
};

struct known_size {
  const char* name;
  std::size_t bytes;
  void (*make)();
};

std::vector<known_row>& rows() {
  static std::vector<known_row> all;
  return all;
}

std::vector<known_size>& sizes() {
  static std::vector<known_size> all;
  return all;
}

constexpr int samples = 5;

/// A select looks at its cases in a random order: the same one in every run.
void deal_again() { weft::detail::this_rng() = weft::detail::rng(1); }

void print_row(const known_row& r, bool first) {
  std::printf("%s\n    {\"name\": \"%s\", \"times\": %lld, \"allocated\": [", first ? "" : ",",
              r.name, static_cast<long long>(r.times));
}

void run_row(const known_row& r, bool first) {
  deal_again();
  r.run(r.times);
  print_row(r, first);
  for (int i = 0; i < 2 * samples; ++i) {
    deal_again();
    const allocated before = allocated_so_far();
    gate_mark();
    r.run(i % 2 == 0 ? r.times : 2 * r.times);
    const allocated after = allocated_so_far();
    std::printf("%s[%lld, %lld]", i == 0 ? "" : ", ",
                static_cast<long long>(after.times - before.times),
                static_cast<long long>(after.bytes - before.bytes));
  }
  gate_mark();
  std::printf("]}");
}

/// The least of a few, since other threads (the monitor) may allocate meanwhile.
std::size_t bytes_of(const known_size& s) {
  if (!s.make) return s.bytes;
  s.make();
  std::int64_t least = INT64_MAX;
  for (int i = 0; i < samples; ++i) {
    const std::int64_t before = allocated_so_far().bytes;
    s.make();
    least = std::min(least, allocated_so_far().bytes - before);
  }
  return static_cast<std::size_t>(least);
}

void run_all(const char* only) {
  std::printf("{\"build\": \"%s\", \"machine\": \"%s\",\n  \"rows\": [", GATE_BUILD, GATE_MACHINE);
  bool first = true;
  for (const known_row& r : rows()) {
    if (only && !std::strstr(r.name, only)) continue;
    run_row(r, first);
    first = false;
  }
  std::printf("],\n  \"sizes\": {");
  first = true;
  for (const known_size& s : sizes()) {
    std::printf("%s\n    \"%s\": %zu", first ? "" : ",", s.name, bytes_of(s));
    first = false;
  }
  std::printf("}}\n");
}

}  // namespace

row::row(const char* name, body run, std::int64_t times) { rows().push_back({name, run, times}); }

size::size(const char* name, std::size_t bytes) { sizes().push_back({name, bytes, nullptr}); }
size::size(const char* name, void (*make)()) { sizes().push_back({name, 0, make}); }

void expect_equal(std::int64_t got, std::int64_t wanted, const char* what) {
  if (got == wanted) return;
  std::fprintf(stderr, "%s: %lld instead of %lld\n", what, static_cast<long long>(got),
               static_cast<long long>(wanted));
  std::exit(2);
}

}  // namespace gate

int main(int argc, char** argv) {
  weft::set_max_procs(1);
  weft::run([only = argc > 1 ? argv[1] : nullptr] { gate::run_all(only); });
}
