// The first 5,000 primes, by a chain of goroutines, one for each prime, with unbuffered channels in
// between: numbers come in, those that the prime divides do not go out.
#include "bench.hpp"

namespace {

const bench::entry sieve("prime_sieve_5000", [](bench::recorder& r) {
  const std::int64_t limit = r.count(48'611);  // the 5,000th prime
  const bench::stopwatch watch;
  bench::numbers in;
  weft::go([in, limit] {
    for (std::int64_t v = 2; v <= limit; ++v) in.send(v);
    in.close();
  });
  std::int64_t primes = 0;
  std::int64_t sum = 0;
  while (const auto prime = in.recv()) {
    ++primes;
    sum += *prime;
    const bench::numbers out;
    weft::go([in, out, p = *prime] {
      for (const std::int64_t v : in)
        if (v % p != 0) out.send(v);
      out.close();
    });
    in = out;
  }
  r.record(watch.ms(), "ms");
  if (limit == 48'611) bench::expect_equal(primes, 5'000, "primes");
  r.note(sum);
});

}  // namespace
