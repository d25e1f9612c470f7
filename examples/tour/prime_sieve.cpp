// The sieve of Eratosthenes as a growing chain of goroutines: each one owns a prime and lets pass
// only what that prime does not divide. `weft::run` makes the program Go's own: it ends when its
// main goroutine returns, and drops the hundred others where they stand.
#include <iostream>
#include <string>

#include <weft/weft.hpp>

weft::recv_chan<int> count_from_two() {
  weft::chan<int> out;
  weft::go([=] {
    for (int n = 2;; ++n) out.send(n);
  });
  return out;
}

weft::recv_chan<int> without_multiples(int prime, weft::recv_chan<int> in) {
  weft::chan<int> out;
  weft::go([=] {
    for (int n : in)
      if (n % prime != 0) out.send(n);
  });
  return out;
}

int main() {
  weft::run([] {
    weft::recv_chan<int> candidates = count_from_two();
    for (int i = 0; i < 100; ++i) {
      const int prime = *candidates.recv();
      std::cout << std::to_string(prime) + "\n";
      candidates = without_multiples(prime, candidates);
    }
  });
}
