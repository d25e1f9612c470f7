// Concurrency against parallelism, measured: the same sixty-four goroutines count primes on one
// processor, then on more, up to all of them. The program stays the same; only the time changes.
// The count is checked against the known number of primes, so the work was really done.
#include <chrono>
#include <cstdio>
#include <numeric>
#include <vector>

#include <weft/weft.hpp>

constexpr int limit = 3'000'000;
constexpr int primes_below_limit = 216'816;
constexpr int goroutines = 64;

bool is_prime(int n) {
  if (n < 4) return n > 1;
  if (n % 2 == 0) return false;
  for (int d = 3; d * d <= n; d += 2)
    if (n % d == 0) return false;
  return true;
}

int count_primes() {
  std::vector<int> found(goroutines);
  weft::wait_group all;
  for (int g = 0; g < goroutines; ++g)
    all.go([g, &mine = found[static_cast<std::size_t>(g)]] {
      int count = 0;
      for (int n = g; n < limit; n += goroutines) count += is_prime(n);
      mine = count;
    });
  all.wait();
  return std::accumulate(found.begin(), found.end(), 0);
}

int main() {
  bool right = true;
  double alone_s = 0;
  for (int procs = 1; procs <= weft::num_cpu();) {
    weft::set_max_procs(procs);
    const auto start = weft::clock::now();
    const int primes = count_primes();
    const std::chrono::duration<double> took = weft::clock::now() - start;

    right = right && primes == primes_below_limit;
    if (procs == 1) alone_s = took.count();
    std::printf("%3d of %d processors: %d primes in %.3f s, speed-up %.2f\n", procs,
                weft::num_cpu(), primes, took.count(), alone_s / took.count());
    procs = procs < weft::num_cpu() && procs * 2 > weft::num_cpu() ? weft::num_cpu() : procs * 2;
  }
  if (!right) std::puts("wrong: there are 216816 primes below 3000000");
  return right ? 0 : 1;
}
